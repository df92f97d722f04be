"""The embedded store as the engine sees it: the store port over two child processes."""

import asyncio
import inspect
from collections.abc import Callable
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tidings.core.running.service_part import ServicePart
from tidings.store import port
from tidings.store.sqlite.directory_lock import DirectoryLock, must_be_writable
from tidings.store.sqlite.hosting.calls import answerers, methods, types_of
from tidings.store.sqlite.hosting.child import Child
from tidings.store.sqlite.hosting.embedded import ReadingHalf, WritingHalf
from tidings.store.sqlite.hosting.reader import StoreReader

WRITER = ServicePart(
    "store writer",
    "nothing is accepted and no outcome is written",
    vital=True,
    work_s=15.0,
    restarts=False,
)
_Client = TypeVar("_Client", bound=type)
_decoder = cache(msgspec.msgpack.Decoder)


def forwarding(protocol: type, **halves: type) -> Callable[[_Client], _Client]:
    """Give a class the methods of a protocol that it does not write by hand.

    Each asks the child that the half is hosted in, which the class keeps under the half's name.
    """

    def made(client: _Client) -> _Client:
        asked = methods(protocol)
        for name, line in answerers(protocol, halves).items():
            if name not in vars(client):
                setattr(client, name, _forwarding(asked[name], line))
        return client

    return made


def _forwarding(method: Callable[..., Any], line: str) -> Callable[..., asyncio.Future[Any]]:
    name = method.__name__
    types, answer = types_of(method)
    count, decoder = len(types), _decoder(answer)
    child: Callable[[object], Child] = attrgetter(line)
    beside: Callable[[], tuple[Any, ...]] = _audit if line == "_writing" else tuple

    def forward(self: object, *given: Any, **named: Any) -> asyncio.Future[Any]:
        if named or len(given) != count:
            given = _bound(method, self, given, named)
        return child(self).call(decoder, name, given, *beside())

    forward.__name__, forward.__doc__ = name, method.__doc__
    return forward


def _audit() -> tuple[port.AuditWrite | None]:
    return (port.take_audit(),)


def _bound(
    method: Callable[..., Any], self: object, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Any, ...]:
    """All arguments by position, with the defaults of those that were not given."""
    bound = inspect.signature(method).bind(self, *given, **named)
    bound.apply_defaults()
    return bound.args[1:]


class StoreWriter:
    """The process that writes, as what watches over it sees it: its end ends the service, and only
    the next start makes another one, once it is surely gone."""

    part = WRITER
    crashes = 0
    is_up = True

    def __init__(self, child: Child) -> None:
        self._child = child

    def silent_s(self) -> float:
        """Tell for how long the process has answered nothing, in seconds."""
        return self._child.silent_s()

    def kill(self) -> None:
        """Leave it: a disk that stands still may go on, and another one would wait as long."""


async def _start_reader(directory: Path, lock: DirectoryLock, died: Callable[[], None]) -> Child:
    child = await Child.start("read", directory, lock, died)
    try:
        await child.opened()
    except BaseException:
        child.kill()
        await child.close()
        raise
    return child


@forwarding(port.Store, _writing=WritingHalf, _reading=ReadingHalf)
class SqliteStore(port.Store):
    """`port.Store` on a data directory that this process owns.

    A method is one question to one of its two children; what is more than that is written here.
    """

    def __init__(self, lock: DirectoryLock, writing: Child, reading: StoreReader) -> None:
        self._writing = writing
        self._reading = reading
        self._lock = lock
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, died: Callable[[], None]) -> "SqliteStore":
        """Take the directory and start both processes. StoreRefused says why it cannot be.

        StoreDown, or OSError of `DISK_ERRNOS`: the disk takes nothing now, ask again.
        """
        lock = await asyncio.to_thread(DirectoryLock, directory)
        reader = StoreReader(partial(_start_reader, directory, lock))
        started: list[Child] = []
        try:
            for role, heard in (("write", died), ("read", reader.died)):
                started.append(await Child.start(role, directory, lock, heard))
            for child in started:  # in this order: the first makes what the second reads
                await child.opened()
            lock.lock_database()  # of a first start
        except BaseException as error:
            for child in started:
                await child.close()
            lock.release()
            if isinstance(error, port.StoreDown):
                must_be_writable(directory)
            raise
        writing, reading = started
        reader.take(reading)
        return cls(lock, writing, reader)

    def processes(self) -> tuple["StoreWriter", StoreReader]:
        """List its processes as what watches over them sees them."""
        return StoreWriter(self._writing), self._reading

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`. `clean` says that nothing is in flight any more."""
        if self._closed:
            return
        self._closed = True
        await self._reading.close()
        await self._writing.say_farewell("close", (clean,))
        await self._writing.close()
        self._lock.release()
