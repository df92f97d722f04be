"""Pages of rows that have a number of their own: the newest first, both ways.

Rows hold bodies that strangers may have sent. A page ends where those reach a bound of bytes, with
one row at least: the rest is on the next page. And rows are asked for in pieces: PostgreSQL answers
a question whole, whatever of it is looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Row = Sequence[Any]
PAGE_BYTES = 4 << 20  # of the bodies of a page
PIECE_ROWS = 16


def rows_in_pieces(
    ask: Callable[[int, int], Sequence[Row]], at: int, most: int, place: int = 0
) -> Iterator[Row]:
    """Yield up to so many rows. `ask` returns those behind a number, as many as it is given at
    most; each row has its number at this place."""
    while most > 0:
        rows = ask(at, min(most, PIECE_ROWS))
        yield from rows
        most -= len(rows)
        if len(rows) < PIECE_ROWS:
            return
        at = rows[-1][place]


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
    statement = f"{select} AND {number} {way} LIMIT ?"

    def ask(behind: int, most: int) -> list[Row]:
        asked: list[Row] = run(statement, (owner, behind, most)).fetchall()
        return asked

    found: list[Row] = []
    size, more = 0, False
    for row in rows_in_pieces(ask, at, limit + 1):
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
