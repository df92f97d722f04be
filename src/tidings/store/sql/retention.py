"""Retention: what is too old is dropped, in slices of a bounded number of rows.

Events are visited in the order of their numbers, which belongs to their times (but for what came
from another cell: `facts/number_spans.py`). Each group of orgs with the same retention has a place
up to which it has come; what was not finished when the place
passed by is noted in `kept_back` and looked at again at the beginning of each pass. Neighbours are
dropped as one range: whole pages become free, and SQLite uses them again before the file grows.

Each slice is one transaction, its place included, so a crash leaves it done or not begun. It is not
synced: no commit has to wait for a sync that nobody was promised anything by, and measured, the
sync was most of a slice. The log keeps its order: the next commit of the engine, which is synced,
makes the slices before it lasting too, and a power cut before that takes back some dropping,
nothing else (tests/store/sqlite/test_power.py).
"""

import hashlib
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.orgs.retention import DAYS_MAX, RowKind
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery import replay_tallies
from tidings.store.sql.delivery.caps import DROP_EXPIRED, DROP_UNDONE
from tidings.store.sql.facts.number_spans import NumberSpan, find_spans
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.queries import id_hash
from tidings.store.sql.row_mapping import Projection, insert_into
from tidings.store.sql.states import is_unfinished

SLICE_BYTES = 2 << 20  # of bodies: dropping a long one reads all of its pages

_OWN = "d.id >= e.first_delivery AND d.id < e.first_delivery + e.deliveries"
# Whether anything of an event is unfinished.
_UNFINISHED = (
    f"EXISTS (SELECT 1 FROM delivery d WHERE {_OWN} AND {is_unfinished('d')})"
    " OR EXISTS (SELECT 1 FROM fan_out f WHERE f.first >= e.first_delivery"
    " AND f.first < e.first_delivery + e.deliveries)"
    " OR EXISTS (SELECT 1 FROM delivery_replay r JOIN delivery d ON d.id = r.delivery"
    f" WHERE r.event = e.seq AND {is_unfinished('d')})"
)
_ANSWERS = (
    "SELECT a.started_ms, a.delivery, a.number, w.org FROM attempt a INDEXED BY attempt_answer"
    " LEFT JOIN delivery d ON d.id = a.delivery LEFT JOIN webhook w ON w.number = d.webhook"
    " WHERE a.headers IS NOT NULL AND a.kind IS NULL AND a.started_ms >= ?1 AND a.started_ms < ?4"
    " AND (a.started_ms, a.delivery, a.number) > (?1, ?2, ?3)"
    " ORDER BY a.started_ms, a.delivery, a.number LIMIT ?5"
)
_DROP_ANSWER = (
    "UPDATE attempt SET headers = NULL, body = NULL, truncated = NULL"
    " WHERE delivery = ? AND number = ?"
)
_DROP_ATTEMPTS = (
    "DELETE FROM attempt WHERE (delivery, number) IN (SELECT delivery, number FROM attempt"
    " WHERE delivery >= ? AND delivery < ? ORDER BY delivery, number LIMIT ?)"
)
_DROP_DELIVERIES = (
    "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery"
    " WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)"
)
_DROP_SENT = (
    "DELETE FROM sent WHERE delivery IN (SELECT delivery FROM sent"
    " WHERE delivery >= ? AND delivery < ? ORDER BY delivery LIMIT ?)"
)
_DROP_LEFT_OUT = (
    "DELETE FROM left_out WHERE delivery IN (SELECT delivery FROM left_out"
    " WHERE delivery >= ? AND delivery < ? ORDER BY delivery LIMIT ?)"
)
_DROP_WAITING = (
    "DELETE FROM waiting WHERE delivery IN (SELECT delivery FROM waiting"
    " WHERE delivery >= ? AND delivery < ? ORDER BY delivery LIMIT ?)"
)
_DROP_REJECTIONS = (
    "DELETE FROM rejection WHERE at_ms < ? AND id IN (SELECT id FROM rejection"
    " WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)"
)
_DAYS_BITS = 12  # of a place's `days`, above which stands the range that its span begins with
assert DAYS_MAX < 1 << _DAYS_BITS, "days and range would run into each other"
# Numbers are not bounded by their times: those that come from other cells lie between.
_OLD_INCIDENTS = (
    "SELECT webhook, number, org FROM incident WHERE number > ? AND ended_ms < ?"
    " ORDER BY number LIMIT ?"
)
_DROP_INCIDENT = "DELETE FROM incident WHERE webhook = ? AND number = ?"
_WHOLE = NumberSpan()
_ROWS_OF_AN_EVENT = 3  # beside its deliveries: itself, its id and its body


