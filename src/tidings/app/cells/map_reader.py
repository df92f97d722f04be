"""Reads the map: each second, and at once where an owner says that something is not its own.

While the map's store is away, the process goes on with what it knows. A map that has gone back is
given another incarnation by the first who sees it. Everybody who reads that puts in force again
what it lacks of what was in force over all cells; owners write into it again where their families
are, and which ranges they have.
"""

import asyncio
from collections.abc import Callable

import structlog

from tidings.app.cells.map_view import MapView
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart
from tidings.store.port.cell_map import CellMapStore, MapDown, MapRefused, MapWentBack

EVERY_S = 1.0
PART = ServicePart(
    "cell map",
    "what changes in other cells is not heard of",
    work_s=60.0,
    waits_for="the map of the cells",
)

log = structlog.get_logger(__name__)


class MapReader:
    """One task that reads, and whoever cannot wait for it."""

    def __init__(self, store: CellMapStore, now_ms: Callable[[], int]) -> None:
        self.view = MapView()
        self.problem = ""  # why the map is not read now
        self._store = store
        self._now_ms = now_ms
        self._lock = asyncio.Lock()
        self._begun = 0  # readings so far
        self._ended = 0  # the last one that came to its end

    async def run(self, heart: Heart) -> None:
        """Read each second, until cancelled."""
        while True:
            await self.look()
            await heart.sleep(EVERY_S)

    async def look(self) -> bool:
        """Read what has changed, and return whether the map has answered. Who asks while it is read
        waits for a reading that begins afterwards; however many do, it is one."""
        begun = self._begun
        async with self._lock:
            if self._ended <= begun:  # else another one has begun a reading since
                self._begun += 1
                await self._read()
                self._ended = self._begun
        return not self.problem

    async def _read(self) -> None:
        try:
            await self._merge()
        except (MapDown, MapRefused) as error:
            if not self.problem:
                log.warning("the map is away", reason=str(error))
            self.problem = str(error)
            return
        if self.problem:
            log.info("the map answers again", version=self.view.place.version)
        self.problem = ""

    async def _merge(self) -> None:
        view = self.view
        try:
            reading = await self._store.read(view.place)
        except MapWentBack as error:
            log.error("the map has gone back", reason=str(error))
            await self._store.begin_incarnation(view.place.incarnation)
            reading = await self._store.read(view.place)
        if reading.place.incarnation != view.place.incarnation:
            for row in [*view.lacked_by(reading)]:
                await self._store.put_platform([row])
        view.merge(reading)
        view.forget_expired(self._now_ms())
