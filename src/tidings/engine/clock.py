"""Time as the engine sees it. Durations come from the running loop, dates from here."""

import time
from functools import partial
from typing import Protocol

from tidings.core.steady_clock import SteadyClock


class Clock(Protocol):
    """The wall clock."""

    def now_ms(self) -> int:
        """Return the milliseconds since the epoch."""


class WallClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


def service_clock() -> SteadyClock:
    """Build the clock of the service: the machine's, without its leaps."""
    boot = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return SteadyClock(WallClock().now_ms, partial(time.clock_gettime, boot))


def leaping(clock: Clock) -> bool:
    """Return whether the dates of deliveries may be by another clock than its own at this
    moment."""
    return isinstance(clock, SteadyClock) and clock.leaping


def sure(clock: Clock) -> bool:
    """Return whether its date may end a delivery. One that cannot say so is taken at its word."""
    return not isinstance(clock, SteadyClock) or clock.sure
