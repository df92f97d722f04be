"""The wall clock without its leaps: time that has passed, from a date that was right.

A machine's clock can be set: by a hand, by a time server that errs, by a virtual machine that was
restored. Whoever takes a leap for time that has passed gives up deliveries and disables webhooks
that were tried for a moment. So a leap (a minute or more at once) is not followed until it has
lasted for ten minutes of time that really passed, and then by whoever owns the data, who sets what
was written by the old time right (`follow`). Up to there it goes on as if nothing had happened.

Small steps are followed at once, and so is the drift that a time server corrects. Pure: the wall
clock and a clock that cannot be set are passed in.
"""

from collections.abc import Callable

LEAP_MS = 60_000
LOOK_S = 0.001  # passes before the wall clock is looked at again: dates are asked for very often
SURE_AFTER_S = 600.0


class SteadyClock:
    """Dates of one life of a process."""

    def __init__(self, wall_ms: Callable[[], int], passed_s: Callable[[], float]) -> None:
        """`passed_s` counts seconds from any beginning, and is never set."""
        self._wall_ms = wall_ms
        self._passed_s = passed_s
        self._began_s = passed_s()
        self._offset_ms = wall_ms() - round(self._began_s * 1000)
        self._looked_s = self._began_s
        self._leapt_s: float | None = None  # when the wall clock was first seen to be elsewhere
        self._leapt_to_ms = 0
        self._followed_s = float("-inf")  # when the last leap was followed

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch, without the leaps of the wall clock."""
        passed_s = self._passed_s()
        passed_ms = round(passed_s * 1000)
        if 0 < passed_s - self._looked_s < LOOK_S:
            return passed_ms + self._offset_ms
        self._looked_s = passed_s
        offset_ms = self._wall_ms() - passed_ms
        if abs(offset_ms - self._offset_ms) < LEAP_MS:
            self._offset_ms, self._leapt_s = offset_ms, None
        elif self._leapt_s is None or abs(offset_ms - self._leapt_to_ms) >= LEAP_MS:
            self._leapt_s, self._leapt_to_ms = passed_s, offset_ms
        return passed_ms + self._offset_ms

    @property
    def sure(self) -> bool:
        """Return whether it may be relied on for what cannot be taken back: no leap is waiting, and
        the process has run for a while, for its first date may have been a wrong one."""
        self.now_ms()
        return self._leapt_s is None and self._passed_s() - self._began_s >= SURE_AFTER_S

    @property
    def leaping(self) -> bool:
        """Return whether a leap is waiting, or was followed a moment ago: what is read then may
        have its dates by either clock."""
        self.now_ms()
        return self._leapt_s is not None or self._passed_s() - self._followed_s < SURE_AFTER_S

    @property
    def leap_ms(self) -> int:
        """Return the leap that has lasted long enough to be followed; 0 if there is none."""
        self.now_ms()
        if self._leapt_s is None or self._passed_s() - self._leapt_s < SURE_AFTER_S:
            return 0
        return self._leapt_to_ms - self._offset_ms

    def follow(self, by_ms: int) -> None:
        """Follow a leap: from now on dates are `by_ms` later."""
        self._offset_ms += by_ms
        self._leapt_s = None
        self._followed_s = self._passed_s()

    def apart_ms(self, reported_ms: int) -> int:
        """Return by what the owner of the data has leapt, which says `reported_ms`; 0: not."""
        apart_ms = reported_ms - self.now_ms()
        return apart_ms if abs(apart_ms) >= LEAP_MS else 0
