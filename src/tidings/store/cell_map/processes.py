"""Processes, as they tell of themselves, and up to where the owners of cells follow the map."""

from collections.abc import Mapping, Sequence

from tidings.core.cells.families import CellId
from tidings.store.cell_map.tables import CONFIRMED, PROCESS, ConfirmedRow
from tidings.store.cell_map.transactions import MapTransactions
from tidings.store.port.cell_map import CellState, MapPlace, ProcessEntry

_LIST = f"{PROCESS.select} ORDER BY name"
_BEAT = PROCESS.upsert("name")
_REMOVE = "DELETE FROM process WHERE name = ? AND beat = ?"
_OF_NAME = "SELECT 1 FROM process WHERE name = ?"
_EPOCH = "SELECT epoch FROM cell_entry WHERE cell = ?"
_OF_CELL = f"{CONFIRMED.select} WHERE cell = ?"
_CONFIRM = CONFIRMED.upsert("cell")
_FOLLOWED = (
    "SELECT e.cell, coalesce(c.version, 0) FROM cell_entry e"
    " LEFT JOIN confirmed c ON c.cell = e.cell AND c.epoch = e.epoch AND c.incarnation = ?"
    " WHERE e.state <> ? ORDER BY e.cell"
)


class ProcessRows:
    """Changes without a version: nobody reads a beat of another process who has not asked."""

    def __init__(self, transactions: MapTransactions) -> None:
        self._transactions = transactions
        self._connection = transactions.connection

    def list(self) -> Sequence[ProcessEntry]:
        """See `CellMapStore.list_processes`."""
        with self._transactions.reading():
            return [PROCESS.read(row) for row in self._connection.execute(_LIST).fetchall()]

    def beat(self, process: ProcessEntry) -> None:
        """See `CellMapStore`."""
        with self._transactions.unversioned():
            self._connection.execute(_BEAT, PROCESS.write(process))

    def remove(self, name: str, beat: int) -> bool:
        """See `CellMapStore.remove_process`."""
        with self._transactions.unversioned():
            self._connection.execute(_REMOVE, (name, beat))
            return self._connection.execute(_OF_NAME, (name,)).fetchone() is None

    def confirm(self, cell: CellId, epoch: int, place: MapPlace) -> bool:
        """See `CellMapStore`."""
        with self._transactions.unversioned():
            if self._transactions.meta().incarnation != place.incarnation:
                return False
            row = self._connection.execute(_EPOCH, (cell,)).fetchone()
            if row is None or row[0] > epoch:
                return False
            known = self._connection.execute(_OF_CELL, (cell,)).fetchone()
            version = place.version
            if known is not None:
                former = CONFIRMED.read(known)
                if former.epoch > epoch:
                    return False
                if (former.epoch, former.incarnation) == (epoch, place.incarnation):
                    version = max(version, former.version)
            confirmed = ConfirmedRow(
                cell=cell, epoch=epoch, incarnation=place.incarnation, version=version
            )
            self._connection.execute(_CONFIRM, CONFIRMED.write(confirmed))
        return True

    def confirmations(self) -> Mapping[CellId, int]:
        """See `CellMapStore`."""
        with self._transactions.reading():
            asked = (self._transactions.meta().incarnation, int(CellState.REMOVED))
            return {
                CellId(cell): version
                for cell, version in self._connection.execute(_FOLLOWED, asked).fetchall()
            }
