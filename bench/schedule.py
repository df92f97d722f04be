"""When the events of an open loop are due, and a timer that is exact enough for it."""

import ctypes
import os
import random
import struct

CLOCK_MONOTONIC = 1
TIMER_ABSOLUTE = 1
TIMER_NONBLOCK = 0o4000


class Timer:
    """A timer of the kernel: uvloop's own has a grain of a millisecond."""

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self.libc.timerfd_create(CLOCK_MONOTONIC, TIMER_NONBLOCK)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def set(self, at: int) -> None:
        value = struct.pack("qqqq", 0, 0, *divmod(at, 1_000_000_000))
        self.libc.timerfd_settime(self.fd, TIMER_ABSOLUTE, value, None)

    def clear(self) -> None:
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            pass


def due_times(
    start: int, seconds: float, rate: float, seed: int | None, *, even: bool
) -> list[int]:
    """When each event is due, fixed before the first is sent: so many a second, by chance or
    evenly; one at least."""
    gap = random.Random(seed).expovariate
    end, due = start + int(seconds * 1e9), float(start)
    times: list[int] = []
    while True:
        due += 1e9 * (1 / rate if even else gap(rate))
        if due >= end:
            return times or [(start + end) // 2]
        times.append(int(due))
