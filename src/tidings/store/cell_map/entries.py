"""Cells, their owners, and where families are."""

from collections.abc import Mapping

import msgspec

from tidings.core.cells.cell_map import CellMap, CellOwner, FamilyPlace, is_newer
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.cell_map.tables import CELL, PLACE, CellRow, PlaceRow
from tidings.store.cell_map.transactions import MapChange, MapTransactions
from tidings.store.port.cell_map import BELOW, CellEntry, CellState, MapDown, PlatformKind

_CELL = f"{CELL.select} WHERE cell = ?"
_PUT_CELL = CELL.upsert("cell", keeps=("state", "epoch", "address"))
_STATE = "UPDATE cell_entry SET state = ?, version = ? WHERE cell = ? AND state = ?"
_OWNER = "UPDATE cell_entry SET epoch = ?, address = ?, version = ? WHERE cell = ?"
_PLACE = f"{PLACE.select} WHERE family = ?"
_FAMILIES = "SELECT family FROM family_place WHERE cell = ?"
_BELOW = "SELECT name FROM platform_row WHERE kind = ? AND content = ?"
_OF_BELOW = (PlatformKind.PARENT.value, BELOW)
_PUT_PLACE = PLACE.upsert("family")


class EntryRows:
    """Changes what readers of the map go by."""

    def __init__(self, transactions: MapTransactions) -> None:
        self._transactions = transactions
        self._connection = transactions.connection

    def add_cell(self, entry: CellEntry) -> bool:
        """See `CellMapStore`. Asked again, it is added already."""
        with self._transactions.changing() as change:
            known = self._cell(entry.cell)
            if known is not None:
                return _is_same(entry, known)
            self._put(entry, change)
        return True

    def put_cell(self, entry: CellEntry) -> int:
        """See `CellMapStore`."""
        with self._transactions.changing() as change:
            known = self._cell(entry.cell)
            if known is None or not _is_same(entry, known):
                self._put(entry, change)
        return change.version

    def change_state(self, cell: CellId, former: CellState, state: CellState) -> bool:
        """See `CellMapStore`. Asked again, it is changed already."""
        with self._transactions.changing() as change:
            known = self._cell(cell)
            if known is None or known.state not in (former, state):
                return False
            if known.state is not state:
                of_it = (int(state), change.meta.version, cell, int(former))
                self._connection.execute(_STATE, of_it)
        return True

    def remove_cell(self, cell: CellId) -> bool:
        """See `CellMapStore`. Asked again, it is removed already."""
        with self._transactions.changing() as change:
            known = self._cell(cell)
            if known is None or known.state is CellState.OPEN:
                return False
            if known.state is CellState.DRAINING:
                below = {name for (name,) in self._connection.execute(_BELOW, _OF_BELOW).fetchall()}
                here = self._connection.execute(_FAMILIES, (cell,)).fetchall()
                if any(str(family) not in below for (family,) in here):
                    return False
                removed, former = int(CellState.REMOVED), int(CellState.DRAINING)
                self._connection.execute(_STATE, (removed, change.meta.version, cell, former))
        return True

    def put_owner(self, cell: CellId, owner: CellOwner) -> int:
        """See `CellMapStore`."""
        with self._transactions.changing() as change:
            known = self._cell(cell)
            if known is None:
                raise MapDown(f"the map does not know the cell {cell} yet")
            judge = CellMap()
            if known.epoch:
                judge.learn_owner(cell, CellOwner(known.epoch, known.address))
            if judge.learn_owner(cell, owner):
                of_it = (owner.epoch, owner.address, change.meta.version, cell)
                self._connection.execute(_OWNER, of_it)
        return change.version

    def place_families(self, places: Mapping[FamilyId, FamilyPlace]) -> int:
        """See `CellMapStore`."""
        with self._transactions.changing() as change:
            for family, place in places.items():
                row = self._connection.execute(_PLACE, (family,)).fetchone()
                known = None if row is None else PLACE.read(row)
                if is_newer(place, None if known is None else place_of(known)):
                    placed = PlaceRow(
                        family=family,
                        cell=place.cell,
                        number=place.number,
                        version=change.meta.version,
                    )
                    self._connection.execute(_PUT_PLACE, PLACE.write(placed))
        return change.version

    def _put(self, entry: CellEntry, change: MapChange) -> None:
        row = CellRow(
            cell=entry.cell,
            kind=entry.kind,
            state=entry.state,
            setting=entry.setting,
            sealed=entry.sealed,
            epoch=0,
            address="",
            version=change.meta.version,
        )
        self._connection.execute(_PUT_CELL, CELL.write(row))

    def _cell(self, cell: CellId) -> CellRow | None:
        row = self._connection.execute(_CELL, (cell,)).fetchone()
        return None if row is None else CELL.read(row)


def entry_of(row: CellRow) -> CellEntry:
    """Return what a row says of a cell, without its owner."""
    return CellEntry(
        cell=row.cell, kind=row.kind, state=row.state, setting=row.setting, sealed=row.sealed
    )


def place_of(row: PlaceRow) -> FamilyPlace:
    """Return where a family is, by its row."""
    return FamilyPlace(row.cell, row.number)


def _is_same(entry: CellEntry, known: CellRow) -> bool:
    """Return whether a row names the same store, whatever has become of the cell."""
    return entry_of(known) == msgspec.structs.replace(entry, state=known.state)
