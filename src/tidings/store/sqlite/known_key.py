"""Reads by which number a database file knows its master key, also while it is served."""

from contextlib import closing
from pathlib import Path

import apsw

from tidings.store.port import StoreRefused
from tidings.store.sql.configuration.key_check import read_key_check
from tidings.store.sqlite.database import open_reader

_TABLE = "SELECT 1 FROM sqlite_schema WHERE name = 'meta'"


def read_known_key(file: Path) -> int | None:
    """Return by which number a database knows its key; None where it knows none yet, or is not
    there. Raise StoreRefused where it cannot be read."""
    if not file.is_file():
        return None
    try:
        with closing(open_reader(file)) as connection:
            return read_key_check(connection) if connection.execute(_TABLE).fetchall() else None
    except apsw.Error as error:
        raise StoreRefused(
            f"{file} must be a database of Tidings that can be read; SQLite reports: {error}. Name "
            "the data directory with --data; where it is damaged, restore a backup."
        ) from None
