"""Whether the stores of all cells, and the map, agree on where each family is.

The stores decide, and no two of them are read at the same moment; so what is found is true only if
it is found of stores that stand still, or twice. By their rows a family is in exactly one cell: in
the one that has it *here*, or, while it moves and its target has not switched, in the one that it
leaves. Two that have it would both send, and one that nobody has was lost with a store.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import PLATFORMS, CellId, FamilyId, FamilyRow, FamilyState

Rows = Mapping[CellId, Mapping[FamilyId, FamilyRow]]  # of each cell's store


class FamilyFaultKind(IntEnum):
    """List what can be wrong with where a family is. By the stores alone: the first two."""

    TWICE = 0  # in several cells: each accepts and sends
    NOWHERE = 1  # no cell has it, though one says that it has gone to another
    MISPLACED = 2  # the map gives it to a cell that has it not, and another one has it
    LOST = 3  # the map gives it to a cell that has it not, and no other one has it
    UNPLACED = 4  # a cell has it, and the map does not know it
    UNKNOWN_OPENERS = 5  # something opens it, and neither cells nor map know it


class FamilyFault(NamedTuple):
    """Hold what is wrong with one family. `cells`: those that have it, or that it is said to have
    gone to; `placed`: where the map has it."""

    kind: FamilyFaultKind
    family: FamilyId
    cells: tuple[CellId, ...]
    placed: FamilyPlace | None = None


def holders(rows: Rows, family: FamilyId) -> list[CellId]:
    """List the cells that a family is in by their rows."""
    known = {cell: families[family] for cell, families in rows.items() if family in families}
    here = [cell for cell, row in known.items() if row.state is FamilyState.HERE]
    if here:
        return sorted(here)
    return sorted(cell for cell, row in known.items() if row.state.is_moving)


def find_torn(rows: Rows) -> Sequence[FamilyFault]:
    """List the families that stores do not agree on. Rows that were read of two moments between
    which one has moved are told by this, too: it is in both, or in neither."""
    found = []
    for family in sorted({family for families in rows.values() for family in families}):
        cells = holders(rows, family)
        if len(cells) > 1:
            found.append(FamilyFault(FamilyFaultKind.TWICE, family, tuple(cells)))
        elif not cells and (gone_to := _gone_to(rows, family)):
            found.append(FamilyFault(FamilyFaultKind.NOWHERE, family, gone_to))
    return found


def find_disagreements(
    rows: Rows,
    placed: Mapping[FamilyId, FamilyPlace],
    unread: Collection[CellId],
    opened: Collection[FamilyId],
) -> Sequence[FamilyFault]:
    """List all that stores and map do not agree on. `unread`: cells whose store could not be read,
    of which nothing is known; `opened`: families that something opens."""
    torn = [fault for fault in find_torn(rows) if not {*fault.cells} & {*unread}]
    known = {fault.family for fault in torn}
    return [*torn, *_against_map(rows, placed, unread, opened, known)]


def _against_map(
    rows: Rows,
    placed: Mapping[FamilyId, FamilyPlace],
    unread: Collection[CellId],
    opened: Collection[FamilyId],
    known: Collection[FamilyId],
) -> Iterator[FamilyFault]:
    in_stores = {family for families in rows.values() for family in families}
    for family in sorted((in_stores | placed.keys() | {*opened}) - {PLATFORMS}):
        if family in known:
            continue
        cells, place = tuple(holders(rows, family)), placed.get(family)
        if place is None:
            if cells:
                yield FamilyFault(FamilyFaultKind.UNPLACED, family, cells)
            elif family not in in_stores and not unread:
                yield FamilyFault(FamilyFaultKind.UNKNOWN_OPENERS, family, ())
        elif place.cell in unread or place.cell in cells:
            continue
        elif cells:
            yield FamilyFault(FamilyFaultKind.MISPLACED, family, cells, placed=place)
        else:
            yield FamilyFault(FamilyFaultKind.LOST, family, (), placed=place)


def _gone_to(rows: Rows, family: FamilyId) -> tuple[CellId, ...]:
    """Return the cell that a family has gone to by the newest of its rows. A row without one is of
    a move that was refused before anything arrived."""
    known = [families[family] for families in rows.values() if family in families]
    newest = max(known, key=lambda row: (row.number, row.other is not None))
    return () if newest.other is None else (newest.other,)


def find_shared_ranges(granted: Mapping[CellId, Collection[int]]) -> Mapping[int, Sequence[CellId]]:
    """Return the ranges of numbers that several cells have, each with them: both give the same
    numbers."""
    owners: dict[int, list[CellId]] = {}
    for cell, indices in sorted(granted.items()):
        for index in indices:
            owners.setdefault(index, []).append(cell)
    return {index: cells for index, cells in sorted(owners.items()) if len(cells) > 1}
