"""An installation with two cells on directories, made by the ports of its stores and of its map."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tidings.app.cells.cell_settings import FIRST_CELL, directory_entry, directory_of_cell
from tidings.app.cells.map_place import make_cell_map, open_cell_map
from tidings.app.keys.key_check import check_of
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.engine.vault import KEY_FILE, read_or_make_key
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellMapStore, MapPlace
from tidings.store.sqlite.store import SqliteStore

SECOND_CELL = CellId(2)
SPARES = 3


def make_two_cells(data: Path) -> None:
    """Make the stores of two cells, never served, and the map that names them."""
    asyncio.run(_make_two_cells(data))


def owners(data: Path) -> Mapping[CellId, CellOwner]:
    """Read who owns which cell, as the map has it."""

    async def read() -> Mapping[CellId, CellOwner]:
        async with _cell_map(data) as cell_map:
            return (await cell_map.read(MapPlace())).changes.cells

    return asyncio.run(read())


async def _make_two_cells(data: Path) -> None:
    data.mkdir()
    make_cell_map(Settings(data=data))
    check = check_of(read_or_make_key(data / KEY_FILE))
    async with _cell_map(data) as cell_map:
        for cell in (FIRST_CELL, SECOND_CELL):
            async with _store(directory_of_cell(data, cell)) as store:
                await store.put_key_check(check)
                if cell == FIRST_CELL:
                    await cell_map.begin_grants(await store.end_endless_range(), cell)
                await cell_map.put_cell(directory_entry(cell))
                ranges = await store.number_ranges()
                highest = -1 if ranges.is_endless else max(ranges.granted)
                await store.grant_ranges(await cell_map.grant_ranges(cell, highest, SPARES))


@asynccontextmanager
async def _cell_map(data: Path) -> AsyncIterator[CellMapStore]:
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
