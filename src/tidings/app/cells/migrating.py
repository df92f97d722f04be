"""Brings the schemas of a database forward: that of the store, and those of further cells and of
their map.

Each is done by itself, and done again it is as it was: what was ended on the way goes on.
"""

from collections.abc import Iterator
from contextlib import closing

from tidings.app.cells.adding import serve_roles
from tidings.app.cells.cell_settings import FIRST_CELL, settings_of_cell
from tidings.app.cells.map_place import has_cell_map, make_cell_map, open_map_rows
from tidings.app.cells.owned_store import refusing
from tidings.app.database_operations import Migrated, migrate_database
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, CellState, MapPlace


def migrate_all(settings: Settings, serve_role: str | None) -> Iterator[Migrated]:
    """Bring one schema after the other forward, and tell of each of a store. Raise
    DatabaseUnreachable, or an Unusable that says why not."""
    yield migrate_database(settings, serve_role)
    for entry in _further(settings, serve_role):
        yield migrate_database(settings_of_cell(settings, entry), serve_role)


def _further(settings: Settings, serve_role: str | None) -> list[CellEntry]:
    """List the further cells, once their map is of this release."""
    with refusing():
        if not has_cell_map(settings):
            return []
        for role in serve_roles(settings, serve_role):
            make_cell_map(settings, role)
        with closing(open_map_rows(settings)) as rows:
            cells = rows.changes.read(MapPlace()).cells
    return [
        entry
        for entry in cells
        if entry.cell != FIRST_CELL and entry.state is not CellState.REMOVED
    ]
