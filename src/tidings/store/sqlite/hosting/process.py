"""A half of the embedded store in a process of its own, spoken to over a socket.

Why a process and not a thread: apsw gives the interpreter lock back at every step of a statement
and must win it again from a loop that never idles. Measured beside a busy loop, a writer thread
managed 67 rows/s where it does 64,000 alone (docs/decisions/0002-embedded-store.md).

Frames are a 4-byte big-endian length and msgpack: `[number, operation, arguments, audit]` one way,
where `audit` holds entries that are written with the change, and `[number, fault or null, result]`
the other. Answers come in the order of the requests. The child ends when its socket is closed,
after finishing what it had begun; it inherits the directory lock, so no other owner gets in before
it is gone.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tidings.frames import Frames, framed
from tidings.process_end import NO_MEMORY, is_of_memory
from tidings.store import port
from tidings.store.sqlite.database import DISK_FAULTS, FILE, StoreRefused, disk_fault_of
from tidings.store.sqlite.hosting.answer_bound import AnswerBound
from tidings.store.sqlite.hosting.calls import functions, types_of
from tidings.store.sqlite.hosting.embedded import ReadingHalf, WritingHalf, passed_s

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


def _operation(function: Callable[..., Any], method: Callable[..., Any]) -> Operation:
    types, _ = types_of(method)
    arguments = tuple[types] if types else tuple[()]  # type: ignore[valid-type]  # built at run time

    def or_down(*given: Any) -> Any:
        try:
            return function(*given)
        except apsw.Error as error:
            if (fault := disk_fault_of(error)) is None:
                raise
            raise port.StoreDown(str(fault)) from error

    return or_down, msgspec.msgpack.Decoder(arguments)


def _operations(kind: type, half: object) -> dict[str, Operation]:
    return {
        asked: _operation(function, getattr(port.Store, asked))
        for asked, function in functions(kind, half).items()
    }


def writing_operations(half: WritingHalf) -> dict[str, Operation]:
    """Collect what the writing child answers."""
    return _operations(WritingHalf, half)


def reading_operations(half: ReadingHalf) -> dict[str, Operation]:
    """Collect what the reading child answers."""
    return _operations(ReadingHalf, half)


class StoreHost:
    """The child's loop: answer what comes, work in the background when nothing does."""

    def __init__(
        self,
        line: socket.socket,
        operations: dict[str, Operation],
        after: Callable[[], None],
        background: Callable[[], bool],
        bounded: AbstractContextManager[object] | None = None,
        record: Recorder | None = None,
    ) -> None:
        """`bounded` is entered for each answer: it ends those that take too long. `record` makes a
        change with its entries of the audit log."""
        self._record = record
        self._bounded = bounded or nullcontext()
        self._line = line
        self._operations = operations
        self._after = after
        self._background = background
        self._frames = Frames()

    def run(self) -> None:
        """Run until the other side closes the socket."""
        more, worked_at = False, time.monotonic()
        line = select.poll()  # `select` knows no number above 1,023, and the service has more open
        line.register(self._line, select.POLLIN)
        while True:
            readable = line.poll(0 if more else IDLE_S * 1000)
            if readable and not self._receive():
                return
            # Callers that never pause must not keep the work behind them from being done.
            if not readable or time.monotonic() - worked_at >= IDLE_S:
                more, worked_at = self._background(), time.monotonic()

    def _receive(self) -> bool:
        chunk = self._line.recv(RECEIVE_BYTES)
        if not chunk:
            return False
        for message in self._frames.take(chunk):
            self._answer(_requests.decode(message))
        return True

    def _do(self, function: Callable[..., Any], given: tuple[Any, ...], beside: msgspec.Raw) -> Any:
        if (audit := _audits.decode(beside)) is None:
            return function(*given)
        if self._record is None:
            raise ValueError("entries of the audit log go to the half that writes")
        return self._record(audit, lambda: function(*given))

    def _answer(self, request: StoreRequest) -> None:
        fault: tuple[str, str] | None = None
        result = _NOTHING
        try:
            if request.operation != PING:
                function, arguments = self._operations[request.operation]
                given = arguments.decode(request.arguments)
                with self._bounded:
                    value = self._do(function, given, request.audit)
                result = msgspec.Raw(_encoder.encode(value))
        except (MemoryError, apsw.NoMemError) as error:
            # Of the moment, and not of what was asked: it is asked again.
            fault = ("StoreDown", f"the store's process has no memory: {error}")
        except Exception as error:
            fault = (type(error).__name__, str(error))
        self._line.sendall(framed(_encoder.encode(StoreReply(request.number, fault, result))))
        self._after()


# Looking things up and preparing that yield to the way of an event where cores are short: it still
# gets a quarter of one.
READER_NICE = 5

_requests = msgspec.msgpack.Decoder(StoreRequest)
_audits = msgspec.msgpack.Decoder(port.AuditWrite | None)
_encoder = msgspec.msgpack.Encoder()


def main(role: str, directory: str, descriptor: str) -> int:
    """Start the child. Its first frame is `ready` or why not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line = socket.socket(fileno=int(descriptor))
    if not line.recv(len(OPEN)):
        return 0
    try:
        if role == "write":
            half = WritingHalf(Path(directory) / FILE, passed_s=passed_s)
            host = StoreHost(
                line,
                writing_operations(half),
                half.checkpoints.run_if_due,
                lambda: False,
                record=half.record,
            )
        else:
            os.nice(READER_NICE)
            reading = ReadingHalf.in_directory(Path(directory))
            host = StoreHost(
                line,
                reading_operations(reading),
                lambda: None,
                reading.background,
                AnswerBound(reading.connections, ANSWER_S),
            )
    except StoreRefused as refusal:
        _say(line, ("StoreRefused", str(refusal)))
        return 1
    except DISK_FAULTS as error:
        _say(line, ("StoreDown", str(error)))
        return NOT_NOW
    _say(line, None)
    host.run()
    return 0


def _say(line: socket.socket, fault: tuple[str, str] | None) -> None:
    line.sendall(framed(_encoder.encode(StoreReply(0, fault, _NOTHING))))


if __name__ == "__main__":
    os.umask(0o077)
    try:
        code = main(*sys.argv[1:])
    except Exception as error:
        if not is_of_memory(error):
            raise
        os._exit(NO_MEMORY)  # at once: an orderly end needs memory. Who started it says why.
    sys.exit(code)
