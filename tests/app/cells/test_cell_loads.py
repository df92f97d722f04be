"""What each cell has to do, and where new families go by it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from tests.app.cells.several_cells import ONE, TWO, several_cells
from tidings.api.cells.other_cells import Gathered
from tidings.app.cells.calls.family_placing import FamilyPlacing
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.over.cell_loads import (
    HOUR_S,
    KEPT_S,
    LEAST_S,
    CellLoads,
    EventMeter,
    LoadFound,
)
from tidings.core.cells.cell_map import CellOwner, FamilyPlace, MapChanges
from tidings.core.cells.families import FIRST_NUMBER, CellId, FamilyId
from tidings.store.port.cell_map import CellEntry, CellKind, CellState, MapPlace, MapReading

CELLS = [CellId(number) for number in range(1, 9)]


@dataclass
class CountedEvents:
    """A count of events, and a clock that is turned by hand."""

    accepted: int = 0
    now_s: float = 0.0

    def meter(self) -> EventMeter:
        return EventMeter(lambda: self.accepted, lambda: self.now_s)


def test_a_meter_tells_the_last_hour_and_of_less_what_an_hour_would_have() -> None:
    counting = CountedEvents(accepted=7)
    meter = counting.meter()
    counting.now_s, counting.accepted = LEAST_S - 1, 100
    assert meter.events() is None, "it has just begun"
    counting.now_s, counting.accepted = HOUR_S / 4, 107
    assert meter.events() == 400
    for minute in range(16, 120):
        counting.now_s, counting.accepted = minute * 60.0, 107 + minute
        meter.sample()
    assert meter.events() == pytest.approx(60, abs=2)


def test_a_meter_keeps_an_hour_of_samples_and_no_more() -> None:
    counting = CountedEvents()
    meter = counting.meter()
    for step in range(2000):
        counting.now_s = step * 20.0
        meter.sample()
    assert len(meter._samples) <= HOUR_S / 20 + 2


@dataclass
class Owners:
    """The other cells, each with a load; None: it does not answer."""

    own: CellId = CELLS[0]
    events: dict[CellId, int | None] = field(default_factory=dict)
    away: set[CellId] = field(default_factory=set)
    asked: int = 0

    async def ask(self, name: str, asked: bytes, found: Any, answer_s: float) -> Gathered[Any]:
        self.asked += 1
        answers = {
            cell: LoadFound(self.events.get(cell, 0))
            for cell in CELLS
            if cell != self.own and cell not in self.away
        }
        return Gathered(answers, sorted(self.away))


async def test_loads_are_asked_for_once_a_minute_and_kept_of_who_is_away() -> None:
    owners, counting = Owners(), CountedEvents()
    loads = CellLoads(cast("Any", owners), counting.meter(), lambda: counting.now_s)
    owners.events = {CELLS[1]: 50, CELLS[2]: None}
    first = dict(await loads.events())
    assert first[CELLS[1]] == 50 and CELLS[2] not in first and CELLS[0] not in first
    counting.now_s, owners.events[CELLS[1]] = KEPT_S - 1, 60
    assert dict(await loads.events()) == first and owners.asked == 1
    counting.now_s, counting.accepted = KEPT_S, 3
    owners.away = {CELLS[1]}
    owners.events[CELLS[2]] = 9
    found = await loads.events()
    assert owners.asked == 2
    assert (found[CELLS[1]], found[CELLS[2]], found[CELLS[0]]) == (50, 9, 180)


async def test_an_owner_answers_what_its_cell_has_accepted() -> None:
    async with several_cells((ONE, TWO)) as members:
        counting = CountedEvents()
        asking, answering = (
            CellLoads(member.every, counting.meter(), lambda: counting.now_s) for member in members
        )
        members[1].questions[answering.question.name] = answering.question
        counting.now_s, counting.accepted = HOUR_S, 5
        assert await asking.events() == {ONE: 5, TWO: 5}


# -- placing --------------------------------------------------------------------------------------


class PlacedMap:
    """A map of eight cells that nobody but the test changes."""

    def __init__(self) -> None:
        self.version = 0
        self.states = dict.fromkeys(CELLS, CellState.OPEN)
        self.families: dict[FamilyId, FamilyPlace] = {}

    async def read(self, known: MapPlace) -> MapReading:
        self.version += 1
        place = MapPlace("1.a", self.version, b"%d" % self.version)
        owners = {cell: CellOwner(1, f"a:{cell}") for cell in CELLS}
        changes = MapChanges("1.a", self.version, families=dict(self.families), cells=owners)
        cells = [CellEntry(cell, CellKind.DIRECTORY, self.states[cell]) for cell in CELLS]
        return MapReading(place, changes, is_whole=True, cells=cells)

    def put(self, cell: CellId) -> FamilyId:
        family = FamilyId(len(self.families) + 1)
        self.families[family] = FamilyPlace(cell, FIRST_NUMBER)
        return family


@dataclass
class Placing:
    """What chooses, over such a map and such owners."""

    owners: Owners = field(default_factory=Owners)
    counting: CountedEvents = field(default_factory=CountedEvents)
    map: PlacedMap = field(default_factory=PlacedMap)

    def __post_init__(self) -> None:
        self.reader = MapReader(cast("Any", self.map), lambda: 0)
        installation = cast("Installation", _Own(self.reader))
        meter = self.counting.meter()
        loads = CellLoads(cast("Any", self.owners), meter, lambda: self.counting.now_s)
        self.placing = FamilyPlacing(installation, loads)


@dataclass
class _Own:
    reader: MapReader


@pytest.mark.parametrize("pace", [0, 100])
async def test_5000_new_orgs_over_8_cells_lie_within_20_percent(pace: int) -> None:
    made = Placing()
    found: Counter[CellId] = Counter()
    counts = {cell: CountedEvents() for cell in CELLS[1:]} | {CELLS[0]: made.counting}
    meters = {cell: count.meter() for cell, count in counts.items()}
    for number in range(5000):
        if number % 50 == 0:  # a second
            for count in counts.values():
                count.now_s += 1.0
            made.owners.events = {cell: meter.events() for cell, meter in meters.items()}
            assert await made.reader.look()
        cell = await made.placing.choose()
        assert cell is not None
        found[cell] += 1
        made.map.put(cell)
        counts[cell].accepted += pace
    assert min(found.values()) >= 0.8 * 625 and max(found.values()) <= 1.2 * 625, found
    assert made.owners.asked >= 2


async def test_a_loaded_cell_and_one_that_is_drained_get_no_org() -> None:
    made = Placing()
    made.owners.events |= dict.fromkeys(CELLS, 100) | {CELLS[3]: 100_000}
    made.map.states[CELLS[4]] = CellState.DRAINING
    for cell in CELLS:
        for _ in range(5):
            made.map.put(cell)
    made.counting.now_s = KEPT_S
    assert await made.reader.look()
    found = Counter([await made.placing.choose() for _ in range(60)])
    assert not {CELLS[3], CELLS[4], None} & found.keys() and sum(found.values()) == 60


async def test_where_no_cell_is_open_none_is_chosen() -> None:
    made = Placing()
    made.map.states = dict.fromkeys(CELLS, CellState.DRAINING)
    assert await made.reader.look()
    assert await made.placing.choose() is None
