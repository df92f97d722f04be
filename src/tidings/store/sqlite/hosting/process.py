"""A half of the embedded store in a process of its own, spoken to over a socket.

Why a process and not a thread: apsw gives the interpreter lock back at every step of a statement
and must win it again from a loop that never idles. Measured beside a busy loop, a writer thread
managed 67 rows/s where it does 64,000 alone (docs/decisions/0002-embedded-store.md).

Frames are a 4-byte big-endian length and msgpack: `[number, operation, arguments]` one way,
`[number, fault or null, result]` the other. Answers come in the order of the requests. The child
ends when its socket is closed, after finishing what it had begun; it inherits the directory lock,
so no other owner gets in before it is gone.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tidings.store import port
from tidings.store.sqlite.database import DISK_FAULTS, FILE, StoreRefused
from tidings.store.sqlite.hosting.embedded import ReadingHalf, WritingHalf, passed_s

IDLE_S = 0.2
RECEIVE_BYTES = 1 << 20
NOT_NOW = 75  # the exit code of a start that the disk refused: it may pass (EX_TEMPFAIL)

Operation = tuple[Callable[..., Any], msgspec.msgpack.Decoder[tuple[Any, ...]]]


class Request(msgspec.Struct, array_like=True):
    """One call; `arguments` are decoded by the operation's own types."""

    number: int
    operation: str
    arguments: msgspec.Raw


class Reply(msgspec.Struct, array_like=True):
    """One answer; `fault` is a fault's name and text."""

    number: int
    fault: tuple[str, str] | None
    result: msgspec.Raw


_NOTHING = msgspec.Raw(msgspec.msgpack.encode(None))


