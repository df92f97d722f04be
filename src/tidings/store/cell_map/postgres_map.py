"""The map in PostgreSQL: a schema of its own, beside that of a store or in another database.

Each statement has an end of its own at the server, a commit too, which may wait for a standby; so
has a wait for whoever changes the map, and a transaction whose process stands still. A server that
is silent is given up (`postgres/watched_connection.py`).
"""

from typing import Any

import psycopg

from tidings.store import port
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.cell_map.postgres_schema import newest_map_schema
from tidings.store.cell_map.schema_number import must_serve
from tidings.store.port.cell_map import MapDown, MapRefused
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import MAP_SUFFIX, StoreDatabase
from tidings.store.postgres.faults import describe_fault
from tidings.store.postgres.migration import schema_of

SCHEMA_MAX = 63  # PostgreSQL cuts longer names
CONNECTION_NAME = "tidings map"
BOUNDS_S = {
    "lock_timeout": 5,
    "statement_timeout": 10,
    "idle_in_transaction_session_timeout": 10,
}
# The connection is well: who has waited here would wait elsewhere, too.
_PASSING = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.TransactionRollback,
)
_TOUCH = "UPDATE map_meta SET version = version"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresMapConnection(PostgresConnection):
    """See `MapConnection`."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        for name, bound_s in BOUNDS_S.items():
            connection.execute(f"SET {name} = '{bound_s}s'".encode())
        super().__init__(connection)
        self._is_in_doubt = False
        self._is_broken = False
        connection.add_notice_handler(self._note)

    def begin_reading(self) -> None:
        """See `MapConnection`."""
        self.driver.execute(_READ)

    def commit(self) -> None:
        """End the transaction. A wait for a standby that was ended is an error: the change may be
        on one server alone, and be lost with it."""
        self._is_in_doubt = False
        super().commit()
        if self._is_in_doubt:
            raise psycopg.OperationalError("it is not known whether the standby has the change")

    def must_be_current(self) -> None:
        """See `MapConnection`. A server that was restored has ended its connections."""

    def make_sure(self) -> None:
        """See `MapConnection`: what is committed now waits for the standby, and with it all that
        was committed before."""
        self.begin()
        self.execute(_TOUCH)
        self.commit()

    def is_fault(self, error: BaseException) -> bool:
        """See `MapConnection`. A server may have become a standby, which only reads."""
        is_fault = isinstance(error, psycopg.Error)
        self._is_broken |= is_fault and not isinstance(error, _PASSING)
        return is_fault

    def is_lost(self) -> bool:
        """See `MapConnection`."""
        return self._is_broken or super().is_lost()

    def _note(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        self._is_in_doubt |= diagnostic.severity_nonlocalized == "WARNING"


def open_postgres_map(uri: str, schema: str, of: str = "") -> MapRows:
    """Open the map in a schema of a database. `of`: who reads it, for whoever looks at the names of
    connections. Raise `MapDown`, `MapRefused`."""
    connection = connect_to_map(uri, schema, f"{CONNECTION_NAME} {of}".rstrip())
    try:
        must_serve(schema_of(connection), newest_map_schema())
        return MapRows(PostgresMapConnection(connection))
    except psycopg.Error as error:
        connection.close()
        raise MapDown(f"the map cannot be opened: {describe_fault(error)}") from error
    except BaseException:
        connection.close()
        raise


def has_postgres_map(uri: str, schema: str) -> bool:
    """Return whether a schema of a database holds a map. Raise `MapDown`, `MapRefused`."""
    with connect_to_map(uri, schema) as connection:
        try:
            return schema_of(connection) > 0
        except psycopg.Error as error:
            raise MapDown(f"the map cannot be looked at: {describe_fault(error)}") from error


def connect_to_map(uri: str, schema: str, name: str = CONNECTION_NAME) -> "psycopg.Connection[Any]":
    """Open a connection whose names lead to a schema. Raise `MapDown`, `MapRefused`."""
    try:
        return StoreDatabase(uri, schema).connect(name)
    except port.StoreDown as error:
        raise MapDown(f"the map is away: {error}") from error
    except port.StoreRefused as error:
        raise MapRefused(str(error)) from error


def map_schema_beside(schema: str) -> str:
    """Return the schema of the map beside that of a store. Raise `MapRefused` where the name has no
    room for that."""
    if len(schema) + len(MAP_SUFFIX) > SCHEMA_MAX:
        raise MapRefused(
            f"database_schema must be {SCHEMA_MAX - len(MAP_SUFFIX)} letters at most for a map to "
            f"stand beside it; got {len(schema)}. Move the store to a schema with a shorter name."
        )
    return schema + MAP_SUFFIX
