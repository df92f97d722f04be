"""New databases begin with a copy of one that was migrated once in this process.

A migration in memory takes 9 ms, and thousands of tests have a store of their own; in a file it
waits for the disk once for each of its numbers. As in the service is migrated what has a table
already, what lies on a disk of a test's own (a VFS), and what a service that a test starts opens.
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
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if tables or connection.open_vfs != _migrated().open_vfs:
        return _migrate(connection)
    with connection.backup("main", _migrated(), "main") as backup:
        backup.step(-1)


def copy_migrated() -> None:
    """From now on in this process, and in those that are forked from it."""
    _migrated()
    database.migrate = migrate
