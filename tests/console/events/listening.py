"""A live tail of the console that is listened to."""

import asyncio
from typing import Any

from tests.api.control_client import scope_of
from tests.console.webhook_client import Pages

SOON_S = 60.0  # no promise in time, so that a busy machine keeps it too


class Tail:
    """A stream that is read while it goes on."""

    def __init__(self, p: Pages, path: str, headers: dict[str, str]) -> None:
        self.said = b""
        self.status = 0
        self._more = asyncio.Condition()
        self._gone = asyncio.Event()
        scope = scope_of("GET", path, headers)
        self.task = asyncio.ensure_future(p.app(scope, self._receive, self._send))

    async def _receive(self) -> Any:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        async with self._more:
            self.status = message.get("status", self.status)
            self.said += message.get("body", b"")
            self._more.notify_all()

    async def hears(self, what: bytes) -> None:
        async with asyncio.timeout(SOON_S), self._more:
            await self._more.wait_for(lambda: what in self.said)

    async def ends(self) -> None:
        """By itself: nobody has left it."""
        await asyncio.wait_for(asyncio.shield(self.task), SOON_S)

    async def leave(self) -> None:
        self._gone.set()
        await self.task
