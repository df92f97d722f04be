"""What a replay asks for: events of a range, or of a list, with what their deliveries amount to.

Shared by both halves: the reader finds candidates and counts, the writer looks again at each event
in the transaction that makes its delivery. A look is bounded: a part of the range is scanned, and
the cursor moves to its end also where nothing fits.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.replay import ReplayDecision, decide
from tidings.core.webhooks.name_matching import name_query, wire_name
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.names import named
from tidings.store.sql.events.spans import Binding
from tidings.store.sql.row_mapping import StoredTable

SCAN_EVENTS = 5_000
COUNT_S = 0.02
PART_ENTRIES = 1_024
ENTRY_BYTES = 12
CLOCK_MARGIN_MS = 3_600_000  # the clock may have been set back by so much between two events
EVER_MS = 1 << 62


class SourceEvent(msgspec.Struct, frozen=True):
    """One event of a job's range or list."""

    seq: EventNumber
    org: OrgId
    name: str
    id: str
    first_delivery: DeliveryId
    deliveries: int
    at_ms: int
    webhooks: frozenset[int] = frozenset()  # of its entries in the list; empty: any


_EVENT = StoredTable("event", SourceEvent, beside=1)
_RANGE = (
    f"{_EVENT.select} WHERE seq > :after"
    " AND seq <= :to"
    " AND org IN (SELECT value FROM json_each(:orgs)) AND at_ms >= :from AND at_ms < :to_ms{names}"
    " ORDER BY seq LIMIT :limit"
)
_ENDS = "SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM event"
_NEXT = "SELECT coalesce(min(seq), 1) FROM event WHERE seq > ?"
_OWED_FROM = "SELECT event FROM fan_out ORDER BY first LIMIT 1"
_ONE = f"{_EVENT.select} WHERE seq = ?"
_PARTS = "SELECT entries FROM replay_list WHERE replay = ? AND last > ? ORDER BY last LIMIT 1"
# An event's deliveries: its own have consecutive ids, those of replays are found by the event.
_OWN = "SELECT id, state, webhook FROM delivery WHERE id >= ? AND id < ?"
_LATER = (
    "SELECT d.id, d.state, d.webhook FROM delivery_replay r JOIN delivery d ON d.id = r.delivery"
    " WHERE r.event = ?"
)
_AT_ONE = f"{_OWN} AND webhook = ? UNION ALL {_LATER} AND r.webhook = ? ORDER BY 1"
_AT_ALL = f"{_OWN} UNION ALL {_LATER} ORDER BY 1"
_HAS_BODY = "SELECT 1 FROM body WHERE seq = ?"
_BODY = "SELECT bytes FROM body WHERE seq = ?"
_PASSAGE = "SELECT e.passage FROM event e WHERE e.seq = ?"
_json = msgspec.json.Encoder()


def packed(listed: Sequence[port.ReplayEntry]) -> list[tuple[EventNumber, bytes]]:
    """Return a list as rows: the last event of each part and its entries. No event stands in two
    parts."""
    parts: list[tuple[EventNumber, bytes]] = []
    part, count = bytearray(), 0
    pairs = sorted({(delivery.event, delivery.webhook) for delivery in listed})
    for event, group in groupby(pairs, lambda pair: pair[0]):
        for _, webhook in group:
            part += event.to_bytes(8, "big") + webhook.to_bytes(4, "big")
            count += 1
        if count >= PART_ENTRIES:
            parts.append((event, bytes(part)))
            part, count = bytearray(), 0
    if part:
        parts.append((pairs[-1][0], bytes(part)))
    return parts


def _unpacked(entries: bytes) -> Iterator[tuple[EventNumber, int]]:
    for at in range(0, len(entries), ENTRY_BYTES):
        split = at + 8
        yield (
            EventNumber(int.from_bytes(entries[at:split], "big")),
            int.from_bytes(entries[split : at + ENTRY_BYTES], "big"),
        )


