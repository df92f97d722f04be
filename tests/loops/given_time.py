"""How long something lasts of the time that the machine gave to who takes part in it.

A test that runs alone, or beside few that wait as it does, asks for times of a real service by the
clock on the wall, and hangs on a machine that stands still for a second, or gives the service a
tenth of a core. Here that is seen while it happens, and is not counted: ticks of this process that
come late, time in which the main threads of the processes that are named waited for a core, and
what the host took of the cores. What the service itself does, and what it waits for, counts in
full.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

TICK_S = 0.01
LATE_S = 0.05
"""A tick that is later than this was held up by others, and not by a thread of this process."""
_STOLEN, _STAT_HZ = 8, 100
"""Where `/proc/stat` says what the host took, and in which parts of a second."""


class GivenTime:
    """Of the time since it was made, what was given."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._moments, self._taken = [time.monotonic()], [0.0]
        self._before = self._others()
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="given-time", daemon=True)
        self._watching.start()

    def between(self, from_s: float, to_s: float) -> float:
        """Return the seconds between two moments of `time.monotonic` that were given."""
        return (to_s - from_s) - (self._taken_until(to_s) - self._taken_until(from_s))

    def since(self, from_s: float) -> float:
        """Return those from a moment until now."""
        return self.between(from_s, time.monotonic())

    def end(self) -> None:
        """Watch no longer; what was seen may still be asked for."""
        self._ended.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._ended.wait(TICK_S):
            self._look()
        self._look()

    def _look(self) -> None:
        now_s, others = time.monotonic(), self._others()
        passed_s = now_s - self._moments[-1]
        late_s = passed_s - TICK_S if passed_s > LATE_S else 0.0
        taken_s = min(passed_s, late_s + max(0.0, others - self._before))
        self._before = others
        self._taken.append(self._taken[-1] + taken_s)
        self._moments.append(now_s)

    def _others(self) -> float:
        """Seconds for which the processes waited for a core, and which the host took."""
        return sum(map(waited_for_core_s, self._pids)) + _stolen_s()

    def _taken_until(self, at_s: float) -> float:
        moments, taken = self._moments, self._taken
        after = bisect_right(moments, at_s, hi=len(taken))
        if after in (0, len(taken)):
            return taken[min(after, len(taken) - 1)]
        from_s, to_s = moments[after - 1], moments[after]
        share = (at_s - from_s) / (to_s - from_s)
        return taken[after - 1] + share * (taken[after] - taken[after - 1])


@contextmanager
def given_time(*pids: int) -> Iterator[GivenTime]:
    """Watch the machine: for this process alone, or also for programs and their children."""
    watched: list[int] = []
    for pid in pids:
        main = psutil.Process(pid)
        watched += [main.pid, *(child.pid for child in main.children(recursive=True))]
    given = GivenTime(*watched)
    try:
        yield given
    finally:
        given.end()


def waited_for_core_s(pid: int) -> float:
    """Return how long the main thread of a process has waited for a core; 0 of one that is over."""
    with suppress(OSError):
        _, waited, _ = Path(f"/proc/{pid}/schedstat").read_text("ascii").split()
        return int(waited) / 1e9
    return 0.0


def _stolen_s() -> float:
    with Path("/proc/stat").open("rb") as file:
        return int(file.readline().split()[_STOLEN]) / _STAT_HZ
