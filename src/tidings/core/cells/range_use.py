"""How many ranges of numbers a cell uses up in a day, by what it has begun while it was watched."""

from collections import deque

from tidings.core.cells.ranges import RANGE_BITS, CellRanges

DAY_S, HOUR_S = 86_400.0, 3_600.0
_LOOKS = int(DAY_S / HOUR_S) + 1


class RangeUse:
    """Holds one look an hour, for a day."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=_LOOKS)
        self._numbers_a_day = 0

    def note(self, ranges: CellRanges, now_s: float) -> None:
        """Note what a cell has. `now_s`: of a clock that is never set."""
        begun = len(ranges.granted) - len(ranges.spares)
        if not self._looks or now_s - self._looks[-1][0] >= HOUR_S:
            self._looks.append((now_s, begun))
        since_s, before = self._looks[0]
        watched_s = max(now_s - since_s, HOUR_S)  # a burst of minutes is none of a day
        used = (begun - before) * max(1.0, DAY_S / watched_s)
        self._numbers_a_day = round(used) << RANGE_BITS

    @property
    def numbers_a_day(self) -> int:
        """Return how many numbers that is, of the busiest kind."""
        return self._numbers_a_day
