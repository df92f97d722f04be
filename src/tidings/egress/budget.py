"""How many connections all outlets of a process may have together: a descriptor each.

Where none is left, the kept connection that has been idle for longest is closed, whosever it is.
"""

import asyncio
from collections.abc import Callable, Hashable

UNBOUNDED = 1 << 30


class ConnectionBudget:
    """The connections of one sender, those in use and those that are kept."""

    def __init__(self, most: int = UNBOUNDED) -> None:
        self._most = most
        self._open = 0
        self._idle: dict[Hashable, Callable[[], None]] = {}

    @property
    def open(self) -> int:
        """Count the open connections."""
        return self._open

    async def take(self) -> bool:
        """Count one more, before it is made; False where all are in use."""
        closed = False
        while self._open >= self._most and self._idle:
            next(iter(self._idle.values()))()  # it is given back by being closed
            closed = True
        if self._open >= self._most:
            return False
        self._open += 1
        if closed:
            await asyncio.sleep(0)  # the loop closes it before another one is opened
        return True

    def give(self) -> None:
        """Give a connection back that has ended, or was not made."""
        self._open -= 1

    def idle(self, one: Hashable, close: Callable[[], None]) -> None:
        """Register a connection that is kept idle and may be closed, by `close`, to make room."""
        self._idle[one] = close

    def used(self, one: Hashable) -> None:
        """Remove a connection from the idle ones: it is used again, or has ended. Idempotent."""
        self._idle.pop(one, None)
