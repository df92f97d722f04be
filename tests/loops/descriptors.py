"""The files that a test worker holds open: garbage is not looked for often, and may hold many."""

import gc
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 300
_STANDARD = (0, 1, 2)
"""Open in each test: input, output and what is said of errors."""


class Descriptors:
    """Those of this process."""

    def __init__(self) -> None:
        self._most = MANY

    def give_back(self) -> None:
        """Have the garbage collected where many files are open, so that those in it are closed.

        What fixtures hold stays: the next time is when as many again have come.
        """
        if held() > self._most:
            gc.collect()
            self._most = held() + MANY


def held() -> int:
    """Count the files that this process holds open."""
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def none_left() -> Iterator[None]:
    """Let this process open no file at all for a while; what is open stays so.

    The bound lies under all that a test may close meanwhile, in whatever thread: a number that
    becomes free is of no use to anybody.
    """
    for number in _STANDARD:
        os.fstat(number)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(_STANDARD), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
