"""Facts of the whole database, each a number by its name: the table `meta`."""

from typing import NamedTuple

from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_into

_READ = "SELECT value FROM meta WHERE key = ?"


class MetaRow(NamedTuple):
    """A row of `meta`."""

    key: str
    value: int


LINEAGE = "lineage"  # of the database itself: the store that it is copied to has its own
TABLES = "tables"  # of a database: which tables they are; others are there behind a dump
MAP_EPOCH = "map_epoch"  # of the newest owner of a cell that has noted itself
PUT_ONCE = insert_into("meta", MetaRow, "INSERT OR IGNORE")
"""Keep a fact; one that is there stays."""
PUT = f"{insert_into('meta', MetaRow)} ON CONFLICT (key) DO UPDATE SET value = excluded.value"
"""Keep a fact, in the place of one that is there."""
RAISE = (
    f"{insert_into('meta', MetaRow)} ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    " WHERE meta.value < excluded.value"
)
"""Keep a fact; a greater one that is there stays."""


def read_fact(connection: StoreConnection, key: str) -> int | None:
    """Return the value of a fact; None where there is none."""
    row = connection.execute(_READ, (key,)).fetchone()
    return None if row is None else int(row[0])
