"""Pages of rows that have a number as their first column: the newest first, both ways.

Rows hold bodies that strangers may have sent. A page ends where those reach a bound of bytes, with
one row at least: the rest is on the next page.
"""

from collections.abc import Callable, Sequence
from typing import Any

Row = Sequence[Any]
PAGE_BYTES = 4 << 20  # of the bodies of a page


def numbered_page(
    run: Callable[..., Any],
    select: str,
    owner: int,
    before: int | None,
    after: int | None,
    limit: int,
    *,
    body: int,
    number: str = "number",
) -> tuple[list[Row], int | None, int | None]:
    """Return rows of a `select … WHERE owner = ?`, and the numbers where the older and the newer
    page begin: the next question's `before`, and its `after`. `body`: the index of the column with
    the body; `number`: the name of the first column."""
    newest_first = after is None
    way = f"< ? ORDER BY {number} DESC" if newest_first else f"> ? ORDER BY {number} ASC"
    at = after if after is not None else (1 << 62 if before is None else before)
    found: list[Row] = []
    size, more = 0, False
    for row in run(f"{select} AND {number} {way} LIMIT ?", (owner, at, limit + 1)):
        size += len(row[body] or b"")
        if found and (len(found) == limit or size > PAGE_BYTES):
            more = True
            break
        found.append(row)
    if newest_first:
        above = None if before is None else before - 1
        newer = found[0][0] if found else above
        return found, found[-1][0] if more else None, newer
    found.reverse()
    older = found[-1][0] if found else at + 1
    return found, older, found[0][0] if found else after
