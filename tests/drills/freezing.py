"""A server of PostgreSQL that is frozen with all its processes: its machine goes on to confirm what
is sent to it, and takes calls, which nobody answers."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import psutil


def freeze(postmaster: int) -> Callable[[], None]:
    """SIGSTOP of a server's processes. Return what sends SIGCONT to them."""
    os.kill(postmaster, signal.SIGSTOP)  # first, so that it starts no other
    frozen = [postmaster]
    for child in psutil.Process(postmaster).children(recursive=True):
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGSTOP)
            frozen.append(child.pid)

    def thaw() -> None:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return thaw
