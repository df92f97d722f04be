"""The spans of numbers in which who has a greater number is younger.

What one cell numbers is younger the greater its number is, over all of its ranges. A family that
came from another cell brought numbers of that one's ranges, and these say nothing beside our own.
So each foreign range in which there are rows is a span of its own, and so is what lies between two
of them. A store into which nothing ever came is one span.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tidings.core.cells.ranges import RANGE_BITS
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.meta import read_fact
from tidings.store.sql.facts.numbers import BEGUN, NUMBERED, read_ranges

_ABOVE_ALL = 1 << 62
_RANGES_WITH_ROWS = (
    "WITH RECURSIVE held (range_index) AS (SELECT (SELECT min({column}) >> {bits} FROM {table})"
    " UNION ALL SELECT (SELECT min({column}) >> {bits} FROM {table}"
    " WHERE {column} >= (h.range_index + 1) << {bits}) FROM held h"
    " WHERE h.range_index IS NOT NULL)"
    " SELECT range_index FROM held WHERE range_index IS NOT NULL ORDER BY range_index"
)


class NumberSpan(NamedTuple):
    """Numbers from `low` to the one before `end`."""

    low: int = 0
    end: int = _ABOVE_ALL

    @property
    def range_index(self) -> int:
        """Return the range with which it begins."""
        return self.low >> RANGE_BITS


def find_spans(connection: StoreConnection, table: str) -> Sequence[NumberSpan]:
    """Return the spans of a numbered table, rising; there is one at least."""
    if read_fact(connection, BEGUN) is None:
        return [NumberSpan()]
    granted = read_ranges(connection).granted
    # The first cell was the only one once: all ranges below its second one are its own.
    lowest = granted[1] if granted[:1] == (0,) and len(granted) > 1 else 0
    query = _RANGES_WITH_ROWS.format(column=NUMBERED[table], table=table, bits=RANGE_BITS)
    held = [int(index) for (index,) in connection.execute(query).fetchall()]
    return list(spans_of(held, lowest, frozenset(granted)))


def spans_of(held: Sequence[int], lowest: int, granted: Collection[int]) -> Iterator[NumberSpan]:
    """Yield the spans of ranges that have rows, where those below `lowest` and those that were
    granted are our own."""
    low = 0
    for index in held:
        if index < lowest or index in granted:
            continue
        begin, end = index << RANGE_BITS, (index + 1) << RANGE_BITS
        if low < begin:
            yield NumberSpan(low, begin)
        yield NumberSpan(begin, end)
        low = end
    yield NumberSpan(low)
