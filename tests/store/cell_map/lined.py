"""The map as the processes of a machine ask it: over a line to the one that has the connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tidings.store.cell_map.map_line import LinedCellMap, MapLines
from tidings.store.port.cell_map import CellMapStore


@asynccontextmanager
async def lined(store: CellMapStore, answer_s: float = 120.0) -> AsyncIterator[LinedCellMap]:
    """Ask a map over a line, in a block."""
    lines = MapLines(store)
    asking = LinedCellMap.over(lines.open(), answer_s)
    try:
        yield asking
    finally:
        await asking.close()
        await asyncio.wait_for(lines.close(), 120)
