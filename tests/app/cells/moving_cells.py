"""Two owners in one process, between which families move: their stores are real, but for the rows
of families, which are kept beside them; what they ask each other goes as it does through a door."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import AsyncMock

import msgspec

from tests.store.conformance.audited import KEY
from tests.store.in_process import MemoryStore
from tidings.api.cells.moves import MovesAsked, MovesBegun
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_view import MapView
from tidings.app.cells.moves.arrivals import Arrivals
from tidings.app.cells.moves.cell_moves import MovesOfCell
from tidings.app.cells.moves.departures import Departures
from tidings.app.cells.moves.door_steps import FACTS, DoorStep, FactsAnswer
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId, FamilyRow, FamilyState
from tidings.core.cells.moving import TargetFacts
from tidings.core.cells.placement import CellLoad
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.families import Families
from tidings.engine.listeners import Listeners
from tidings.store import port
from tidings.store.hosting.calls import methods
from tidings.store.port.cell_map import CellEntry, CellKind, CellMapStore, CellState, MapDown
from tidings.store.port.family_rows import (
    FamilyFacts,
    FamilyRowsPage,
    FamilyRowsStore,
    FamilyRowsSums,
    RowsPlace,
    RowsSum,
)

ONE, TWO = CellId(1), CellId(2)
ORG, CHILD, OTHER = OrgId(7), OrgId(8), OrgId(20)
FAMILY = FamilyId(ORG)
PAGE_ROWS = 2
AWAY = (FamilyState.ARRIVING, FamilyState.GONE, FamilyState.EMPTIED)


class Killed(BaseException):
    """The process is gone, right behind something that it has asked for."""


class WorldClock:
    def __init__(self, world: "World") -> None:
        self._world = world

    def now_ms(self) -> int:
        return 1_000 + round(1000 * self._world.passed_s)


class CellStore(MemoryStore):
    """A store whose families have rows in a dictionary: by number, what it is."""

    def __init__(self, world: "World") -> None:
        super().__init__(WorldClock(world))
        self.family_rows: dict[FamilyId, dict[int, str]] = {}

    async def read_family_rows(
        self, family: FamilyId, number: int, place: RowsPlace | None
    ) -> FamilyRowsPage:
        await self._must_be(family, number, FamilyState.SEALED)
        rows = sorted(self.family_rows.get(family, {}).items())
        after = 0 if place is None else int.from_bytes(place.after)
        found = [row for row in rows if row[0] > after]
        page = found[:PAGE_ROWS]
        following = None
        if len(found) > len(page):
            following = RowsPlace("row", page[-1][0].to_bytes(8))
        return FamilyRowsPage("row", msgspec.msgpack.encode(page), len(page), following)

    async def write_family_rows(self, family: FamilyId, number: int, page: FamilyRowsPage) -> None:
        await self._must_be(family, number, FamilyState.ARRIVING)
        rows = msgspec.msgpack.decode(page.rows, type=list[tuple[int, str]])
        self.family_rows.setdefault(family, {}).update(rows)

    async def sum_family_rows(
        self,
        family: FamilyId,
        number: int,
        place: RowsPlace | None,
        so_far: Mapping[str, RowsSum],
    ) -> FamilyRowsSums:
        await self._must_be(family, number, FamilyState.SEALED, FamilyState.ARRIVING)
        rows = sorted(self.family_rows.get(family, {}).items())
        return FamilyRowsSums({"row": RowsSum(len(rows), repr(rows).encode())}, None)

    async def drop_family_rows(self, family: FamilyId, number: int) -> bool:
        await self._must_be(family, number, FamilyState.GONE)
        rows = self.family_rows.get(family, {})
        for key in sorted(rows)[:PAGE_ROWS]:
            del rows[key]
        return bool(rows)

    async def count_family_rows(self, family: FamilyId) -> int:
        return len(self.family_rows.get(family, {}))

    async def facts_of_family(self, family: FamilyId) -> FamilyFacts:
        kept = await super().facts_of_family(family)
        rows = len(self.family_rows.get(family, {}))
        return FamilyFacts(rows, 1000 * rows, kept.held_ms)

    async def highest_numbers_of(self, family: FamilyId) -> int:
        return max(self.family_rows.get(family, {}), default=0)

    async def _must_be(self, family: FamilyId, number: int, *states: FamilyState) -> None:
        row = await self.family_row(family)
        if row is None or row.number != number or row.state not in states:
            raise port.StaleChange(f"family {family} is {row}")


class RealRowsStore(CellStore):
    """A store whose families have the rows of its tables."""


for _name in methods(FamilyRowsStore):
    setattr(RealRowsStore, _name, getattr(MemoryStore, _name))


@dataclass
class World:
    """What both owners see of each other, and who is killed when."""

    view: MapView = field(default_factory=MapView)
    owners: "dict[CellId, OwnerInTest]" = field(default_factory=dict)
    map: Any = None
    map_away: bool = False
    unasked: set[CellId] = field(default_factory=set)  # about moves that have begun
    gone: set[CellId] = field(default_factory=set)
    lost: int = 0  # answers of owners that do not arrive
    writes: int = 0
    kill_after: int | None = None  # so many writes, wherever
    passed_s: float = 0.0
    events: dict[CellId, int] = field(default_factory=dict)  # of the last hour
    ranges_from: int = 0  # those below are granted
    places: dict[FamilyId, FamilyPlace] = field(default_factory=dict)

    def note_write(self) -> None:
        """Count what was written, and kill who has asked for it, if it is time."""
        self.writes += 1
        if self.kill_after is not None and self.writes > self.kill_after:
            self.kill_after = None
            raise Killed

    async def loads(self) -> list[CellLoad]:
        return [
            CellLoad(cell, self.events.get(cell, 0), 0, is_open=known.state is CellState.OPEN)
            for cell, known in self.view.cells.items()
        ]

    async def place_families(self, places: Mapping[FamilyId, FamilyPlace]) -> int:
        if self.map_away:
            raise MapDown("the map is away")
        self.places.update(places)
        for family, place in places.items():
            self.view.places.learn(family, place)
        return 1

    async def grant_ranges(self, cell: CellId, highest: int, wanted: int) -> list[int]:
        if self.map_away:
            raise MapDown("the map is away")
        begin = max(highest + 1, self.ranges_from)
        return [begin + index for index in range(wanted)]


class OwnerInTest:
    """The owner of one cell; `start` makes another process of it over the same store."""

    def __init__(self, world: World, cell: CellId, store: CellStore) -> None:
        self.world = world
        self.cell = cell
        self.store = store
        self.busy: dict[FamilyId, str] = {}
        self.begun_again = 0
        self.apart_ms = 0  # its clock's, from that of the others
        self.free_bytes: int | None = None
        self.ended_sessions: list[bytes] = []
        self.problem_sentence = ""
        world.owners[cell] = self
        world.view._cells[cell] = CellEntry(cell, CellKind.DIRECTORY)
        world.view.places.learn_owner(cell, CellOwner(1, f"a:{cell}"))

    async def start(self) -> None:
        """Begin as a process does: orgs of families that are not here are not taken up."""
        self.wants_again = False
        registry = Registry()
        rows = {row.family: row for row in await self.store.families()}
        parents = {org.id: org.parent for org in (await self.store.load()).orgs}
        for org in self.orgs_of(parents, rows):
            registry.set_parent(org, parents.get(org))
        self.registry = registry
        moved: Listeners[()] = Listeners("a family has moved")
        moved.add(lambda: None)
        self.families = Families(self.store, registry, moved)
        await self.families.load()
        own = Installation(
            cell=self.cell,
            owner=CellOwner(1, ""),
            store=cast(CellMapStore, self.world.map),
            reader=self,  # type: ignore[arg-type]
            lines=AsyncMock(),
            questions=AsyncMock(),
            directory_key=b"",
        )
        store = KilledStore(self)
        self.families._store = store
        audit = AuditLog(self.store, KEY)
        self.departures = Departures(
            self.families,
            store,
            audit,
            self,
            self.cell,
            lambda family: self.busy.get(family, ""),
            self.begin_again,
            lambda: 1_000 + round(1000 * self.world.passed_s),
            lambda: self.world.passed_s,
            ended_sessions=lambda: self.ended_sessions,
        )
        self.moves = MovesOfCell(
            own,
            self.families,
            lambda: sorted(parents),
            self.departures,
            Arrivals(
                own,
                self.families,
                store,
                audit,
                self.begin_again,
                lambda: self.facts,
                lambda: self.world.passed_s,
            ),
            self.world.loads,
            self.notify,
        )
        self.answers = {question.name: question for question in self.moves.questions()}

    def orgs_of(
        self, parents: Mapping[OrgId, OrgId | None], rows: Mapping[FamilyId, FamilyRow]
    ) -> list[OrgId]:
        """List the orgs that a start takes up: those of families that are here, or were sealed."""
        found = [
            org
            for org, parent in parents.items()
            if (row := rows.get(FamilyId(parent or org))) is None or row.state not in AWAY
        ]
        # Orgs that have arrived stand for rows of the family.
        for family, row in rows.items():
            if row.state not in AWAY and family in self.store.family_rows:
                found.append(OrgId(family))
        return [*dict.fromkeys(found)]

    @property
    def facts(self) -> TargetFacts:
        """What its cell says of itself."""
        now_ms = 1_000 + round(1000 * self.world.passed_s) + self.apart_ms
        return TargetFacts(now_ms, now_ms, self.free_bytes)

    def notify(self, sentence: str) -> None:
        self.problem_sentence = sentence

    def begin_again(self) -> None:
        self.wants_again = True

    # -- as a reader of the map -------------------------------------------------------------------

    @property
    def view(self) -> MapView:
        return self.world.view

    async def look(self) -> bool:
        return True

    # -- as who asks other owners -----------------------------------------------------------------

    async def ask_cell(self, cell: CellId, step: DoorStep[Any, Any], asked: Any) -> Any:
        """Ask as through a door: what goes over the wire is written and read."""
        if cell in self.world.gone or cell in self.world.unasked and step is not FACTS:
            return None
        if step is FACTS and cell not in self.world.owners:
            return FactsAnswer(*self.facts)
        question = self.world.owners[cell].answers[step.name]
        wanted = msgspec.json.decode(msgspec.json.encode(asked), type=step.asks)
        try:
            found = await question.answer(cast(Any, None), wanted)
        except port.StoreDown:
            return None
        if self.world.lost:
            self.world.lost -= 1
            return None
        return msgspec.json.decode(msgspec.json.encode(found), type=step.finds)

    async def begin(self, target: CellId = TWO, *orgs: OrgId) -> MovesBegun:
        return await self.moves.begin(MovesAsked(orgs or (ORG,), target))

    async def step(self) -> None:
        """Half a second goes by for it; it is begun again where it wants to."""
        self.world.passed_s += 0.5
        await self.moves.step()
        if self.wants_again:
            self.begun_again += 1
            await self.start()

    async def state(self, family: FamilyId = FAMILY) -> FamilyState | None:
        row = await self.store.family_row(family)
        return None if row is None else row.state


class KilledStore:
    """Passes everything on to the owner's store, and kills the process behind a write."""

    def __init__(self, owner: OwnerInTest) -> None:
        self._owner = owner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        asked = getattr(self._owner.store, name)
        if name not in ("move_family", "write_family_rows", "drop_family_rows", "begin_range"):
            return cast(Callable[..., Any], asked)

        async def write(*given: Any) -> Any:
            found = await asked(*given)
            self._owner.world.note_write()
            return found

        return write


