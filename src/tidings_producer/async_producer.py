"""The producer for event loops: the same calls, in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, TypeVar

from tidings_producer.producer import Producer

THREADS = 32  # so many calls wait at one time, for the disk or the answer; others queue
Made = TypeVar("Made")


class AsyncProducer:
    """A `Producer` whose calls are awaited: `async with AsyncProducer(Producer(…)) as producer`.

    A call that is cancelled is not undone: its thread goes on. What is quick, as `status`, is asked
    of `producer`.
    """

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tidings-producer-call")

    async def __aenter__(self) -> AsyncProducer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, event: Mapping[str, Any]) -> str:
        """See `Producer.send`."""
        return await self._in_thread(lambda: self.producer.send(event))

    async def send_many(self, events: Iterable[Mapping[str, Any]]) -> list[str]:
        """See `Producer.send_many`."""
        some = list(events)
        return await self._in_thread(lambda: self.producer.send_many(some))

    async def flush(self, timeout: float | None = None) -> bool:
        """See `Producer.flush`."""
        return await self._in_thread(lambda: self.producer.flush(timeout))

    async def redrive(self, *event_ids: str) -> int:
        """See `Producer.redrive`."""
        return await self._in_thread(lambda: self.producer.redrive(*event_ids))

    async def close(self, timeout: float | None = None) -> None:
        """See `Producer.close`."""
        try:
            await self._in_thread(lambda: self.producer.close(timeout))
        finally:
            self._threads.shutdown(wait=False)

    async def _in_thread(self, call: Callable[[], Made]) -> Made:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
