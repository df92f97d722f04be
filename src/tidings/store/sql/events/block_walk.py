"""The blocks that may hold something for a filter, in order; the others are skipped by what their
summaries say (blocks.py)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tidings.core.webhooks.name_matching import name_query
from tidings.store import port
from tidings.store.port import LEFT_STATES
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.blocks import BITS, LEFT_IN_STATE, Blocks
from tidings.store.sql.events.spans import Binding, Span, in_order, numbers
from tidings.store.sql.events.summaries import STATES, sign

NAMES_IN_A_PATTERN = 24  # more names than these are not worth asking each summary for
EVER_MS = 1 << 62
FIRST_CANDIDATES = 16  # blocks that are asked for; then four times as many each time

_HOLDS = (
    "EXISTS (SELECT 1 FROM json_each(:webhooks) w CROSS JOIN cell c ON c.block = {block}"
    " AND c.webhook = w.value WHERE c.kinds GLOB :pattern)"
)
_ONE_HOLDS = f"SELECT {_HOLDS.format(block=':block')}"
_CANDIDATES = (
    "SELECT b.number FROM block b WHERE b.number >= :low AND b.number <= :high AND b.min_ms < :to"
    f" AND b.max_ms >= :from AND {_HOLDS.format(block='b.number')}{{of}} ORDER BY b.number{{way}}"
    " LIMIT :few"
)
# Few blocks hold deliveries that are left to do, and an index tells them.
_LEFT_IN = (
    " AND b.number IN (SELECT s.block FROM json_each(:webhooks) w CROSS JOIN slice s"
    f" INDEXED BY slice_left_in_state ON s.webhook = w.value WHERE {LEFT_IN_STATE})"
)
_EVENT_CANDIDATES = (
    "SELECT b.number FROM event_block b CROSS JOIN event_cell c ON c.block = b.number"
    " AND c.org = :org WHERE b.number >= :low AND b.number <= :high AND b.min_ms < :to"
    " AND b.max_ms >= :from AND c.kinds GLOB :pattern ORDER BY b.number"
)


class BlockWalk:
    """Reads the search database; which of its summaries hold, the blocks say."""

    def __init__(self, search: StoreConnection, blocks: Blocks) -> None:
        self._search = search
        self._blocks = blocks

    def deliveries(
        self, query: port.DeliveryQuery | port.EventQuery, low: int, high: int, span: Span
    ) -> Iterator[int]:
        """Yield the blocks that may hold a delivery which fits, among those of the ids `low` to
        `high`, in the order of the span."""
        low, high = max(low >> BITS, self._blocks.first), min(high >> BITS, self._blocks.last)
        asked = {
            "low": low,
            "high": high,
            "webhooks": numbers(query.webhooks),
            "pattern": self._pattern(query.event_names, query.states or range(STATES)),
        } | _times(query)
        loose = asked | {"pattern": self._pattern(query.event_names, range(STATES))}
        of = _LEFT_IN if query.states and set(query.states) <= set(LEFT_STATES) else ""
        candidates = self._candidates(_CANDIDATES.format(of=of, way=span.way), asked, span)
        sure = (number for number in candidates if self._blocks.holds(number))
        unsure = [
            number
            for number in self._blocks.unsure()
            if low <= number <= high and self._may_hold(number, loose)
        ]
        return in_order(sure, unsure, span)

    def events(self, query: port.EventQuery, span: Span) -> Iterator[int]:
        """Yield the blocks that may hold an event which fits, in the order of the span."""
        low, high = span.low >> BITS, min(span.high >> BITS, self._blocks.event_last)
        matches = (0, 1) if query.matched is None else (int(query.matched),)
        asked = {
            "low": low,
            "high": high,
            "org": query.org,
            "pattern": self._pattern(query.event_names, matches),
        } | _times(query)
        sure = self._candidates(f"{_EVENT_CANDIDATES}{span.way} LIMIT :few", asked, span)
        unsure = self._blocks.unsummarised_events(low, high + 1)
        return in_order(sure, unsure, span)

    def _candidates(self, statement: str, asked: Binding, span: Span) -> Iterator[int]:
        """Yield the blocks that a statement finds, which is asked for a few at a time: PostgreSQL
        would look at the summaries of all, and a page is filled by some."""
        few = FIRST_CANDIDATES
        while True:
            found: list[Any] = self._search.execute(statement, asked | {"few": few}).fetchall()
            for (number,) in found:
                yield number
            if len(found) < few:
                return
            last = found[-1][0]
            asked = asked | ({"high": last - 1} if span.newest_first else {"low": last + 1})
            few *= 4

    def _may_hold(self, block: int, loose: Binding) -> bool:
        """Of a block whose states may have changed: its webhooks and names have not."""
        if not self._blocks.complete(block):
            return True
        [(holds,)] = self._search.execute(_ONE_HOLDS, loose | {"block": block})
        return bool(holds)

    def _pattern(self, names: Sequence[str], states: Iterable[int]) -> str:
        """Build the pattern that the kinds of a summary must fit: one of its signs is that of a
        name and a state."""
        known = self._blocks.names.numbers(name_query(names)) if names else [0]
        if len(known) > NAMES_IN_A_PATTERN:
            known = [0]
        signs = "".join(sorted({sign(number, state) for number in known for state in states}))
        return f"*[{signs}]*" if signs else ""  # nothing but an empty text fits the latter


def _times(query: port.DeliveryQuery | port.EventQuery) -> Binding:
    return {
        "from": query.from_ms or 0,
        "to": EVER_MS if query.to_ms is None else query.to_ms,
    }
