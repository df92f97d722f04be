"""Stores in memory, and a family that goes from one to another."""

from collections.abc import Mapping

from tests.store.moving.families_filled import Rows, put_family, put_rows
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.store import port
from tidings.store.sql.moving.family_pages import FamilyPages
from tidings.store.sqlite.halves import WritingHalf

THEIRS, BESIDE = FamilyId(1), FamilyId(1000)
BASE, APART = 10_000, 3


def stored(*families: tuple[FamilyId, Rows]) -> WritingHalf:
    """A store with these families."""
    half = WritingHalf(":memory:")
    for family, rows in families:
        put_rows(half.connection, rows)
        put_family(half.connection, family)
    half.families.forget()
    return half


def step(half: WritingHalf, *moves: FamilyMove) -> None:
    """Take these steps of a move."""
    for move in moves:
        asked = port.FamilyStep(THEIRS, move, 2, other=CellId(9))
        assert half.families.move(asked).changed


def copy(source: FamilyPages, target: FamilyPages) -> int:
    """Copy all rows; return in how many pages."""
    place: port.RowsPlace | None = None
    for pages in range(1, 1 << 30):
        page = source.read(THEIRS, 2, place)
        target.write(THEIRS, 2, page)
        if (place := page.next) is None:
            return pages
    raise AssertionError


def sums(pages: FamilyPages) -> Mapping[str, port.RowsSum]:
    """Sum all rows."""
    found = pages.sum(THEIRS, 2, None, {})
    while found.next is not None:
        found = pages.sum(THEIRS, 2, found.next, found.sums)
    return found.sums
