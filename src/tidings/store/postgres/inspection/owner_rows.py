"""The rows of owners in several schemas of one database, as a host watches them."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from tidings.core.cells.owners_seen import WatchedOwner
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.faults import describe_fault

CONNECTION_NAME = "tidings host"  # `cell_connections.py` counts hosts by it
STATEMENT_S = 5  # for each row
_LOOK = "SELECT epoch, holder, renewed FROM {}.owner"


class OwnerRowReader:
    """Reads the rows over one connection, which it opens when it needs one. In one thread at a
    time."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database
        self._connection: psycopg.Connection[Any] | None = None

    def read(self, schemas: Iterable[str]) -> Mapping[str, WatchedOwner | None]:
        """Read who owns the store of each schema; None where it has no such row for us. Raise
        StoreDown where the database is not to be reached, StoreRefused where it lets nobody in."""
        connection = self._connection or self._database.connect(CONNECTION_NAME)
        self._connection = connection
        try:
            connection.execute(f"SET statement_timeout = '{STATEMENT_S}s'".encode())
            return {schema: _row(connection, schema) for schema in schemas}
        except psycopg.Error as error:
            self.close()
            raise port.StoreDown(f"the owners cannot be read: {describe_fault(error)}") from error

    def close(self) -> None:
        """Let the connection go. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _row(connection: "psycopg.Connection[Any]", schema: str) -> WatchedOwner | None:
    """Read the row of one schema. Raise psycopg.Error where the connection is lost."""
    try:
        found = connection.execute(sql.SQL(_LOOK).format(sql.Identifier(schema))).fetchone()
    except psycopg.Error:
        if connection.closed or connection.broken:
            raise
        return None  # no such table, or none that we may read
    if found is None:
        return None
    epoch, holder, renewed = found
    return WatchedOwner(epoch=epoch, holder=holder, renewed=renewed)
