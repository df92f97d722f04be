"""What tests have started and not ended: looked for when a worker has run all of its tests."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MARK = "TESTS_STARTED_BY"  # in the environment of what a worker starts, and of what that starts
LEAST_PID = 2  # 1 is that of the machine
ENDING_S = 30.0  # what is about to end may take so long, on a machine that has much to do


def mark_programs() -> None:
    """Have all programs that are started from here on known by their environment."""
    os.environ[MARK] = uuid.uuid4().hex


def refuse_signals_to_all() -> None:
    """Refuse a signal to the own group (0) or to every process (-1 and the group 1).

    Where a process is gone and its id is read as 0, `os.kill` would end the tests, `make` and
    whoever has called it, without a word.
    """
    for name in ("kill", "killpg"):
        setattr(os, name, _refusing(getattr(os, name)))


def _refusing(signals: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def signal_one(pid: int, number: int) -> None:
        if pid < LEAST_PID:
            raise ValueError(f"a signal goes to one process or its group; got the id {pid}")
        signals(pid, number)

    return signal_one


def left_running(*ours: int | None) -> dict[int, str]:
    """Return the programs that still run, by process id, a few seconds from now at the latest.

    `ours` are processes that end with this one.
    """
    until_s = time.monotonic() + ENDING_S
    while (left := _marked({os.getpid(), *ours})) and time.monotonic() < until_s:
        time.sleep(0.1)
    return left


def end_programs(pids: dict[int, str]) -> None:
    """Kill what still runs, so that a test's slip costs the machine nothing."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _marked(ours: set[int | None]) -> dict[int, str]:
    mark, found = f"{MARK}={os.environ[MARK]}".encode(), dict[int, str]()
    for place in Path("/proc").iterdir():
        if not place.name.isdigit() or int(place.name) in ours:
            continue
        with suppress(OSError):  # it has ended meanwhile, or is another's
            if mark in (place / "environ").read_bytes().split(b"\0"):
                words = (place / "cmdline").read_bytes().replace(b"\0", b" ")
                if words:  # none where it is only waited for
                    found[int(place.name)] = words.decode(errors="replace").strip()
    return found
