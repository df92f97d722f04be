"""The files that a test worker holds open: garbage is not looked for often, and may hold many."""

import gc
import os

MANY = 300


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
