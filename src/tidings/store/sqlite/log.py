"""Pages of the logs: any filters, newest first, at a cost that does not depend on them.

Two ways to the rows, each bounded by what it may examine:

* By search terms (segments.py), where the filter has some and not very many events have them: all
  of those events, their own deliveries (consecutive ids) and those of replays (found by the event).
* By blocks (blocks.py): those whose summary holds nothing for the filter, or lies outside the time,
  are skipped; of the others the rows are read.

A page that has used up its allowance ends where it has come to, and its cursor says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import apsw
import msgspec

from tidings.store import port
from tidings.store.port.log import ROWS_MAX
from tidings.store.sqlite.blocks import BITS, LEFT, LEFT_STATES, Blocks
from tidings.store.sqlite.queries import DELIVERY_COLUMNS, OF_REPLAY, stored_delivery
from tidings.store.sqlite.segments import TERM_BYTES, Segments
from tidings.store.sqlite.summaries import STATES, sign

BLOCKS_MAX = 24  # that a page may read
EVENTS_MAX = 8192  # that have a term and that a page may look at
CHUNK = 512
NAMES_IN_A_PATTERN = 24  # more names than these are not worth asking each summary for
EVER_MS = 1 << 62
_HIGHEST = (1 << 63) - 1

# What may be read is bounded by ids; no index of a filter is.
_IN_BLOCK = (
    f"{DELIVERY_COLUMNS} FROM delivery d NOT INDEXED CROSS JOIN event e ON e.seq = d.event"
    f"{OF_REPLAY} WHERE d.id >= :low AND d.id <= :high"
)
_OF_EVENTS = (
    "WITH wanted (id) AS MATERIALIZED (SELECT d.id FROM json_each(:events) j CROSS JOIN event e"
    " ON e.seq = j.value CROSS JOIN delivery d ON d.id >= e.first_delivery"
    " AND d.id < e.first_delivery + e.deliveries UNION ALL SELECT r.delivery"
    " FROM json_each(:events) j CROSS JOIN delivery_replay r ON r.event = j.value)"
    f" {DELIVERY_COLUMNS} FROM wanted w CROSS JOIN delivery d ON d.id = w.id"
    f" CROSS JOIN event e ON e.seq = d.event{OF_REPLAY} WHERE d.id >= :low AND d.id <= :high"
)
_EVENT = (
    "SELECT e.seq, e.org, e.name, e.id, e.at_ms, e.warning, NULL, e.first_delivery, e.deliveries"
)
_IN_EVENT_BLOCK = f"{_EVENT} FROM event e NOT INDEXED WHERE e.seq >= :low AND e.seq <= :high"
_EVENTS = (
    f"{_EVENT} FROM json_each(:events) j CROSS JOIN event e ON e.seq = j.value"
    " WHERE e.seq >= :low AND e.seq <= :high"
)
_HOLDS = (
    "EXISTS (SELECT 1 FROM json_each(:webhooks) w CROSS JOIN cell c ON c.block = {block}"
    " AND c.webhook = w.value WHERE c.kinds GLOB :pattern)"
)
_ONE_HOLDS = f"SELECT {_HOLDS.format(block=':block')}"
_CANDIDATES = (
    "SELECT b.number FROM block b WHERE b.number >= :low AND b.number <= :high AND b.min_ms < :to"
    f" AND b.max_ms >= :from AND {_HOLDS.format(block='b.number')}{{of}} ORDER BY b.number{{way}}"
)
# Few blocks have something left to do, and an index tells them.
_LEFT_IN = (
    " AND b.number IN (SELECT s.block FROM json_each(:webhooks) w CROSS JOIN slice s"
    f" INDEXED BY slice_left ON s.webhook = w.value WHERE {LEFT})"
)
_EVENT_CANDIDATES = (
    "SELECT b.number FROM event_block b CROSS JOIN event_cell c ON c.block = b.number"
    " AND c.org = :org WHERE b.number >= :low AND b.number <= :high AND b.min_ms < :to"
    " AND b.max_ms >= :from AND c.kinds GLOB :pattern ORDER BY b.number"
)
_UNINDEXED = "SELECT seq, terms FROM event WHERE seq > ? AND seq < ? ORDER BY seq {way} LIMIT ?"

Row = tuple[Any, ...]
Binding = dict[str, Any]


class Span(NamedTuple):
    """Where a page looks: ids from `low` to `high`, both in it."""

    low: int
    high: int
    newest_first: bool

    @property
    def way(self) -> str:
        """The order, for SQL."""
        return " DESC" if self.newest_first else " ASC"


class Found(NamedTuple):
    """Rows in the order of the span, and the cursor to go on with; None at the end."""

    rows: list[Row]
    go_on: int | None


class Log:
    """The reading half's pages."""

    def __init__(self, log: apsw.Connection, segments: Segments, blocks: Blocks) -> None:
        self._log = log
        self._segments = segments
        self._search = segments.connection
        self._blocks = blocks

    def deliveries(self, query: port.DeliveryQuery) -> port.DeliveryPage:
        """See `port.LogStore.log_deliveries`."""
        if not query.webhooks:
            return port.DeliveryPage([])
        span, limit = _span(query.before, query.after), max(1, min(query.limit, ROWS_MAX))
        with self._log:  # one snapshot: what the summaries say is what the rows are
            self._blocks.look()
            listed = self._listed(query)
            if listed is None:
                found = self._deliveries_in_blocks(query, span, limit)
            else:
                found = self._deliveries_of(listed, query, span, limit)
        rows, older, newer = _paged(found, span, query)
        return port.DeliveryPage([stored_delivery(row) for row in rows], older, newer)

    def events(self, query: port.EventQuery) -> port.EventPage:
        """See `port.LogStore.log_events`."""
        span, limit = _span(query.before, query.after), max(1, min(query.limit, ROWS_MAX))
        with self._log:
            self._blocks.look()
            if query.events or query.terms:
                found = self._listed_events(query, span, limit)
            else:
                found = self._events_in_blocks(query, span, limit)
        rows, older, newer = _paged(found, span, query)
        return port.EventPage([port.StoredEvent(*row) for row in rows], older, newer)

    # -- deliveries -------------------------------------------------------------------------------

    def _deliveries_in_blocks(self, query: port.DeliveryQuery, span: Span, limit: int) -> Found:
        where, binding = _delivery_filter(query)
        where += _have_terms(query, binding)  # common ones: more events than are listed
        low = max(span.low >> BITS, self._blocks.first)
        high = min(span.high >> BITS, self._blocks.last)
        asked = binding | {
            "low": low,
            "high": high,
            "webhooks": _numbers(query.webhooks),
            "pattern": self._pattern(query.event_names, query.states or range(STATES)),
            "from": query.from_ms or 0,
            "to": EVER_MS if query.to_ms is None else query.to_ms,
        }
        loose = asked | {"pattern": self._pattern(query.event_names, range(STATES))}
        of = _LEFT_IN if query.states and set(query.states) <= LEFT_STATES else ""
        candidates = self._search.execute(_CANDIDATES.format(of=of, way=span.way), asked)
        sure = (number for (number,) in candidates if self._blocks.holds(number))
        unsure = [
            number
            for number in self._blocks.unsure()
            if low <= number <= high and self._may_hold(number, loose)
        ]
        statement = f"{_IN_BLOCK}{where} ORDER BY d.id{span.way} LIMIT :limit"
        return self._read(statement, binding, _in_order(sure, unsure, span), span, limit)

    def _may_hold(self, block: int, loose: Binding) -> bool:
        """Of a block whose states may have changed: its webhooks and names have not."""
        if not self._blocks.complete(block):
            return True
        [(holds,)] = self._search.execute(_ONE_HOLDS, loose | {"block": block})
        return bool(holds)

    def _listed(self, query: port.DeliveryQuery) -> Sequence[int] | None:
        """The events that it can be about; None where they are too many: blocks meet them too."""
        if query.events:
            return query.events[:EVENTS_MAX]
        if not query.terms:
            return None
        seen = list(islice(self._with_terms(query.terms, None, None), EVENTS_MAX + 1))
        return None if len(seen) > EVENTS_MAX else [seq for seq, fits in seen if fits]

    def _deliveries_of(
        self, events: Sequence[int], query: port.DeliveryQuery, span: Span, limit: int
    ) -> Found:
        where, binding = _delivery_filter(query)
        if query.events:
            where += _have_terms(query, binding)
        statement = f"{_OF_EVENTS}{where} ORDER BY d.id{span.way} LIMIT :limit"
        binding["events"] = _numbers(events)
        binding |= {"low": span.low, "high": span.high, "limit": limit + 1}
        return _cut(self._log.execute(statement, binding).fetchall(), limit)

    # -- events -----------------------------------------------------------------------------------

    def _events_in_blocks(self, query: port.EventQuery, span: Span, limit: int) -> Found:
        where, binding = _event_filter(query)
        low, high = span.low >> BITS, min(span.high >> BITS, self._blocks.event_last)
        matches = (0, 1) if query.matched is None else (int(query.matched),)
        asked = binding | {
            "low": low,
            "high": high,
            "org": query.org,
            "pattern": self._pattern(query.event_names, matches),
            "from": query.from_ms or 0,
            "to": EVER_MS if query.to_ms is None else query.to_ms,
        }
        sure = (number for (number,) in self._search.execute(_EVENT_CANDIDATES + span.way, asked))
        unsure = range(max(low, self._blocks.event_next), high + 1)
        statement = f"{_IN_EVENT_BLOCK}{where} ORDER BY e.seq{span.way} LIMIT :limit"
        return self._read(statement, binding, _in_order(sure, unsure, span), span, limit)

    def _listed_events(self, query: port.EventQuery, span: Span, limit: int) -> Found:
        where, binding = _event_filter(query)
        binding |= {"low": span.low, "high": span.high, "limit": limit + 1}
        if query.events:
            where += _have_terms(query, binding)
            ordered = sorted(query.events[:EVENTS_MAX], reverse=span.newest_first)
            walk = iter([(seq, True) for seq in ordered])
        else:
            walk = self._with_terms(query.terms, query.before, query.after)
        statement = f"{_EVENTS}{where} ORDER BY e.seq{span.way} LIMIT :limit"
        rows: list[Row] = []
        examined = 0
        while seen := list(islice(walk, CHUNK)):
            binding["events"] = _numbers([seq for seq, fits in seen if fits])
            rows += self._log.execute(statement, binding).fetchall()
            examined += len(seen)
            if len(rows) > limit:
                break
            if examined >= EVENTS_MAX:
                return Found(rows, seen[-1][0])
        return _cut(rows, limit)

    # -- both -------------------------------------------------------------------------------------

    def _with_terms(
        self, terms: Sequence[bytes], before: int | None, after: int | None
    ) -> Iterator[tuple[int, bool]]:
        """Events that have one of the terms or are not indexed yet, and whether they have all."""
        newest_first = after is None
        indexed = self._segments.walk(terms, before, after)
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
        self, statement: str, binding: Binding, blocks: Iterable[int], span: Span, limit: int
    ) -> Found:
        rows: list[Row] = []
        for visited, block in enumerate(blocks):
            first, last = block << BITS, ((block + 1) << BITS) - 1
            if visited == BLOCKS_MAX:
                return Found(rows, last + 1 if span.newest_first else first - 1)
            asked = binding | {
                "low": max(first, span.low),
                "high": min(last, span.high),
                "limit": limit + 1 - len(rows),
            }
            rows += self._log.execute(statement, asked).fetchall()
            if len(rows) > limit:
                break
        return _cut(rows, limit)

    def _pattern(self, names: Sequence[str], states: Iterable[int]) -> str:
        """What the kinds of a summary must fit: one of its signs is that of a name and a state."""
        if not names or len(names) > NAMES_IN_A_PATTERN:
            numbers = [0]
        else:
            numbers = [one for one in map(self._blocks.names.number, names) if one is not None]
        signs = "".join(sorted({sign(number, state) for number in numbers for state in states}))
        return f"*[{signs}]*" if signs else ""  # nothing but an empty text fits the latter


