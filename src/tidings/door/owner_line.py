"""One line to an owner: a call goes out, and its answer comes back, in parts as it comes.

One call at a time. What the caller of the call does not read makes us read no more of its answer,
and what the owner does not read makes us take no more of its body.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import httptools

AHEAD_BYTES = 64 * 1024  # of an answer, before its caller has read what came before


class HopExchange:
    """One call on a line: what has come of its answer. `progress` hears of all that is new."""

    __slots__ = (
        "_parts",
        "_waiting",
        "complete",
        "has_head",
        "headers",
        "is_late",
        "is_sent",
        "line",
        "lost",
        "method",
        "progress",
        "status",
        "until_s",
    )

    def __init__(self, method: str, until_s: float, progress: Callable[[], None]) -> None:
        """`until_s`: the head of the answer must be here by then, by the clock of the loop."""
        self.method = method
        self.until_s = until_s
        self.progress = progress
        self.line: OwnerLine | None = None
        self.is_sent = False  # the whole request is written
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []  # names in lower case
        self.has_head = self.complete = False
        self.lost = False  # the line has ended before the answer did
        self.is_late = False  # because its time was over
        self._parts: deque[bytes] = deque()
        self._waiting = 0

    @property
    def has_part(self) -> bool:
        """Return whether something of the body waits to be taken."""
        return bool(self._parts)

    def put(self, data: bytes) -> bool:
        """Put a part of the body; return whether that is as much as may wait."""
        self._parts.append(data)
        self._waiting += len(data)
        return self._waiting >= AHEAD_BYTES

    def take(self) -> bytes:
        """Take what has come of the body."""
        body = self._parts.popleft() if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._waiting = 0
        if self.line is not None:
            self.line.resume()
        return body

    def cancel(self) -> None:
        """End it where nobody waits for the answer any more: the owner sees its caller go."""
        line = self.line
        if line is not None:
            line.close()


class LineHost(Protocol):
    """Keeps lines, and hears of them."""

    def rest(self, line: "OwnerLine") -> None:
        """Note that a line can be used again."""

    def forget(self, line: "OwnerLine") -> None:
        """Note that a line has ended."""


class OwnerLine(asyncio.Protocol):
    """See `asyncio.Protocol`, and `httptools` for what the parser calls."""

    def __init__(self, address: str, host: LineHost) -> None:
        self.address = address
        self.idle_since_s = 0.0
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: HopExchange | None = None
        self._closed = False
        self._paused = False
        self._keeps = False  # it can be used again, as far as the head of the answer tells
        self._writable: asyncio.Event | None = None  # set where the owner reads again

    @property
    def usable(self) -> bool:
        """Return whether a call can be made on it."""
        return not (self._closed or self._exchange is not None)

    def begin(self, exchange: HopExchange, data: bytes, *, whole: bool) -> None:
        """Make a call by the first of its bytes; `whole`: they are all."""
        assert self._transport is not None
        self._exchange = exchange
        self._keeps = False
        exchange.line = self
        exchange.is_sent = whole
        self._transport.write(data)

    async def send(self, *parts: bytes) -> None:
        """Send more of the body, and wait until the owner reads."""
        if self._transport is not None and not self._closed:
            self._transport.writelines(parts)
            if self._writable is not None:
                await self._writable.wait()

    def resume(self) -> None:
        """Read on: what had come was taken."""
        if self._paused and self._transport is not None and not self._closed:
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Close now; a call on it is lost. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._transport is not None:
            self._transport.abort()
        if self._writable is not None:
            self._writable.set()
        self._host.forget(self)
        del self._parser  # it knows its line
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.line = None
            exchange.lost = True
            exchange.progress()

    # -- asyncio.Protocol -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read on, and tell of it."""
        exchange = self._exchange
        if exchange is None or self._closed:
            self.close()  # nobody has asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
            return
        if exchange.complete:
            self._exchange = exchange.line = None
            self.resume()
            if self._keeps and exchange.is_sent:
                self._host.rest(self)
            else:
                self.close()
        exchange.progress()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the owner, or the network, has closed it."""
        self.close()

    def pause_writing(self) -> None:
        """Pause: the owner does not read as fast as it is sent to."""
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        """Resume: the owner has caught up."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # -- called by the parser ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin an answer: one for each call."""
        if self._exchange is None or self._exchange.has_head:
            raise ValueError("an answer to nothing")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer, which nobody reads, where the head is whole."""
        exchange = self._exchange
        if exchange is not None and not exchange.has_head:
            exchange.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the head, which is whole."""
        exchange, parser = self._exchange, self._parser
        assert exchange is not None
        exchange.status = parser.get_status_code()
        if exchange.status < 200:
            raise ValueError("an interim answer, which nobody has asked for")
        exchange.has_head = True
        self._keeps = parser.should_keep_alive()
        if exchange.method == "HEAD":
            exchange.complete = True
            self._parser = httptools.HttpResponseParser(self)  # the old one waits for a body

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        exchange = self._exchange
        if exchange is None or exchange.complete:
            raise ValueError("a body of no answer")
        if exchange.put(data) and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """End the answer."""
        if self._exchange is not None:
            self._exchange.complete = True
