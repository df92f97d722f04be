"""Pages of rows that have a number as their first column: the newest first, both ways."""

from collections.abc import Callable, Sequence
from typing import Any

Row = Sequence[Any]


def numbered_page(
    run: Callable[..., Any],
    select: str,
    owner: int,
    before: int | None,
    after: int | None,
    limit: int,
) -> tuple[list[Row], int | None, int | None]:
    """Rows of a `select … WHERE owner = ?`, and the numbers where the older and the newer page
    begin: the next question's `before`, and its `after`."""
    newest_first = after is None
    way = "< ? ORDER BY number DESC" if newest_first else "> ? ORDER BY number ASC"
    at = after if after is not None else (1 << 62 if before is None else before)
    rows = run(f"{select} AND number {way} LIMIT ?", (owner, at, limit + 1)).fetchall()
    found, more = rows[:limit], len(rows) > limit
    if newest_first:
        above = None if before is None else before - 1
        newer = found[0][0] if found else above
        return found, found[-1][0] if more else None, newer
    found.reverse()
    older = found[-1][0] if found else at + 1
    return found, older, found[0][0] if found else after
