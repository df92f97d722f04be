"""How long something lasts of the time that this process was given.

A promise in time (an attempt ends by its deadline) cannot be seen by the clock on the wall beside
others: a test that does not run for half a second is late by as much. So the time is counted in
ticks of a hundredth of a second, each of which ends when the loop or the thread runs again: what
others took of the machine is one tick, however long it was. Work that lets no tick end is counted
as processor time. Neither is ever more than what the clock on the wall says.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK_S = 0.01


@contextmanager
def own_time() -> Iterator[Callable[[], float]]:
    """Count from now on; what is given returns the seconds so far, and no more after the end."""
    time_taken = _OwnTime()
    end = _tick_in_thread(time_taken) if _running() is None else _tick_in_loop(time_taken)
    try:
        yield time_taken.seconds
    finally:
        time_taken.ended_s = time_taken.seconds()
        end()


class _OwnTime:
    def __init__(self) -> None:
        self.ticks = 0
        self.ended_s: float | None = None
        self._began = time.monotonic(), time.process_time()

    def seconds(self) -> float:
        if self.ended_s is not None:
            return self.ended_s
        wall_s, cpu_s = self._began
        had_s = max(self.ticks * TICK_S, time.process_time() - cpu_s)
        return min(time.monotonic() - wall_s, had_s)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _tick_in_loop(time_taken: _OwnTime) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def tick() -> None:
        time_taken.ticks += 1
        if time_taken.ended_s is None:
            loop.call_later(TICK_S, tick)

    loop.call_later(TICK_S, tick)
    return lambda: None


def _tick_in_thread(time_taken: _OwnTime) -> Callable[[], None]:
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(TICK_S):
            time_taken.ticks += 1

    ticking = threading.Thread(target=tick, name="own-time")
    ticking.start()

    def end() -> None:
        ended.set()
        ticking.join()

    return end
