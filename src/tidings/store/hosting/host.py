"""A half of a store in a process of its own, spoken to over a socket.

Why a process and not a thread: apsw gives the interpreter lock back at every step of a statement
and must win it again from a loop that never idles. Measured beside a busy loop, a writer thread
managed 67 rows/s where it does 64,000 alone (docs/decisions/0002-embedded-store.md).

Frames are a 4-byte big-endian length and msgpack: `[number, operation, arguments, audit]` one way,
where `audit` holds entries that are written with the change, and `[number, fault or null, result]`
the other. Answers come in the order of the requests. The child ends when its socket is closed,
after finishing what it had begun.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import msgspec

from tidings.frames import Frames, framed
from tidings.process_end import NO_MEMORY, is_of_memory
from tidings.store import port
from tidings.store.hosting.calls import answering, functions, types_of
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.halves import RowReader, RowWriter

IDLE_S = 0.2
ANSWER_S = 10.0  # a question of the reading half is given up then
RECEIVE_BYTES = 1 << 20
PING = "ping"  # an operation that every half answers, whatever it is: the process works
OPEN = b"o"  # what comes before all frames: the files may be opened
NOT_NOW = 75  # the exit code of a start that the disk refused: it may pass (EX_TEMPFAIL)

Recorder = Callable[[port.AuditWrite, Callable[[], Any]], Any]
Operation = tuple[Callable[..., Any], msgspec.msgpack.Decoder[tuple[Any, ...]]]


_NOTHING = msgspec.Raw(msgspec.msgpack.encode(None))


class StoreRequest(msgspec.Struct, array_like=True):
    """One call; `arguments` are decoded by the operation's own types."""

    number: int
    operation: str
    arguments: msgspec.Raw
    audit: msgspec.Raw = _NOTHING  # entries that are written with it, or null


class StoreReply(msgspec.Struct, array_like=True):
    """One answer; `fault` is a fault's name and text."""

    number: int
    fault: tuple[str, str] | None
    result: msgspec.Raw


def _operation(
    function: Callable[..., Any], method: Callable[..., Any], connection: StoreConnection
) -> Operation:
    types, _ = types_of(method)
    arguments = tuple[types] if types else tuple[()]  # type: ignore[valid-type]  # built at run time

    def or_down(*given: Any) -> Any:
        try:
            return function(*given)
        except Exception as error:
            if (fault := connection.refusal_of(error)) is None:
                raise
            raise port.StoreDown(str(fault)) from error

    return or_down, msgspec.msgpack.Decoder(arguments)


def _operations(kind: type, half: RowWriter | RowReader) -> dict[str, Operation]:
    answered = functions(kind, half)
    return {
        asked: _operation(answered[asked], place.method, half.connection)
        for asked, place in answering(kind).items()
    }


def writing_operations(half: RowWriter) -> dict[str, Operation]:
    """Collect what the writing child answers."""
    return _operations(type(half), half)


def reading_operations(half: RowReader) -> dict[str, Operation]:
    """Collect what the reading child answers."""
    return _operations(type(half), half)


class HostedHalf(NamedTuple):
    """A half as its host uses it."""

    operations: dict[str, Operation]
    after: Callable[[], None] = lambda: None  # called behind each answer
    background: Callable[[], bool] = lambda: False  # works while nothing is asked: is there more?
    bounded: AbstractContextManager[object] = (
        nullcontext()
    )  # entered for each answer: ends long ones
    record: Recorder | None = None  # makes a change with its entries of the audit log


