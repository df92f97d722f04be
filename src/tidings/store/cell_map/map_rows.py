"""All rows of the map, over one connection."""

from tidings.store.cell_map.changes import ChangeRows
from tidings.store.cell_map.entries import EntryRows
from tidings.store.cell_map.grants import GrantRows
from tidings.store.cell_map.openers import OpenerRows
from tidings.store.cell_map.platform_rows import PlatformRows
from tidings.store.cell_map.processes import ProcessRows
from tidings.store.cell_map.transactions import MapConnection, MapTransactions


class MapRows:
    """The rows of the map by their subjects."""

    def __init__(self, connection: MapConnection) -> None:
        self._connection = connection
        transactions = MapTransactions(connection)
        self.changes = ChangeRows(transactions)
        self.entries = EntryRows(transactions)
        self.grants = GrantRows(transactions)
        self.openers = OpenerRows(transactions)
        self.processes = ProcessRows(transactions)
        self.platform = PlatformRows(transactions)

    def is_lost(self) -> bool:
        """Return whether nothing can be asked over its connection any more."""
        return self._connection.is_lost()

    def close(self) -> None:
        """Close its connection. Idempotent."""
        self._connection.close()
