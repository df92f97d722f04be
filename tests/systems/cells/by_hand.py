"""An installation with two cells on directories, made by the ports of its stores and of its map."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tidings.app.cells.cell_settings import (
    FIRST_CELL,
    directory_entry,
    directory_of_cell,
)
from tidings.app.cells.map_place import make_cell_map, open_cell_map
from tidings.app.keys.key_check import check_of
from tidings.core.cells.families import CellId
from tidings.engine.vault import KEY_FILE, read_or_make_key
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellMapStore
from tidings.store.sqlite.store import SqliteStore

SECOND_CELL = CellId(2)
SPARES = 3


def make_two_cells(data: Path) -> None:
    """Make the only store of a data directory the first cell of two, and the second one."""
    asyncio.run(_make_two_cells(data))


async def _make_two_cells(data: Path) -> None:
    make_cell_map(Settings(data=data))
    master = read_or_make_key(data / KEY_FILE)
    async with the_map(data) as cell_map:
        for cell in (FIRST_CELL, SECOND_CELL):
            async with _store(directory_of_cell(data, cell)) as store:
                if cell == FIRST_CELL:
                    await cell_map.begin_grants(await store.end_endless_range(), cell)
                else:
                    await store.put_key_check(check_of(master))
                await cell_map.put_cell(directory_entry(cell))
                has = (await store.number_ranges()).granted
                highest = max(has) if cell == FIRST_CELL else -1
                await store.grant_ranges(await cell_map.grant_ranges(cell, highest, SPARES))


@asynccontextmanager
async def the_map(data: Path) -> AsyncIterator[CellMapStore]:
    """Lend the map of an installation."""
    cell_map = open_cell_map(Settings(data=data))
    try:
        yield cell_map
    finally:
        await cell_map.close()


@asynccontextmanager
async def _store(directory: Path) -> AsyncIterator[SqliteStore]:
    directory.mkdir(parents=True, exist_ok=True)
    store = await SqliteStore.open(directory, lambda: None)
    try:
        yield store
    finally:
        await store.close()
