"""Reads for the API, on a read-only connection of their own."""

import hashlib
from typing import Any, NamedTuple

import msgspec

from tidings.core.delivery.exchange import FaultKind, Timings
from tidings.core.delivery.waits import WaitsFor
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.shaping.left_out import LeftOut
from tidings.core.webhooks.name_matching import wire_name
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import (
    Projection,
    StoredTable,
    json_of,
    read_only,
    select_for,
    tuple_maker,
)
from tidings.store.sql.states import (
    DELIVERED,
    FAILED,
    HELD,
    PARKED,
    PENDING,
    TIMED,
    WAITING,
    is_in_trouble,
    is_unfinished,
)


class AttemptRow(NamedTuple):
    """A row of `attempt`. Without evidence all that follows the status is null."""

    delivery: DeliveryId
    number: int
    started_ms: int
    version: int
    duration_ms: int | None
    status: int | None
    kind: str | None = None
    detail: str | None = None
    headers: bytes | None = None
    body: bytes | None = None
    truncated: int | None = None
    timings: bytes | None = None


bind_attempt = tuple_maker(AttemptRow)
DELIVERY = Projection(
    port.StoredDelivery,
    "d",
    {
        "org": "e.org",
        "event_name": "e.name",
        "event_id": "e.id",
        # The time of a replay's delivery is that of its making: its window begins there.
        "accepted_ms": "coalesce(r.at_ms, e.at_ms)",
        "replay": "r.replay",
        "left_out": "l.said",
        "ended_by": "c.by",
        "waits": f"CASE WHEN d.state = {WAITING} THEN (SELECT json_array(w.reason, w.detail,"
        " w.needed) FROM waiting w WHERE w.delivery = d.id) END",
        # What was delivered at once has no such row. By the last one of what has failed it says
        # that it waited to its end: the same rows are shown (reads/delivery/delivery_view.py).
        "waited": "CASE WHEN d.attempts > 1 OR (d.attempts = 1 AND d.status IS NULL) THEN"
        f" (SELECT count(*) FROM attempt a WHERE a.delivery = d.id AND a.kind = '{FaultKind.WAITS}'"
        f" AND NOT (d.state = {FAILED} AND a.number = d.attempts)) ELSE 0 END",
        "delivered_by": f"CASE WHEN d.state IN ({FAILED}, {PARKED}) THEN"
        " (SELECT json_array(y.id, x.replay, y.done_ms) FROM delivery_replay x"
        " INDEXED BY delivery_replay_event CROSS JOIN delivery y ON y.id = x.delivery"
        " WHERE x.event = d.event AND x.webhook = d.webhook AND x.delivery > d.id"
        f" AND y.state = {DELIVERED} ORDER BY x.delivery LIMIT 1) END",
    },
    {
        "event_name": read_only(wire_name),
        "left_out": json_of(LeftOut),
        "waits": json_of(WaitsFor),
        "delivered_by": json_of(port.DeliveredByReplay),
    },
)
WEBHOOK = Projection(
    port.StoredWebhook,
    "w",
    {
        "version": "v.version",
        "status": "v.standing",
        "config": "v.config",
        "updated_ms": "v.updated_ms",
    },
)
_EVENT = Projection(port.StoredEvent, "e", {"stored_name": "e.name", "body": "b.bytes"})
_ATTEMPT = StoredTable("attempt", AttemptRow)
_OF_LEFT_OUT = (
    " LEFT JOIN left_out l ON l.delivery = d.id LEFT JOIN delivery_cancel c ON c.delivery = d.id"
)
OF_REPLAY = f" LEFT JOIN delivery_replay r ON r.delivery = d.id{_OF_LEFT_OUT}"
_DELIVERY = f"{DELIVERY.select} FROM delivery d JOIN event e ON e.seq = d.event{OF_REPLAY}"
_NEXT_DUE = (
    f"{_DELIVERY} WHERE d.webhook = ? AND d.state IN ({TIMED}) AND d.due_ms IS NOT NULL"
    " ORDER BY d.due_ms, d.id LIMIT ?"
)
# An event's own deliveries have consecutive ids; those of replays are found by the event.
_OF_EVENT = (
    f"{DELIVERY.select} FROM event e CROSS JOIN delivery d ON d.id >= e.first_delivery"
    f" AND d.id < e.first_delivery + e.deliveries{OF_REPLAY} WHERE e.seq = ?1"
    f" UNION ALL {DELIVERY.select} FROM delivery_replay r CROSS JOIN delivery d"
    f" ON d.id = r.delivery CROSS JOIN event e ON e.seq = d.event{_OF_LEFT_OUT}"
    " WHERE r.event = ?1"
)
_NOT_DELIVERED = (
    f"SELECT {PENDING}, count(*) FROM delivery INDEXED BY delivery_pending WHERE state = {PENDING}"
    f" UNION ALL SELECT {HELD}, count(*) FROM delivery INDEXED BY delivery_key"
    f" WHERE {is_unfinished()} AND key IS NOT NULL AND state = {HELD}"
    " UNION ALL SELECT state, count(*) FROM delivery INDEXED BY delivery_trouble"
    f" WHERE {is_in_trouble()} GROUP BY state"
)
# A held one without an unfinished one of its key that is not held itself. While anything is owed
# none is counted: it may wait for that, also an older one of which somebody asked for another try.
ORPHANS = (
    "SELECT count(*) FROM delivery d INDEXED BY delivery_key"
    f" WHERE {is_unfinished('d')} AND d.key IS NOT NULL AND d.state = {HELD} AND NOT EXISTS"
    " (SELECT 1 FROM delivery p WHERE p.webhook = d.webhook AND p.key = d.key"
    f" AND {is_unfinished('p')} AND p.state <> {HELD})"
    " AND NOT EXISTS (SELECT 1 FROM fan_out f WHERE f.first > 0)"
)
_headers = msgspec.json.Decoder(list[tuple[str, str]])
_timings = msgspec.json.Decoder(Timings)


