"""Which lanes may start an attempt with a large body, and whose turn it is where they wait.

What readers fetch has a budget of its own, until it is handed out: from then on it counts as one of
those that readers have (engine/pull/pulls.py). What waits for a reader where there is none holds
half of it at most (engine/pull/unread_offers.py).
"""

from collections.abc import Iterator

from tidings.core.delivery.body_memory import (
    BodiesUnderWay,
    BodyHold,
    BodyLines,
    BodyRefusal,
)
from tidings.core.delivery.turns import Permits, Trust
from tidings.engine.delivery.runner import WebhookRunner

FETCHED_BYTES_MAX = 64 << 20
KINDS = (Trust.WELL, Trust.NEW)  # one of each kind that waits for the same room


class _Pool:
    """One budget of bodies, and the lanes that wait for it."""

    def __init__(self, bytes_max: int, permits: Permits) -> None:
        self.bodies = BodiesUnderWay(bytes_max)
        self._lines = BodyLines()
        self._permits = permits
        self._waiting: dict[int, WebhookRunner] = {}
        self._misplaced: list[WebhookRunner] = []

    @property
    def waiting(self) -> int:
        """Count the lanes that wait."""
        return len(self._waiting)

    def refusal(self, runner: WebhookRunner, size: int) -> BodyRefusal | None:
        """Return why an attempt of a lane must not hold so many bytes more; None: it may."""
        webhook, pace = runner.webhook, runner.pace
        is_sure = runner.fetched or self._permits.is_sure(webhook.org, pace)
        return self.bodies.refusal(
            webhook.org, webhook.number, size, _trust_of(runner), is_sure=is_sure
        )

    def admits(self, runner: WebhookRunner, size: int) -> bool:
        """Return whether an attempt of so many bytes may begin, and nobody waits before it."""
        if not self._waiting:
            return self.refusal(runner, size) is None
        number, trust = runner.webhook.number, _trust_of(runner)
        if number in self._waiting:
            self._lines.join(runner.webhook.org, number, trust)
        if self._lines.is_empty(trust):
            return self.refusal(runner, size) is None
        return self._next(trust) == number

    def wait(self, runner: WebhookRunner) -> None:
        """Let a lane wait for room."""
        webhook = runner.webhook
        self._waiting[webhook.number] = runner
        self._lines.join(webhook.org, webhook.number, _trust_of(runner))

    def leave(self, runner: WebhookRunner) -> bool:
        """Let a lane wait no longer; return whether it did."""
        if self._waiting.pop(runner.webhook.number, None) is None:
            return False
        self._lines.leave(runner.webhook.number)
        return True

    def take(self, runner: WebhookRunner, size: int) -> BodyHold:
        """Charge an attempt that begins."""
        webhook = runner.webhook
        if self._waiting.pop(webhook.number, None) is not None:
            self._lines.began(webhook.number)
        return self.bodies.take(webhook.org, webhook.number, size, _trust_of(runner))

    def next(self) -> Iterator[WebhookRunner]:
        """Go through those that may begin now, as far as nobody else takes what they wait for."""
        for trust in KINDS:
            before = None
            while (number := self._next(trust)) is not None and number != before:
                before, runner = number, self._waiting[number]
                if runner.lane.can_start:
                    yield runner
                else:
                    self.leave(runner)

    def _next(self, trust: Trust) -> int | None:
        """Return whose turn it is of those that wait for the same room; who is trusted otherwise
        by now waits in another line."""
        while True:
            found = self._lines.next(trust, self.next_refusal)
            if not self._misplaced:
                return found
            misplaced, self._misplaced = self._misplaced, []
            for runner in misplaced:
                self.wait(runner)

    def next_refusal(self, number: int) -> BodyRefusal | None:
        """Return why the next attempt of a lane that waits must not begin; None: it may."""
        runner = self._waiting[number]
        if self._lines.trust_of(number) is not _trust_of(runner):
            self._misplaced.append(runner)
            return BodyRefusal.SHARE
        size = runner.lane.next_bytes
        return self.refusal(runner, size) if size else None


class BodyAdmission:
    """The large bodies of attempts under way of a process."""

    def __init__(self, bytes_max: int, permits: Permits) -> None:
        """`bytes_max`: of bodies that are sent; `permits` know who is sure to be well."""
        self._sent = _Pool(bytes_max, permits)
        self._fetched = _Pool(FETCHED_BYTES_MAX, permits)

    @property
    def bytes_held(self) -> int:
        """Return the bytes of all that are under way."""
        return self._sent.bodies.held + self._fetched.bodies.held

    @property
    def waiting(self) -> int:
        """Count the lanes that wait for room."""
        return self._sent.waiting + self._fetched.waiting

    def admits(self, runner: WebhookRunner) -> bool:
        """Return whether a lane may start what is next in it, as far as its body is concerned."""
        size = runner.lane.next_bytes
        return not size or self._pool_of(runner).admits(runner, size)

    def wait(self, runner: WebhookRunner) -> None:
        """Let a lane wait for room."""
        self._pool_of(runner).wait(runner)

    def leave(self, runner: WebhookRunner) -> bool:
        """Let a lane wait no longer: for something else first, or for nothing. Return whether it
        did."""
        return self.waiting > 0 and self._pool_of(runner).leave(runner)

    def next(self) -> Iterator[WebhookRunner]:
        """Go through those that may begin now."""
        yield from self._sent.next()
        yield from self._fetched.next()

    def take(self, runner: WebhookRunner, size: int) -> BodyHold:
        """Charge an attempt that begins; returns what it holds."""
        return self._pool_of(runner).take(runner, size)

    def grow(self, runner: WebhookRunner, hold: BodyHold | None, size: int) -> BodyHold | None:
        """Charge a large message that was made for an attempt, beside what it holds; returns what
        it holds then, None where there is no room for so much."""
        pool = self._pool_of(runner)
        more = pool.bodies.charged(size) - (hold.size if hold is not None else 0)
        if more > 0 and pool.refusal(runner, more) is not None:
            return None
        if hold is None:
            webhook = runner.webhook
            return pool.bodies.take(webhook.org, webhook.number, size, _trust_of(runner))
        hold.resize(size)
        return hold

    def _pool_of(self, runner: WebhookRunner) -> _Pool:
        return self._fetched if runner.fetched else self._sent


def _trust_of(runner: WebhookRunner) -> Trust:
    return Trust.WELL if runner.fetched else runner.pace.trust
