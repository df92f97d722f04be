"""An installation with two cells, never served."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.store.database import SCHEMA
from tests.store.postgres.databases import migrated
from tidings.app.cells.commands.adding import add_cell
from tidings.app.cells.commands.owned_store import owned
from tidings.app.cells.map_place import open_cell_map
from tidings.app.keys.key_check import check_of
from tidings.app.keys.master_key import read_master_key
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.engine.vault import KEY_FILE, read_or_make_key
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellMapStore, MapPlace

SECOND_CELL = CellId(2)
SECOND_SCHEMA = f"{SCHEMA}_2"


def on_directories(data: Path) -> Settings:
    """Return the settings of an installation on directories."""
    return Settings(data=data)


def on_a_database(data: Path) -> Settings:
    """Return the settings of an installation on schemas of one database."""
    uri = migrated()
    key = data.with_suffix(".master-key")
    key.touch(0o600)
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    return Settings(data=data, database=DatabaseUri(uri), master_key_file=key)


def settings_of(host: ServiceProcess) -> Settings:
    """Return the settings of an installation that a host serves."""
    uri, key = host.settings.get("database"), host.settings.get("master_key_file")
    if uri is None:
        return on_directories(host.data)
    return Settings(data=host.data, database=DatabaseUri(str(uri)), master_key_file=Path(str(key)))


def host_of(new_service: NewService, settings: Settings, at: Path | None = None) -> ServiceProcess:
    """Make a host of an installation, not started; `at`: another machine's data directory."""
    if settings.database is None:
        return new_service(data=settings.data)
    return new_service(
        data=at or settings.data,
        database=settings.database.reveal(),
        master_key_file=settings.master_key_file,
    )


def make_two_cells(settings: Settings) -> None:
    """Make the stores of two cells, never served, and the map that names them."""
    make_second_cell(settings)


def make_second_cell(settings: Settings, database: str = "") -> None:
    """Make the stores of two cells, the second one in another database."""
    with owned(settings) as writing:
        master = read_master_key(settings) or read_or_make_key(settings.data / KEY_FILE)
        writing.key_check.put(check_of(master))
    schema = None if settings.database is None else SECOND_SCHEMA
    assert add_cell(settings, schema, database=database).entry.cell == SECOND_CELL


def owners(settings: Settings) -> Mapping[CellId, CellOwner]:
    """Read who owns which cell, as the map has it."""

    async def read() -> Mapping[CellId, CellOwner]:
        async with _cell_map(settings) as cell_map:
            return (await cell_map.read(MapPlace())).changes.cells

    return asyncio.run(read())


def placed(data: Path) -> Mapping[int, CellId]:
    """Read which cell each family is in, as the map of a data directory has it."""
    return {family: place.cell for family, place in places(on_directories(data)).items()}


def places(settings: Settings) -> Mapping[FamilyId, FamilyPlace]:
    """Read where families are, as the map has it."""

    async def read() -> Mapping[FamilyId, FamilyPlace]:
        async with _cell_map(settings) as cell_map:
            return (await cell_map.read(MapPlace())).changes.families

    return asyncio.run(read())


@asynccontextmanager
async def _cell_map(settings: Settings) -> AsyncIterator[CellMapStore]:
    cell_map = open_cell_map(settings)
    try:
        yield cell_map
    finally:
        await cell_map.close()
