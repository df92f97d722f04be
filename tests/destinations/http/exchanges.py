"""A receiver whose answers are decided by a function, which may await too."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from tests.egress.receivers import Receiver, read_request, until_gone


class Exchange:
    """A request that came, and what is to be answered."""

    def __init__(self, request: bytes) -> None:
        head, _, self.body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.method, self.path, _ = first.split(" ")
        pairs = (line.partition(": ") for line in lines)
        self.headers = {name.lower(): value for name, _, value in pairs}
        self.status = 200  # 0: none
        self.more: dict[str, str] = {}  # headers
        self.answer = b""

    def says(self, body: bytes) -> None:
        """The body of the answer."""
        self.answer = body

    def written(self) -> bytes:
        """The answer as it goes over the line."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.more.items())
        head = f"HTTP/1.1 {self.status} Said\r\ncontent-length: {len(self.answer)}\r\n{more}\r\n"
        return head.encode() + self.answer


Answering = Callable[[Exchange], Awaitable[None] | None]


class HttpReceiver:
    """Answers on loopback; `answer` runs in its thread."""

    def __init__(self, answer: Answering = lambda _: None) -> None:
        self.answer = answer
        self.seen: list[Exchange] = []
        self._receiver = Receiver(self._serve)

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        return self

    def __exit__(self, *failed: object) -> None:
        self._receiver.__exit__(*failed)

    @property
    def connections(self) -> int:
        """How many there were."""
        return self._receiver.connections

    def url(self, path: str) -> str:
        return self._receiver.url(path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            exchange = Exchange(await read_request(reader))
            self.seen.append(exchange)
            waits = self.answer(exchange)
            if waits is not None:
                await waits
            if exchange.status == 0:
                await until_gone(reader)
                return
            writer.write(exchange.written())
            await writer.drain()
