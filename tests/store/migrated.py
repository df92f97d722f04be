"""Databases in memory begin with a copy of one that was migrated once in this process.

A migration in memory takes 9 ms, and thousands of tests have a store of their own. Files are
migrated as in the service, and so is whatever in memory has a schema already.
"""

import functools

import apsw

from tidings.store.sqlite import database

_migrate = database.migrate


@functools.cache
def _migrated() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for name, value in (("page_size", database.PAGE_BYTES), ("auto_vacuum", "incremental")):
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
    _migrate(connection)
    return connection


def migrate(connection: apsw.Connection) -> None:
    """What `database.migrate` does."""
    [(have,)] = connection.execute("PRAGMA user_version").fetchall()
    if connection.filename or have:
        return _migrate(connection)
    with connection.backup("main", _migrated(), "main") as backup:
        backup.step(-1)


def copy_in_memory() -> None:
    """From now on in this process."""
    database.migrate = migrate
