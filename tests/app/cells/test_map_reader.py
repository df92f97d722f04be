"""What a process knows of the map, and goes on with while the map is away."""

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from tests.store.cell_map.subject import SqliteMap
from tidings.app.cells.map_reader import MapReader
from tidings.core.cells.cell_map import CellOwner, FamilyPlace, MapChanges, lost_places
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import (
    SPARED_VERSIONS,
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

ONE, TWO = CellId(1), CellId(2)
FAMILY, OTHER = FamilyId(7), FamilyId(8)
STOP = PlatformRow(PlatformKind.STOP, "all", 1, content=b"")
NOW_MS = 1000


class Place:
    """A map in a directory, and a process that follows it."""

    def __init__(self, directory: Path) -> None:
        self.subject = SqliteMap(directory / "map")
        self.store = self.subject.hosted()
        self.now_ms = NOW_MS
        self.reader = MapReader(self.store, lambda: self.now_ms)
        self.view = self.reader.view

    def stopped(self) -> list[PlatformRow]:
        return [*self.view.in_force(PlatformKind.STOP, self.now_ms)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def fill(store: HostedCellMap) -> None:
    for cell in (ONE, TWO):
        await store.put_cell(CellEntry(cell, CellKind.DIRECTORY))
        await store.put_owner(cell, CellOwner(1, f"a:{cell}"))
    await store.place_families({FAMILY: FamilyPlace(ONE, 1)})
    await store.begin_grants(1, ONE)
    await store.put_platform([STOP])


async def test_what_is_read_is_put_together(place: Place) -> None:
    view, store = place.view, place.store
    await fill(store)
    assert await place.reader.look()
    assert [*view.cells] == [ONE, TWO] and place.stopped() == [STOP]
    assert view.places.place_of(FAMILY) == FamilyPlace(ONE, 1)
    assert view.places.owner_of(TWO) == CellOwner(1, "a:2")

    assert await store.grant_ranges(TWO, -1, 2) == [1, 2]
    await store.place_families({FAMILY: FamilyPlace(TWO, 2)})
    await store.put_platform([PlatformRow(PlatformKind.STOP, "all", 2, content=None)])
    await store.change_state(ONE, CellState.OPEN, CellState.DRAINING)
    assert await place.reader.look()
    assert [view.grants.cell_of(index, bits=0) for index in range(4)] == [ONE, TWO, TWO, None]
    assert view.cells[ONE].state is CellState.DRAINING and place.stopped() == []
    assert view.places.place_of(FAMILY) == FamilyPlace(TWO, 2)
    assert await store.grant_ranges(TWO, 2, 1) == [3]  # the run is known, and is longer now
    assert await place.reader.look()
    assert view.grants.cell_of(3, bits=0) == TWO
    await store.close()


async def test_while_the_map_is_away_it_goes_on_with_what_it_knows(place: Place) -> None:
    await fill(place.store)
    assert await place.reader.look()
    with place.subject.away():
        assert not await place.reader.look()
        assert place.reader.problem
        assert place.view.places.owner_of(ONE) == CellOwner(1, "a:1")
        assert place.stopped() == [STOP]
        place.view.places.learn(FAMILY, FamilyPlace(TWO, 2))  # an owner has told so
    await place.store.place_families({OTHER: FamilyPlace(TWO, 1)})
    assert await place.reader.look()
    assert not place.reader.problem
    assert place.view.places.place_of(FAMILY) == FamilyPlace(TWO, 2)
    assert place.view.places.place_of(OTHER) == FamilyPlace(TWO, 1)
    await place.store.close()


async def test_before_the_first_reading_a_map_that_is_away_is_no_error(place: Place) -> None:
    with place.subject.away():
        assert not await place.reader.look()
        assert place.view.places.place_of(FAMILY) is None
    assert await place.reader.look()
    await place.store.close()


async def test_a_map_that_has_gone_back_is_another_one_and_nothing_known_is_lost(
    place: Place,
) -> None:
    view = place.view
    await fill(place.store)
    assert await place.reader.look()
    place.subject.save()
    await place.store.place_families({FAMILY: FamilyPlace(TWO, 2), OTHER: FamilyPlace(TWO, 1)})
    sign_out = PlatformRow(PlatformKind.SIGN_OUT, "p", 1, content=b"")
    stop = PlatformRow(PlatformKind.STOP, "all", 2, content=b"by another")
    await place.store.put_platform([sign_out, stop])
    assert await place.reader.look()
    former = view.place
    place.subject.put_back()
    assert await place.reader.look()
    assert view.place.incarnation != former.incarnation
    assert view.places.place_of(FAMILY) == FamilyPlace(TWO, 2)
    assert view.places.owner_of(ONE) == CellOwner(1, "a:1")
    assert await place.reader.look()
    for kind, row in ((PlatformKind.SIGN_OUT, sign_out), (PlatformKind.STOP, stop)):
        assert [*view.in_force(kind, NOW_MS)] == [row]
    read = (await place.store.read(MapPlace())).changes.families
    lost = lost_places({FAMILY: 2, OTHER: 1}, read, TWO)
    assert {*lost} == {FAMILY, OTHER}
    await place.store.place_families(lost)

    other = MapReader(place.store, lambda: NOW_MS)  # a process that was started since
    assert await other.look() and await place.reader.look()
    assert other.view.place == view.place
    assert other.view.places.place_of(FAMILY) == FamilyPlace(TWO, 2)
    await place.store.close()


async def test_whoever_knows_what_a_map_that_has_gone_back_lacks_puts_it_in_force_again(
    place: Place,
) -> None:
    """Also who was cut off within that, and who was not the first to see it."""
    await fill(place.store)
    place.subject.save()
    await place.store.put_platform([PlatformRow(PlatformKind.STOP, "one", 1, content=b"")])
    other = MapReader(place.store, lambda: NOW_MS)
    assert await other.look()
    await place.store.put_platform([PlatformRow(PlatformKind.STOP, "two", 1, content=b"")])
    assert await place.reader.look()
    place.subject.put_back()
    assert await other.look()  # it knows one of them
    put = place.store.put_platform
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place.store, "put_platform", AsyncMock(side_effect=MapDown("away")))
        assert not await place.reader.look()
    assert place.store.put_platform == put and await place.reader.look()
    assert await other.look() and await place.reader.look()
    for reader in (other, place.reader):
        names = {row.name for row in reader.view.in_force(PlatformKind.STOP, NOW_MS)}
        assert names == {"all", "one", "two"}
    await place.store.close()


async def test_who_was_away_for_long_has_nothing_in_force_that_has_ended(place: Place) -> None:
    await fill(place.store)
    assert await place.reader.look()
    await place.store.put_platform([PlatformRow(PlatformKind.STOP, "all", 2, content=None)])
    place.subject.ask(f"UPDATE map_meta SET version = version + {SPARED_VERSIONS}")
    await place.store.place_families({OTHER: FamilyPlace(ONE, 1)})
    assert await place.reader.look()
    assert place.stopped() == [] and [*place.view.cells] == [ONE, TWO]
    assert place.view.grants.cell_of(0) == ONE
    await place.store.close()


async def test_what_has_an_end_is_forgotten_then(place: Place) -> None:
    row = PlatformRow(PlatformKind.SIGN_OUT, "p", 1, content=b"", until_ms=NOW_MS + 1)
    await place.store.put_platform([row])
    assert await place.reader.look()
    assert [*place.view.in_force(PlatformKind.SIGN_OUT, NOW_MS + 1)] == [row]
    assert [*place.view.in_force(PlatformKind.SIGN_OUT, NOW_MS + 2)] == []
    place.now_ms += 2
    assert await place.reader.look()
    assert [*place.view.in_force(PlatformKind.SIGN_OUT, NOW_MS)] == []
    await place.store.close()


class SlowMap(CellMapStore):
    """Answers a reading when it is let."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[None]] = []

    async def read(self, known: MapPlace) -> MapReading:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        number = len(self.asked)
        await answer
        place = MapPlace(incarnation="1.a", version=number)
        return MapReading(place=place, changes=MapChanges("1.a", number))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_gets_a_reading_that_began_afterwards_and_many_share_it() -> None:
    store = SlowMap()
    reader = MapReader(store, lambda: NOW_MS)
    first = asyncio.ensure_future(reader.look())
    await settle()
    others = [asyncio.ensure_future(reader.look()) for _ in range(3)]
    await settle()
    assert len(store.asked) == 1
    store.asked[0].set_result(None)
    await settle()
    assert first.done() and not any(other.done() for other in others)
    assert len(store.asked) == 2
    store.asked[1].set_result(None)
    assert await asyncio.gather(*others) == [True] * 3
    assert len(store.asked) == 2 and reader.view.place.version == 2


async def test_a_caller_that_goes_leaves_the_others_a_reading_of_their_own() -> None:
    store = SlowMap()
    reader = MapReader(store, lambda: NOW_MS)
    first = asyncio.ensure_future(reader.look())
    await settle()
    second = asyncio.ensure_future(reader.look())
    await settle()
    first.cancel()
    await settle()
    assert len(store.asked) == 2 and not second.done()
    store.asked[1].set_exception(MapDown("away"))
    assert not await second
    assert reader.problem == "away"
