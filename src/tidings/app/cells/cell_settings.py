"""The settings of one cell: those of its installation, with a store of its own.

The first cell is where the only one was before there were others; each further one has a directory
below the installation's, also where its store is a schema: for what lies beside it in files. One
master key is for all of them.

A schema may be in another database than the first cell's. The map knows that one by its name alone:
where it is, and as whom it is opened, stands in each machine's own settings.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from tidings.core.cells.families import CellId
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, CellKind, MapRefused

FIRST_CELL = CellId(1)
CELLS_DIRECTORY = "cells"
DOOR_HOST = "127.0.0.1"


class SchemaPlace(NamedTuple):
    """Name the schema of a cell's store, and the database that it is in; none: the
    installation's."""

    schema: str
    database: str = ""

    @classmethod
    def read(cls, setting: str) -> "SchemaPlace":
        """Read how the map names it: a schema has no slash in its name."""
        database, _, schema = setting.rpartition("/")
        return cls(schema, database)

    def write(self) -> str:
        """Return how the map names it."""
        return f"{self.database}/{self.schema}" if self.database else self.schema


def directory_entry(cell: CellId) -> CellEntry:
    """Build the entry of a cell whose store is a directory of the installation's: its number says
    which."""
    return CellEntry(cell, CellKind.DIRECTORY)


def schema_entry(cell: CellId, schema: str, database: str = "") -> CellEntry:
    """Build the entry of a cell whose store is a schema of the installation's database, or of
    another one by its name."""
    return CellEntry(cell, CellKind.SCHEMA, setting=SchemaPlace(schema, database).write())


def directory_of_cell(data: Path, cell: CellId) -> Path:
    """Return where the files of a cell are, by the data directory of its installation."""
    return data if cell == FIRST_CELL else data / CELLS_DIRECTORY / str(cell)


def door_address(settings: Settings) -> str:
    """Return under which name or address other machines reach the doors of this one."""
    return settings.door_address or settings.door_host


def door_port(settings: Settings, cell: CellId) -> int:
    """Return the port of a cell's door; 0: whichever is free."""
    return 0 if settings.door_port is None else settings.door_port + cell - 1


def settings_of_cell(settings: Settings, entry: CellEntry) -> Settings:
    """Return the settings of a cell, by those of its installation. Raise `MapRefused` where they
    are of another kind of store, or do not name its database.

    What files declare is in force where the org is that they name, and so is the platform's first
    credential. What is made at a first start is the first cell's.
    """
    is_schema = entry.kind is CellKind.SCHEMA
    if is_schema != (settings.database is not None):
        raise MapRefused(
            f"The cell {entry.cell} must have its store where the settings say; the map names a "
            f"{entry.kind.value}. Start Tidings with the settings that the cell was added with."
        )
    own = msgspec.structs.replace(settings, data=directory_of_cell(settings.data, entry.cell))
    if is_schema:
        place = SchemaPlace.read(entry.setting)
        own = msgspec.structs.replace(
            own, database=_database_of(settings, entry.cell, place), database_schema=place.schema
        )
    return own


def must_name_database(settings: Settings, name: str) -> DatabaseUri:
    """Return the database of a name. Raise `MapRefused` where the settings do not name it."""
    if (found := settings.databases.find(name)) is None:
        names = ", ".join(settings.databases) or "none"
        raise MapRefused(f"databases must name {name}; the settings of this machine name {names}")
    return found


def _database_of(settings: Settings, cell: CellId, place: SchemaPlace) -> DatabaseUri | None:
    if not place.database:
        return settings.database
    try:
        return must_name_database(settings, place.database)
    except MapRefused as refused:
        raise MapRefused(
            f"{refused}. Cell {cell} has its store there, in the schema {place.schema}. Give the "
            "setting `databases` the URI of that name."
        ) from None
