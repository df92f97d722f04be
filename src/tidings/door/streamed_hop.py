"""Passes a call on whose body is still coming: through, as fast as its owner reads.

The beginning of the body is kept, so that the call can be made at another owner where the first
one says that it is not its; behind that a call is passed on once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tidings.core.cells.door import PassOn
from tidings.door import refusals
from tidings.door.head import NotMine, read_not_mine
from tidings.door.hop import DoorParts, Hop, RoutedCall
from tidings.door.hop_request import HopRequest, passed_back
from tidings.door.owner_line import HopExchange, OwnerLine
from tidings.door.refusals import DoorRefusal
from tidings.errors import Unusable

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
KEPT_BYTES = 64 * 1024  # of a body, for another try
_LAST_CHUNK = b"0\r\n\r\n"


class UploadedBody:
    """The body of a call as its caller sends it, and that he leaves."""

    def __init__(self, receive: Receive, chunked: bool) -> None:
        self._receive = receive
        self._chunked = chunked
        self._parts: list[bytes] = []
        self._size = 0
        self.is_whole = False
        self.is_kept = True  # all that has come of it
        self.has_left = False

    async def feed(self, line: OwnerLine, exchange: HopExchange) -> None:
        """Send all of it to an owner, what had come before first; then wait until its caller
        leaves."""
        for part in list(self._parts):
            await self._send(line, part)
        while not self.is_whole:
            message = await self._receive()
            if message["type"] != "http.request":
                self.has_left = True
                exchange.progress()
                return
            part = message.get("body", b"")
            self.is_whole = not message.get("more_body", False)
            self._keep(part)
            await self._send(line, part)
        if self._chunked:
            await line.send(_LAST_CHUNK)
        exchange.is_sent = True
        await self._receive()
        self.has_left = True
        exchange.progress()

    async def _send(self, line: OwnerLine, part: bytes) -> None:
        if self._chunked and part:
            await line.send(b"%x\r\n" % len(part), part, b"\r\n")
        elif part:
            await line.send(part)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        self.is_kept = self._size <= KEPT_BYTES
        if self.is_kept:
            self._parts.append(part)
        else:
            self._parts.clear()


class StreamedHop(Hop):
    """One call, as an ASGI call."""

    def __init__(
        self,
        parts: DoorParts,
        call: RoutedCall,
        request: HopRequest,
        client: str,
        request_id: bytes,
        *,
        body: UploadedBody,
        send: Send,
    ) -> None:
        super().__init__(parts, call, request, client, request_id)
        self._body = body
        self._send = send
        self._news = asyncio.Event()

    async def run(self, owner: PassOn) -> None:
        """Pass the call on, and its answer back."""
        try:
            next_owner: PassOn | None = owner
            while next_owner is not None:
                next_owner = await self._try(next_owner)
        except DoorRefusal as refused:
            status, headers, body = self.answer_of(refused)
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})

    async def _try(self, owner: PassOn) -> PassOn | None:
        """Pass it on to one owner; return another one that is to be tried."""
        lines, address = self.parts.lines, owner.owner.address
        if not lines.take_place(address):
            raise refusals.owner_busy()
        self.tries += 1
        not_mine: NotMine | None = None
        left = late = False
        try:
            line = lines.idle_line(address) or await lines.make_line(address)
        except (OSError, ValueError, Unusable):
            pass
        else:
            exchange = HopExchange(self.call.method, self.until_s, self._news.set)
            lines.await_head(exchange)
            line.begin(exchange, self.head_for(owner), whole=False)
            feeding = asyncio.get_running_loop().create_task(self._body.feed(line, exchange))
            try:
                if not await self._awaits_head(exchange):
                    return None
                not_mine = read_not_mine(exchange.status, exchange.headers)
                if exchange.has_head and not_mine is None:
                    await self._pass_back(exchange)
                    return None
                left, late = not_mine is None, exchange.is_late
            finally:
                feeding.cancel()
                with suppress(asyncio.CancelledError):
                    await feeding
                lines.heard(exchange)
                if not exchange.complete:
                    exchange.cancel()
        finally:
            lines.give_place(address)
        if not self._body.is_kept and not left:
            raise refusals.no_owner("another process takes it over", refusals.GONE_RETRY_S)
        if not self._body.is_kept:
            raise refusals.owner_late() if late else refusals.owner_gone()
        return await self.next_owner(owner, not_mine, left=left, late=late)

    async def _awaits_head(self, exchange: HopExchange) -> bool:
        """Wait for the head, or that the line is lost; return False where the caller has gone."""
        has_hurried = False
        while not (exchange.has_head or exchange.lost):
            if self._body.has_left:
                if not self._body.is_whole:
                    return False
                if not has_hurried:
                    has_hurried = True
                    self.hurry()
                    exchange.until_s = self.until_s
            self._news.clear()
            await self._news.wait()
        return True

    async def _pass_back(self, exchange: HopExchange) -> None:
        """Pass the answer back. One that is not completed is broken off by the server, as nothing
        more is sent of it."""
        headers = passed_back(exchange.headers)
        start = {"type": "http.response.start", "status": exchange.status, "headers": headers}
        await self._send(start)
        while True:
            if exchange.has_part:
                body, more = exchange.take(), not exchange.complete
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
                if not more:
                    return
            elif exchange.complete:
                await self._send({"type": "http.response.body", "body": b""})
                return
            elif exchange.lost or self._body.has_left:
                return
            else:
                self._news.clear()
                await self._news.wait()
