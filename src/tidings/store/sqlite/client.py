"""The embedded store as the engine sees it: the store port over two child processes."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from tidings.core.job import Job
from tidings.store import port
from tidings.store.sqlite.database import DirectoryLock, StoreRefused
from tidings.store.sqlite.process import Reply

_replies = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()
_BUFFER_BYTES = 4 << 20
_FAULTS: dict[str, type[Exception]] = {
    "StoreDown": port.StoreDown,
    "NameTaken": port.NameTaken,
    "StoreRefused": StoreRefused,
    "ValueError": ValueError,
}


class Child(asyncio.Protocol):
    """One child process and the calls that wait for it."""

    def __init__(self, process: subprocess.Popen[bytes], died: Callable[[], None]) -> None:
        self._process = process
        self._died = died
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = bytearray()
        self._waiting: dict[int, tuple[asyncio.Future[Any], msgspec.msgpack.Decoder[Any]]] = {}
        self._number = 0
        self._closing = False
        self._started = False
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self._waiting[0] = (self.ready, msgspec.msgpack.Decoder(None))

    @classmethod
    async def start(
        cls, role: str, directory: Path, lock: DirectoryLock, died: Callable[[], None]
    ) -> "Child":
        """Start the process and wait until it is ready. StoreRefused where it will not serve."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        descriptor = theirs.fileno()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tidings.store.sqlite.process",
                role,
                directory,
                str(descriptor),
            ],
            pass_fds=[descriptor, lock.descriptor],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        child = cls(process, died)
        await loop.create_unix_connection(lambda: child, sock=ours)
        try:
            await child.ready
        except StoreRefused:
            await child.close()
            raise
        except port.StoreDown:
            raise StoreRefused(
                f"The store's {role} process ended with code {process.wait()} before it was ready."
            ) from None
        child._started = True
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def call(
        self, decoder: msgspec.msgpack.Decoder[Any], operation: str, *arguments: Any
    ) -> asyncio.Future[Any]:
        """Send a request; the future holds its typed result, or StoreDown."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            future.set_exception(port.StoreDown("the store's process is gone"))
            return future
        self._number += 1
        body = _encoder.encode((self._number, operation, arguments))
        self._waiting[self._number] = (future, decoder)
        self._transport.write(len(body).to_bytes(4, "big") + body)
        return future

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line (asyncio.Protocol)."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Resolve the answers that are complete (asyncio.Protocol)."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
            if len(buffer) < end:
                break
            self._resolve(_replies.decode(memoryview(buffer)[at + 4 : end]))
            at = end
        if at:
            self._buffer = buffer[at:]

    def _resolve(self, reply: Reply) -> None:
        future, decoder = self._waiting.pop(reply.number)
        if future.done():
            return
        if reply.fault is not None:
            name, text = reply.fault
            fault = _FAULTS.get(name)
            future.set_exception(fault(text) if fault else RuntimeError(f"{name}: {text}"))
        else:
            future.set_result(decoder.decode(reply.result))

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone: nobody may wait for it any longer (asyncio.Protocol)."""
        waiting, self._waiting = self._waiting, {}
        for future, _ in waiting.values():
            if not future.done():
                future.set_exception(port.StoreDown("the store's process is gone"))
        if not self._closing and self._started:
            self._died()

    async def close(self) -> None:
        """Let the process finish, and wait for its end."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()
        await asyncio.to_thread(self._process.wait)


def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


_RECEIPT = _decoder(port.Receipt)
_JOBS = _decoder(list[Job])
_STANDINGS = _decoder(list[port.Standing])
_SNAPSHOT = _decoder(port.Snapshot)
_NUMBER = _decoder(int)
_NONE = _decoder(None)
_WEBHOOK = _decoder(tuple[port.StoredWebhook, int])
_EVENT = _decoder(port.StoredEvent | None)
_DELIVERIES = _decoder(list[port.StoredDelivery])
_DELIVERY = _decoder(port.StoredDelivery | None)
_ATTEMPTS = _decoder(list[port.StoredAttempt])
_REJECTIONS = _decoder(list[port.Rejection])
_COUNTS = _decoder(port.Counts)
_NUMBERS = _decoder(list[int])


class SqliteStore:
    """`port.Store` on a data directory that this process owns."""

    def __init__(self, lock: DirectoryLock, writing: Child, reading: Child) -> None:
        self._lock = lock
        self._writing = writing
        self._reading = reading
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, died: Callable[[], None]) -> "SqliteStore":
        """Take the directory and start both processes. StoreRefused says why it cannot be."""
        lock = await asyncio.to_thread(DirectoryLock, directory)
        started: list[Child] = []
        try:
            for role in ("write", "read"):
                started.append(await Child.start(role, directory, lock, died))
        except BaseException:
            for child in started:
                await child.close()
            lock.release()
            raise
        return cls(lock, *started)

    def commit(self, batch: port.Batch) -> asyncio.Future[port.Receipt]:
        """See `port.Store`."""
        return self._writing.call(_RECEIPT, "commit", batch)

    def page(self, webhook: int, after: int, limit: int) -> asyncio.Future[Sequence[Job]]:
        """See `port.Store`; in order with the commits, because the same process answers both."""
        return self._writing.call(_JOBS, "page", webhook, after, limit)

    def recover(self, window: int) -> asyncio.Future[Sequence[port.Standing]]:
        """See `port.Store`."""
        return self._writing.call(_STANDINGS, "recover", window)

    def load(self) -> asyncio.Future[port.Snapshot]:
        """See `port.Store`."""
        return self._writing.call(_SNAPSHOT, "load")

    def put_org(self, org: port.Org) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "put_org", org)

    def put_credential(self, credential: port.Credential) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_credential", credential)

    def put_webhook(
        self, webhook: port.StoredWebhook
    ) -> asyncio.Future[tuple[port.StoredWebhook, int]]:
        """See `port.Store`."""
        return self._writing.call(_WEBHOOK, "put_webhook", webhook)

    def retire(self, webhook: int, state: int, limit: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "retire", webhook, state, limit)

    def event(self, org: int, event_id: str) -> asyncio.Future[port.StoredEvent | None]:
        """See `port.Store`."""
        return self._reading.call(_EVENT, "event", org, event_id)

    def deliveries_of(self, event: int) -> asyncio.Future[Sequence[port.StoredDelivery]]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERIES, "deliveries_of", event)

    def delivery(self, delivery: int) -> asyncio.Future[port.StoredDelivery | None]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERY, "delivery", delivery)

    def attempts_of(self, delivery: int) -> asyncio.Future[Sequence[port.StoredAttempt]]:
        """See `port.Store`."""
        return self._reading.call(_ATTEMPTS, "attempts_of", delivery)

    def rejections(self, org: int, limit: int) -> asyncio.Future[Sequence[port.Rejection]]:
        """See `port.Store`."""
        return self._reading.call(_REJECTIONS, "rejections", org, limit)

    def counts(self) -> asyncio.Future[port.Counts]:
        """See `port.Store`."""
        return self._reading.call(_COUNTS, "counts")

    def find(self, term: bytes, limit: int) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`."""
        return self._reading.call(_NUMBERS, "find", term, limit)

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`. `clean` says that nothing is in flight any more."""
        if self._closed:
            return
        self._closed = True
        await self._reading.close()
        try:
            await self._writing.call(_NONE, "close", clean)
        except port.StoreDown:
            pass  # the process died before us, or the disk is full; the next start recovers
        await self._writing.close()
        self._lock.release()
