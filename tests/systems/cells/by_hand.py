"""An installation with two cells, made by the ports of its stores and of its map."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.harness.store.database import SCHEMA
from tests.store.postgres.databases import connect, migrated
from tidings.app.cells.cell_settings import (
    FIRST_CELL,
    directory_entry,
    schema_entry,
    settings_of_cell,
)
from tidings.app.cells.map_place import make_cell_map, open_cell_map
from tidings.app.keys.key_check import check_of
from tidings.app.keys.master_key import read_master_key
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.core.running.lease import Lease
from tidings.engine.vault import KEY_FILE, read_or_make_key
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import Settings
from tidings.store.hosting.client import HostedStore
from tidings.store.port.cell_map import CellEntry, CellMapStore, MapPlace
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import migrate
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.postgres.store import PostgresStore
from tidings.store.sql.halves import passed_s
from tidings.store.sqlite.store import SqliteStore

SECOND_CELL = CellId(2)
SECOND_SCHEMA = f"{SCHEMA}_2"
SPARES = 3


def on_directories(data: Path) -> Settings:
    """Return the settings of an installation on directories."""
    return Settings(data=data)


def on_a_database(data: Path) -> Settings:
    """Return the settings of an installation on schemas of one database, which are there."""
    uri = migrated()
    with connect(uri, SECOND_SCHEMA) as connection:
        migrate(connection, SECOND_SCHEMA)
    key = data.with_suffix(".master-key")
    key.touch(0o600)
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    return Settings(data=data, database=DatabaseUri(uri), master_key_file=key)


def make_two_cells(settings: Settings) -> None:
    """Make the stores of two cells, never served, and the map that names them."""
    asyncio.run(_make_two_cells(settings))


def owners(settings: Settings) -> Mapping[CellId, CellOwner]:
    """Read who owns which cell, as the map has it."""

    async def read() -> Mapping[CellId, CellOwner]:
        async with _cell_map(settings) as cell_map:
            return (await cell_map.read(MapPlace())).changes.cells

    return asyncio.run(read())


async def _make_two_cells(settings: Settings) -> None:
    settings.data.mkdir()
    make_cell_map(settings)
    master = read_master_key(settings) or read_or_make_key(settings.data / KEY_FILE)
    entries = [directory_entry(FIRST_CELL), directory_entry(SECOND_CELL)]
    if settings.database is not None:
        entries = [schema_entry(FIRST_CELL, SCHEMA), schema_entry(SECOND_CELL, SECOND_SCHEMA)]
    async with _cell_map(settings) as cell_map:
        for named in entries:
            async with _store(settings, named) as store:
                await store.put_key_check(check_of(master))
                if named.cell == FIRST_CELL:
                    await cell_map.begin_grants(await store.end_endless_range(), named.cell)
                await cell_map.put_cell(named)
                ranges = await store.number_ranges()
                highest = -1 if ranges.is_endless else max(ranges.granted)
                granted = await cell_map.grant_ranges(named.cell, highest, SPARES)
                await store.grant_ranges(granted)


@asynccontextmanager
async def _cell_map(settings: Settings) -> AsyncIterator[CellMapStore]:
    cell_map = open_cell_map(settings)
    try:
        yield cell_map
    finally:
        await cell_map.close()


@asynccontextmanager
async def _store(settings: Settings, entry: CellEntry) -> AsyncIterator[HostedStore]:
    own = settings_of_cell(settings, entry)
    own.data.mkdir(parents=True, exist_ok=True)
    store: HostedStore
    if own.database is None:
        store = await SqliteStore.open(own.data, lambda: None)
    else:
        database = StoreDatabase(own.database.reveal(), own.database_schema)
        watch = OwnerWatch(database.connect, passed_s)
        store = await PostgresStore.open(database, watch, Lease(passed_s), lambda: None)
    try:
        yield store
    finally:
        await store.close()