def _span(before: int | None, after: int | None) -> Span:
    if after is not None:
        return Span(after + 1, _HIGHEST, newest_first=False)
    return Span(0, _HIGHEST if before is None else before - 1, newest_first=True)


def _delivery_filter(query: port.DeliveryQuery) -> tuple[str, Binding]:
    where = " AND d.webhook IN (SELECT value FROM json_each(:webhooks))"
    binding: Binding = {"webhooks": _numbers(query.webhooks)}
    if query.states:
        where += " AND d.state IN (SELECT value FROM json_each(:states))"
        binding["states"] = _numbers(query.states)
    if query.event_names:
        where += " AND e.name IN (SELECT value FROM json_each(:names))"
        binding["names"] = msgspec.json.encode(query.event_names).decode()
    if query.from_ms is not None:
        where += " AND coalesce(r.at_ms, e.at_ms) >= :from"
        binding["from"] = query.from_ms
    if query.to_ms is not None:
        where += " AND coalesce(r.at_ms, e.at_ms) < :to"
        binding["to"] = query.to_ms
    return where, binding


def _event_filter(query: port.EventQuery) -> tuple[str, Binding]:
    where = " AND e.org = :org"
    binding: Binding = {"org": query.org}
    if query.event_names:
        where += " AND e.name IN (SELECT value FROM json_each(:names))"
        binding["names"] = msgspec.json.encode(query.event_names).decode()
    if query.from_ms is not None:
        where += " AND e.at_ms >= :from"
        binding["from"] = query.from_ms
    if query.to_ms is not None:
        where += " AND e.at_ms < :to"
        binding["to"] = query.to_ms
    if query.matched is not None:
        where += " AND e.deliveries > 0" if query.matched else " AND e.deliveries = 0"
    return where, binding