class RetentionCursor(NamedTuple):
    """The cursor of a group: an event's number, or an answer's time, delivery and number."""

    at: int = 0
    delivery: DeliveryId = DeliveryId(0)
    number: int = 0


class RetentionGroupRow(NamedTuple):
    """A row of `keeping`: the cursor of a group of orgs that keep as long, in a span of numbers.
    `days`: theirs, and above them the range that the span begins with (`_DAYS_BITS`)."""

    kind: int
    days: int
    members: bytes
    at: int
    delivery: DeliveryId
    number: int


class KeptBackRow(NamedTuple):
    """A row of `kept_back`: an event that was passed by."""

    kind: int
    seq: int


_KEEP_BACK = insert_into("kept_back", KeptBackRow, "INSERT OR IGNORE")
_PUT_CURSOR = insert_into("keeping", RetentionGroupRow, "INSERT OR REPLACE")
_CURSOR = Projection(RetentionCursor)


class OldEvent(NamedTuple):
    """An event that may be old enough."""

    seq: EventNumber
    org: OrgId
    id: str
    at_ms: int
    first_delivery: DeliveryId
    deliveries: int
    unfinished: int
    bytes: int
    replays: int

    @property
    def rows(self) -> int:
        """Count the rows that go with it; its attempts are counted when they go."""
        return _ROWS_OF_AN_EVENT + self.deliveries + self.replays


_EVENT = Projection(
    OldEvent,
    "e",
    {
        "unfinished": _UNFINISHED,
        "bytes": "coalesce((SELECT length(b.bytes) FROM body b WHERE b.seq = e.seq), 0)",
        "replays": "(SELECT count(*) FROM delivery_replay r WHERE r.event = e.seq)",
    },
)
_OLD = f"{_EVENT.select}, e.seq FROM event e WHERE e.seq > ? AND e.seq < ? ORDER BY e.seq LIMIT ?"
_KEPT_BACK = (
    f"{_EVENT.select}, k.seq FROM kept_back k LEFT JOIN event e ON e.seq = k.seq"
    " WHERE k.kind = ? AND k.seq > ? ORDER BY k.seq LIMIT ?"
)


