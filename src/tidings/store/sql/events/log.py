"""Pages of the logs: any filters, newest first, at a cost that does not depend on them.

Two ways to the rows, each bounded by what it may examine:

* By search terms (segments.py), where the filter has some and not very many events have them: all
  of those events, their own deliveries (consecutive ids) and those of replays (found by the event).
* By blocks (blocks.py): those whose summary holds nothing for the filter, or lies outside the time,
  are skipped; of the others the rows are read.

A page that has used up its allowance ends where it has come to, and its cursor says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber
from tidings.store import port
from tidings.store.port import ROWS_MAX
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.block_walk import EVER_MS, BlockWalk
from tidings.store.sql.events.blocks import BITS, Blocks
from tidings.store.sql.events.by_outcome import EVENT, EventsByOutcome, with_outcome
from tidings.store.sql.events.names import named
from tidings.store.sql.events.segments import TERM_BYTES, SearchSegments, TooCommon, terms_in
from tidings.store.sql.events.spans import Binding, PageOfSpan, Row, Span, cut, numbers, span_of
from tidings.store.sql.queries import DELIVERY, OF_REPLAY

BLOCKS_MAX = 16  # of deliveries or events, that a page may read
EVENTS_MAX = 8192  # that have a term and that a page may look at
EVENTS_NEAR = 2 << BITS  # that a block may lie among and have them swept beforehand
CHUNK = 512

# What may be read is bounded by ids; no index of a filter is.
_IN_BLOCK = (
    f"{DELIVERY.select} FROM delivery d NOT INDEXED CROSS JOIN event e ON e.seq = d.event"
    f"{OF_REPLAY} WHERE d.id >= :low AND d.id <= :high"
)
# Where most rows fit by themselves and few events do: those nearby that fit are told apart in one
# sweep, and only the rows of these are joined, and of events that lie elsewhere (replays'). It
# halves the time; where few rows fit by themselves, or half of all events do, it would add to it.
_NEAR = (
    " AND (d.event < :first OR d.event > :last OR d.event IN (SELECT e.seq FROM event e NOT INDEXED"
    " WHERE e.seq BETWEEN :first AND :last{fit}))"
)
_ENDS = (
    "SELECT (SELECT event FROM delivery WHERE id >= ?1 ORDER BY id LIMIT 1),"
    " (SELECT event FROM delivery WHERE id <= ?2 ORDER BY id DESC LIMIT 1)"
)
# Ranges and orders are those of the list: by the table's own, PostgreSQL would read the table from
# its end and look each row up in the list (`+ 0`: it would take the one for the other).
_OF_EVENTS = (
    "WITH wanted (id) AS MATERIALIZED (SELECT d.id FROM json_each(:events) j CROSS JOIN event e"
    " ON e.seq = j.value CROSS JOIN delivery d ON d.id >= e.first_delivery"
    " AND d.id < e.first_delivery + e.deliveries UNION ALL SELECT r.delivery"
    " FROM json_each(:events) j CROSS JOIN delivery_replay r ON r.event = j.value)"
    f" {DELIVERY.select} FROM wanted w CROSS JOIN delivery d ON d.id = w.id + 0"
    f" CROSS JOIN event e ON e.seq = d.event{OF_REPLAY} WHERE w.id >= :low AND w.id <= :high"
)
_IN_EVENT_BLOCK = f"{EVENT.select} FROM event e NOT INDEXED WHERE e.seq >= :low AND e.seq <= :high"
_EVENTS = (
    f"{EVENT.select} FROM json_each(:events) j CROSS JOIN event e ON e.seq = j.value + 0"
    " WHERE j.value >= :low AND j.value <= :high"
)
_UNINDEXED = "SELECT seq, terms FROM event WHERE seq > ? AND seq < ? ORDER BY seq {way} LIMIT ?"


class LogRows:
    """The reading half's pages."""

    def __init__(self, log: StoreConnection, segments: SearchSegments, blocks: Blocks) -> None:
        self._log = log
        self._segments = segments
        self._blocks = blocks
        self._walk = BlockWalk(segments.connection, blocks)
        self._by_outcome = EventsByOutcome(log, self._walk)

    @answers(port.Store.log_deliveries)
    def deliveries(self, query: port.DeliveryQuery) -> port.DeliveryPage:
        if not query.webhooks:
            return port.DeliveryPage([])
        span, limit = span_of(query.before, query.after), max(1, min(query.limit, ROWS_MAX))
        with self._log:  # one snapshot: what the summaries say is what the rows are
            self._blocks.look()
            listed = self._listed(query)
            if listed is None:
                found = self._deliveries_in_blocks(query, span, limit)
            else:
                found = self._deliveries_of(listed, query, span, limit)
        rows, older, newer = _paged(found, span, query)
        return port.DeliveryPage([DELIVERY.read(row) for row in rows], older, newer)

    @answers(port.Store.log_events)
    def events(self, query: port.EventQuery) -> port.EventPage:
        span, limit = span_of(query.before, query.after), max(1, min(query.limit, ROWS_MAX))
        with self._log:
            self._blocks.look()
            if query.events or query.terms:
                found = self._listed_events(query, span, limit)
            elif query.webhooks:
                found = self._by_outcome.page(query, *_event_filter(query), span, limit)
            else:
                found = self._events_in_blocks(query, span, limit)
        rows, older, newer = _paged(found, span, query)
        return port.EventPage([EVENT.read(row) for row in rows], older, newer)

    # -- deliveries -------------------------------------------------------------------------------

    def _deliveries_in_blocks(
        self, query: port.DeliveryQuery, span: Span, limit: int
    ) -> PageOfSpan:
        where, binding = _delivery_filter(query)
        terms = _have_terms(query, binding)  # common ones: more events than are listed
        blocks = self._walk.deliveries(query, span.low, span.high, span)
        near = ""
        most = len(query.webhooks) > 1 and (not query.states or State.DELIVERED in query.states)
        if query.event_names and most:
            near = _NEAR.format(fit=named("e.name", query.event_names, binding) + terms)
        statement = f"{_IN_BLOCK}{near}{where}{terms} ORDER BY d.id{span.way} LIMIT :limit"
        return self._read(statement, binding, blocks, span, limit, self._near if near else None)

    def _near(self, low: int, high: int) -> Binding:
        """The events of the first and the last delivery of some ids: those of nearly all between.
        No events where too many others lie there too."""
        [(first, last)] = self._log.execute(_ENDS, (low, high))
        few = first is not None and last is not None and last - first <= EVENTS_NEAR
        return {"first": first, "last": last} if few else {"first": 1, "last": 0}

    def _listed(self, query: port.DeliveryQuery) -> Sequence[EventNumber] | None:
        """The events that it can be about; None where they are too many: blocks meet them too."""
        if query.events:
            return query.events[:EVENTS_MAX]
        if not query.terms:
            return None
        walk = self._with_terms(query.terms, None, None, EVENTS_MAX)
        try:
            seen = list(islice(walk, EVENTS_MAX + 1))
        except TooCommon:
            return None
        return None if len(seen) > EVENTS_MAX else [seq for seq, fits in seen if fits]

    def _deliveries_of(
        self, events: Sequence[EventNumber], query: port.DeliveryQuery, span: Span, limit: int
    ) -> PageOfSpan:
        where, binding = _delivery_filter(query)
        if query.events:
            where += _have_terms(query, binding)
        statement = f"{_OF_EVENTS}{where} ORDER BY w.id{span.way} LIMIT :limit"
        binding["events"] = numbers(events)
        binding |= {"low": span.low, "high": span.high, "limit": limit + 1}
        return cut(self._log.execute(statement, binding).fetchall(), limit)

    # -- events -----------------------------------------------------------------------------------

    def _events_in_blocks(self, query: port.EventQuery, span: Span, limit: int) -> PageOfSpan:
        where, binding = _event_filter(query)
        blocks = self._walk.events(query, span)
        statement = f"{_IN_EVENT_BLOCK}{where} ORDER BY e.seq{span.way} LIMIT :limit"
        return self._read(statement, binding, blocks, span, limit)

    def _listed_events(self, query: port.EventQuery, span: Span, limit: int) -> PageOfSpan:
        where, binding = _event_filter(query)
        where += with_outcome(query, binding)
        binding |= {"low": span.low, "high": span.high, "limit": limit + 1}
        if query.events:
            where += _have_terms(query, binding)
            ordered = sorted(query.events[:EVENTS_MAX], reverse=span.newest_first)
            walk = iter([(seq, True) for seq in ordered])
        else:
            walk = self._with_terms(query.terms, query.before, query.after)
        statement = f"{_EVENTS}{where} ORDER BY j.value{span.way} LIMIT :limit"
        rows: list[Row] = []
        examined = 0
        while seen := list(islice(walk, CHUNK)):
            binding["events"] = numbers([seq for seq, fits in seen if fits])
            rows += self._log.execute(statement, binding).fetchall()
            examined += len(seen)
            if len(rows) > limit:
                break
            if examined >= EVENTS_MAX:
                return PageOfSpan(rows, seen[-1][0])
        return cut(rows, limit)

    # -- both -------------------------------------------------------------------------------------

    def _with_terms(
        self,
        terms: Sequence[bytes],
        before: int | None,
        after: int | None,
        most: int | None = None,
    ) -> Iterator[tuple[EventNumber, bool]]:
        """Events that have one of the terms or are not indexed yet, and whether they have all."""
        newest_first = after is None
        indexed = self._segments.walk(terms, before, after, most)
        rows = self._log.execute(
            _UNINDEXED.format(way="DESC" if newest_first else "ASC"),
            (
                max(self._segments.cursor, after or 0),
                EVER_MS if before is None else before,
                EVENTS_MAX + 1,
            ),
        )
        fresh = ((seq, _has_all(kept, terms)) for seq, kept in rows)
        return chain(fresh, indexed) if newest_first else chain(indexed, fresh)

    def _read(
        self,
        statement: str,
        binding: Binding,
        blocks: Iterable[int],
        span: Span,
        limit: int,
        near: Callable[[int, int], Binding] | None = None,
    ) -> PageOfSpan:
        rows: list[Row] = []
        for visited, block in enumerate(blocks):
            first, last = block << BITS, ((block + 1) << BITS) - 1
            if visited == BLOCKS_MAX:
                return PageOfSpan(rows, last + 1 if span.newest_first else first - 1)
            asked = binding | {
                "low": max(first, span.low),
                "high": min(last, span.high),
                "limit": limit + 1 - len(rows),
            }
            if near is not None:
                asked |= near(asked["low"], asked["high"])
            rows += self._log.execute(statement, asked).fetchall()
            if len(rows) > limit:
                break
        return cut(rows, limit)


