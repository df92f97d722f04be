"""Thousands of connections that misbehave in one way, and hundreds that behave, in one loop."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from .events import event, new_id
from .service import KEY, ORG, SECRET

LOGIN = b"Authorization: Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()) + b"\r\n"
HEAD = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + LOGIN
LIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
BIG = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
SIGN_IN = b"GET /console/sign-in HTTP/1.1\r\nHost: a\r\n\r\n"
STREAM = b"GET /v1/stream HTTP/1.1\r\nHost: a\r\n" + LOGIN + b"\r\n"

# What each sends at first, what it sends twice a second, whether it reads.
KINDS: dict[str, tuple[bytes, bytes, bool]] = {
    "silent": (b"", b"", True),
    "half a head": (HEAD[:90], b"", True),
    "half a body": (HEAD + b"Content-Length: 900\r\n\r\n{", b"", True),
    "half a form": (
        b"POST /console/sign-in HTTP/1.1\r\nHost: a\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\na=",
        b"",
        True,
    ),
    "dripping heads": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", b"a", True),
    "dripping bodies": (HEAD + b"Content-Length: 900\r\n\r\n{", b" ", True),
    "idle": (LIVE, b"", True),
    "not reading": (BIG * 2, b"", False),
    "pipelining": (SIGN_IN * 60, b"", False),
    "streams": (STREAM, b"", True),
}


class Peer(asyncio.Protocol):
    """One connection that misbehaves."""

    def __init__(self, first: bytes, reads: bool) -> None:
        self.first = first
        self.reads = reads
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if not self.reads:
            self.transport.pause_reading()
        if self.first:
            self.transport.write(self.first)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None


@asynccontextmanager
async def misbehaving(port: int, kind: str, count: int) -> AsyncIterator[list[Peer]]:
    """So many connections of a kind; they go on until the end of the block."""
    first, more, reads = KINDS[kind]
    peers = [Peer(first, reads) for _ in range(count)]
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(200)

    async def connect(peer: Peer) -> None:
        async with room:
            try:
                async with asyncio.timeout(5):
                    await loop.create_connection(lambda: peer, "127.0.0.1", port)
            except (OSError, TimeoutError):
                pass  # it may be left waiting

    async def drip() -> None:
        while more:
            for peer in peers:
                if peer.transport is not None and not peer.transport.is_closing():
                    peer.transport.write(more)
            await asyncio.sleep(0.5)

    connecting = asyncio.gather(*(connect(peer) for peer in peers))
    dripping = asyncio.ensure_future(drip())
    try:
        yield peers
        await connecting
    finally:
        dripping.cancel()
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        for peer in peers:
            if peer.transport is not None:
                peer.transport.abort()


@dataclass
class Served:
    """What became of the calls of those that behave."""

    statuses: dict[int, int] = field(default_factory=dict)
    lasted_s: list[tuple[float, float]] = field(default_factory=list)
    """From when until when each of them was."""
    broken: list[str] = field(default_factory=list)


class Caller:
    """A client that keeps its connection, and opens another one where it was closed meanwhile."""

    def __init__(self, port: int, served: Served) -> None:
        self._port = port
        self._served = served
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: bytes) -> None:
        """One call, tried again once where a kept connection had just been closed."""
        began = time.monotonic()
        for last in (False, True):
            kept = self._line is not None
            try:
                status = await self._ask(request)
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                self.close()
                if last or not kept:
                    self._served.broken.append(repr(error))
                    return
                continue
            self._served.statuses[status] = self._served.statuses.get(status, 0) + 1
            self._served.lasted_s.append((began, time.monotonic()))
            return

    async def _ask(self, request: bytes) -> int:
        if self._line is None or self._line[0].at_eof():
            self._line = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._line
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        if self._line is not None:
            self._line[1].close()
            self._line = None


def posts() -> Iterator[bytes]:
    """Calls with one event each."""
    while True:
        body = event(new_id(), ORG)
        yield HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def behaving(port: int, count: int, rounds: int) -> Served:
    """So many clients, each with so many calls: events, and whether the service is alive."""
    served, calls = Served(), posts()

    async def client(number: int) -> None:
        caller = Caller(port, served)
        await asyncio.sleep(number / count)
        for _ in range(rounds):
            await caller.call(next(calls))
            await asyncio.sleep(0.5)
        await caller.call(LIVE)
        caller.close()

    await asyncio.gather(*(client(number) for number in range(count)))
    return served