def id_hash(org: OrgId, event_id: str) -> bytes:
    """Compute the 16 bytes under which `event_id` knows an event."""
    return hashlib.blake2b(f"{org}.{event_id}".encode(), digest_size=16).digest()


def _stored_attempt(row: AttemptRow) -> port.StoredAttempt:
    evidence = None
    if row.detail is not None:
        evidence = port.Evidence(
            kind=row.kind,
            detail=row.detail,
            headers=_headers.decode(row.headers or b"[]"),
            body=row.body or b"",
            truncated=bool(row.truncated),
            expired=row.kind is None and row.headers is None,
            timings=None if row.timings is None else _timings.decode(row.timings),
        )
    return port.StoredAttempt(
        number=row.number,
        started_ms=row.started_ms,
        ended=row.duration_ms is not None or evidence is not None,
        duration_ms=row.duration_ms,
        status=row.status,
        version=row.version,
        evidence=evidence,
    )


def _sent_body(
    shaped: bytes | None,
    accepted: bytes | None,
    again: int | None,
    key: int | None,
    cut: int | None,
    passage: str | None,
    hops_since_ms: int | None,
) -> port.SentBody:
    return port.SentBody(
        shaped=shaped,
        accepted=accepted,
        again=bool(again),
        key=key,
        cut=bool(cut),
        passage=passage,
        hops_since_ms=hops_since_ms or 0,
    )


_SENT_BODY = select_for(
    _sent_body,
    {
        "shaped": "s.bytes",
        "accepted": "b.bytes",
        "again": "r.again",
        "key": "d.key",
        "cut": "s.without_personal_data",
        "passage": "e.passage",
        "hops_since_ms": "(SELECT value FROM meta WHERE key = 'hops_since_ms')",
    },
)


class Queries:
    """The reading half of the embedded store."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.event)
    def event(self, org: OrgId, event_id: str) -> port.StoredEvent | None:
        row = self._connection.execute(
            f"{_EVENT.select} FROM event_id i JOIN event e ON e.seq = i.seq"
            " LEFT JOIN body b ON b.seq = i.seq WHERE i.hash = ?",
            (id_hash(org, event_id),),
        ).fetchone()
        return None if row is None else _EVENT.read(row)

    @answers(port.Store.deliveries_of)
    def deliveries_of(self, event: EventNumber) -> list[port.StoredDelivery]:
        """See `port.Store.deliveries_of`; those of replays too."""
        rows: list[Any] = self._connection.execute(_OF_EVENT, (event,)).fetchall()
        return [DELIVERY.read(row) for row in sorted(rows)]

    @answers(port.Store.delivery)
    def delivery(self, delivery: DeliveryId) -> port.StoredDelivery | None:
        row = self._connection.execute(_DELIVERY + " WHERE d.id = ?", (delivery,)).fetchone()
        return None if row is None else DELIVERY.read(row)

    @answers(port.Store.next_due)
    def next_due(self, webhook: int, limit: int) -> list[port.StoredDelivery]:
        rows = self._connection.execute(_NEXT_DUE, (webhook, limit)).fetchall()
        return [DELIVERY.read(row) for row in rows]

    @answers(port.Store.attempts_of)
    def attempts_of(self, delivery: DeliveryId) -> list[port.StoredAttempt]:
        query = f"{_ATTEMPT.select} WHERE delivery = ? ORDER BY number"
        rows: Any = self._connection.execute(query, (delivery,))
        return [_stored_attempt(_ATTEMPT.read(row)) for row in rows]

    @answers(port.Store.sent_body)
    def sent_body(self, delivery: DeliveryId) -> port.SentBody:
        row = self._connection.execute(
            f"{_SENT_BODY} FROM delivery d"
            " LEFT JOIN event e ON e.seq = d.event"
            " LEFT JOIN sent s ON s.delivery = d.id LEFT JOIN body b ON b.seq = d.event"
            " LEFT JOIN delivery_replay r ON r.delivery = d.id WHERE d.id = ?",
            (delivery,),
        ).fetchone()
        return port.SentBody() if row is None else _sent_body(*row)

    def counts(self, indexed: int) -> port.Counts:
        """See `port.Store.counts`; `indexed` is the last event whose search terms are written."""
        run = self._connection.execute
        with self._connection:  # one snapshot for all of them
            # Counting all rows of a table reads pages, not rows; what is not delivered stands in
            # partial indexes. Measured with a million of each: 80 ms, by groups of rows 570.
            [(events,)] = run("SELECT count(*) FROM event")
            [(newest,)] = run("SELECT coalesce(max(seq), 0) FROM event")
            [(deliveries,)] = run("SELECT count(*) FROM delivery")
            by_state = {int(state): int(count) for state, count in run(_NOT_DELIVERED) if count}
            by_state[DELIVERED] = deliveries - sum(by_state.values())
            [(orphans,)] = run(ORPHANS)
        by_state = {state: count for state, count in sorted(by_state.items()) if count}
        return port.Counts(events, by_state, orphans, index_lag=max(0, newest - indexed))