class StoreHost:
    """The child's loop: answer what comes, work in the background when nothing does."""

    def __init__(
        self,
        line: socket.socket,
        half: HostedHalf,
        reopened: Callable[[], HostedHalf | None] = lambda: None,
    ) -> None:
        """`reopened` is asked before each answer: a half to use from now on, where what the last
        one had open was lost. StoreDown: there is none now. StoreRefused: there will be none."""
        self._line = line
        self._half = half
        self._reopened = reopened
        self._frames = Frames()
        self._ended = False

    def run(self) -> None:
        """Run until the other side closes the socket."""
        more, worked_at = False, time.monotonic()
        line = select.poll()  # `select` knows no number above 1,023, and the service has more open
        line.register(self._line, select.POLLIN)
        while True:
            readable = line.poll(0 if more else IDLE_S * 1000)
            if (readable and not self._receive()) or self._ended:
                return
            # Callers that never pause must not keep the work behind them from being done.
            if not readable or time.monotonic() - worked_at >= IDLE_S:
                more, worked_at = self._work(), time.monotonic()

    def _work(self) -> bool:
        try:
            return self._use().background()
        except port.StoreDown:
            return False  # asked again when there is something to ask
        except port.StoreRefused as refusal:
            self._end(refusal)
            return False

    def _end(self, refusal: port.StoreRefused) -> None:
        """End the process, by which nothing will be written any more. Whoever has asked may be a
        piece of work that tries again and tells nobody, so it says why itself."""
        if not self._ended:
            print(refusal, file=sys.stderr, flush=True)
        self._ended = True

    def _use(self) -> HostedHalf:
        """Return the half to ask now. StoreDown, StoreRefused."""
        if (half := self._reopened()) is not None:
            self._half = half
        return self._half

    def _receive(self) -> bool:
        chunk = self._line.recv(RECEIVE_BYTES)
        if not chunk:
            return False
        for message in self._frames.take(chunk):
            self._answer(_requests.decode(message))
        return True

    @staticmethod
    def _do(half: HostedHalf, request: StoreRequest) -> Any:
        function, arguments = half.operations[request.operation]
        given = arguments.decode(request.arguments)
        with half.bounded:
            if (audit := _audits.decode(request.audit)) is None:
                return function(*given)
            if half.record is None:
                raise ValueError("entries of the audit log go to the half that writes")
            return half.record(audit, lambda: function(*given))

    def _answer(self, request: StoreRequest) -> None:
        fault: tuple[str, str] | None = None
        result = _NOTHING
        try:
            if request.operation != PING:
                value = self._do(self._use(), request)
                result = msgspec.Raw(_encoder.encode(value))
        except MemoryError as error:
            # Of the moment, and not of what was asked: it is asked again.
            fault = ("StoreDown", f"the store's process has no memory: {error}")
        except port.StoreRefused as error:
            self._end(error)
            fault = ("StoreDown", str(error))
        except Exception as error:
            fault = (type(error).__name__, str(error))
        self._line.sendall(framed(_encoder.encode(StoreReply(request.number, fault, result))))
        self._half.after()


# Looking things up and preparing that yield to the way of an event where cores are short: it still
# gets a quarter of one.
READER_NICE = 5

_requests = msgspec.msgpack.Decoder(StoreRequest)
_audits = msgspec.msgpack.Decoder(port.AuditWrite | None)
_encoder = msgspec.msgpack.Encoder()


def run_child(descriptor: str, opened: Callable[[socket.socket], StoreHost]) -> int:
    """Run a child, and return its exit code. Its first frame is `ready` or why not.

    `opened` opens what the half needs. It raises StoreRefused where it will not serve, StoreDown
    where it cannot now.
    """
    os.umask(0o077)
    try:
        return _run(descriptor, opened)
    except Exception as error:
        if not is_of_memory(error):
            raise
        os._exit(NO_MEMORY)  # at once: an orderly end needs memory. Who started it says why.


def _run(descriptor: str, opened: Callable[[socket.socket], StoreHost]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line = socket.socket(fileno=int(descriptor))
    if not line.recv(len(OPEN)):
        return 0
    try:
        host = opened(line)
    except port.StoreRefused as refusal:
        _say(line, ("StoreRefused", str(refusal)))
        return 1
    except port.StoreDown as error:
        _say(line, ("StoreDown", str(error)))
        return NOT_NOW
    _say(line, None)
    host.run()
    return 0


def _say(line: socket.socket, fault: tuple[str, str] | None) -> None:
    line.sendall(framed(_encoder.encode(StoreReply(0, fault, _NOTHING))))
