"""Tables of objects that are changed as a whole: each change is written onto the revision before.

The comparison is part of the write, so that it holds whoever else has a connection.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from tidings.store import port
from tidings.store.sql.connection import Found, StoreConnection
from tidings.store.sql.row_mapping import StoredTable

Row = TypeVar("Row", bound=msgspec.Struct)
REVISION = "revision"


class RevisedTable(Generic[Row]):
    """Writes the rows of a table, found by `key`; a change keeps the columns of `keeps`."""

    def __init__(self, table: StoredTable[Row], *key: str, keeps: Sequence[str] = ()) -> None:
        changed = [field for field in table.fields if field not in (*key, *keeps)]
        changes = ", ".join(f"{field} = ?" for field in changed)
        found = " AND ".join(f"{field} = ?" for field in (*key, REVISION))
        self._table = table
        self._insert = f"{table.insert()} ON CONFLICT DO NOTHING RETURNING {table.columns}"
        self._update = f"UPDATE {table.name} SET {changes} WHERE {found} RETURNING {table.columns}"
        self._bound = [table.place(field) for field in (*changed, *key)]
        self._revision = table.place(REVISION)

    def put(self, connection: StoreConnection, row: Row) -> Row:
        """Insert a first revision, or write a later one onto the one before; return it as it is
        stored. Raise StaleChange."""
        values = self._table.write(row)
        if (revision := values[self._revision]) == 1:
            return self.insert(connection, row)
        bound = [*(values[place] for place in self._bound), revision - 1]
        return self._only(connection.execute(self._update, bound), revision)

    def insert(self, connection: StoreConnection, row: Row) -> Row:
        """Insert what is new in this table, at whatever revision it is. Raise StaleChange."""
        values = self._table.write(row)
        return self._only(connection.execute(self._insert, values), values[self._revision])

    def _only(self, written: Found, revision: int) -> Row:
        for row in written.fetchall():
            return self._table.read(row)
        name = self._table.name
        raise port.StaleChange(f"revision {revision} of a row of {name} is not the next one")
