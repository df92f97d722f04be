"""A sampler within each process of a service, by the CPU time of its main thread.

The bench copies this file as `sitecustomize.py` into a folder that PYTHONPATH names: so it is in
the service and in all that this starts, and the service knows nothing of it. What it saw while the
file `on` stood beside it is written there at the process's end, as `samples-<pid>.json`.

A timer of the kernel counts CPU time, so what waits is not seen. Each sample weighs as much as the
main thread has used since the one before: the sum is its whole time, however late a signal was. A
signal is only handled between instructions of Python; where one came during what called the frame
that has just begun (a callback of the loop, written in C), the caller has been at work, and not the
frame.
"""

import atexit
import dis
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

INTERVAL_S = 0.001
DEPTH_MAX = 60
FLAG = "on"
_RESUME = dis.opmap["RESUME"]


class Sampler:
    """See above."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._flag = folder / FLAG
        self._stacks: dict[tuple[str, ...], int] = {}
        self._main_ns = self._process_ns = self._samples = 0
        self._last = self._now()

    def begin(self) -> None:
        """Begin to look; at the process's end what was seen is written."""
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
        atexit.register(self._end)

    def _now(self) -> tuple[int, int]:
        return time.thread_time_ns(), time.process_time_ns()

    def _take(self, number: int, frame: FrameType | None) -> None:
        before, self._last = self._last, self._now()
        if not self._flag.exists():
            return
        weight = self._last[0] - before[0]
        self._main_ns += weight
        self._process_ns += self._last[1] - before[1]
        self._samples += 1
        stack = stack_of(frame)
        self._stacks[stack] = self._stacks.get(stack, 0) + weight

    def _end(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = {
            "command": sys.orig_argv,
            "main_ns": self._main_ns,
            "process_ns": self._process_ns,
            "samples": self._samples,
            "stacks": list(self._stacks.items()),
        }
        file = self._folder / f"samples-{os.getpid()}.json"
        file.write_text(json.dumps(found), "utf-8")


def stack_of(frame: FrameType | None) -> tuple[str, ...]:
    """Return what runs and who called it, as `module:function`, the innermost first."""
    if frame is not None and has_just_begun(frame):
        frame = frame.f_back
    found: list[str] = []
    while frame is not None and len(found) < DEPTH_MAX:
        found.append(f"{module_of(frame)}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return tuple(found)


def module_of(frame: FrameType) -> str:
    """Return the name of a frame's module, of one that was run as a program too."""
    name: str = frame.f_globals.get("__name__", "?")
    spec = frame.f_globals.get("__spec__")
    return name if name != "__main__" or spec is None else spec.name


def has_just_begun(frame: FrameType) -> bool:
    """Say whether a frame has done nothing yet since it was called or resumed."""
    at = frame.f_lasti
    return at >= 0 and frame.f_code.co_code[at] == _RESUME


if __name__ == "sitecustomize":
    Sampler(Path(__file__).parent).begin()
