"""What the stores of all cells, and their map, say of each other: read, and put into words.

Stores and map are read one after the other while they may be served, so what is not true at one
moment is looked at twice: only what is found both times is wrong.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from tidings.app.cells.cell_settings import settings_of_cell
from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.map_place import has_cell_map, open_map_rows
from tidings.app.cells.store_identity import reading_store
from tidings.core.cells.agreement import (
    FamilyFault,
    FamilyFaultKind,
    find_disagreements,
    find_shared_ranges,
)
from tidings.core.cells.families import CellId, FamilyId, FamilyRow
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellState, MapPlace
from tidings.store.sql.configuration.cell_identity import CELL
from tidings.store.sql.configuration.families import read_families
from tidings.store.sql.facts.meta import MAP_EPOCH, read_fact
from tidings.store.sql.facts.numbers import read_ranges

AGAIN_S = 3.0  # an owner puts what is new into the map each second
RESTART = "Start the processes of these cells again: each asks the map, and leaves what is not its."


class CellFault(NamedTuple):
    """Say what is wrong, and what to do."""

    text: str
    fix: str


class FormerStore(NamedTuple):
    """Name a cell whose store knows nothing of its newest owner."""

    cell: CellId


def compare_cells(settings: Settings) -> Sequence[CellFault]:
    """List what stores and map do not agree on; nothing where the store is the only one. Stores
    that cannot be read are left out. Raise DatabaseUnreachable, or an Unusable that says why the
    map cannot be read."""
    found = _read_faults(settings)
    if not found:
        return []
    time.sleep(AGAIN_S)
    again = _read_faults(settings)
    return [fault for key, fault in found.items() if key in again]


def _read_faults(settings: Settings) -> Mapping[FamilyFault | FormerStore | int, CellFault]:
    """Look once."""
    rows: dict[CellId, Mapping[FamilyId, FamilyRow]] = {}
    granted: dict[CellId, Sequence[int]] = {}
    with refusing():
        if not has_cell_map(settings):
            return {}
        with closing(open_map_rows(settings)) as opened:
            reading = opened.changes.read(MapPlace())
            families = opened.openers.families()
    unread = set()
    former: list[CellId] = []
    owners = reading.changes.cells
    for cell in reading.cells:
        if cell.state is CellState.REMOVED:
            continue
        unread.add(cell.cell)
        with suppress(Unavailable, Unusable), refusing():
            with reading_store(settings_of_cell(settings, cell)) as connection:
                if connection is not None and read_fact(connection, CELL) == cell.cell:
                    rows[cell.cell] = read_families(connection)
                    granted[cell.cell] = read_ranges(connection).granted
                    owner = owners.get(cell.cell)
                    if owner and owner.epoch > (read_fact(connection, MAP_EPOCH) or 0):
                        former.append(cell.cell)
                    unread.discard(cell.cell)
    placed = reading.changes.families
    found: dict[FamilyFault | FormerStore | int, CellFault] = {
        fault: _describe(fault) for fault in find_disagreements(rows, placed, unread, families)
    }
    for cell_id in former:
        found[FormerStore(cell_id)] = _describe_former(cell_id)
    for index, cells in find_shared_ranges(granted).items():
        found[index] = CellFault(
            f"The range {index} of numbers is of cells {_list(cells)}: they give the same ones.",
            "Stop them, and restore the one that has got it by a copy of its store.",
        )
    return found


def _describe(fault: FamilyFault) -> CellFault:
    """Put a fault of a family into words."""
    org, cells = f"Org {fault.family}", _list(fault.cells)
    at = "" if fault.placed is None else f"cell {fault.placed.cell}"
    how = _restoring(cells if fault.placed is None else str(fault.placed.cell))
    match fault.kind:
        case FamilyFaultKind.TWICE:
            return CellFault(
                f"{org} is in the cells {cells} at once: each accepts and sends for it.", RESTART
            )
        case FamilyFaultKind.NOWHERE:
            return CellFault(
                f"{org} is in no cell: it has gone to cell {cells}, which has it not.",
                f"Restore a backup of cell {cells} that was made after the move {how}.",
            )
        case FamilyFaultKind.MISPLACED:
            return CellFault(
                f"{org} is in cell {cells}, and the map names {at}, which has it not.",
                f"Restore a later backup of {at} {how}; until then calls for it are answered 503.",
            )
        case FamilyFaultKind.LOST:
            return CellFault(
                f"{org} is in no cell: the map names {at}, which has it not.",
                f"Restore a backup of {at} that has it {how}, or do without: it was made after the "
                "one that is there.",
            )
        case FamilyFaultKind.UNPLACED:
            return CellFault(
                f"{org} is in cell {cells}, and the map does not know it.",
                f"Start cell {cells} where the map is reached: its owner puts it there.",
            )
        case FamilyFaultKind.UNKNOWN_OPENERS:
            return CellFault(
                f"The directory has keys or addresses of org {fault.family}, and no cell has it.",
                "Restore a backup of the cell that had it, or do without: they open nothing.",
            )


def _describe_former(cell: CellId) -> CellFault:
    return CellFault(
        f"The store of cell {cell} is an earlier one than was served last: what was acknowledged "
        "since is not in it.",
        f"Restore a later backup if there is one {_restoring(str(cell))}. Else start the cell "
        "where the map is reached: it gives no number a second time, and leaves the orgs that "
        "have moved since where they are.",
    )


def _restoring(cell: str) -> str:
    """Return by which command a cell is restored."""
    return f"(tidings restore --cell {cell}; a schema: pg_restore)"


def _list(cells: Sequence[CellId]) -> str:
    return " and ".join(map(str, cells))
