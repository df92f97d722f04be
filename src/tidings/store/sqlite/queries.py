"""Reads for the API, on a read-only connection of their own."""

import hashlib
from typing import Any

import apsw
import msgspec

from tidings.core.delivery.exchange import Timings
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.shaping.left_out import LeftOut
from tidings.core.webhooks.name_matching import wire_name
from tidings.store import port
from tidings.store.sqlite.answers import answers
from tidings.store.sqlite.states import DELIVERED, FINAL, HELD, PENDING, TROUBLE

# The time of a replay's delivery is that of its making: its window begins there.
DELIVERY_COLUMNS = (
    "SELECT d.id, d.event, d.webhook, d.version, d.state, d.attempts, d.due_ms, d.done_ms,"
    " d.duration_ms, d.status, e.org, e.name, e.id, coalesce(r.at_ms, e.at_ms),"
    " r.replay, l.said, c.by"
)
EVENT_NAME = port.StoredDelivery.__struct_fields__.index("event_name")
_OF_LEFT_OUT = (
    " LEFT JOIN left_out l ON l.delivery = d.id LEFT JOIN delivery_cancel c ON c.delivery = d.id"
)
OF_REPLAY = f" LEFT JOIN delivery_replay r ON r.delivery = d.id{_OF_LEFT_OUT}"
_DELIVERY = f"{DELIVERY_COLUMNS} FROM delivery d JOIN event e ON e.seq = d.event{OF_REPLAY}"
# An event's own deliveries have consecutive ids; those of replays are found by the event.
_OF_EVENT = (
    f"{DELIVERY_COLUMNS} FROM event e CROSS JOIN delivery d ON d.id >= e.first_delivery"
    f" AND d.id < e.first_delivery + e.deliveries{OF_REPLAY} WHERE e.seq = ?1"
    f" UNION ALL {DELIVERY_COLUMNS} FROM delivery_replay r CROSS JOIN delivery d"
    f" ON d.id = r.delivery CROSS JOIN event e ON e.seq = d.event{_OF_LEFT_OUT}"
    " WHERE r.event = ?1"
)
_NOT_DELIVERED = (
    f"SELECT {PENDING}, count(*) FROM delivery INDEXED BY delivery_pending WHERE state = {PENDING}"
    f" UNION ALL SELECT {HELD}, count(*) FROM delivery INDEXED BY delivery_key"
    f" WHERE state < {FINAL} AND key IS NOT NULL AND state = {HELD}"
    " UNION ALL SELECT state, count(*) FROM delivery INDEXED BY delivery_trouble"
    f" WHERE state IN ({TROUBLE}) GROUP BY state"
)
# A held one without an unfinished one of its key that is not held itself. While anything is owed
# none is counted: it may wait for that, also an older one of which somebody asked for another try.
_ORPHANS = (
    "SELECT count(*) FROM delivery d INDEXED BY delivery_key"
    f" WHERE d.state < {FINAL} AND d.key IS NOT NULL AND d.state = {HELD} AND NOT EXISTS"
    " (SELECT 1 FROM delivery p WHERE p.webhook = d.webhook AND p.key = d.key"
    f" AND p.state < {FINAL} AND p.state <> {HELD})"
    " AND NOT EXISTS (SELECT 1 FROM fan_out f WHERE f.first > 0)"
)
_headers = msgspec.json.Decoder(list[tuple[str, str]])
_timings = msgspec.json.Decoder(Timings)
_left_out = msgspec.json.Decoder(LeftOut)


def id_hash(org: OrgId, event_id: str) -> bytes:
    """The 16 bytes under which `event_id` knows an event."""
    return hashlib.blake2b(f"{org}.{event_id}".encode(), digest_size=16).digest()


def stored_delivery(row: tuple[Any, ...]) -> port.StoredDelivery:
    """A row of `DELIVERY_COLUMNS`."""
    *plain, outcome, ended_by = row
    plain[EVENT_NAME] = wire_name(plain[EVENT_NAME])
    read = (*plain, None if outcome is None else _left_out.decode(outcome), ended_by)
    return port.StoredDelivery(*read)


class Queries:
    """The reading half of the embedded store."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @answers(port.Store.event)
    def event(self, org: OrgId, event_id: str) -> port.StoredEvent | None:
        row = self._connection.execute(
            "SELECT e.seq, e.org, e.name, e.id, e.at_ms, e.warning, b.bytes, e.first_delivery,"
            " e.deliveries, e.passage FROM event_id i JOIN event e ON e.seq = i.seq"
            " LEFT JOIN body b ON b.seq = i.seq WHERE i.hash = ?",
            (id_hash(org, event_id),),
        ).fetchone()
        return None if row is None else port.StoredEvent(*row)

    @answers(port.Store.deliveries_of)
    def deliveries_of(self, event: EventNumber) -> list[port.StoredDelivery]:
        """See `port.Store.deliveries_of`; those of replays too."""
        rows: list[Any] = self._connection.execute(_OF_EVENT, (event,)).fetchall()
        return [stored_delivery(row) for row in sorted(rows)]

    @answers(port.Store.delivery)
    def delivery(self, delivery: DeliveryId) -> port.StoredDelivery | None:
        row = self._connection.execute(_DELIVERY + " WHERE d.id = ?", (delivery,)).fetchone()
        return None if row is None else stored_delivery(row)

    @answers(port.Store.attempts_of)
    def attempts_of(self, delivery: DeliveryId) -> list[port.StoredAttempt]:
        found = []
        for row in self._connection.execute(
            "SELECT number, started_ms, duration_ms, status, version, kind, detail, headers, body,"
            " truncated, timings FROM attempt WHERE delivery = ? ORDER BY number",
            (delivery,),
        ):
            number, started, duration, status, version, kind, detail, headers, body, cut, spent = (
                row
            )
            evidence = None
            if detail is not None:
                evidence = port.Evidence(
                    kind=kind,
                    detail=detail,
                    headers=_headers.decode(headers or b"[]"),
                    body=body or b"",
                    truncated=bool(cut),
                    expired=kind is None and headers is None,
                    timings=None if spent is None else _timings.decode(spent),
                )
            ended = duration is not None or evidence is not None
            found.append(
                port.StoredAttempt(
                    number=number,
                    started_ms=started,
                    ended=ended,
                    duration_ms=duration,
                    status=status,
                    version=version,
                    evidence=evidence,
                )
            )
        return found

    @answers(port.Store.sent_body)
    def sent_body(self, delivery: DeliveryId) -> port.SentBody:
        row = self._connection.execute(
            "SELECT s.bytes, b.bytes, coalesce(r.again, 0), d.key,"
            " coalesce(s.without_personal_data, 0), e.passage,"
            " (SELECT value FROM meta WHERE key = 'hops_since_ms') FROM delivery d"
            " LEFT JOIN event e ON e.seq = d.event"
            " LEFT JOIN sent s ON s.delivery = d.id LEFT JOIN body b ON b.seq = d.event"
            " LEFT JOIN delivery_replay r ON r.delivery = d.id WHERE d.id = ?",
            (delivery,),
        ).fetchone()
        if row is None:
            return port.SentBody()
        shaped, accepted, again, key, cut, passage, since_ms = row
        return port.SentBody(
            shaped=shaped,
            accepted=accepted,
            again=bool(again),
            key=key,
            cut=bool(cut),
            passage=passage,
            hops_since_ms=since_ms or 0,
        )

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
            [(orphans,)] = run(_ORPHANS)
        by_state = {state: count for state, count in sorted(by_state.items()) if count}
        return port.Counts(events, by_state, orphans, max(0, newest - indexed))
