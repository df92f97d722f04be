"""Which lane may start another attempt: the bounds of the process, and turns where they bind."""

from collections.abc import Callable

from tidings.core.turns import Slots, Turns
from tidings.engine.post import Post


class Admission:
    """The slots of a process. While none wait for one, lanes take them as they come."""

    def __init__(self, slots: int, may_send: Callable[[], bool]) -> None:
        self.slots = Slots(slots)
        self._may_send = may_send
        self._quick = Turns()
        self._slow = Turns()
        self._slow_first = False
        self._cost_s: dict[int, float] = {}  # of those that wait

    @property
    def crowded(self) -> bool:
        """Whether others wait, so that who has just ended an attempt must wait for its turn too."""
        return bool(self._quick or self._slow)

    def admits(self, post: Post, now_s: float) -> bool:
        """Whether a slot is there for this lane."""
        slots = self.slots
        if not slots.free or not self._may_send():
            return False
        return not (slots.scarce and post.pace.slow(now_s, post.lane.running))

    def began(self, post: Post, now_s: float) -> None:
        """An attempt has started; the lane counts it already."""
        self.slots.used += 1
        post.pace.began(now_s, post.lane.running - 1)

    def ended(self, post: Post, now_s: float, took_s: float) -> None:
        """An attempt is over."""
        self.slots.used -= 1
        post.pace.ended(now_s, took_s)

    def wait(self, post: Post, now_s: float) -> None:
        """Let the lane wait for its turn."""
        webhook = post.webhook
        turns = self._slow if post.pace.slow(now_s, post.lane.running) else self._quick
        self._cost_s[webhook.number] = post.pace.cost_s
        turns.join(webhook.org, webhook.number)

    def next(self) -> int | None:
        """The webhook whose turn it is, now that a slot may be free; None where none is."""
        if not self.slots.free or not self.crowded or not self._may_send():
            return None
        slow_may = bool(self._slow) and not self.slots.scarce
        self._slow_first = slow_may and (not self._slow_first or not self._quick)
        turns = self._slow if self._slow_first else self._quick
        number = turns.take(self._cost)
        if number is not None and not self.crowded:
            self._cost_s.clear()
        return number

    def _cost(self, webhook: int) -> float:
        return self._cost_s.get(webhook, 0.0)
