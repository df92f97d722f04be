"""A store as the engine sees it: the store port over two child processes."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from tidings.core.running.service_part import ServicePart
from tidings.store import port
from tidings.store.hosting.calls import answerers, methods, types_of
from tidings.store.hosting.child import Child
from tidings.store.hosting.reader import StoreReader
from tidings.store.sql.halves import RowReader, RowWriter

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


async def started(
    role: str, command: Sequence[str], inherits: Sequence[int], died: Callable[[], None]
) -> Child:
    """Start a child and have it open its files. StoreDown, StoreRefused."""
    child = await Child.start(role, command, died, inherits)
    try:
        await child.opened()
    except BaseException:
        child.kill()
        await child.close()
        raise
    return child


@forwarding(port.Store, _writing=RowWriter, _reading=RowReader)
class HostedStore(port.Store):
    """`port.Store` over two children. A method is one question to one of them; what is more than
    that is written here."""

    # The number of its owner; 0 where nobody but the owner of its directory ever is one.
    owner = 0

    def __init__(self, writing: Child, reading: StoreReader) -> None:
        self._writing = writing
        self._reading = reading
        self._closed = False

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
        self._let_go()

    def _let_go(self) -> None:
        """Give back what the processes have held; they have ended."""
