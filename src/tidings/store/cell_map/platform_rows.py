"""What is in force over all cells."""

from collections.abc import Sequence

from tidings.store.cell_map.tables import PLATFORM
from tidings.store.cell_map.transactions import MapTransactions
from tidings.store.port.cell_map import PlatformRow

_OF_NAME = f"{PLATFORM.select} WHERE kind = ? AND name = ?"
_PUT = PLATFORM.insert(behind=("version",))
_REMOVE = "DELETE FROM platform_row WHERE kind = ? AND name = ?"
_DROP = "DELETE FROM platform_row WHERE until_ms < ?"


class PlatformRows:
    """Puts rows in force. One that is taken out of force stays without content for as long as
    readers may have to hear of it."""

    def __init__(self, transactions: MapTransactions) -> None:
        self._transactions = transactions
        self._connection = transactions.connection

    def put(self, rows: Sequence[PlatformRow]) -> int:
        """See `CellMapStore.put_platform`."""
        with self._transactions.changing() as change:
            changed: list[PlatformRow] = []
            for row in rows:
                found = self._connection.execute(_OF_NAME, (row.kind.value, row.name)).fetchone()
                known = None if found is None else PLATFORM.read(found)
                if known is None or row.revision > known.revision:
                    changed.append(row)
                elif row != known:
                    return 0
            for row in changed:
                self._connection.execute(_REMOVE, (row.kind.value, row.name))
                self._connection.execute(_PUT, (change.meta.version, *PLATFORM.write(row)))
        return change.version

    def drop_expired(self, now_ms: int) -> None:
        """See `CellMapStore`. Readers drop theirs by themselves."""
        with self._transactions.unversioned():
            self._connection.execute(_DROP, (now_ms,))