def _delivery_filter(query: port.DeliveryQuery) -> tuple[str, Binding]:
    where = " AND d.webhook IN (SELECT value FROM json_each(:webhooks))"
    binding: Binding = {"webhooks": numbers(query.webhooks)}
    if query.states:
        where += " AND d.state IN (SELECT value FROM json_each(:states))"
        binding["states"] = numbers(query.states)
    return where + _named_between(query, "coalesce(r.at_ms, e.at_ms)", binding), binding


def _event_filter(query: port.EventQuery) -> tuple[str, Binding]:
    binding: Binding = {"org": query.org}
    where = " AND e.org = :org" + _named_between(query, "e.at_ms", binding)
    if query.matched is not None:
        where += " AND e.deliveries > 0" if query.matched else " AND e.deliveries = 0"
    return where, binding


def _named_between(query: port.DeliveryQuery | port.EventQuery, at: str, binding: Binding) -> str:
    where = named("e.name", query.event_names, binding)
    for way, ms in ((">=", query.from_ms), ("<", query.to_ms)):
        if ms is not None:
            where += f" AND {at} {way} :at{len(binding)}"
            binding[f"at{len(binding)}"] = ms
    return where


def _have_terms(query: port.DeliveryQuery | port.EventQuery, binding: Binding) -> str:
    """Build the condition that a row's own terms hold those of the question."""
    where = ""
    for number, group in enumerate(query.terms):
        names = []
        for nth, term in enumerate(terms_in(group)):
            names.append(f"term{number}_{nth}")
            binding[names[-1]] = term
        where += f" AND ({' OR '.join(f'instr(e.terms, :{name}) > 0' for name in names)})"
    return where


def _has_all(kept: bytes, terms: Sequence[bytes]) -> bool:
    held = {kept[at : at + TERM_BYTES] for at in range(0, len(kept), TERM_BYTES)}
    return all(not held.isdisjoint(terms_in(group)) for group in terms)


def _paged(
    found: PageOfSpan, span: Span, query: port.DeliveryQuery | port.EventQuery
) -> tuple[list[Row], int | None, int | None]:
    """Rows newest first, and the cursors to the older and to the newer side of them."""
    rows = found.rows
    if span.newest_first:
        above = None if query.before is None else query.before - 1
        return rows, found.go_on, rows[0][0] if rows else above
    newest = rows[-1][0] if rows else query.after
    older = rows[0][0] if rows else span.low
    return rows[::-1], older, newest if found.go_on is None else found.go_on