def _have_terms(query: port.DeliveryQuery | port.EventQuery, binding: Binding) -> str:
    """That a row's own terms hold those of the question."""
    where = ""
    for number, term in enumerate(query.terms):
        where += f" AND instr(e.terms, :term{number})"
        binding[f"term{number}"] = term
    return where


def _numbers(numbers: Sequence[int]) -> str:
    return msgspec.json.encode(numbers).decode()


def _has_all(kept: bytes, terms: Sequence[bytes]) -> bool:
    held = {kept[at : at + TERM_BYTES] for at in range(0, len(kept), TERM_BYTES)}
    return held.issuperset(terms)


def _in_order(sure: Iterator[int], unsure: Iterable[int], span: Span) -> Iterator[int]:
    """Both in the order of the span, without a repeat; `sure` is read no further than needed."""
    waiting = sorted(unsure, reverse=not span.newest_first)  # the next one is the last
    for number in sure:
        while waiting and (waiting[-1] > number if span.newest_first else waiting[-1] < number):
            yield waiting.pop()
        if waiting and waiting[-1] == number:
            waiting.pop()
        yield number
    yield from reversed(waiting)


def _cut(rows: list[Row], limit: int) -> Found:
    """Up to `limit` of rows that were asked for with one more."""
    return Found(rows[:limit], rows[limit - 1][0] if len(rows) > limit else None)


def _paged(
    found: Found, span: Span, query: port.DeliveryQuery | port.EventQuery
) -> tuple[list[Row], int | None, int | None]:
    """Rows newest first, and the cursors to the older and to the newer side of them."""
    rows = found.rows
    if span.newest_first:
        above = None if query.before is None else query.before - 1
        return rows, found.go_on, rows[0][0] if rows else above
    newest = rows[-1][0] if rows else query.after
    older = rows[0][0] if rows else span.low
    return rows[::-1], older, newest if found.go_on is None else found.go_on
