"""Where stores of cells are made, and brought forward: directories, and schemas of a database.

Each schema is done by itself, and done again it is as it was: what was ended on the way goes on.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import msgspec

from tidings.app.cells.cell_settings import (
    CELLS_DIRECTORY,
    FIRST_CELL,
    SchemaPlace,
    must_name_database,
    settings_of_cell,
)
from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.map_place import has_cell_map, make_cell_map, open_map_rows
from tidings.app.cells.store_identity import CellRefused, database_of
from tidings.app.database_operations import Migrated, migrate_database
from tidings.settings.settings import HINTS, Settings, must
from tidings.store.port.cell_map import CellEntry, CellState, MapPlace, MapRefused


def must_name_a_place(settings: Settings, schema: str | None, database: str) -> SchemaPlace | None:
    """Return in which schema of which database a new cell is to be; None: in a directory. Raise
    CellRefused unless that can be."""
    if settings.database is None:
        given = " and ".join(
            name for name, value in (("--schema", schema), ("--in-database", database)) if value
        )
        if given:
            raise CellRefused(
                "A cell in a schema must come with a database, as the first one; this installation "
                f"is on directories. Leave {given} out."
            )
        return None
    if schema is None:
        raise CellRefused(
            "A cell of an installation on a database must name its schema; got none. Add --schema, "
            f"such as --schema {settings.database_schema[:60]}_2."
        )
    try:
        msgspec.convert(schema, HINTS["database_schema"])
    except msgspec.ValidationError:
        raise CellRefused(
            f"--schema must be {must('database_schema')}; got {schema!r}. Correct it."
        ) from None
    if database:
        try:
            must_name_database(settings, database)
        except MapRefused as refused:
            raise CellRefused(
                f"{refused}. Give the setting `databases` the URI of that name, or leave "
                "--in-database out."
            ) from None
        return SchemaPlace(schema, database)
    from tidings.store.cell_map.postgres_map import map_schema_beside  # noqa: PLC0415  # of an extra

    if schema in (settings.database_schema, map_schema_beside(settings.database_schema)):
        raise CellRefused(
            f"A new cell must have a schema of its own; {schema} is that of the first cell, or of "
            "the map. Name another one."
        )
    return SchemaPlace(schema)


class ServeRoles(NamedTuple):
    """List the roles of a database that are to serve; None: who serves already, if anybody.
    `is_given`: each must be there; else another server may have some of them alone."""

    names: Sequence[str | None]
    is_given: bool


def make_place(place: Settings, roles: ServeRoles) -> None:
    """Make where the store of a cell is to be."""
    if place.database is None:
        cells = place.data.parent
        assert cells.name == CELLS_DIRECTORY
        cells.mkdir(mode=0o700, exist_ok=True)
        return
    from tidings.store.postgres import migration  # noqa: PLC0415  # of an extra

    database = database_of(place)
    with database.connect("tidings migrate") as connection:
        names = roles.names
        if not roles.is_given:
            names = migration.known_roles(connection, [*filter(None, names)]) or [None]
        for role in names:
            migration.migrate(connection, database.schema, role)


def serve_roles(settings: Settings, serve_role: str | None) -> ServeRoles:
    """List whom what is made is made for: the role that is given, or those who serve already."""
    if settings.database is None or serve_role is not None:
        return ServeRoles([serve_role], is_given=True)
    from tidings.store.postgres.migration import serving_roles  # noqa: PLC0415  # of an extra

    with database_of(settings).connect("tidings migrate") as connection:
        return ServeRoles([*serving_roles(connection)] or [None], is_given=False)


def migrate_all(settings: Settings, serve_role: str | None) -> Iterator[Migrated]:
    """Bring one schema after the other forward, and tell of each of a store. Raise
    DatabaseUnreachable, or an Unusable that says why not."""
    yield migrate_database(settings, serve_role)
    for cell in _further(settings, serve_role):
        yield migrate_database(settings_of_cell(settings, cell), serve_role)


def _further(settings: Settings, serve_role: str | None) -> list[CellEntry]:
    """List the further cells, once their map is of this release."""
    with refusing():
        if not has_cell_map(settings):
            return []
        for role in serve_roles(settings, serve_role).names:
            make_cell_map(settings, role)
        with closing(open_map_rows(settings)) as rows:
            cells = rows.changes.read(MapPlace()).cells
    return [
        cell for cell in cells if cell.cell != FIRST_CELL and cell.state is not CellState.REMOVED
    ]
