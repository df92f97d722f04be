"""Receivers for tests: real sockets on loopback, served by a thread with its own event loop."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Self

from tests.loops.threads import LoopThread

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """One listening socket; each connection is given to `handler`. Counts what it saw."""

    def __init__(
        self, handler: Handler, context: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self._handler = handler
        self._context = context
        self.connections = 0
        self.open = 0
        self.port = port  # 0: any that is free
        self.ended = threading.Semaphore(0)  # released for each connection that is over

    def __enter__(self) -> Self:
        self._thread = LoopThread()
        self._thread.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.close()

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    async def _start(self) -> None:
        server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context, limit=2**20
        )
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            await self._handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self.open -= 1
            writer.close()
            self.ended.release()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole request, by its Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


async def until_gone(reader: asyncio.StreamReader) -> None:
    """Wait for the peer to leave."""
    while await reader.read(2**16):
        pass


def answering(*answers: bytes, then_close: bool = False) -> Handler:
    """Each request of a connection gets the next of `answers`; the last is repeated."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = list(answers)
        while True:
            await read_request(reader)
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()
            if then_close:
                return

    return handle


def dripping(head: bytes, drop: bytes, every_s: float) -> Handler:
    """Writes `head`, then `drop` for ever. No pause if `every_s` is 0."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(head)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(every_s)

    return handle


def writing(data: bytes) -> Handler:
    """Writes `data` after the request and waits for the peer to leave."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(data)
        await writer.drain()
        await until_gone(reader)

    return handle


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport = writer.transport
    transport.abort()
