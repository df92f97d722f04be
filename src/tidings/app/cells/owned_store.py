"""The store of a cell while a command changes it: owned, as by a service that runs.

Only one process owns a store, by a lock or an epoch that each commit looks at. So what a command
changes here no service has in memory: one that runs keeps the command out, and one that stood still
for longer than its lease can write nothing any more.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import apsw

from tidings.app.database import driver_refusal, server_error
from tidings.app.database_operations import DatabaseUnreachable
from tidings.errors import Unusable
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.copying.sides import CopyRefused
from tidings.store.port import StoreDown, StoreRefused
from tidings.store.port.cell_map import MapDown
from tidings.store.sql.configuration.cell_identity import StoreIdentity, read_identity
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.halves import RowWriter
from tidings.store.sqlite.database import FILE, open_reader
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.halves import WritingHalf

if TYPE_CHECKING:
    from tidings.store.postgres.database import StoreDatabase

NAME = "tidings cells"
AGAIN = "Run the command again: it goes on where it stopped."


class CellRefused(Unusable):
    """What was asked of cells cannot be done; the text says why and what to do."""


@contextmanager
def owned(settings: Settings) -> Iterator[RowWriter]:
    """Own a store in a block; it has its tables, or is a directory that gets them. Raise
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
def reading_store(settings: Settings) -> Iterator[StoreConnection | None]:
    """Open what a store holds to be read in a block, also while it is served; None where there is
    no store. Raise StoreDown, StoreRefused."""
    if settings.database is None:
        file = settings.data / FILE
        if not file.is_file():
            yield None
            return
        with closing(open_reader(file)) as connection:
            yield connection
        return
    from tidings.store.postgres.connection import PostgresConnection  # noqa: PLC0415  # of an extra
    from tidings.store.postgres.migration import schema_of  # noqa: PLC0415  # as above

    driver = database_of(settings).connect(NAME)
    with closing(PostgresConnection(driver, read_only=True)) as found:
        yield found if schema_of(driver) else None


def identity_of(settings: Settings) -> StoreIdentity | None:
    """Read which cell a store says it is; None where there is no store, or nothing in it yet."""
    with reading_store(settings) as connection:
        if connection is None or not connection.has_table("installation"):
            return None
        return read_identity(connection)


def database_of(settings: Settings) -> "StoreDatabase":
    """Return the database of the settings. Raise CellRefused where nothing speaks to it."""
    if (refusal := driver_refusal(settings)) is not None:
        raise CellRefused(refusal)
    from tidings.store.postgres.database import StoreDatabase  # noqa: PLC0415  # of an extra

    assert settings.database is not None
    return StoreDatabase(settings.database.reveal(), settings.database_schema)


def must_be_cell(settings: Settings, identity: StoreIdentity) -> None:
    """Raise StoreRefused unless the store of a cell is there, and is this cell of this
    installation: nothing else may be served in its place, and no new one be made."""
    found = identity_of(settings)
    where = settings.data if settings.database is None else settings.database_schema
    if found is None:
        raise port.StoreRefused(
            f"{where} must hold the store of cell {identity.cell}; there is none. Restore it from "
            "a backup."
        )
    if (found.cell, found.installation) != (identity.cell, identity.installation):
        what = "no cell" if found.cell is None else f"cell {found.cell}"
        of = "this" if found.installation == identity.installation else "another"
        raise port.StoreRefused(
            f"{where} must hold the store of cell {identity.cell}; it holds {what} of {of} "
            "installation. Put the right one there."
        )


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
