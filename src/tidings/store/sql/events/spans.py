"""Where a page of a log looks, and what it has found."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

HIGHEST = (1 << 63) - 1

Row = tuple[Any, ...]
Binding = dict[str, Any]


class Span(NamedTuple):
    """The range of a page: ids from `low` to `high`, both in it."""

    low: int
    high: int
    newest_first: bool

    @property
    def way(self) -> str:
        """The order, for SQL."""
        return " DESC" if self.newest_first else " ASC"


class PageOfSpan(NamedTuple):
    """Rows in the order of the span, and the cursor to go on with; None at the end."""

    rows: list[Row]
    go_on: int | None


def span_of(before: int | None, after: int | None) -> Span:
    """Return the span below `before`, newest first; or above `after`, oldest first."""
    if after is not None:
        return Span(after + 1, HIGHEST, newest_first=False)
    return Span(0, HIGHEST if before is None else before - 1, newest_first=True)


def cut(rows: list[Row], limit: int) -> PageOfSpan:
    """Cut rows that were asked for with one more than `limit` to a page of so many."""
    return PageOfSpan(rows[:limit], rows[limit - 1][0] if len(rows) > limit else None)


def numbers(some: Sequence[int]) -> str:
    """Encode numbers as a statement takes them, for `json_each`."""
    return msgspec.json.encode(some).decode()


def in_order(sure: Iterator[int], unsure: Iterable[int], span: Span) -> Iterator[int]:
    """Yield both in the order of the span, without a repeat; `sure` is read no further than
    needed."""
    waiting = sorted(unsure, reverse=not span.newest_first)  # the next one is the last
    for number in sure:
        while waiting and (waiting[-1] > number if span.newest_first else waiting[-1] < number):
            yield waiting.pop()
        if waiting and waiting[-1] == number:
            waiting.pop()
        yield number
    yield from reversed(waiting)
