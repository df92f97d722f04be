"""Pages of events by what became of them: one of their deliveries is at a webhook, in a state.

An event's own deliveries have neighbouring ids, given when it was accepted: their order is that of
the events, so they are found by the blocks of deliveries that may hold one. Those of replays were
made later, in any order; they are found by the event, in blocks of events. Each way is bounded by
what it may examine, and a page ends where the first of the two has come to.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from tidings.core.ids import DeliveryId, EventNumber
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.block_walk import BlockWalk
from tidings.store.sql.events.blocks import BITS
from tidings.store.sql.events.spans import Binding, PageOfSpan, Row, Span, cut, numbers
from tidings.store.sql.events.stretches import narrow
from tidings.store.sql.row_mapping import Projection, StoredTable

BLOCKS_MAX = 16  # of deliveries, that a page may read
REPLAYS_MAX = 8192  # deliveries of replays that it may look at
FIRST_ROWS = 64  # of a block that are asked for at once
MARGIN_EVENTS = 8  # so near to where it would be among its neighbours is the owner of an id
MANY = 16  # an event with more deliveries is not read on for more than one that fits

# Pages show no bodies, and how an event came where it alone is asked for.
EVENT = Projection(
    port.StoredEvent, "e", {"stored_name": "e.name", "body": "NULL", "passage": "NULL"}
)
_OUTCOME = "d.webhook IN (SELECT value FROM json_each(:webhooks))"
_STATE = " AND d.state IN (SELECT value FROM json_each(:states))"
_OWN = (
    f"{EVENT.select} FROM delivery d NOT INDEXED CROSS JOIN event e ON e.seq = d.event"
    " WHERE d.id >= :low AND d.id <= :high AND {outcome}"
    " AND d.id >= e.first_delivery AND d.id < e.first_delivery + e.deliveries"
)
_REPLAYED = (
    f"{EVENT.select} FROM delivery_replay r INDEXED BY delivery_replay_event CROSS JOIN delivery d"
    " ON d.id = r.delivery CROSS JOIN event e ON e.seq = r.event"
    " WHERE r.event >= :low AND r.event <= :high"
    " AND r.webhook IN (SELECT value FROM json_each(:webhooks)) AND {outcome}"
)
_REPLAYS = (
    "SELECT r.event FROM delivery_replay r INDEXED BY delivery_replay_event"
    " WHERE r.event >= ? AND r.event <= ? ORDER BY r.event{way} LIMIT 1 OFFSET ?"
)
_HOW_MANY = (
    "SELECT count(*) FROM delivery_replay r INDEXED BY delivery_replay_event"
    " WHERE r.event >= ? AND r.event <= ?"
)


class EventRun(NamedTuple):
    """An event and the run of ids that its own deliveries have."""

    seq: EventNumber
    first: DeliveryId
    deliveries: int

    @property
    def last(self) -> int:
        """The last of the ids; one before the first where there is none."""
        return self.first + self.deliveries - 1


_RUN = StoredTable("event", EventRun, columns={"first": "first_delivery"})
_AT_OR_BELOW = f"{_RUN.select} WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
_AT_OR_ABOVE = f"{_RUN.select} WHERE seq >= ? ORDER BY seq LIMIT 1"
_RUN_OF_EVENT = itemgetter(*map(EVENT.place, ("seq", "first_delivery", "deliveries")))


def with_outcome(query: port.EventQuery, binding: Binding) -> str:
    """Build the condition that an event has such a delivery, for statements that look at few
    events."""
    if not query.webhooks:
        return ""
    outcome = _outcome(query, binding)
    return (
        " AND (EXISTS (SELECT 1 FROM delivery d WHERE d.id >= e.first_delivery"
        f" AND d.id < e.first_delivery + e.deliveries AND {outcome})"
        " OR EXISTS (SELECT 1 FROM delivery_replay r CROSS JOIN delivery d ON d.id = r.delivery"
        f" WHERE r.event = e.seq AND {outcome}))"
    )


class EventsByOutcome:
    """The reading half's pages of events with a delivery at a webhook."""

    def __init__(self, log: StoreConnection, walk: BlockWalk) -> None:
        self._log = log
        self._walk = walk

    def page(
        self, query: port.EventQuery, where: str, binding: Binding, span: Span, limit: int
    ) -> PageOfSpan:
        """Find what fits, in the order of the span. `where`: the other filters, of the event
        `e`."""
        outcome = _outcome(query, binding)
        replayed = self._replayed(
            query, _REPLAYED.format(outcome=outcome) + where, binding, span, limit
        )
        if (end := replayed.go_on) is not None:  # the other way need not come further
            span = span._replace(low=end) if span.newest_first else span._replace(high=end)
        own = self._own(query, _OWN.format(outcome=outcome) + where, binding, span, limit)
        return _both(own, replayed, span, limit)

    # -- what the event itself has made -----------------------------------------------------------

    def _own(
        self, query: port.EventQuery, statement: str, binding: Binding, span: Span, limit: int
    ) -> PageOfSpan:
        oldest, newest = self._first(_AT_OR_ABOVE, span.low), self._first(_AT_OR_BELOW, span.high)
        if oldest is None or newest is None or oldest.seq > newest.seq:
            return PageOfSpan([], None)
        statement += f" ORDER BY d.id{span.way}"
        rows: list[Row] = []
        read, at = 0, newest.last if span.newest_first else oldest.first
        for block in self._walk.deliveries(query, oldest.first, newest.last, span):
            ids = range(block << BITS, (block + 1) << BITS)
            at = min(at, ids[-1]) if span.newest_first else max(at, ids[0])
            owner = self._owner(at, oldest, newest, span)
            if owner is None:
                break
            # Between two events there may be thousands of deliveries that replays have made.
            at = min(at, owner.last) if span.newest_first else max(at, owner.first)
            if at not in ids:
                continue
            if read >= BLOCKS_MAX and owner.seq != (newest if span.newest_first else oldest).seq:
                return PageOfSpan(rows, owner.seq + 1 if span.newest_first else owner.seq - 1)
            read += 1
            for row in self._of_block(statement, binding, ids, at, span):
                rows.append(row)
                own = _RUN.read(_RUN_OF_EVENT(row))
                at = own.first - 1 if span.newest_first else own.last + 1
                if len(rows) > limit:
                    return cut(rows, limit)
        return cut(rows, limit)

    def _of_block(
        self, statement: str, binding: Binding, ids: range, at: int, span: Span
    ) -> Iterator[Row]:
        """The events of a block from the delivery `at` on, each once. Rows are asked for in pieces,
        which are longer where all of one were of use."""
        seen, piece = 0, FIRST_ROWS
        statement += " LIMIT :piece"
        while at in ids:
            asked = (
                {"low": ids[0], "high": at} if span.newest_first else {"low": at, "high": ids[-1]}
            )
            at = -1
            rows: list[Row] = self._log.execute(
                statement, binding | asked | {"piece": piece}
            ).fetchall()
            ends_piece = len(rows) == piece
            piece *= 2
            for place, row in enumerate(rows, 1):
                if row[0] != seen:
                    yield row
                    seen = row[0]
                own = _RUN.read(_RUN_OF_EVENT(row))
                is_last = ends_piece and place == len(rows)
                if own.deliveries > MANY or is_last:
                    at = own.first - 1 if span.newest_first else own.last + 1
                    piece = piece if is_last else FIRST_ROWS
                    break

    def _owner(
        self, delivery: int, oldest: EventRun, newest: EventRun, span: Span
    ) -> EventRun | None:
        """The event of the span that has a delivery of its own at an id, or the nearest one that
        has some further on. None where none has."""
        # Both ends of the runs of ids rise with the events, and mostly evenly.
        first, last = oldest.seq, newest.seq
        ends = (oldest.first, newest.last)
        if span.newest_first:

            def first_at(seq: int) -> int:
                return self._event(_AT_OR_BELOW, seq).first

            seqs = range(*narrow(first, last + 1, ends, first_at, delivery + 1, MARGIN_EVENTS))
            at = seqs.start + bisect_right(seqs, delivery, key=first_at)
            return self._event(_AT_OR_BELOW, at - 1) if at > first else None

        def last_at(seq: int) -> int:
            return self._event(_AT_OR_ABOVE, seq).last

        seqs = range(*narrow(first, last + 1, ends, last_at, delivery, MARGIN_EVENTS))
        at = seqs.start + bisect_left(seqs, delivery, key=last_at)
        return self._event(_AT_OR_ABOVE, at) if at <= last else None

    def _event(self, statement: str, seq: int) -> EventRun:
        """The nearest event to one side; there is one, for the numbers are between two that are."""
        found = self._first(statement, seq)
        assert found is not None
        return found

    def _first(self, statement: str, seq: int) -> EventRun | None:
        row: Any = self._log.execute(statement, (seq,)).fetchone()
        return None if row is None else _RUN.read(row)

    # -- what replays have made of it -------------------------------------------------------------

    def _replayed(
        self, query: port.EventQuery, statement: str, binding: Binding, span: Span, limit: int
    ) -> PageOfSpan:
        if self._log.execute("SELECT 1 FROM delivery_replay LIMIT 1").fetchone() is None:
            return PageOfSpan([], None)
        statement += f" ORDER BY r.event{span.way}"
        rows: list[Row] = []
        left = REPLAYS_MAX
        for block in self._walk.events(query, span):
            low, high = max(block << BITS, span.low), min(((block + 1) << BITS) - 1, span.high)
            edge = self._log.execute(
                _REPLAYS.format(way=span.way), (low, high, max(0, left))
            ).fetchone()
            if edge is not None:
                low, high = (edge[0], high) if span.newest_first else (low, edge[0])
            for row in self._of_event_block(statement, binding, low, high, span):
                rows.append(row)
                if len(rows) > limit:
                    return cut(rows, limit)
            if edge is not None:
                return PageOfSpan(rows, edge[0])
            [(some,)] = self._log.execute(_HOW_MANY, (low, high))
            left -= some
        return cut(rows, limit)

    def _of_event_block(
        self, statement: str, binding: Binding, low: int, high: int, span: Span
    ) -> Iterator[Row]:
        """The events between two numbers, each once."""
        piece = FIRST_ROWS
        while low <= high:
            asked = binding | {"low": low, "high": high, "piece": piece}
            rows: list[Row] = self._log.execute(f"{statement} LIMIT :piece", asked).fetchall()
            seen = 0
            for row in rows:
                if row[0] != seen:
                    yield row
                    seen = row[0]
            if len(rows) < piece:
                return
            low, high = (low, seen - 1) if span.newest_first else (seen + 1, high)
            piece *= 2


def _outcome(query: port.EventQuery, binding: Binding) -> str:
    binding["webhooks"] = numbers(query.webhooks)
    if not query.states:
        return _OUTCOME
    binding["states"] = numbers(query.states)
    return _OUTCOME + _STATE


def _both(own: PageOfSpan, replayed: PageOfSpan, span: Span, limit: int) -> PageOfSpan:
    """Merge what both have found, as far as both have come."""
    found = {row[0]: row for row in (*own.rows, *replayed.rows)}
    ends = [page.go_on for page in (own, replayed) if page.go_on is not None]
    end = None
    if ends:
        end = max(ends) if span.newest_first else min(ends)
        found = {
            seq: row
            for seq, row in found.items()
            if (seq >= end if span.newest_first else seq <= end)
        }
    rows = [found[seq] for seq in sorted(found, reverse=span.newest_first)]
    return cut(rows, limit) if len(rows) > limit else PageOfSpan(rows, end)