def _of_the_disk(error: BaseException) -> BaseException | None:
    """The disk's refusal that an error is, or came of; None where the disk did not refuse.

    Where SQLite has ended the transaction by itself, leaving it fails with an error of its own.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, DISK_FAULTS):
        seen = seen.__context__
    return seen


def _operation(function: Callable[..., Any], *types: Any) -> Operation:
    arguments = tuple[types] if types else tuple[()]  # type: ignore[valid-type]  # built at run time

    def or_down(*given: Any) -> Any:
        try:
            return function(*given)
        except apsw.Error as error:
            if (fault := _of_the_disk(error)) is None:
                raise
            raise port.StoreDown(str(fault)) from error

    return or_down, msgspec.msgpack.Decoder(arguments)


def writing_operations(half: WritingHalf) -> dict[str, Operation]:
    """What the writing child answers."""
    return {
        "commit": _operation(half.commit, port.Batch),
        "page": _operation(half.writer.page, int, int, int),
        "recover": _operation(half.recovery.recover, int, list[tuple[int, int]] | None),
        "unfinished": _operation(half.recovery.unfinished),
        "load": _operation(half.configuration.load),
        "put_org": _operation(half.configuration.put_org, port.Org),
        "put_credential": _operation(half.configuration.put_credential, port.Credential),
        "put_webhook": _operation(half.configuration.put_webhook, port.StoredWebhook),
        "drop_disabling": _operation(half.configuration.drop_disabling, int, int),
        "retire": _operation(half.recovery.retire, int, int, int),
        "load_inboxes": _operation(half.inboxes.load),
        "put_inbox": _operation(half.inboxes.put, port.Inbox),
        "use_inbox": _operation(half.inboxes.use, int, int),
        "drop_inbox": _operation(half.inboxes.drop, int),
        "add_arrivals": _operation(half.inboxes.add, list[port.Arrival]),
        "retry_now": _operation(half.asked.retry_now, int),
        "drop_rejection": _operation(half.asked.drop_rejection, int, int),
        "note_uses": _operation(half.people.note_uses, list[port.Use], list[port.Seen]),
        "load_people": _operation(half.people.load),
        "put_people": _operation(
            half.people.put_people, list[port.Person], list[port.Member], port.Link | None, str
        ),
        "drop_member": _operation(half.people.drop_member, int, str),
        "put_session": _operation(half.people.put_session, port.Session),
        "drop_sessions": _operation(half.people.drop_sessions, list[bytes]),
        "put_link": _operation(half.people.put_link, port.Link),
        "take_link": _operation(half.people.take_link, bytes),
        "drop_expired": _operation(half.people.drop_expired, int, int, int),
        "release": _operation(half.recovery.release, int, list[int]),
        "put_healths": _operation(half.health.put, list[port.Health]),
        "healths": _operation(half.health.all),
        "past_attempts": _operation(half.health.past_attempts, int, int, int),
        "park_expired": _operation(half.health.park_expired, int, int, int),
        "put_letter": _operation(half.letters.put, port.Letter),
        "drop_letters": _operation(half.letters.drop, list[str]),
        "letters": _operation(half.letters.all),
        "put_reference": _operation(half.reference.put, int, int, list[port.ReferenceRow]),
        "delete_reference": _operation(half.reference.delete, int, int, list[str]),
        "load_transformations": _operation(half.transformations.load_transformations),
        "put_transformation": _operation(
            half.transformations.put_transformation, port.StoredTransformation
        ),
        "transformation_versions": _operation(
            half.transformations.transformation_versions, int, str, int
        ),
        "load_types": _operation(half.types.load_types),
        "put_type": _operation(half.types.put_type, port.StoredType),
        "delete_type": _operation(half.types.delete_type, int, str),
        "put_replay": _operation(half.replays.put, port.ReplayJob, list[port.Listed]),
        "move_replay": _operation(half.replays.move, int, list[str], str, str),
        "note_counted": _operation(half.replays.note_counted, int, int, int, bool),
        "tally_replay": _operation(half.replays.tally, int, int, int),
        "close_replay": _operation(half.replays.close, int),
        "unfinished_of": _operation(half.replays.unfinished_of, int, int),
        "put_stop": _operation(half.replays.put_stop, port.Stop),
        "drop_stop": _operation(half.replays.drop_stop, int),
        "stops": _operation(half.replays.stops),
        "drop": _operation(half.retention.drop, port.Dropping),
        "kept": _operation(half.retention.kept),
        "give_back": _operation(half.retention.give_back, int),
        "close": _operation(half.close, bool),
    }


def reading_operations(half: ReadingHalf) -> dict[str, Operation]:
    """What the reading child answers."""
    return {
        "event": _operation(half.queries.event, int, str),
        "deliveries_of": _operation(half.queries.deliveries_of, int),
        "delivery": _operation(half.queries.delivery, int),
        "attempts_of": _operation(half.queries.attempts_of, int),
        "rejections": _operation(half.queries.rejections, int, int),
        "counts": _operation(half.counts),
        "index_lag": _operation(half.index_lag),
        "find": _operation(half.find, bytes, int),
        "arrivals": _operation(half.inboxes.page, int, int | None, int | None, int),
        "arrival": _operation(half.inboxes.one, int, int),
        "sent_body": _operation(half.queries.sent_body, int),
        "log_deliveries": _operation(half.log.deliveries, port.DeliveryQuery),
        "log_events": _operation(half.log.events, port.EventQuery),
        "tally": _operation(half.totals.tally, int, int, int, int | None),
        "late_each": _operation(half.totals.late_each, list[tuple[int, int]], int, int),
        "org_series": _operation(half.totals.org_series, int, int, int, int),
        "series": _operation(half.totals.series, list[int], int, int, int),
        "series_each": _operation(half.totals.series_each, list[int], int, int, int),
        "counts_each": _operation(half.totals.counts_each, list[int], int, int),
        "left_each": _operation(half.totals.left_each, list[int], int, int),
        "event_series": _operation(half.totals.event_series, int, int, int, int),
        "log_rejections": _operation(half.rejections.page, int, int | None, int | None, int),
        "rejection": _operation(half.rejections.one, int, int),
        "replay": _operation(half.replays.one, int, int),
        "replays": _operation(half.replays.newest, int, int, int),
        "open_replays": _operation(half.replays.not_closed),
        "unfinished_before": _operation(
            half.replays.unfinished_before, int, tuple[int, int, int, int], int
        ),
        "owed_before": _operation(half.replays.owed_before, int),
        "candidates": _operation(
            half.replay_source.candidates, int, port.ReplaySpec, int, int, bool
        ),
        "count_replay": _operation(
            half.replay_source.count, int, port.ReplaySpec, int, list[port.Listed]
        ),
        "first_since": _operation(half.replay_source.first_since, int),
        "listed_deliveries": _operation(half.replay_source.listed_deliveries, int, list[int]),
        "listed_events": _operation(half.replays.listed_events, int, list[str]),
        "webhook_version": _operation(half.lookup.webhook_version, int, int),
        "event_heads": _operation(half.lookup.event_heads, list[int]),
        "first_starts": _operation(half.lookup.first_starts, list[int]),
        "goes_first": _operation(half.lookup.goes_first, int),
        "reference": _operation(half.reference.get, int, int, list[str]),
        "list_reference": _operation(half.reference.list, int, int, str, int),
        "count_reference": _operation(half.reference.count, int, int),
    }


class Host:
    """The child's loop: answer what comes, work in the background when nothing does."""

    def __init__(
        self,
        line: socket.socket,
        operations: dict[str, Operation],
        after: Callable[[], None],
        background: Callable[[], bool],
    ) -> None:
        self._line = line
        self._operations = operations
        self._after = after
        self._background = background
        self._buffer = bytearray()

    def run(self) -> None:
        """Until the other side closes the socket."""
        more, worked_at = False, time.monotonic()
        while True:
            readable, _, _ = select.select([self._line], [], [], 0 if more else IDLE_S)
            if readable and not self._receive():
                return
            # Callers that never pause must not keep the work behind them from being done.
            if not readable or time.monotonic() - worked_at >= IDLE_S:
                more, worked_at = self._background(), time.monotonic()

    def _receive(self) -> bool:
        chunk = self._line.recv(RECEIVE_BYTES)
        if not chunk:
            return False
        buffer = self._buffer
        buffer += chunk
        at = 0
        while len(buffer) - at >= 4:
            end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
            if len(buffer) < end:
                break
            self._answer(_requests.decode(memoryview(buffer)[at + 4 : end]))
            at = end
        if at:
            self._buffer = buffer[at:]
        return True

    def _answer(self, request: Request) -> None:
        fault: tuple[str, str] | None = None
        result = _NOTHING
        try:
            function, arguments = self._operations[request.operation]
            value = function(*arguments.decode(request.arguments))
            result = msgspec.Raw(_encoder.encode(value))
        except Exception as error:
            fault = (type(error).__name__, str(error))
        answer = _encoder.encode(Reply(request.number, fault, result))
        self._line.sendall(len(answer).to_bytes(4, "big") + answer)
        self._after()


# Looking things up and preparing that yield to the way of an event where cores are short: it still
# gets a quarter of one.
READER_NICE = 5

_requests = msgspec.msgpack.Decoder(Request)
_encoder = msgspec.msgpack.Encoder()


def main(role: str, directory: str, descriptor: str) -> int:
    """The child's start. Says `ready` or why not as its first frame."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line = socket.socket(fileno=int(descriptor))
    try:
        if role == "write":
            half = WritingHalf(Path(directory) / FILE, passed_s=passed_s)
            host = Host(line, writing_operations(half), half.checkpoints.run_if_due, lambda: False)
        else:
            os.nice(READER_NICE)
            reading = ReadingHalf(Path(directory))
            host = Host(line, reading_operations(reading), lambda: None, reading.background)
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
    answer = _encoder.encode(Reply(0, fault, _NOTHING))
    line.sendall(len(answer).to_bytes(4, "big") + answer)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(*sys.argv[1:]))
