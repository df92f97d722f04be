"""The store of a cell while a command changes it: owned, as by a service that runs.

Only one process owns a store, by a lock or an epoch that each commit looks at. So what a command
changes here no service has in memory: one that runs keeps the command out, and one that stood still
for longer than its lease can write nothing any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from tidings.app.cells.store_identity import CellRefused, database_of
from tidings.app.database import server_error
from tidings.app.database_operations import DatabaseUnreachable
from tidings.settings.settings import Settings
from tidings.store.copying.sides import CopyRefused
from tidings.store.port import StoreDown, StoreRefused
from tidings.store.port.cell_map import MapDown
from tidings.store.sql.halves import RowWriter
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.halves import WritingHalf

AGAIN = "Run the command again: it goes on where it stopped."


@contextmanager
def owned(settings: Settings) -> Iterator[RowWriter]:
    """Take a store in a block; it has its tables, or is a directory that gets them. Raise
    StoreRefused where a service owns it, or it cannot be used; StoreDown, OSError."""
    opened = _owned_directory(settings) if settings.database is None else _owned_schema(settings)
    with opened as writing:
        yield writing


@contextmanager
def _owned_directory(settings: Settings) -> Iterator[RowWriter]:
    lock = DirectoryLock(settings.data)
    try:
        writing = WritingHalf(settings.data / FILE)
        try:
            lock.lock_database()
            yield writing
        finally:
            # As it was found: whoever owned it last may have ended with attempts in flight.
            writing.close(clean=False)
    finally:
        lock.release()


@contextmanager
def _owned_schema(settings: Settings) -> Iterator[RowWriter]:
    # What speaks to a database is an extra.
    from tidings.store.copying.postgres_side import own_schema  # noqa: PLC0415
    from tidings.store.postgres.halves import PostgresWriter  # noqa: PLC0415

    database = database_of(settings)
    ours = own_schema(database, f"The schema {database.schema}", to="to be changed")
    writing = PostgresWriter(database.open_writer(ours), ours)
    try:
        yield writing
    finally:
        writing.close(clean=False)


@contextmanager
def refusing() -> Iterator[None]:
    """Put what stores and the map say into words of a command."""
    try:
        yield
    except (StoreDown, MapDown) as down:
        raise DatabaseUnreachable(f"{down}. {AGAIN}") from None
    except (StoreRefused, CopyRefused) as refused:
        raise CellRefused(str(refused)) from None
    except apsw.Error as error:
        raise CellRefused(f"The embedded store refuses it: {error}. {AGAIN}") from error
    except Exception as error:
        if (reason := server_error(error)) is None:
            raise
        raise CellRefused(
            f"The database must let cells be read and changed; it says: {reason}. Name it with the "
            f"role that owns its tables. {AGAIN}"
        ) from error
