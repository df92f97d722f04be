"""Time as the engine sees it. Durations come from the running loop, dates from here."""

import time
from typing import Protocol


class Clock(Protocol):
    """The wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...


class WallClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000
