"""Completes the rows of logs, on the read-only connection."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tidings.core.ids import DeliveryId, EventNumber
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.queries import WEBHOOK
from tidings.store.sql.states import HELD, is_unfinished

_SLICE = 500  # bindings of one statement
# The one of its key that is not held is the first of them, but for older ones of which somebody has
# asked for another try: they are looked past, so many of them within about a millisecond. Where
# none is under way, all that wait would be read, and a strict webhook may have very many.
_LOOKED_PAST = 10_000
_GOES_FIRST = (
    "SELECT id FROM (SELECT p.id, p.state FROM delivery d CROSS JOIN delivery p"
    f" INDEXED BY delivery_key ON p.webhook = d.webhook AND p.key = d.key"
    f" AND {is_unfinished('p')}"
    f" AND p.key IS NOT NULL WHERE d.id = ? AND d.state = {HELD} ORDER BY p.id"
    f" LIMIT {_LOOKED_PAST})"
    f" WHERE state <> {HELD} LIMIT 1"
)
_STARTS = "SELECT a.delivery, a.started_ms FROM attempt a WHERE a.delivery IN"
_IS_FIRST = "a.number = (SELECT min(f.number) FROM attempt f WHERE f.delivery = a.delivery)"
_WAITS = "SELECT delivery, since_ms, looks FROM waiting WHERE delivery IN"


class _Head(msgspec.Struct):
    """All that is decoded of a body."""

    refId: Any = None
    apiRequestId: Any = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Customer(msgspec.Struct):
    customerId: str | int | None = None


class _Base(msgspec.Struct):
    customerIdentifiers: _Customer | None = None


class _Data(_Base):
    """The `data` of an event whose one customer is named once for all of it."""

    baseAttributes: _Base | None = None
    survivorCustomerIdentifiers: _Customer | None = None


_read = msgspec.json.Decoder(_Head).decode
_read_data = msgspec.json.Decoder(_Data).decode


class EventLookup:
    """See `port.Store`."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.webhook_version)
    def webhook_version(self, webhook: int, version: int) -> port.StoredWebhook | None:
        row = self._connection.execute(
            f"{WEBHOOK.select} FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
            " WHERE w.number = ? AND v.version = ?",
            (webhook, version),
        ).fetchone()
        return None if row is None else WEBHOOK.read(row)

    @answers(port.Store.event_heads)
    def event_heads(self, events: Sequence[EventNumber]) -> list[port.EventHead]:
        rows = self._in("SELECT seq, bytes FROM body WHERE seq IN", events)
        return [_head(seq, body) for seq, body in rows]

    @answers(port.Store.first_starts)
    def first_starts(self, deliveries: Sequence[DeliveryId]) -> list[port.FirstStart]:
        rows = self._in(_STARTS, deliveries, f" AND {_IS_FIRST}")
        starts = {delivery: port.FirstStart(delivery, started) for delivery, started in rows}
        for delivery, since, looks in self._in(_WAITS, deliveries):
            known = starts.get(delivery)
            first = since if known is None else min(since, known.started_ms)
            starts[delivery] = port.FirstStart(delivery, first, looks)
        return list(starts.values())

    @answers(port.Store.goes_first)
    def goes_first(self, delivery: DeliveryId) -> DeliveryId | None:
        row = self._connection.execute(_GOES_FIRST, (delivery,)).fetchone()
        return None if row is None else DeliveryId(row[0])

    def _in(self, query: str, ids: Sequence[int], end: str = "") -> Iterator[tuple[Any, ...]]:
        for at in range(0, len(ids), _SLICE):
            some = ids[at : at + _SLICE]
            marks = ", ".join("?" * len(some))
            yield from self._connection.execute(f"{query} ({marks}){end}", tuple(some))


def _head(seq: EventNumber, body: bytes) -> port.EventHead:
    try:
        head = _read(body)
    except msgspec.DecodeError:  # it was read before it was stored; a number may be beyond ours
        head = _Head()
    ref, request = head.refId, head.apiRequestId
    return port.EventHead(
        seq,
        ref if isinstance(ref, str) else None,
        request if isinstance(request, str) else None,
        customer_id=_customer(head.data),
    )


def _customer(data: msgspec.Raw) -> str | None:
    try:
        read = _read_data(data)
    except msgspec.DecodeError:  # it is of another shape
        return None
    base = read.baseAttributes or read
    named = read.customerIdentifiers or base.customerIdentifiers or read.survivorCustomerIdentifiers
    customer_id = None if named is None else named.customerId
    return None if customer_id is None or customer_id == "" else str(customer_id)
