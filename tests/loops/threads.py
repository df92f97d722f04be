"""An event loop in a thread of its own, for servers and services that a test calls from outside."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any, Self, TypeVar

_Result = TypeVar("_Result")


class _KeepingLoop(asyncio.SelectorEventLoop):
    """Keeps the servers that were made in it."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: list[asyncio.Server] = []

    async def create_server(self, *args: Any, **options: Any) -> asyncio.Server:
        server: asyncio.Server = await super().create_server(*args, **options)
        self.servers.append(server)
        return server


class LoopThread:
    """Runs coroutines for a test, until it is closed."""

    def __init__(self) -> None:
        self.loop = _KeepingLoop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, work: Awaitable[_Result], timeout_s: float = 60.0) -> _Result:
        """Run to the end, and return what comes of it; TimeoutError after so many seconds."""

        async def run() -> _Result:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(timeout_s)

    def close(self) -> None:
        """End what listens, then what runs, then the loop.

        A loop that stopped while something listened would leave connections that were accepted
        just then as coroutines that nobody awaits, a failure of whichever test comes next.
        """
        self.run(self._end(), 10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _end(self) -> None:
        for server in self.loop.servers:
            server.close()
        # Also those that were accepted just now and have not begun.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
