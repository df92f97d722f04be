"""Reads for the API, on a read-only connection of their own."""

import apsw
import msgspec

from tidings.store import port
from tidings.store.sqlite.writer import id_hash

_DELIVERY = (
    "SELECT d.id, d.event, d.webhook, d.version, d.state, d.attempts, d.due_ms, d.done_ms,"
    " d.duration_ms, d.status, e.org, e.name, e.id, e.at_ms"
    " FROM delivery d JOIN event e ON e.seq = d.event"
)
_headers = msgspec.json.Decoder(list[tuple[str, str]])


class Queries:
    """The reading half of the embedded store."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def event(self, org: int, event_id: str) -> port.StoredEvent | None:
        """See `port.Store.event`."""
        row = self._connection.execute(
            "SELECT e.seq, e.org, e.name, e.id, e.at_ms, e.warning, b.bytes, e.first_delivery,"
            " e.deliveries FROM event_id i JOIN event e ON e.seq = i.seq"
            " LEFT JOIN body b ON b.seq = i.seq WHERE i.hash = ?",
            (id_hash(org, event_id),),
        ).fetchone()
        return None if row is None else port.StoredEvent(*row)

    def deliveries_of(self, event: int) -> list[port.StoredDelivery]:
        """See `port.Store.deliveries_of`. An event's own deliveries have consecutive ids."""
        return [
            port.StoredDelivery(*row)
            for row in self._connection.execute(
                _DELIVERY + " WHERE e.seq = ? AND d.id >= e.first_delivery"
                " AND d.id < e.first_delivery + e.deliveries ORDER BY d.id",
                (event,),
            )
        ]

    def delivery(self, delivery: int) -> port.StoredDelivery | None:
        """See `port.Store.delivery`."""
        row = self._connection.execute(_DELIVERY + " WHERE d.id = ?", (delivery,)).fetchone()
        return None if row is None else port.StoredDelivery(*row)

    def attempts_of(self, delivery: int) -> list[port.StoredAttempt]:
        """See `port.Store.attempts_of`."""
        found = []
        for row in self._connection.execute(
            "SELECT number, started_ms, duration_ms, status, version, kind, detail, headers, body,"
            " truncated FROM attempt WHERE delivery = ? ORDER BY number",
            (delivery,),
        ):
            number, started, duration, status, version, kind, detail, headers, body, cut = row
            evidence = None
            if detail is not None:
                evidence = port.Evidence(
                    kind, detail, _headers.decode(headers or b"[]"), body or b"", bool(cut)
                )
            ended = duration is not None or evidence is not None
            found.append(
                port.StoredAttempt(number, started, ended, duration, status, version, evidence)
            )
        return found

    def rejections(self, org: int, limit: int) -> list[port.Rejection]:
        """See `port.Store.rejections`."""
        return [
            port.Rejection(*row)
            for row in self._connection.execute(
                "SELECT id, org, at_ms, name, event_id, code, message, path, body FROM rejection"
                " WHERE org = ? ORDER BY id DESC LIMIT ?",
                (org, limit),
            )
        ]

    def counts(self, indexed: int) -> port.Counts:
        """See `port.Store.counts`; `indexed` is the last event whose search terms are written."""
        run = self._connection.execute
        with self._connection:  # one snapshot for all of them
            [(events, newest)] = run("SELECT count(*), coalesce(max(seq), 0) FROM event")
            by_state = {
                int(state): int(count)
                for state, count in run("SELECT state, count(*) FROM delivery GROUP BY state")
            }
            [(orphans,)] = run(
                "SELECT count(*) FROM delivery d WHERE d.state = 1 AND NOT EXISTS (SELECT 1 FROM"
                " delivery p WHERE p.webhook = d.webhook AND p.key = d.key AND p.state < 3"
                " AND p.id < d.id)"
            )
        return port.Counts(events, by_state, orphans, newest - indexed)