class RetentionRows:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection, numbers: StoreNumbers) -> None:
        self._connection = connection
        self._numbers = numbers
        self._again: dict[tuple[int, int], int] = {}  # the last kept-back event that was looked at
        # By group, what this pass has to walk through yet; the first of it is being walked.
        self._spans: dict[tuple[int, int], list[NumberSpan]] = {}
        # By group, the last incident that this pass has looked at, until it has looked at all.
        self._incidents: dict[tuple[int, int], int] = {}

    @answers(port.Store.drop)
    def drop(self, dropping: port.DropSlice) -> port.DropReceipt:
        began = time.perf_counter()
        if dropping.first:
            self._again[dropping.kind, dropping.days] = 0
            self._spans.pop((dropping.kind, dropping.days), None)
            self._incidents[dropping.kind, dropping.days] = 0
        with self._connection.unsynced(), self._numbers.transaction():
            if dropping.now_ms:
                self._run("UPDATE meta SET value = ? WHERE key = 'dropped_ms'", dropping.now_ms)
            if dropping.kind == RowKind.REJECTION:
                self._numbers.keep("rejection")
                span = self._span(dropping)
                most = dropping.rows_max
                rows = self._change(_DROP_REJECTIONS, dropping.before_ms, *span, most)
                more = self._go_on(dropping, rows == most)
            elif dropping.kind == RowKind.RESPONSE:
                rows, more = self._drop_answers(dropping)
            elif dropping.kind == RowKind.METADATA and (uses := self._drop_uses(dropping)):
                rows, more = uses, True
            elif dropping.kind == RowKind.METADATA and self._has_incidents(dropping):
                rows, more = self._drop_incidents(dropping), True
            else:
                rows, more = self._drop_of_events(dropping)
        return port.DropReceipt(rows, more, round((time.perf_counter() - began) * 1e6))

    @answers(port.Store.retention_state)
    def retention_state(self) -> port.RetentionState:
        one = self._one
        return port.RetentionState(
            dropped_ms=one("SELECT value FROM meta WHERE key = 'dropped_ms'"),
            oldest_event_ms=one("SELECT at_ms FROM event ORDER BY seq LIMIT 1"),
            oldest_payload_ms=one(
                "SELECT at_ms FROM event WHERE seq = (SELECT min(seq) FROM body)"
            ),
            kept_back=one("SELECT count(DISTINCT seq) FROM kept_back"),
        )

    # -- events -----------------------------------------------------------------------------------

    def _drop_of_events(self, wanted: port.DropSlice) -> tuple[int, bool]:
        """A slice of payload or metadata: first what was kept back, then what has become old."""
        group = wanted.kind, wanted.days
        if (again := self._again.get(group)) is not None:
            looked = self._look(wanted, _KEPT_BACK, (wanted.kind, again))
            rows, to, more = self._drop(wanted, looked)
            self._again[group] = to
            if not more:
                del self._again[group]
            return rows, True
        span = self._span(wanted)
        place = self._place(wanted, span)
        rows, to, more = self._drop(wanted, self._look(wanted, _OLD, (place.at, span.end)))
        self._move(wanted, RetentionCursor(max(place.at, to)), span)
        return rows, self._go_on(wanted, more)

    def _span(self, wanted: port.DropSlice) -> NumberSpan:
        """Return the span of numbers that a group's pass has come to."""
        group = wanted.kind, wanted.days
        if not self._spans.get(group):
            table = "rejection" if wanted.kind == RowKind.REJECTION else "event"
            self._spans[group] = list(find_spans(self._connection, table))
        return self._spans[group][0]

    def _go_on(self, wanted: port.DropSlice, more: bool) -> bool:
        """Return whether there is more in the span or in the spans behind it, and go on to the next
        one where there is none in it."""
        spans = self._spans[wanted.kind, wanted.days]
        if more:
            return True
        del spans[0]
        return bool(spans)

    def _look(
        self, wanted: port.DropSlice, query: str, after: tuple[int, ...]
    ) -> Generator[tuple[int, OldEvent | None], None, None]:
        """Events behind a place, with the number that their place has; None where it is gone."""
        cursor = self._connection.execute(query, (*after, wanted.rows_max))
        try:
            for *row, number in cursor:
                yield number, None if row[0] is None else _EVENT.read(row)
        finally:
            cursor.close(True)

    def _drop(
        self, wanted: port.DropSlice, looked: Generator[tuple[int, OldEvent | None], None, None]
    ) -> tuple[int, int, bool]:
        """Rows dropped, the place of the last event that is done with, and whether more is behind.

        Looks on until the slice is full. The first event is taken whatever its size: its rows go in
        as many slices as they need.
        """
        orgs = frozenset(wanted.orgs)
        old: list[OldEvent] = []
        back: list[int] = []
        gone: list[int] = []
        to = work = size = seen = 0
        ended = full = False
        for seq, event in looked:
            seen += 1
            if event is None:
                gone.append(seq)
            else:
                work, size = work + event.rows, size + event.bytes
                ended = event.at_ms >= wanted.before_ms
                full = seen > 1 and (work > wanted.rows_max or size > SLICE_BYTES)
                if ended or full:
                    break
                if (event.org in orgs) != wanted.others:
                    if event.unfinished:
                        back.append(seq)
                    else:
                        old.append(event)
            to = seq
        looked.close()  # a statement that still reads keeps SQLite in the error of a refused write
        drop = self._drop_payload if wanted.kind == RowKind.PAYLOAD else self._drop_events
        rows, done = drop(old, wanted.rows_max)
        if done < len(old):
            to, full = old[done].seq - 1, True
        self._note_back(wanted.kind, back, [*gone, *(row.seq for row in old[:done])])
        return rows, to, full or (not ended and seen == wanted.rows_max)

    def _drop_payload(self, old: Sequence[OldEvent], rows_max: int) -> tuple[int, int]:
        """Rows dropped, and how many of the events have none any more."""
        rows = done = 0
        for run in _runs(old):
            rows += self._drop_ranges((_DROP_SENT,), self._deliveries(run), rows_max - rows)
            if rows and rows + len(run) > rows_max:
                return rows, done
            rows += self._change("DELETE FROM body WHERE seq BETWEEN ? AND ?", *_seqs(run))
            done += len(run)
        return rows, done

    def _drop_events(self, old: Sequence[OldEvent], rows_max: int) -> tuple[int, int]:
        """Rows dropped, and how many of the events are wholly gone."""
        rows = done = 0
        for run in _runs(old):
            ranges = self._deliveries(run)
            self._raise_floors(run[-1].seq, DeliveryId(max(end for _, end in ranges) - 1))
            if any(event.replays for event in run):
                replay_tallies.count_those_of(self._connection, *_seqs(run))
            rest = (_DROP_SENT, _DROP_LEFT_OUT, _DROP_WAITING, DROP_UNDONE, _DROP_DELIVERIES)
            of_delivery = (_DROP_ATTEMPTS, *rest)
            rows += self._drop_ranges(of_delivery, ranges, rows_max - rows)
            if rows and rows + _ROWS_OF_AN_EVENT * len(run) > rows_max:
                return rows, done
            hashes = sorted((id_hash(event.org, event.id),) for event in run)
            self._connection.executemany("DELETE FROM event_id WHERE hash = ?", hashes)
            rows += len(run)
            for table in ("body", "event"):
                rows += self._change(f"DELETE FROM {table} WHERE seq BETWEEN ? AND ?", *_seqs(run))
            done += len(run)
        return rows, done

    def _drop_ranges(
        self, statements: Sequence[str], ranges: Sequence[tuple[int, int]], rows_max: int
    ) -> int:
        rows = 0
        for begin, end in ranges:
            for statement in statements:
                if rows >= rows_max:
                    return rows
                rows += self._change(statement, begin, end, rows_max - rows)
        return rows

    def _deliveries(self, run: Sequence[OldEvent]) -> list[tuple[int, int]]:
        """Ranges of delivery ids, ends excluded: the events' own, and those of replays."""
        own = run[0].first_delivery, run[-1].first_delivery + run[-1].deliveries
        if not any(event.replays for event in run):
            return [own]
        replays: list[tuple[Any, ...]] = self._connection.execute(
            "SELECT delivery FROM delivery_replay WHERE event BETWEEN ? AND ?", _seqs(run)
        ).fetchall()
        return [own, *((id, id + 1) for (id,) in replays)]

    def _raise_floors(self, seq: EventNumber, delivery: DeliveryId) -> None:
        """The numbers are not given again, even if nothing is left that has them."""
        for key, value in (("seq_floor", seq), ("delivery_floor", delivery)):
            self._run("UPDATE meta SET value = ? WHERE key = ? AND value < ?", value, key, value)

    def _note_back(self, kind: int, back: Iterable[int], gone: Iterable[int]) -> None:
        many = self._connection.executemany
        many(_KEEP_BACK, [KeptBackRow(kind=kind, seq=seq) for seq in back])
        many("DELETE FROM kept_back WHERE kind = ? AND seq = ?", [(kind, seq) for seq in gone])

    def _drop_uses(self, wanted: port.DropSlice) -> int:
        """Uses of caps whose time is over, also those that nobody asks for any more."""
        return self._change(DROP_EXPIRED, wanted.now_ms, wanted.rows_max)

    # -- incidents --------------------------------------------------------------------------------

    def _has_incidents(self, wanted: port.DropSlice) -> bool:
        """Return whether the group's pass has to look at incidents yet."""
        return (wanted.kind, wanted.days) in self._incidents

    def _drop_incidents(self, wanted: port.DropSlice) -> int:
        """Drop a slice of incidents that have ended before the group's days; how many."""
        group, orgs = (wanted.kind, wanted.days), frozenset(wanted.orgs)
        found: list[tuple[int, int, OrgId]] = self._connection.execute(
            _OLD_INCIDENTS, (self._incidents[group], wanted.before_ms, wanted.rows_max)
        ).fetchall()
        old = [
            (webhook, number) for webhook, number, org in found if (org in orgs) != wanted.others
        ]
        self._connection.executemany(_DROP_INCIDENT, old)
        if len(found) == wanted.rows_max:
            self._incidents[group] = found[-1][1]
        else:
            del self._incidents[group]
        return len(old)

    # -- answers ----------------------------------------------------------------------------------

    def _drop_answers(self, wanted: port.DropSlice) -> tuple[int, bool]:
        """A slice of answers; the org that keeps them is the owner of their webhook."""
        place, orgs = self._place(wanted), frozenset(wanted.orgs)
        found: list[tuple[Any, ...]] = self._connection.execute(
            _ANSWERS, (*place, wanted.before_ms, wanted.rows_max)
        ).fetchall()
        old = [
            (delivery, number)
            for _, delivery, number, org in found
            if org is None or (org in orgs) != wanted.others
        ]
        self._connection.executemany(_DROP_ANSWER, old)
        if found:
            self._move(wanted, _CURSOR.read(found[-1][:3]))
        return len(old), len(found) == wanted.rows_max

    # -- places -----------------------------------------------------------------------------------

    def _place(self, wanted: port.DropSlice, span: NumberSpan = _WHOLE) -> RetentionCursor:
        """Return where the group stands in a span; at the beginning where other orgs are in it than
        were."""
        found: list[tuple[Any, ...]] = self._connection.execute(
            f"{_CURSOR.select} FROM keeping WHERE kind = ? AND days = ? AND members = ?",
            (wanted.kind, _days_in(wanted, span), _members(wanted)),
        ).fetchall()
        return _CURSOR.read(found[0]) if found else RetentionCursor(max(0, span.low - 1))

    def _move(
        self, wanted: port.DropSlice, place: RetentionCursor, span: NumberSpan = _WHOLE
    ) -> None:
        row = RetentionGroupRow(
            kind=wanted.kind,
            days=_days_in(wanted, span),
            members=_members(wanted),
            at=place.at,
            delivery=place.delivery,
            number=place.number,
        )
        self._run(_PUT_CURSOR, *row)

    # -- statements -------------------------------------------------------------------------------

    def _run(self, statement: str, *binding: Any) -> None:
        for _ in self._connection.execute(statement, binding):
            pass

    def _change(self, statement: str, *binding: Any) -> int:
        self._run(statement, *binding)
        return self._connection.changes()

    def _one(self, query: str) -> Any:
        row = self._connection.execute(query).fetchone()
        return None if row is None else row[0]


def _runs(old: Sequence[OldEvent]) -> Iterator[Sequence[OldEvent]]:
    """Neighbours whose numbers, and whose deliveries' numbers, follow each other."""
    begin = 0
    for at in range(1, len(old) + 1):
        if at < len(old):
            last, one = old[at - 1], old[at]
            follows = last.first_delivery + last.deliveries == one.first_delivery
            if follows and last.seq + 1 == one.seq:
                continue
        if begin < at:
            yield old[begin:at]
        begin = at


def _seqs(run: Sequence[OldEvent]) -> tuple[EventNumber, EventNumber]:
    return run[0].seq, run[-1].seq


def _days_in(wanted: port.DropSlice, span: NumberSpan) -> int:
    return wanted.days + (span.range_index << _DAYS_BITS)


def _members(wanted: port.DropSlice) -> bytes:
    members = msgspec.msgpack.encode((wanted.others, wanted.orgs))
    return hashlib.blake2b(members, digest_size=8).digest()
