"""The map as the processes of a machine ask it that share one connection: each over a line to the
process that has it.

A database has few connections, and a machine needs one to the map, however many cells it has. The
other end answers one question of a line after the other, so whoever asks much holds up nobody else
for longer than one question takes. What is asked is asked as `hosted_map.py` does: who waits too
long is told so, and a question whose time is over by then is not asked any more. A process that
ends as the named owner of a cell, since it was killed or heard no answer, is named no more: the
other end lets its cells go.

Frames are those of `tidings.frames`, of msgpack: `[number, method, arguments, until]` one way and
`[number, fault or null, result]` the other. Both ends are of one machine, and share its clock.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
import structlog

from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.frames import Frames, framed
from tidings.store.cell_map.hosted_map import ANSWER_S, WAITING_MAX
from tidings.store.hosting.calls import methods, types_of
from tidings.store.port.cell_map import (
    CellMapStore,
    MapDown,
    MapRefused,
    MapWentBack,
    RangesUnknown,
)
from tidings.store.sql.halves import passed_s

RECEIVE_BYTES = 1 << 20
CLOSE = "close"  # of a line alone: the map goes on
PUT_OWNER = CellMapStore.put_owner.__name__
LET_GO_S = 5.0  # for the map to have that a process which has ended owns nothing
FAULTS = {fault.__name__: fault for fault in (MapDown, MapWentBack, RangesUnknown, MapRefused)}
_NOTHING = msgspec.Raw(msgspec.msgpack.encode(None))
_Client = TypeVar("_Client", bound=type)

log = structlog.get_logger(__name__)


class MapQuestion(msgspec.Struct, array_like=True):
    """Hold one question; `until_s`: by the machine's clock, when nobody waits for it any more."""

    number: int
    method: str
    arguments: msgspec.Raw
    until_s: float


class MapAnswer(msgspec.Struct, array_like=True):
    """Hold one answer; `fault` is a fault's name and text."""

    number: int
    fault: tuple[str, str] | None
    result: msgspec.Raw


_questions = msgspec.msgpack.Decoder(MapQuestion)
_answers = msgspec.msgpack.Decoder(MapAnswer)
_encoder = msgspec.msgpack.Encoder()


# -- the end that asks ----------------------------------------------------------------------------


def _lined(client: _Client) -> _Client:
    """Give a class the methods of the map that it does not write by hand: each is a question."""
    for name, method in methods(CellMapStore).items():
        if name not in vars(client):
            setattr(client, name, _asking(name, method))
    return client


