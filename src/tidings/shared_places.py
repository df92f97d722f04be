"""Places of a pool that coroutines wait for, by owner: see `core/shares/places.py`."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from tidings.core.shares.places import PlaceQueue

Owner = TypeVar("Owner", bound=Hashable)


class SharedPlaces(Generic[Owner]):
    """A semaphore in which no owner takes another's turn."""

    def __init__(self, most: int) -> None:
        self._queue: PlaceQueue[Owner, asyncio.Future[None]] = PlaceQueue(most)

    @property
    def held(self) -> int:
        """Return how many places are taken."""
        return self._queue.held

    async def acquire(self, owner: Owner) -> None:
        """Wait until the owner has one place more. `release` gives it back."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._queue.ask(owner, turn, loop.time())
        self._serve(loop.time())
        if turn.done():
            return
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it was its turn in the same moment
                self.release(owner)
            raise

    def release(self, owner: Owner) -> None:
        """Give a place back."""
        self._queue.give(owner)
        self._serve(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def hold(self, owner: Owner) -> AsyncIterator[None]:
        """Hold a place for as long as the block runs."""
        await self.acquire(owner)
        try:
            yield
        finally:
            self.release(owner)

    def _serve(self, now_s: float) -> None:
        while (granted := self._queue.grant(now_s)) is not None:
            owner, turn = granted
            if turn.done():  # whoever waited has gone
                self._queue.give(owner)
            else:
                turn.set_result(None)
