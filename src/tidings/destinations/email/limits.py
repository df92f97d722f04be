"""How many recipients an org may write to in a span of time. Pure; time is passed in.

Counted in slots, so that what is remembered does not grow with the limit. A restart forgets it.
"""

from collections import deque

SLOTS = 60
NAMES = ("limit_per_hour", "limit_per_day")
HOUR_S, DAY_S = 3600.0, 86_400.0


class SendWindow:
    """At most `most` in any `span_s`."""

    def __init__(self, most: int, span_s: float) -> None:
        self._most = most
        self._span_s = span_s
        self._slots: deque[tuple[int, int]] = deque()  # the number of a slot, and its count
        self._count = 0

    def wait_s(self, many: int, now_s: float) -> float:
        """Compute the seconds until `many` may go; 0: now. Where nothing else counts, more than the
        limit may go at once."""
        self._forget(now_s)
        left = min(many, self._most) + self._count - self._most
        for slot, count in self._slots:
            if left <= 0:
                break
            left -= count
            if left <= 0:
                return max(0.001, (slot + 1) * self._slot_s + self._span_s - now_s)
        return 0.0

    def take(self, many: int, now_s: float) -> None:
        """Count `many` that go; a negative number takes back what did not go after all."""
        self._forget(now_s)
        slot = int(now_s / self._slot_s)
        if self._slots and self._slots[-1][0] == slot:
            slot, counted = self._slots.pop()
            many += counted
            self._count -= counted
        self._slots.append((slot, many))
        self._count += many

    def _forget(self, now_s: float) -> None:
        while self._slots and (self._slots[0][0] + 1) * self._slot_s + self._span_s <= now_s:
            self._count -= self._slots.popleft()[1]

    @property
    def _slot_s(self) -> float:
        return self._span_s / SLOTS


class Limits:
    """Of one connection, for each org."""

    def __init__(self, hour_max: int, day_max: int) -> None:
        self._max = (hour_max, HOUR_S), (day_max, DAY_S)
        self._of: dict[int, tuple[SendWindow, ...]] = {}

    def take(self, org: int, many: int, now_s: float) -> float:
        """Let an org write to so many if it may now; else seconds until it may."""
        windows = self._of.get(org)
        if windows is None:
            windows = self._of[org] = tuple(SendWindow(most, span_s) for most, span_s in self._max)
        wait_s = max(window.wait_s(many, now_s) for window in windows)
        if wait_s == 0.0:
            for window in windows:
                window.take(many, now_s)
        return wait_s

    def decisive(self, org: int, many: int, now_s: float) -> tuple[str, int]:
        """Return the limit that an org waits for longest, by its name in the operator's file, and
        how many it admits."""
        waits = [window.wait_s(many, now_s) for window in self._of[org]]
        at = waits.index(max(waits))
        return NAMES[at], self._max[at][0]

    def give_back(self, org: int, many: int, now_s: float) -> None:
        """Give back what was taken and did not go."""
        for window in self._of[org]:
            window.take(-many, now_s)
