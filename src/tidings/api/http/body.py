"""Reads the body of a request: bounded in bytes, and in time by one absolute deadline.

No timer per call: a timer costs more than all other work of a small call, and hardly any call needs
one. The calls that wait for bytes stand in one table, and one timer looks at it while it is not
empty. A call is therefore ended up to one look after its deadline.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tidings.core.events.call_split import call_refused, too_large
from tidings.errors import TidingsError, TooSlow

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class CallerDisconnected(TidingsError):
    """The caller went away before its request was complete; nobody waits for an answer."""


class RequestBodyReader:
    """Reads bodies of at most `limit` bytes that come within `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._look_s = seconds / 20
        self._waiting: dict[asyncio.Task[Any], float] = {}  # by the time at which it began
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, receive: Receive) -> bytes:
        """Read the whole body. Raises TooSlow, TooLarge or Gone."""
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._waiting[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._look_s, self._look, loop)
        try:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CallerDisconnected
            body: bytes = message.get("body", b"")
            if message.get("more_body", False):
                return await self._rest(receive, body)
            if len(body) > self._limit:
                raise too_large(self._limit, len(body))
            return body
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise self._slow() from None
            raise
        finally:
            del self._waiting[task]
            self._late.discard(task)

    async def _rest(self, receive: Receive, first: bytes) -> bytes:
        parts = bytearray(first)
        more = True
        while more and len(parts) <= self._limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CallerDisconnected
            parts += message.get("body", b"")
            more = message.get("more_body", False)
        if len(parts) > self._limit:
            raise too_large(self._limit, len(parts))
        return bytes(parts)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        oldest = loop.time() - self._seconds
        for task, began in self._waiting.items():
            if began <= oldest and task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._waiting:
            self._timer = loop.call_later(self._look_s, self._look, loop)

    def _slow(self) -> TooSlow:
        rule = f"The body must be here within {self._seconds:g} s"
        return call_refused(TooSlow, "body_too_slow", f"{rule}; got a part of it. Send it again.")
