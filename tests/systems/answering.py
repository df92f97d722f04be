"""A receiver that answers in a process of its own, and what a service holds beside it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.service import ServiceProcess
from tests.loops.threads import LoopThread

BATCH_BYTES = 3 << 20


class Answering(asyncio.Protocol):
    """A receiver that takes everything."""

    taken = 0

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._left = 0  # bytes of the body that come still
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left:
                part = min(self._left, len(data))
                self._left, data = self._left - part, data[part:]
            else:
                head, end, data = (self._head + data).partition(b"\r\n\r\n")
                if not end:
                    self._head = head
                    return
                self._head = b""
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self._left = int(length)
                part = min(self._left, len(data))
                self._left, data = self._left - part, data[part:]
            if not self._left:
                Answering.taken += 1
                assert self._transport is not None
                self._transport.write(b"HTTP/1.1 204 OK\r\n\r\n")


@contextmanager
def answering(receiver: type[Answering] = Answering) -> Iterator[int]:
    """Receivers at one port, in a thread of their own."""
    with LoopThread() as thread:
        listening = thread.loop.create_server(receiver, "127.0.0.1", 0, backlog=2048)
        yield thread.run(listening).sockets[0].getsockname()[1]


def rss(service: ServiceProcess) -> int:
    """Of the service and its children, in bytes."""
    main = psutil.Process(service.pid)
    return sum(part.memory_info().rss for part in (main, *main.children(recursive=True)))


def accept_many(service: ServiceProcess, org: int, count: int, note: str) -> None:
    """So many events, in calls of as many as fit."""
    with service.api(org) as api:
        call: list[bytes] = []
        for number in range(count):
            call.append(event(new_id(), org, note=note).replace(b"\n", b""))
            if number == count - 1 or len(call) * len(call[0]) > BATCH_BYTES or len(call) == 1000:
                api.post(b"\n".join(call), "application/x-ndjson").must(202)
                call = []
