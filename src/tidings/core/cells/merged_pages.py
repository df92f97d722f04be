"""Pages over all cells: one order, by number, and a cursor that says where each cell stands.

Each cell gives its next rows. Of one that does not answer, the cursor keeps where it stood: its
rows come as soon as it answers again, then out of order, but none is left out and none comes
twice.
"""

import heapq
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from tidings.core.cells.families import CellId

Row = TypeVar("Row")

_CURSOR = re.compile(r"[0-9]{1,16}(?:~[0-9]{1,9}\.[0-9]{1,16}){0,256}")


class CellsCursor(NamedTuple):
    """Hold behind which number the next rows are: of all cells, and of those that stand
    elsewhere."""

    after: int = 0
    behind: Mapping[CellId, int] = {}

    def of(self, cell: CellId) -> int:
        """Return behind which number the next rows of a cell are."""
        return self.behind.get(cell, self.after)

    def write(self) -> str:
        """Write it for a caller."""
        behind = "".join(f"~{cell}.{number}" for cell, number in sorted(self.behind.items()))
        return f"{self.after}{behind}"


class CellRows(NamedTuple, Generic[Row]):
    """Hold the next rows of a cell, by rising numbers, and whether it has more."""

    rows: Sequence[tuple[int, Row]]
    has_more: bool


class MergedPage(NamedTuple, Generic[Row]):
    """Hold a page; `following` is None where nobody who has answered has more."""

    rows: Sequence[Row]
    following: CellsCursor | None


def read_cells_cursor(text: str) -> CellsCursor | None:
    """Read a cursor; None where it is none of ours."""
    if not _CURSOR.fullmatch(text):
        return None
    after, *behind = text.split("~")
    pairs = (pair.partition(".") for pair in behind)
    return CellsCursor(int(after), {CellId(int(cell)): int(number) for cell, _, number in pairs})


def merge_pages(
    cursor: CellsCursor,
    found: Mapping[CellId, CellRows[Row]],
    missing: Collection[CellId],
    limit: int,
) -> MergedPage[Row]:
    """Build the page behind a cursor of what the cells have given."""
    own = [_in_order(cursor.of(cell), cell_rows.rows) for cell, cell_rows in found.items()]
    whole_to = min(
        (rows[-1][0] for rows, given in zip(own, found.values(), strict=True)
         if given.has_more and rows),
        default=None,
    )  # fmt: skip
    taken: dict[int, Row] = {}
    left = whole_to is not None
    for number, row in heapq.merge(*own, key=_number):
        if number in taken:  # a family on its way from one cell to another
            continue
        if len(taken) == limit or (whole_to is not None and number > whole_to):
            left = True
            break
        taken[number] = row
    last = max(taken, default=0)
    if not left:
        return MergedPage([*taken.values()], None)
    stands = {cell: max(cursor.of(cell), last) for cell in found}
    stands |= {cell: cursor.of(cell) for cell in missing}
    after = max(stands.values(), default=cursor.after)
    behind = {cell: number for cell, number in stands.items() if number != after}
    return MergedPage([*taken.values()], CellsCursor(after, behind))


def _in_order(after: int, rows: Iterable[tuple[int, Row]]) -> list[tuple[int, Row]]:
    return sorted((row for row in rows if row[0] > after), key=_number)


def _number(row: tuple[int, object]) -> int:
    return row[0]