async def two_cells(rows: int = 5) -> tuple[World, OwnerInTest, OwnerInTest]:
    """Two cells; a family with a child and so many rows is in the first, another one beside it."""
    world, one, two = await _two_cells(CellStore)
    one.store.family_rows[FAMILY] = {number: f"row {number}" for number in range(1, rows + 1)}
    one.store.family_rows[FamilyId(OTHER)] = {100: "of another"}
    await two.store.grant_ranges([4, 5, 6])
    for owner in (one, two):
        await owner.start()
    return world, one, two


async def two_real_cells(
    own: Sequence[int] = (1, 2, 3), granted: Sequence[int] = (4, 5, 6)
) -> tuple[World, OwnerInTest, OwnerInTest]:
    """The same, whose families have the rows of tables. `own`, `granted`: ranges of the first, and
    of the second."""
    world, one, two = await _two_cells(RealRowsStore)
    for owner, ranges in ((one, own), (two, granted)):
        await owner.store.end_endless_range()
        await owner.store.grant_ranges(ranges)
        await owner.store.begin_range(0)
        await owner.start()
    return world, one, two


async def _two_cells(make: Callable[[World], CellStore]) -> tuple[World, OwnerInTest, OwnerInTest]:
    """Neither is begun yet."""
    world = World()
    world.map = AsyncMock(spec=CellMapStore)
    world.map.place_families = world.place_families
    world.map.grant_ranges = world.grant_ranges
    one, two = OwnerInTest(world, ONE, make(world)), OwnerInTest(world, TWO, make(world))
    for org, parent in ((ORG, None), (CHILD, ORG), (OTHER, None)):
        await one.store.put_org(port.StoredOrg(org, f"org {org}", parent))
    for family in (FAMILY, FamilyId(OTHER)):
        world.view.places.learn(family, FamilyPlace(ONE, 1))
    return world, one, two


async def steps(*owners: OwnerInTest, count: int = 12) -> None:
    """Some seconds go by."""
    for _ in range(count):
        for owner in owners:
            await owner.step()


def drained(world: World, cell: CellId) -> None:
    """The operator has a cell drained."""
    entry = world.view._cells[cell]
    world.view._cells[cell] = msgspec.structs.replace(entry, state=CellState.DRAINING)