class ReplaySource:
    """Reads for jobs, on any connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    # -- which events -----------------------------------------------------------------------------

    def visit(
        self, replay: int, spec: port.ReplaySpec, after: EventNumber, limit: int
    ) -> tuple[list[SourceEvent], EventNumber, bool]:
        """Read up to `limit` events behind `after`. Return them, the cursor behind them, and
        whether that is all."""
        if spec.listed:
            return self._visit_list(replay, spec, after, limit)
        [(_, newest)] = self._connection.execute(_ENDS)
        [(next,)] = self._connection.execute(_NEXT, (after,))
        end = min(spec.upto, newest)
        after = max(after, next - 1)  # the numbers between are a gap
        to = min(end, after + SCAN_EVENTS, self._owed_from() - 1)
        binding: Binding = {"after": after, "to": to, "orgs": _texts(spec.orgs), "limit": limit}
        binding |= {
            "from": spec.from_ms or 0,
            "to_ms": EVER_MS if spec.to_ms is None else spec.to_ms,
        }
        query = _RANGE.format(names=named("name", spec.names, binding))
        rows = self._connection.execute(query, binding).fetchall()
        visited = [_EVENT.read(row) for row in rows]
        cursor = visited[-1].seq if len(visited) == limit else max(after, to)
        return visited, cursor, cursor >= end

    def _owed_from(self) -> int:
        """The first event whose deliveries are not all made yet: a job waits for them."""
        row = self._connection.execute(_OWED_FROM).fetchone()
        return EVER_MS if row is None else int(row[0])

    def _visit_list(
        self, replay: int, spec: port.ReplaySpec, after: EventNumber, limit: int
    ) -> tuple[list[SourceEvent], EventNumber, bool]:
        row = self._connection.execute(_PARTS, (replay, after)).fetchone()
        if row is None:
            return [], after, True
        groups = [
            (event, [webhook for _, webhook in group])
            for event, group in groupby(_unpacked(row[0]), lambda pair: pair[0])
            if event > after
        ][:limit]
        owed_from = self._owed_from()
        groups = [group for group in groups if group[0] < owed_from]
        if not groups:
            return [], after, False
        visited = self._fitting(spec, groups)
        return visited, groups[-1][0], False

    def _fitting(
        self, spec: port.ReplaySpec, groups: Sequence[tuple[EventNumber, Sequence[int]]]
    ) -> list[SourceEvent]:
        found = [self.fitting(spec, event, webhooks) for event, webhooks in groups]
        return [event for event in found if event is not None]

    def fitting(
        self, spec: port.ReplaySpec, event: EventNumber, webhooks: Sequence[int]
    ) -> SourceEvent | None:
        """Return an event by its number, if it is there and fits what the job asks beside its
        list."""
        row = self._connection.execute(_ONE, (event,)).fetchone()
        if row is None:
            return None
        found = _EVENT.read(row)
        if found.org not in spec.orgs:
            return None
        if spec.names and not name_query(spec.names).takes(found.name):
            return None
        if found.at_ms < (spec.from_ms or 0):
            return None
        if spec.to_ms is not None and found.at_ms >= spec.to_ms:
            return None
        if spec.source is not None and 0 not in webhooks and spec.source not in webhooks:
            return None
        if 0 in webhooks:
            return found
        return msgspec.structs.replace(found, webhooks=frozenset(webhooks))

    # -- what becomes of an event ------------------------------------------------------------------

    def decision(
        self, spec: port.ReplaySpec, event: SourceEvent, has_body: bool | None = None
    ) -> ReplayDecision:
        """Decide what a replay does with an event, by its deliveries as they are now."""
        assert spec.target is not None
        target = self._states(event, spec.target)
        same = spec.source == spec.target
        source = target if same or spec.source is None else self._states(event, spec.source)
        if has_body is None:
            has_body = self._connection.execute(_HAS_BODY, (event.seq,)).fetchone() is not None
        wanted = frozenset(spec.states)
        return decide(wanted, spec.unmatched, spec.again, source, target, has_body)

    def _states(self, event: SourceEvent, webhook: int) -> list[int]:
        binding = (
            event.first_delivery,
            event.first_delivery + event.deliveries,
            webhook,
            event.seq,
            webhook,
        )
        return [state for _, state, _ in self._connection.execute(_AT_ONE, binding)]

    def unfinished(self, spec: port.ReplaySpec, event: SourceEvent) -> list[DeliveryId]:
        """Return the deliveries of an event that a cancel asks for."""
        own = self._own_webhooks(spec.owner)
        binding = (event.first_delivery, event.first_delivery + event.deliveries, event.seq)
        return [
            id
            for id, state, webhook in self._connection.execute(_AT_ALL, binding)
            if state in spec.states
            and webhook in own
            and (spec.source is None or webhook == spec.source)
            and (not event.webhooks or webhook in event.webhooks)
        ]

    def _own_webhooks(self, org: OrgId) -> frozenset[int]:
        rows = self._connection.execute("SELECT number FROM webhook WHERE org = ?", (org,))
        return frozenset(number for (number,) in rows)

    # -- the reader's questions -------------------------------------------------------------------

    @answers(port.Store.candidates)
    def candidates(
        self, replay: int, spec: port.ReplaySpec, after: EventNumber, limit: int, bodies: bool
    ) -> port.ReplayCandidates:
        visited, cursor, ended = self.visit(replay, spec, after, limit)
        found = []
        for candidate in visited:
            name = wire_name(candidate.name)
            if spec.target is None:
                if deliveries := self.unfinished(spec, candidate):
                    found.append(
                        port.Candidate(
                            event=candidate.seq,
                            org=candidate.org,
                            name=name,
                            body=None,
                            unmatched=False,
                            deliveries=deliveries,
                        )
                    )
            elif self.decision(spec, candidate) is not ReplayDecision.OTHER:
                body = self.body(candidate.seq) if bodies else None
                unmatched = spec.unmatched and not self._states(
                    candidate, spec.source or spec.target
                )
                found.append(
                    port.Candidate(
                        candidate.seq, candidate.org, name, body=body, unmatched=unmatched
                    )
                )
        return port.ReplayCandidates(cursor, found, ended)

    def body(self, seq: EventNumber) -> bytes | None:
        """Return the bytes of an event, while they are kept."""
        row = self._connection.execute(_BODY, (seq,)).fetchone()
        return None if row is None else row[0]

    def passage(self, seq: EventNumber) -> str | None:
        """Read how an event came; None for nearly all."""
        row = self._connection.execute(_PASSAGE, (seq,)).fetchone()
        return None if row is None else row[0]

    @answers(port.Store.count_replay)
    def count(
        self,
        replay: int,
        spec: port.ReplaySpec,
        after: EventNumber,
        listed: Sequence[port.ReplayEntry],
    ) -> port.ReplayCount:
        """See `port.ReplayStore.count_replay`; for some 20 ms at most."""
        if listed:
            pairs = sorted({(delivery.event, delivery.webhook) for delivery in listed})
            grouped = groupby(pairs, lambda pair: pair[0])
            groups = [(event, [webhook for _, webhook in group]) for event, group in grouped]
            visited = self._fitting(spec, groups)
            count, skipped = self._count(spec, visited)
            return port.ReplayCount(groups[-1][0], count, skipped, ended=True)
        count = skipped = 0
        ended, until_s = False, time.monotonic() + COUNT_S
        while not ended and time.monotonic() < until_s:
            began = after
            visited, after, ended = self.visit(replay, spec, began, 500)
            more, not_these = self._count(spec, visited)
            count, skipped = count + more, skipped + not_these
            if after == began:
                break
        return port.ReplayCount(after, count, skipped, ended=ended)

    def _count(self, spec: port.ReplaySpec, visited: Sequence[SourceEvent]) -> tuple[int, int]:
        if spec.target is None:
            return sum(len(self.unfinished(spec, candidate)) for candidate in visited), 0
        decisions = [self.decision(spec, candidate) for candidate in visited]
        skipped = sum(1 for decision in decisions if decision.skipped)
        return sum(1 for decision in decisions if decision is not ReplayDecision.OTHER), skipped

    @answers(port.Store.first_since)
    def first_since(self, from_ms: int) -> EventNumber:
        """See `port.ReplayStore.first_since`. Times rise with numbers but for a clock set back."""
        bound = from_ms - CLOCK_MARGIN_MS
        [(low, newest)] = self._connection.execute(_ENDS)
        high = newest + 1
        while low < high:
            middle = (low + high) // 2
            row = self._connection.execute(
                "SELECT seq, at_ms FROM event WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)
            ).fetchone()
            if row is None or row[1] >= bound:
                high = middle
            else:
                low = row[0] + 1
        return EventNumber(int(low) - 1)

    @answers(port.Store.listed_deliveries)
    def listed_deliveries(
        self, org: OrgId, deliveries: Sequence[DeliveryId]
    ) -> list[port.ReplayEntry]:
        rows = self._connection.execute(
            "SELECT d.event, d.webhook FROM json_each(?) j CROSS JOIN delivery d ON d.id = j.value"
            " JOIN webhook w ON w.number = d.webhook WHERE w.org = ?",
            (_texts(deliveries), org),
        )
        return [port.ReplayEntry(event, webhook) for event, webhook in rows]


def _texts(values: Sequence[Any]) -> str:
    return _json.encode(values).decode()
