"""Which cell a store says that it is, looked at from outside of it.

A start looks here, so this loads nothing but what reads a store.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import apsw

from tidings.app.database import driver_refusal
from tidings.core.cells.families import CellId
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.sql.configuration.cell_identity import StoreIdentity, read_identity
from tidings.store.sql.connection import StoreConnection
from tidings.store.sqlite.database import FILE, open_reader

if TYPE_CHECKING:
    from tidings.store.postgres.database import StoreDatabase

NAME = "tidings cells"


class CellRefused(Unusable):
    """Say that what was asked of cells cannot be done; the text says why and what to do."""


@contextmanager
def reading_store(settings: Settings) -> Iterator[StoreConnection | None]:
    """Open what a store holds to be read in a block, also while it is served; None where there is
    no store. Raise StoreDown, StoreRefused."""
    if settings.database is None:
        file = settings.data / FILE
        if not os.path.isfile(file):  # nor one that may not be looked at
            yield None
            return
        with closing(open_reader(file)) as connection:
            yield connection
        return
    from tidings.store.postgres.connection import PostgresConnection  # noqa: PLC0415  # of an extra
    from tidings.store.postgres.migration import schema_of  # noqa: PLC0415  # as above

    try:
        driver = database_of(settings).connect(NAME)
    except port.StoreDown as down:
        assert settings.database is not None
        raise port.StoreDown(f"{settings.database.describe()}: {down}") from down
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


def must_be_the_only_cell(settings: Settings) -> None:
    """Raise StoreRefused where a data directory is one of several cells, and is to be served alone:
    the orgs of the others would be missing, and so would its further numbers."""
    if settings.database is not None:
        return
    with suppress(apsw.Error):  # its opening says what is wrong with it
        found = identity_of(settings)
        if found is not None and found.cell is not None:
            # Only where it is refused: whoever has one cell loads nothing of several.
            from tidings.app.cells.cell_settings import FIRST_CELL  # noqa: PLC0415
            from tidings.app.cells.map_place import MAP_DIRECTORY  # noqa: PLC0415

            remedy = (
                f"Restore its folder {MAP_DIRECTORY} from a backup"
                if found.cell == FIRST_CELL
                else "Serve the data directory of the installation"
            )
            raise port.StoreRefused(
                f"{settings.data} must be served with the map of its cells; it is cell "
                f"{found.cell} of several, and no map here names it. {remedy}."
            )


def must_be_there(settings: Settings, cell: CellId, whole: Settings | None = None) -> None:
    """Raise StoreRefused unless the store of a cell is there and is that cell: a new one would be
    made in its place, and count its numbers from 1. `whole`: the settings of its installation,
    which one in another database must be of, as far as the first cell's can be asked."""
    with suppress(Unavailable, apsw.Error):  # its opening waits, or says what is wrong with it
        if (found := identity_of(settings)) is None or found.cell != cell:
            raise _another(settings, cell, found)
        if whole is not None and whole.database != settings.database:
            first = None
            with suppress(Unavailable, Unusable):  # it keeps no other cell from being served
                first = identity_of(whole)
            if first is not None and found.installation != first.installation:
                raise _another(settings, cell, found, first.installation)


def must_be_cell(settings: Settings, identity: StoreIdentity) -> None:
    """Raise StoreRefused unless the store of a cell is there, and is this cell of this
    installation: nothing else may be served in its place, and no new one be made."""
    assert identity.cell is not None
    found = identity_of(settings)
    if found is None or found[:2] != identity[:2]:
        raise _another(settings, identity.cell, found, identity.installation)


def _another(
    settings: Settings, cell: CellId, found: StoreIdentity | None, installation: str = ""
) -> port.StoreRefused:
    """Build what is raised of a place that holds not the cell that belongs there."""
    where = str(settings.data)
    if settings.database is not None:
        where = f"The schema {settings.database_schema} of {settings.database.describe()}"
    if found is None:
        return port.StoreRefused(
            f"{where} must hold the store of cell {cell}; there is none. Restore it from a backup."
        )
    what, of = "no cell" if found.cell is None else f"cell {found.cell}", ""
    if installation and found.installation != installation:
        what, of = f"{what} of the installation {found.installation}", f" of {installation}"
    return port.StoreRefused(
        f"{where} must hold the store of cell {cell}{of}; it holds {what}. Put the right one there."
    )
