"""Answers whose bodies nobody reads: given a moment to end by themselves, then closed.

While such a request is held, the client's thread takes a small body off the connection, which can
then be used again. Closing each at once would cost a connection per answer whose body comes in a
packet of its own, and about 6 µs.
"""

import asyncio
from collections import deque

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest

UNREAD_S = 1.0
HELD_MAX = 4  # more fall out of the processor's cache and cost 3 µs an answer (measured)


class Unread:
    """The unread answers of one outlet: a few, none older than two sweeps.

    What is pushed out by newer ones is only dropped. If its body stalls, its connection stays in
    use until the deadline of its request; the outlet notices when it has no connection left.
    """

    def __init__(self) -> None:
        self._new: deque[StreamRequest] = deque(maxlen=HELD_MAX)
        self._old: list[StreamRequest] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def add(self, request: StreamRequest) -> None:
        """Hold a request whose head has come."""
        self._new.append(request)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(UNREAD_S, self._sweep)

    async def close(self) -> None:
        """Close all. More may be added afterwards."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        held = [*self._old, *self._new]
        self._old = []
        self._new.clear()
        await close_all(held)

    def _sweep(self) -> None:
        """Close what was here at the last sweep already; look again if there is more."""
        loop = asyncio.get_running_loop()
        overdue, self._old = self._old, list(self._new)
        self._new.clear()
        if overdue:
            task = loop.create_task(close_all(overdue))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self._sweeper = loop.call_later(UNREAD_S, self._sweep) if self._old else None


async def close_all(requests: list[StreamRequest]) -> None:
    """Close requests, and with them connections whose answers have not ended."""
    for request in requests:
        try:
            await request.__aexit__(None, None, None)
        except (PyreqwestError, RuntimeError):
            pass  # it has ended by itself
