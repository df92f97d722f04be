"""How each webhook's receiver does: remembered over restarts, and acted upon.

Only webhooks that fail have an entry, always or in part. Changes are written behind, a few times
a second at most: what a crash forgets is a moment of a failure that will be seen again. The
attempts of the last minutes are only in memory; a start makes them out of what the store knows.

What an owner is to be told is written down as told once it is (`on_notified`), and not before:
until then the row says what it said, and whoever comes after a stop tells it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import msgspec
import structlog

from tidings.core.delivery.outcome import LANE_PAUSE_MAX_S
from tidings.core.delivery.receivers.attempt_share import (
    BUCKET_S,
    AttemptShare,
    Past,
    window_from_ms,
)
from tidings.core.delivery.receivers.breaker import JITTER, PAUSE_MAX_S, Breaker, Pause, Position
from tidings.core.delivery.receivers.health import (
    DEFAULT_POLICY,
    FIRST,
    HOPELESS,
    HOPELESS_ACTION,
    Disable,
    HealthPolicy,
    disables_at_ms,
    judge,
    to_tell,
)
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.running.service_part import ServicePart
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import Ask, Notify, ReadSeconds
from tidings.engine.clock import Clock
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.listeners import Listeners
from tidings.engine.outage import Outage
from tidings.store import port

WRITE_EVERY_S = 2.0
REVIEW_EVERY_S = 30.0
COUNT_EVERY_S = 600.0
SAME_MS = 100  # two times that lie nearer are the same one, read by two clocks
PARK_SLICE = 500
BUCKET_MS = round(BUCKET_S * 1000)
PAST_MAX = 20_000  # deliveries whose attempts a start reads
PART = ServicePart(
    "receivers' health",
    "failing webhooks are not told of, and what has waited its whole time is not parked",
)

log = structlog.get_logger(__name__)


class HealthOwnerListener(Protocol):
    """Tells the owners of webhooks how their receivers do. `on_notified` is called once
    that is sure."""

    def failing(
        self,
        webhook: Webhook,
        health: port.StoredHealth,
        until_ms: int,
        on_notified: Notify,
    ) -> None:
        """Report to a webhook's owner that the receiver has failed for a while; the webhook is
        disabled at `until_ms` if that goes on."""

    def recovered(self, webhook: Webhook, since_ms: int, on_notified: Notify) -> None:
        """Report that it succeeds again, having failed since then; its owner had heard of that."""


class _PendingNotice(msgspec.Struct):
    """The row of a webhook whose owner has not been told of all that became of it."""

    row: port.StoredHealth  # as it was before the first of them
    facts: int = 0  # that are on their way

    def of(self, known: port.StoredHealth) -> port.StoredHealth:
        """Return what is known now, less that somebody was told."""
        if known.failing_since_ms is None:
            return self.row  # it has recovered
        return msgspec.structs.replace(known, notified=min(known.notified, self.row.notified))


class HealthTracker:
    """The failing webhooks of this process."""

    def __init__(
        self,
        *,
        store: port.HealthStore,
        registry: Registry,
        clock: Clock,
        owners: HealthOwnerListener,
        parked: Listeners[Webhook, int],
        passed_s: ReadSeconds | None = None,
        sure: Ask = lambda: True,
        policy: HealthPolicy = DEFAULT_POLICY,
        connections: ConnectionWatch | None = None,
        held: Listeners[str] | None = None,
    ) -> None:
        """`owners` tells those of webhooks; `parked`, how many deliveries of a webhook were, each
        time; `held` hears of connections that are, whose webhooks' deliveries are parked at the
        end of their window as behind an open breaker. `passed_s` is a clock that is never set,
        `sure` whether the date may end a delivery."""
        self._connections = connections
        self._passed_s = passed_s or (lambda: clock.now_ms() / 1000)
        self._sure = sure
        self._policy = policy
        self._failed_here: set[int] = set()  # that have failed while this process ran
        self._counted_s: dict[int, float] = {}  # up to when its failing time is counted
        self._store = store
        self._registry = registry
        self._clock = clock
        self._owners = owners
        self._parked = parked
        self._attempts: dict[int, AttemptShare] = {}  # of those that were tried, the last minutes
        self._failing: dict[int, port.StoredHealth] = {}
        self._dirty: set[int] = set()
        self._untold: dict[int, _PendingNotice] = {}
        self._changed = asyncio.Event()  # something is dirty
        self._writing = Outage("how receivers do")
        self._parking = Outage("the parking of what has waited its whole window")
        if held is not None:
            held.add(lambda _: self._changed.set())  # there is something to look at, or no more

    def window_from_ms(self) -> int:
        """Return the date since which attempts count, for a start to ask the store."""
        return window_from_ms(self._passed_s(), self._clock.now_ms())

    def load(self, healths: Sequence[port.StoredHealth], past: Iterable[Past] = ()) -> None:
        """Take up what a former owner knew, and what it saw in the last minutes."""
        self._failing = {health.webhook: health for health in healths}
        seen: dict[int, list[Past]] = {}
        for past_attempts in past:
            seen.setdefault(past_attempts.webhook, []).append(past_attempts)
        for webhook, attempts in seen.items():
            known = self._failing.get(webhook)
            since_ms, run = (None, 0) if known is None else (known.partly_since_ms, known.failures)
            self._tried(webhook).resume(self._passed_s(), since_ms, attempts, run)
        self._counted_s = dict.fromkeys(self._failing, self._passed_s())

    def of(self, webhook: int) -> port.StoredHealth | None:
        """Return what is kept of its failures; None where the last attempt succeeded."""
        known = self._failing.get(webhook)
        if known is None or known == port.StoredHealth(
            webhook, partly_since_ms=known.partly_since_ms
        ):
            return None
        return known

    def shown(self, webhook: int) -> port.StoredHealth | None:
        """Return its health for people; None where it is healthy.

        By its attempts of the last minutes and not by the last one alone: what fails now and then
        would be well and failing by turns.
        """
        known, attempts = self._failing.get(webhook), self._attempts.get(webhook)
        if known is not None and not known.fails:
            known = None  # it is well, and has only said when to come back
        if attempts is None or (known is not None and known.left_alone):
            return known
        now_s = self._passed_s()
        share = attempts.failing(now_s)
        if share is None:
            return known if attempts.only_fails(now_s) else None
        known = known or port.StoredHealth(webhook)
        since_ms = share.since_ms
        if attempts.only_fails(now_s) and known.failing_since_ms is not None:
            since_ms = min(since_ms, known.failing_since_ms)
        return msgspec.structs.replace(
            known, failing_since_ms=since_ms, cause=share.cause or known.cause, share=share
        )

    def delivers(self, webhook: int, attempts_min: int = 0) -> bool:
        """Return whether its receiver has taken something in the last minutes, of so many attempts
        at least, and fails at nothing since."""
        known, attempts = self._failing.get(webhook), self._attempts.get(webhook)
        fails = known is not None and known.failing_since_ms is not None
        if attempts is None or fails or attempts.only_fails(self._passed_s()):
            return False
        return sum(attempts.attempts) >= attempts_min

    @property
    def failing_numbers(self) -> list[int]:
        """List the webhooks of which a health is kept: all that fail are among them."""
        return list(self._failing)

    @property
    def open_causes(self) -> Counter[str]:
        """Count the webhooks that are left alone, by the status or the fault that their receivers
        end with; as `replay` if today's events have seen no failure, only a replay's deliveries."""
        return Counter(
            health.cause or "replay" for health in self._failing.values() if health.left_alone
        )

    def pause_of(self, webhook: int) -> Pause | None:
        """Return what is left of the pause of its breaker; None where that is closed."""
        known = self._failing.get(webhook)
        if known is None or not known.opens:
            return None
        return Pause(known.opens, min(self._left_s(known), PAUSE_MAX_S * (1 + JITTER)))

    def lane_pause_of(self, webhook: int) -> float | None:
        """Return the seconds that its receiver has said to wait; None where none are left."""
        known = self._failing.get(webhook)
        left_s = 0.0 if known is None else min(self._left_s(known), LANE_PAUSE_MAX_S)
        return left_s or None

    def _left_s(self, known: port.StoredHealth) -> float:
        return max(0.0, (known.until_ms - self._clock.now_ms()) / 1000)

    # -- what attempts tell -----------------------------------------------------------------------

    def good(self, webhook: int, *, counts: bool = True) -> None:
        """Note an attempt that succeeded. One that does not count among the attempts of the last
        minutes (`counts`), as of a replay, whose failures do not count either, ends a total failure
        all the same."""
        attempts = self._tried(webhook)
        if counts:
            attempts.good(self._passed_s())
        else:
            attempts.recover(self._passed_s())
        known, partly_ms = self._failing.get(webhook), attempts.since_ms
        if known is None:
            if partly_ms is not None:
                self._keep(port.StoredHealth(webhook, partly_since_ms=partly_ms))
            return
        kept = port.StoredHealth(webhook, opens=known.opens, partly_since_ms=partly_ms)
        if not known.opens and known.until_ms > self._clock.now_ms():
            kept = msgspec.structs.replace(kept, until_ms=known.until_ms)
        if kept == known:
            return
        if known.notified and (hook := self._registry.get(webhook)) is not None:
            self._tells(known)
            since_ms = known.since_ms(self._clock.now_ms())
            self._owners.recovered(hook, since_ms, partial(self.mark_notified, webhook))
        self._counted_s.pop(webhook, None)
        self._keep(kept)

    def bad(self, webhook: int, cause: str) -> str | None:
        """Note an attempt that failed, or was refused for good. Return why the webhook is to be
        disabled, if it has failed for too long; None otherwise."""
        known = self._failing.get(webhook) or port.StoredHealth(webhook)
        since, now_ms = known.failing_since_ms, self._clock.now_ms()
        attempts = self._tried(webhook)
        attempts.bad(self._passed_s(), now_ms, cause)
        health = self._failing[webhook] = msgspec.structs.replace(
            known,
            failing_since_ms=now_ms if since is None else since,
            failures=known.failures + 1,
            cause=cause,
            failing_ms=0 if since is None else known.failing_ms + self._uncounted_ms(webhook),
            partly_since_ms=attempts.since_ms,
        )
        self._counted_s[webhook] = self._passed_s()
        self._failed_here.add(webhook)
        if since is None or health.partly_since_ms != known.partly_since_ms:
            self._dirty.add(webhook)
            self._changed.set()
        return None if since is None else self._weigh(health)

    def _tried(self, webhook: int) -> AttemptShare:
        attempts = self._attempts.get(webhook)
        if attempts is None:
            attempts = self._attempts[webhook] = AttemptShare()
        return attempts

    def _weigh(self, health: port.StoredHealth) -> str | None:
        """Tell its owner what is to be told now. Why it is to be disabled, if it has failed for too
        long."""
        since, webhook = health.failing_since_ms, health.webhook
        hook = self._registry.get(webhook)
        if since is None or hook is None:
            return None
        # By the time that has passed while it was tried, not by dates: those can leap.
        failing_ms = health.failing_ms + self._uncounted_ms(webhook)
        verdict = judge(since, health.failures, since + failing_ms, self._policy)
        if isinstance(verdict, Disable):
            return (HOPELESS_ACTION if hook.type.acts else HOPELESS).format(cause=health.cause)
        step = to_tell(verdict, health.notified)
        if step is not None and self.shown(webhook) is not None:  # told as it is shown
            self._counted_s[webhook] = self._passed_s()
            self._tells(health)
            self._keep(msgspec.structs.replace(health, notified=step, failing_ms=failing_ms))
            notified = self._failing[webhook]
            self._owners.failing(
                hook, notified, self.ends_ms(notified), partial(self.mark_notified, webhook)
            )
        return None

    def ends_ms(self, health: port.StoredHealth) -> int:
        """Return when one that fails will be disabled if nothing succeeds."""
        now_ms = self._clock.now_ms()
        return disables_at_ms(health.since_ms(now_ms), health.failing_ms, now_ms, self._policy)

    def _tells(self, before: port.StoredHealth) -> None:
        """Note that the owner is being told what became of a webhook; `mark_notified` follows."""
        self._untold.setdefault(before.webhook, _PendingNotice(before)).facts += 1

    def mark_notified(self, webhook: int) -> None:
        """Note that a fact about a webhook is stored: told to its owner."""
        untold = self._untold.get(webhook)
        if untold is None:
            return
        untold.facts -= 1
        if not untold.facts:
            del self._untold[webhook]
            self._dirty.add(webhook)
            self._changed.set()

    def wait(self, webhook: int, left_s: float) -> None:
        """Note how long its receiver wants nothing; 0: another one is asked, who said nothing."""
        known = self._failing.get(webhook) or port.StoredHealth(webhook)
        until_ms = self._clock.now_ms() + round(left_s * 1000) if left_s else 0
        if known.opens:
            until_ms = max(until_ms, known.until_ms)
        if abs(until_ms - known.until_ms) > SAME_MS:
            self._keep(msgspec.structs.replace(known, until_ms=until_ms))

    def moved(
        self, webhook: int, breaker: Breaker, now_s: float, lane_pause_s: float = 0.0
    ) -> None:
        """Note its breaker's position; its receiver wants nothing for `lane_pause_s` seconds."""
        known = self._failing.get(webhook) or port.StoredHealth(webhook)
        opens, wait_s = 0, lane_pause_s
        if breaker.position is not Position.CLOSED:
            opens = breaker.opens
            if opens > known.opens:
                self._failed_here.add(webhook)
            wait_s = max(lane_pause_s, breaker.wait_s(now_s))
        until_ms = self._clock.now_ms() + round(wait_s * 1000) if opens or wait_s else 0
        if not wait_s and (breaker.is_recovering or (known.opens and not known.until_ms)):
            until_ms = 0
        self._keep(msgspec.structs.replace(known, opens=opens, until_ms=until_ms))
        self._say(known, opens)

    def _say(self, known: port.StoredHealth, opens: int) -> None:
        """Log the first pause and the end of the last one; those between bring nothing new."""
        if bool(opens) == bool(known.opens):
            return
        hook = self._registry.get(known.webhook)
        id = known.webhook if hook is None else hook.id
        if opens:
            log.warning("a receiver is left alone", webhook=id, cause=known.cause)
        else:
            log.info("a receiver is sent to again", webhook=id)

    def forget(self, webhook: int) -> None:
        """Forget how a webhook did that is deleted."""
        self._attempts.pop(webhook, None)
        self._untold.pop(webhook, None)
        self._counted_s.pop(webhook, None)
        if webhook in self._failing:
            self._keep(port.StoredHealth(webhook))

    def resume(self, webhook: int, *, anew: bool) -> None:
        """Go on with how a webhook did that is sent to again: what only fails, or is told to do so,
        fails until something succeeds. Its pause does not count on the way to being disabled, which
        begins `anew` where it was, or was but for a count; what failed in part is forgotten."""
        attempts, known = self._attempts.get(webhook), self._failing.get(webhook)
        only_fails = attempts is None or attempts.only_fails(self._passed_s())
        if known is None or not (only_fails or known.notified):
            self.forget(webhook)
            return
        self._attempts.pop(webhook, None)
        self._counted_s[webhook] = self._passed_s()
        if anew or known.failing_ms >= self._policy.disable_after_ms - COUNT_EVERY_S * 1000:
            notified = min(known.notified, FIRST)
            known = msgspec.structs.replace(known, failures=0, failing_ms=0, notified=notified)
        self._keep(msgspec.structs.replace(known, partly_since_ms=None))

    def _keep(self, health: port.StoredHealth) -> None:
        self._dirty.add(health.webhook)
        self._changed.set()
        if health == port.StoredHealth(health.webhook):
            self._failing.pop(health.webhook, None)
        else:
            self._failing[health.webhook] = health

    def _uncounted_ms(self, webhook: int) -> int:
        now_s = self._passed_s()
        return round((now_s - self._counted_s.get(webhook, now_s)) * 1000)

    def _count(self, before_ms: int | None = None) -> None:
        """Count the time up to now of all that are failing, so that a kill forgets little of it;
        with `before_ms` of those that have failed for less."""
        for number, health in list(self._failing.items()):
            short = before_ms is None or health.failing_ms < before_ms
            if health.failing_since_ms is not None and short:
                hook = self._registry.get(number)
                more_ms = 0 if hook is None or not hook.sends else self._uncounted_ms(number)
                self._counted_s[number] = self._passed_s()
                self._keep(msgspec.structs.replace(health, failing_ms=health.failing_ms + more_ms))

    async def run(self, heart: Heart | None = None) -> None:
        """Write what has changed, and look at who fails, until cancelled."""
        heart = heart or unwatched_heart()
        loop = asyncio.get_running_loop()
        review_s = loop.time() + REVIEW_EVERY_S
        count_s = loop.time() + COUNT_EVERY_S
        while True:
            looks = self._failing or (self._connections is not None and self._connections.held())
            left_s = review_s - loop.time() if looks else None
            await heart.wait(self._changed, left_s)
            if loop.time() >= count_s:
                count_s = loop.time() + COUNT_EVERY_S
                self._count()
            if self._changed.is_set():
                self._changed.clear()
                await heart.sleep(WRITE_EVERY_S)
                with self._writing:
                    await self.write()
            if loop.time() >= review_s:
                review_s = loop.time() + REVIEW_EVERY_S
                self._count(self._policy.first_after_ms)  # of a quarter of an hour minutes matter
                self.tell_in_time()
                with self._parking:
                    await self._review()

    async def write(self) -> None:
        """Write what has changed. StoreDown: it is kept for the next time."""
        dirty = sorted(self._dirty)
        if not dirty:
            return
        rows = [self._row(number) for number in dirty]
        self._dirty.clear()
        try:
            await self._store.put_healths(rows)
        except BaseException:  # also where its task is ended: nothing is forgotten
            self._dirty.update(dirty)
            self._changed.set()
            raise

    def _row(self, webhook: int) -> port.StoredHealth:
        known, untold = (
            self._failing.get(webhook) or port.StoredHealth(webhook),
            self._untold.get(webhook),
        )
        return known if untold is None else untold.of(known)

    async def close(self) -> None:
        """Write what is known at a stop. StoreDown."""
        self._count()
        await self.write()

    def tell_in_time(self) -> None:
        """Tell for the first time of those who fail though nothing has failed at this moment:
        between two probes or two retries lies more than their owners are to wait."""
        for health in list(self._failing.values()):
            hook = self._registry.get(health.webhook)
            asked = health.webhook in self._failed_here  # not since a restart: it may be well
            if asked and not health.notified and hook is not None and hook.sends:
                self._weigh(health)  # it disables nothing: that, only an attempt does

    async def _review(self) -> None:
        """Park what has waited its whole window, behind an open breaker, for a reader, or for a
        connection that is held."""
        failing = (self._registry.get(number) for number in list(self._failing))
        held = () if self._connections is None else self._connections.held_webhooks()
        for webhook in (*failing, *self._registry.fetched(), *held):
            if webhook is not None and self.parks(webhook):
                with suppress(port.FamilyAway):  # it holds up no other
                    await self.park_overdue(webhook)

    def parks(self, webhook: Webhook) -> bool:
        """Return whether what has waited its whole window is parked now, once the date is sure: for
        a reader that never came; while its connection is held; and behind an open breaker, not
        before the receiver was asked once more by this process."""
        if webhook.type.fetched:
            return webhook.sends and self._sure()
        if self._connections is not None and self._connections.hold_of(webhook) is not None:
            return webhook.sends and self._sure()
        health = self._failing.get(webhook.number)
        if health is None or not health.opens or not webhook.sends:
            return False
        return self._sure() and webhook.number in self._failed_here

    async def park_overdue(self, webhook: Webhook) -> None:
        """Park what has waited its whole window. StoreDown."""
        before_ms = self._clock.now_ms() - int(WINDOW_S * 1000)
        moved = PARK_SLICE
        while moved >= PARK_SLICE:
            moved = await self._store.park_expired(webhook.number, before_ms, PARK_SLICE)
            if moved:
                log.warning("parked at the end of their 168 hours", webhook=webhook.id, count=moved)
                self._parked.tell(webhook, moved)