def _asking(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    types, answer = types_of(method)
    names = list(method.__annotations__)
    decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(answer)
    listed = [get_origin(kind) is Iterable for kind in types]

    async def ask(self: "LinedCellMap", *given: Any, **named: Any) -> Any:
        given = (*given, *(named[name] for name in names[len(given) : len(types)]))
        sent = [
            list(value) if is_list else value for value, is_list in zip(given, listed, strict=True)
        ]
        return decoder.decode(await self.ask(name, sent))

    ask.__name__, ask.__doc__ = name, method.__doc__
    return ask


@_lined
class LinedCellMap(CellMapStore):
    """See `CellMapStore`. To be used within one event loop."""

    def __init__(self, line: socket.socket, answer_s: float = ANSWER_S) -> None:
        """`line`: to a `MapLine`. `answer_s`: how long an answer is waited for."""
        line.setblocking(False)
        self._line = line
        self._answer_s = answer_s
        self._number = 0
        self._asked: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._unsent: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = ""  # why nothing can be asked any more

    @classmethod
    def over(cls, line: socket.socket, answer_s: float = ANSWER_S) -> "LinedCellMap":
        """Build it: its methods are made of the port as the module is loaded."""
        return cls(line, answer_s)

    async def ask(self, name: str, given: list[Any]) -> msgspec.Raw:
        """Ask a question; return the answer as it came. Raise MapDown, or what the map raises."""
        if self._ended:
            raise MapDown(f"the map cannot be asked now: {self._ended}")
        if len(self._asked) >= WAITING_MAX:
            raise MapDown("the map cannot be asked now: too much waits for it")
        if not self._tasks:
            self._tasks = [asyncio.create_task(work()) for work in (self._write, self._read)]
        self._number += 1
        number = self._number
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        question = MapQuestion(
            number=number,
            method=name,
            arguments=msgspec.Raw(_encoder.encode(given)),
            until_s=passed_s() + self._answer_s,
        )
        self._asked[number] = answer
        self._unsent.put_nowait((number, framed(_encoder.encode(question))))
        try:
            async with asyncio.timeout(self._answer_s):
                return await answer
        except TimeoutError:
            raise MapDown("the map cannot be asked now: no answer has come") from None
        finally:
            del self._asked[number]

    async def close(self) -> None:
        """See `CellMapStore`. What was asked before is finished, if that is soon."""
        if self._tasks and not self._ended:
            with suppress(MapDown):
                await self.ask(CLOSE, [])
        self._end("it was closed")
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._line.close()

    async def _write(self) -> None:
        """Send one question after the other, each whole, as long as somebody waits for it."""
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while True:
                number, frame = await self._unsent.get()
                if number in self._asked:
                    await loop.sock_sendall(self._line, frame)
        self._end("the host of this process has ended")

    async def _read(self) -> None:
        frames, loop = Frames(), asyncio.get_running_loop()
        with suppress(OSError):
            while chunk := await loop.sock_recv(self._line, RECEIVE_BYTES):
                for message in frames.take(chunk):
                    self._take(_answers.decode(message))
        self._end("the host of this process has ended")

    def _take(self, answer: MapAnswer) -> None:
        asked = self._asked.get(answer.number)
        if asked is None or asked.done():
            return  # nobody waits for it any more
        if answer.fault is None:
            asked.set_result(msgspec.Raw(bytes(answer.result)))
        else:
            kind, text = answer.fault
            asked.set_exception(FAULTS[kind](text))

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(MapDown(f"the map cannot be asked now: {self._ended}"))


# -- the end that answers -------------------------------------------------------------------------


@cache
def _arguments(name: str) -> msgspec.msgpack.Decoder[tuple[Any, ...]]:
    types, _ = types_of(methods(CellMapStore)[name])
    kinds = tuple(
        list[get_args(kind)[0]] if get_origin(kind) is Iterable else kind  # type: ignore[misc]  # built at run time
        for kind in types
    )
    return msgspec.msgpack.Decoder(tuple[kinds] if kinds else tuple[()])  # type: ignore[valid-type]  # as above


class MapLine:
    """Answers what one process asks. To be used within one event loop."""

    def __init__(self, store: CellMapStore, line: socket.socket) -> None:
        """`line`: from a `LinedCellMap`."""
        line.setblocking(False)
        self._store = store
        self._line = line
        self._questions: asyncio.Queue[MapQuestion] = asyncio.Queue()
        self._owners: dict[CellId, CellOwner] = {}  # that the other end may be named as
        self._task = asyncio.create_task(self._serve())

    @property
    def is_ended(self) -> bool:
        """Return whether the other end is gone."""
        return self._task.done()

    async def close(self) -> None:
        """End it, and let the cells of the other end go, which has ended. Idempotent."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        await self._let_go()

    async def _let_go(self) -> None:
        """Name nobody as the owner of a cell where the other end has not done so itself. Where the
        map cannot be asked, the next owner is named there."""
        with suppress(TimeoutError, *FAULTS.values()):
            async with asyncio.timeout(LET_GO_S):
                for cell, owner in [*self._owners.items()]:
                    await self._store.put_owner(cell, CellOwner(owner.epoch, ""))
                    del self._owners[cell]

    async def _put_owner(self, cell: CellId, owner: CellOwner) -> int:
        """Put the owner of a cell, and remember it until nobody is named."""
        if owner.address:
            self._owners[cell] = owner  # now: its answer may be lost
        version = await self._store.put_owner(cell, owner)
        if not owner.address:
            self._owners.pop(cell, None)
        return version

    async def _serve(self) -> None:
        """Read what is asked at once, so that the other end can send, and answer it in order."""
        frames, loop = Frames(), asyncio.get_running_loop()
        answering = loop.create_task(self._answer_all())
        try:
            with suppress(OSError):
                while chunk := await loop.sock_recv(self._line, RECEIVE_BYTES):
                    for message in frames.take(chunk):
                        self._questions.put_nowait(_questions.decode(message))
        finally:
            answering.cancel()
            await asyncio.wait((answering,))
            self._line.close()
        await self._let_go()

    async def _answer_all(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # the other end is gone, and what reads hears of that
            while True:
                answer = await self._answer(await self._questions.get())
                await loop.sock_sendall(self._line, framed(_encoder.encode(answer)))

    async def _answer(self, question: MapQuestion) -> MapAnswer:
        fault: tuple[str, str] | None = None
        result = _NOTHING
        try:
            if question.method == CLOSE:
                pass
            elif passed_s() > question.until_s:
                fault = MapDown.__name__, "the map cannot be asked now: too much waits for it"
            else:
                given = _arguments(question.method).decode(question.arguments)
                asked = self._put_owner if question.method == PUT_OWNER else None
                found = await (asked or getattr(self._store, question.method))(*given)
                result = msgspec.Raw(_encoder.encode(found))
        except tuple(FAULTS.values()) as error:
            fault = type(error).__name__, str(error)
        except Exception as error:
            log.exception("a question of the map has failed", method=question.method)
            fault = MapDown.__name__, f"the map cannot be asked now: {error}"
        return MapAnswer(question.number, fault, result)


class MapLines:
    """The lines of all processes of a machine. To be used within one event loop."""

    def __init__(self, store: CellMapStore) -> None:
        """`store`: what answers; it stays open."""
        self._store = store
        self._lines: list[MapLine] = []

    def open(self) -> socket.socket:
        """Make a line; return the end that asks, for another process."""
        self._lines = [line for line in self._lines if not line.is_ended]
        ours, theirs = socket.socketpair()
        self._lines.append(MapLine(self._store, ours))
        return theirs

    async def close(self) -> None:
        """End all. Idempotent."""
        lines, self._lines = self._lines, []
        await asyncio.gather(*(line.close() for line in lines))
