"""Several cells in one process: a service for each, and real lines between their doors."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast
from unittest.mock import AsyncMock

from tests.api.control_client import Service, service
from tests.door.support import HERE, KEY, FixedRouter, NoneDirectly
from tests.server.support import Echo
from tidings.app.cells.cell_answers import CellAnswers
from tidings.app.cells.every_cell import EveryCell
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import MapReader
from tidings.core.cells.cell_map import CellOwner, MapChanges
from tidings.core.cells.door import ServeHere
from tidings.core.cells.families import CellId
from tidings.door.door_gate import DoorGate
from tidings.door.hop import DoorParts
from tidings.door.listening import door_server, trust_on_loopback
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions
from tidings.server import Bounds, HttpServer
from tidings.store.port.cell_map import CellEntry, CellKind, CellMapStore, MapPlace, MapReading

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
ANSWER_S = 60.0  # of owners that are there: as long as a slow machine may take
TRUST = trust_on_loopback(KEY)
NOBODY = f"{HERE}:1"


@dataclass
class FixedMap:
    """A map that has these owners, whoever asks."""

    owners: dict[CellId, CellOwner] = field(default_factory=dict)
    place: MapPlace = MapPlace("1.a", 1, b"1")
    readings: int = 0

    def own(self, cell: CellId, address: str, epoch: int = 1) -> None:
        self.owners[cell] = CellOwner(epoch, address)

    async def read(self, known: MapPlace) -> MapReading:
        self.readings += 1
        changes = MapChanges(self.place.incarnation, self.place.version, cells=dict(self.owners))
        cells = [CellEntry(cell, CellKind.DIRECTORY) for cell in self.owners]
        return MapReading(self.place, changes, is_whole=True, cells=cells)

    def reader(self) -> MapReader:
        store = AsyncMock(spec=CellMapStore)
        store.read = self.read
        return MapReader(store, lambda: 0)


@dataclass
class Member:
    """A process that owns a cell."""

    cell: CellId
    service: Service
    every: EveryCell
    door: HttpServer
    installation: Installation

    async def call(self, method: str, path: str, body: Any = None, auth: str = "") -> Any:
        """Return the answer to a call at this process's public port."""
        return await self.service.call(method, path, body, auth)


def installation_of(cell: CellId, reader: MapReader, lines: OwnerLines) -> Installation:
    return Installation(
        cell=cell,
        owner=CellOwner(1, ""),
        store=cast("CellMapStore", reader),
        reader=reader,
        lines=lines,
        questions=OwnerQuestions(lines, TRUST.seal),
        directory_key=KEY,
        seal=TRUST.seal,
    )


@asynccontextmanager
async def door_of(cell: CellId, app: Any) -> AsyncIterator[HttpServer]:
    """The door's port of a process, before an application."""
    lines = OwnerLines(TRUST.calls)
    parts = DoorParts(FixedRouter(None, passed_on=ServeHere(cell)), lines, lambda _: b"made")
    gate = DoorGate(app, NoneDirectly(), parts)
    server = door_server(gate, gate, TRUST, host=HERE, port=0, bounds=Bounds(mute_s=0))
    server.start()
    try:
        yield server
    finally:
        lines.close()
        await server.stop(0.2)


@asynccontextmanager
async def several_cells(
    cells: Sequence[CellId] = (ONE, TWO), fixed: FixedMap | None = None, **options: Any
) -> AsyncIterator[list[Member]]:
    """A service for each cell; `options` as `EveryCell` takes them."""
    fixed = fixed or FixedMap()
    numbers = itertools.count(1)
    async with AsyncExitStack() as stack:
        members = []
        for cell in cells:
            made = await stack.enter_async_context(service())
            lines = OwnerLines(TRUST.calls)
            stack.callback(lines.close)
            installation = installation_of(cell, fixed.reader(), lines)
            every = EveryCell(
                installation,
                lambda: f"asked-{next(numbers)}",
                **{"answer_s_least": ANSWER_S} | options,
            )
            web = replace(made.services.web, others=every)
            made.services = replace(made.services, web=web)
            door = await stack.enter_async_context(
                door_of(cell, CellAnswers(Echo(), made.services))
            )
            fixed.own(cell, f"{HERE}:{door.port}")
            members.append(Member(cell, made, every, door, installation))
        for member in members:
            await member.installation.reader.look()
        yield members
