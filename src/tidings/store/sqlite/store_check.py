"""Checks the rows of a data directory, also of one that is served: nothing is written."""

from pathlib import Path

import apsw

from tidings.errors import Unusable
from tidings.store.sql.invariants import find_broken
from tidings.store.sqlite.database import FILE, newest_schema, open_reader


class StoreUncheckable(Unusable):
    """It cannot be checked; the text says why and what to do."""


def check_store(data: Path) -> list[str]:
    """Return a sentence for each thing that is wrong with the store of a data directory. Raise
    StoreUncheckable where it cannot be read."""
    if not (data / FILE).is_file():
        raise StoreUncheckable(
            f"{data} must be a data directory with {FILE}; it has none. Name one with --data."
        )
    found: list[str] = []
    try:
        connection = open_reader(data / FILE)
        try:
            with connection:
                [(schema,)] = connection.execute("PRAGMA user_version").fetchall()
                if schema != newest_schema():
                    raise StoreUncheckable(
                        f"{data} has schema {schema}; this release checks {newest_schema()}. Use "
                        "the release that serves it."
                    )
                found += find_broken(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        raise StoreUncheckable(
            f"{data / FILE} must be a store that can be read; SQLite reports: {error}."
        ) from None
    return found
