"""A plugin that stalls tests, as a machine with too much to do does.

`TIDINGS_STALLS=7 pytest -p tests.loops.stalled PATH…` holds the main thread of each test for a
tenth of a second to half a second, at points that are drawn by the seed (7) and the test's name:
the first after a millisecond or so of its processor time, the others ever further apart.
`TIDINGS_STALLS=sleeps …` stalls where it hurts most instead: each short `asyncio.sleep` and
`asyncio.timeout` that a test awaits is over before anything else has had more than one turn.

What a test expects within a tenth of a second by the clock fails here, alone and each time, instead
of once in a hundred runs beside others.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

FIRST_S, APART = 0.001, 1.25  # of the processor until the first stall, and from one to the next
STALLS_S = (0.1, 0.15, 0.5)
SHORT_S = 1.0
TESTS = str(Path(__file__).parents[1])
_NAME = "TIDINGS_STALLS"
_SEED = os.environ.get(_NAME, "1")


class Stalls:
    """The stalls of one test."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(f"{_SEED} {name}")
        self._next_s = FIRST_S

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Let them come for a while."""
        previous = signal.signal(signal.SIGVTALRM, self._stall)
        self._arm()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, previous)

    def _arm(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, self._next_s * self._random.uniform(0.3, 1.5))
        self._next_s *= APART

    def _stall(self, number: int, frame: FrameType | None) -> None:
        time.sleep(self._random.choice(STALLS_S))
        self._arm()


def _stall_now(seconds: float) -> None:
    """Stall the loop for so long behind what is ready by now, where time is that of the wall and a
    test is who asks."""
    loop = asyncio.get_running_loop()
    of_wall = type(loop).__module__.partition(".")[0] in ("asyncio", "uvloop")
    if of_wall and sys._getframe(2).f_code.co_filename.startswith(TESTS):
        loop.call_soon(time.sleep, seconds + 0.002)


@contextmanager
def _short_sleeps_lost() -> Iterator[None]:
    sleep, timeout = asyncio.sleep, asyncio.timeout

    def stalled_sleep(delay: float, result: Any = None) -> Any:
        if 0 < delay < SHORT_S:
            _stall_now(delay)
        return sleep(delay, result)

    def stalled_timeout(delay: float | None) -> Any:
        if delay is not None and 0 < delay < SHORT_S:
            _stall_now(delay)
        return timeout(delay)

    patch = pytest.MonkeyPatch()
    patch.setattr(asyncio, "sleep", stalled_sleep)
    patch.setattr(asyncio, "timeout", stalled_timeout)
    try:
        yield
    finally:
        patch.undo()


def pytest_runtest_setup() -> None:
    """Hide our own setting from the commands that tests run: it is none of theirs."""
    os.environ.pop(_NAME, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run one test with its stalls."""
    with _short_sleeps_lost() if _SEED == "sleeps" else Stalls(item.nodeid).coming():
        return (yield)
