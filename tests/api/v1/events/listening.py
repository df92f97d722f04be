"""A listener of the live stream, and what it has heard."""

import asyncio
from typing import Any

from tests.api.control_client import Service, scope_of


class Listening:
    """A call of the stream that is read while it goes on."""

    def __init__(self, s: Service, auth: str, path: str = "/v1/stream") -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue(100)
        self._gone = asyncio.Event()
        self._asked = False
        scope = scope_of("GET", path, {"authorization": auth})
        self.task = asyncio.ensure_future(s.app(scope, self._receive, self.sent.put))

    async def _receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def next(self) -> Any:
        return await self.sent.get()

    async def leave(self) -> None:
        self._gone.set()
        await self.task
