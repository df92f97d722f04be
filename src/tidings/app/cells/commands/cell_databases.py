"""The databases that hold the cells of an installation, and what each of them holds."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tidings.app.cells.cell_settings import SchemaPlace, settings_of_cell
from tidings.app.cells.commands.cell_facts import list_cells
from tidings.core.cells.families import CellId
from tidings.settings.settings import Settings


class CellDatabase(NamedTuple):
    """Hold what a database has of an installation. `name`: as the settings name it, none of the
    installation's own; `settings`: those of a cell in it; `schemas`: by cell; `map_schema`: where
    the map is, if it is here."""

    name: str
    settings: Settings
    schemas: Mapping[CellId, str]
    map_schema: str = ""

    @property
    def title(self) -> str:
        """Return what it is called at the beginning of a sentence."""
        return f"The database {self.name}" if self.name else "The database"


def list_databases(settings: Settings) -> Sequence[CellDatabase]:
    """List the databases that hold cells, the installation's own first; none on directories, or
    where the store is the only one. Raise as `list_cells`; MapRefused where the settings do not
    name one."""
    if settings.database is None:
        return []
    from tidings.store.cell_map.postgres_map import map_schema_beside  # noqa: PLC0415  # of an extra

    schemas: dict[str, dict[CellId, str]] = {}
    places: dict[str, Settings] = {}
    for cell in list_cells(settings):
        place = SchemaPlace.read(cell.setting)
        places.setdefault(place.database, settings_of_cell(settings, cell))
        schemas.setdefault(place.database, {})[cell.cell] = place.schema
    return [
        CellDatabase(
            name=name,
            settings=places[name],
            schemas=schemas[name],
            map_schema="" if name else map_schema_beside(settings.database_schema),
        )
        for name in sorted(schemas)
    ]
