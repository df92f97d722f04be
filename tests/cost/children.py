"""A program that was forked forks the processes that it starts beside it, too.

The service starts two of the store, and one for templates, and each would import for a tenth of a
second what is imported already: of all starts in the tests that was the larger half. Such a process
is a child of the service like any other, with its environment, files, signals and end of its own,
and its command line is the one that it was started with. What a service is started through (`wrap`)
and `TIDINGS_TESTS_FRESH=1` have them started by the system.
"""

import atexit
import contextvars
import ctypes
import gc
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

FORKED = ("tidings.store.sqlite.process", "tidings.transform.worker")
ROOM = " " * 1000
"""An argument of the process that forks: here its children write their own command lines."""

Run = Callable[[], None]
"""Runs the program of `sys.argv`, and does not return."""


class Popen(subprocess.Popen[Any]):
    """`subprocess.Popen`, but for a process of the service."""

    run: Run

    # The signature is the base class's, which is private; that is why it is not spelt out.
    def _execute_child(self, args: Any, *rest: Any) -> None:
        (_, _, _, pass_fds, _, env, _, _, _, *ends) = rest
        words = [] if isinstance(args, str) else [os.fsdecode(word) for word in args]
        if words[1:2] != ["-m"] or words[2] not in FORKED:
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # else the child would write it once more
        self.pid = os.fork()
        if self.pid == 0:
            contextvars.Context().run(_become, words, ends[0], pass_fds, env, self.run)
        self._child_created = True
        self._close_pipe_fds(*ends[:6])  # type: ignore[attr-defined]


def fork_children(run: Run) -> None:
    """From now on in this process."""
    Popen.run = staticmethod(run)
    subprocess.Popen = Popen  # type: ignore[misc]


def _become(
    words: list[str], stdin: int, files: Iterable[int], environment: dict[str, str], run: Run
) -> NoReturn:
    try:
        gc.freeze()  # what the parent has open is not closed here: its number may be another's
        atexit._clear()
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if stdin >= 0:
            os.dup2(stdin, 0)
        _close_all_but({0, 1, 2, *files})
        os.environ.clear()
        os.environ.update(environment)
        _show_as(words)
        sys.argv = words[2:]
        run()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(70)


def _close_all_but(kept: set[int]) -> None:
    for number in {int(name) for name in os.listdir("/proc/self/fd")} - kept:
        with suppress(OSError):  # what the list was read by
            os.close(number)


def _show_as(words: list[str]) -> None:
    """Write a command line where the system reads it, which is in the memory of the process."""
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    began, ends = int(fields[45]), int(fields[46])  # arg_start and arg_end
    said = b"".join(word.encode() + b"\0" for word in words)
    assert len(said) <= ends - began, "the command line is too long for its room"
    ctypes.memmove(began, said.ljust(ends - began, b"\0"), ends - began)
