"""Reads by which number a database knows its master key, also while it is served."""

from contextlib import closing

from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.faults import refused_as_store
from tidings.store.postgres.migration import schema_of
from tidings.store.sql.configuration.key_check import read_key_check

NAME = "tidings key"


def read_known_key(database: StoreDatabase) -> int | None:
    """Return by which number a schema knows its key; None where it knows none yet, or has no
    tables. Raise StoreDown, StoreRefused."""
    with refused_as_store("the database is not to be reached"):
        with closing(PostgresConnection(database.connect(NAME), read_only=True)) as connection:
            return read_key_check(connection) if schema_of(connection.driver) else None
