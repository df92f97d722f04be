"""Reads by which number a database knows its master key, and what else a start asks first, also
while it is served."""

from contextlib import closing
from typing import NamedTuple

from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import MAP_SUFFIX, StoreDatabase
from tidings.store.postgres.faults import refused_as_store
from tidings.store.postgres.migration import schema_of
from tidings.store.sql.configuration.key_check import read_key_check

NAME = "tidings key"
_HAS_MAP = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'map_meta'"


class StartFacts(NamedTuple):
    """Hold what is known of a schema before it is owned."""

    known_key: int | None  # None: it knows none yet, or has no tables
    has_map: bool  # of cells, beside it


def read_known_key(database: StoreDatabase) -> int | None:
    """Return by which number a schema knows its key; None where it knows none yet, or has no
    tables. Raise StoreDown, StoreRefused."""
    return read_start_facts(database).known_key


def read_start_facts(database: StoreDatabase) -> StartFacts:
    """Return what is known of a schema before it is owned. Raise StoreDown, StoreRefused."""
    with refused_as_store("the database is not to be reached"):
        with closing(PostgresConnection(database.connect(NAME), read_only=True)) as connection:
            driver = connection.driver
            known = read_key_check(connection) if schema_of(driver) else None
            with driver.transaction():
                found = driver.execute(_HAS_MAP, (database.schema + MAP_SUFFIX,)).fetchone()
            return StartFacts(known, found is not None)
