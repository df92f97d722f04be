"""Several cells in one process: a service for each, and real lines between their doors."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import AsyncMock

import msgspec

from tests.api.control_client import Service, service
from tests.door.support import HERE, KEY, FixedRouter, NoneDirectly
from tests.server.support import Echo
from tidings.api.cells.moves import CellMoves
from tidings.api.cells.question import CellQuestion
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.over.cell_answers import QUESTIONS, CellAnswers
from tidings.app.cells.over.cell_loads import EventMeter
from tidings.app.cells.over.every_cell import EveryCell
from tidings.app.cells.over.known_cells import KnownCells
from tidings.app.cells.over.over_parts import own_parts
from tidings.app.cells.over.platform_in_force import PlatformInForce
from tidings.core.cells.cell_map import CellOwner, FamilyPlace, MapChanges
from tidings.core.cells.directory import Opener
from tidings.core.cells.door import ServeHere
from tidings.core.cells.families import CellId, FamilyId
from tidings.door.door_gate import DoorGate
from tidings.door.hop import DoorParts
from tidings.door.listening import door_server, trust_on_loopback
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions
from tidings.server import Bounds, HttpServer
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import (
    CellEntry,
    CellKind,
    CellMapStore,
    CellState,
    MapDown,
    MapPlace,
    MapReading,
    PlatformKind,
    PlatformRow,
)

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
ANSWER_S = 60.0  # of owners that are there: as long as a slow machine may take
TRUST = trust_on_loopback(KEY)
NOBODY = f"{HERE}:1"


@dataclass
class FixedMap:
    """A map that has these owners, whoever asks, and takes rows of the platform."""

    owners: dict[CellId, CellOwner] = field(default_factory=dict)
    place: MapPlace = MapPlace("1.a", 1, b"1")
    rows: dict[tuple[PlatformKind, str], PlatformRow] = field(default_factory=dict)
    confirmed: dict[CellId, int] = field(default_factory=dict)
    is_away: bool = False
    states: dict[CellId, CellState] = field(default_factory=dict)
    families: dict[FamilyId, FamilyPlace] = field(default_factory=dict)
    openers: dict[bytes, list[Opener]] = field(default_factory=dict)

    def own(self, cell: CellId, address: str, epoch: int = 1) -> None:
        self.owners[cell] = CellOwner(epoch, address)

    async def read(self, known: MapPlace) -> MapReading:
        self._ask()
        changes = MapChanges(
            self.place.incarnation,
            self.place.version,
            families=dict(self.families),
            cells=dict(self.owners),
        )
        cells = [
            CellEntry(cell, CellKind.DIRECTORY, self.states.get(cell, CellState.OPEN))
            for cell in self.owners
        ]
        rows = [*self.rows.values()]
        return MapReading(self.place, changes, is_whole=True, cells=cells, platform=rows)

    async def put_platform(self, rows: Sequence[PlatformRow]) -> int:
        self._ask()
        for row in rows:
            known = self.rows.get((row.kind, row.name))
            if known is not None and known.revision >= row.revision and known != row:
                return 0
        self.rows.update(((row.kind, row.name), row) for row in rows)
        self.place = msgspec.structs.replace(self.place, version=self.place.version + 1)
        return self.place.version

    async def confirm(self, cell: CellId, epoch: int, place: MapPlace) -> bool:
        self._ask()
        self.confirmed[cell] = place.version
        return True

    async def confirmations(self) -> dict[CellId, int]:
        self._ask()
        return {cell: self.confirmed.get(cell, 0) for cell in self.owners}

    async def find_openers(self, digest: bytes) -> list[Opener]:
        self._ask()
        return self.openers.get(digest, [])

    async def remove_cell(self, cell: CellId) -> bool:
        self._ask()
        if cell in {place.cell for place in self.families.values()}:
            return False
        self.states[cell] = CellState.REMOVED
        return True

    def _ask(self) -> None:
        if self.is_away:
            raise MapDown("the map is away")

    def store(self) -> CellMapStore:
        store = AsyncMock(spec=CellMapStore)
        for name in (
            "read",
            "put_platform",
            "confirm",
            "confirmations",
            "find_openers",
            "remove_cell",
        ):
            setattr(store, name, getattr(self, name))
        return store


@dataclass
class Member:
    """A process that owns a cell."""

    cell: CellId
    service: Service
    every: EveryCell
    door: HttpServer
    installation: Installation
    in_force: PlatformInForce
    questions: dict[str, CellQuestion[Any, Any]]  # that it answers

    async def call(self, method: str, path: str, body: Any = None, auth: str = "") -> Any:
        """Return the answer to a call at this process's public port."""
        return await self.service.call(method, path, body, auth)


def installation_of(
    cell: CellId, store: CellMapStore, reader: MapReader, lines: OwnerLines
) -> Installation:
    return Installation(
        cell=cell,
        owner=CellOwner(1, ""),
        store=store,
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
    cells: Sequence[CellId] = (ONE, TWO),
    fixed: FixedMap | None = None,
    confirm_s: float = ANSWER_S,
    moves: Mapping[CellId, CellMoves] | None = None,
    record_s: float = 0.0,
    **options: Any,
) -> AsyncIterator[list[Member]]:
    """A service for each cell; `moves`: out of each cell; `options` as
    `EveryCell` takes them."""
    fixed = fixed or FixedMap()
    numbers = itertools.count(1)
    async with AsyncExitStack() as stack:
        members = []
        for cell in cells:
            made = await stack.enter_async_context(service())
            made.parts.delivery.incidents.cell = cell
            lines = OwnerLines(TRUST.calls)
            stack.callback(lines.close)
            store = fixed.store()
            installation = installation_of(cell, store, MapReader(store, lambda: 0), lines)
            every = EveryCell(
                installation,
                lambda: f"asked-{next(numbers)}",
                **{"answer_s_least": ANSWER_S} | options,
            )
            meter = EventMeter(lambda: 0, lambda: 0.0)
            own = own_parts(made.parts)
            known = KnownCells(installation, Settings(), every, meter, own, record_s)
            moving = (moves or {}).get(cell)
            web = replace(made.services.web, others=every, cells=known, moves=moving)
            made.services = replace(made.services, web=web)
            in_force = PlatformInForce(
                installation,
                every,
                made.access,
                made.stops,
                made.changes,
                made.clock.now_ms,
                confirm_s=confirm_s,
            )
            questions: dict[str, CellQuestion[Any, Any]]
            of_parts = (in_force.question, known.question)
            questions = QUESTIONS | {question.name: question for question in of_parts}
            answers = CellAnswers(Echo(), made.services, questions)
            door = await stack.enter_async_context(door_of(cell, answers))
            made.access.over_cells = made.stops.over_cells = in_force
            fixed.own(cell, f"{HERE}:{door.port}")
            installation.owner = fixed.owners[cell]
            members.append(
                Member(
                    cell=cell,
                    service=made,
                    every=every,
                    door=door,
                    installation=installation,
                    in_force=in_force,
                    questions=questions,
                )
            )
        for member in members:
            await member.in_force.begin()
        yield members
