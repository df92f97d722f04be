"""Processes as they tell of themselves, and up to where owners follow the map."""

from tidings.core.cells.cell_map import CellOwner, are_confirmed
from tidings.core.cells.families import CellId
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import (
    CellEntry,
    CellKind,
    CellState,
    MapPlace,
    PlatformKind,
    PlatformRow,
    ProcessEntry,
)

ONE, TWO = CellId(1), CellId(2)
STOP = PlatformRow(PlatformKind.STOP, "all", 1, content=b"")


async def test_a_process_says_that_it_lives(cell_map: HostedCellMap) -> None:
    first = ProcessEntry(name="p", address="a:1", beat=1)
    other = ProcessEntry(name="a", address="a:2", beat=5, takes=False, files=b"\0\xff")
    for process in (first, other):
        await cell_map.beat(process)
    assert await cell_map.list_processes() == [other, first]
    later = ProcessEntry(name="p", address="a:3", beat=2)
    await cell_map.beat(later)
    assert await cell_map.list_processes() == [other, later]
    assert not await cell_map.remove_process("p", 1)  # it has been heard since
    for _ in range(2):
        assert await cell_map.remove_process("p", 2)
    assert await cell_map.list_processes() == [other]


async def test_a_version_is_confirmed_by_the_present_owner_alone(cell_map: HostedCellMap) -> None:
    for cell in (ONE, TWO):
        await cell_map.put_cell(CellEntry(cell, CellKind.DIRECTORY))
        await cell_map.put_owner(cell, CellOwner(1, "a:1"))
    early = (await cell_map.read(MapPlace())).place
    version = await cell_map.put_platform([STOP])
    place = (await cell_map.read(early)).place
    assert await cell_map.confirmations() == {ONE: 0, TWO: 0}
    assert await cell_map.confirm(ONE, 1, place)
    assert await cell_map.confirm(ONE, 1, early)  # late
    assert await cell_map.confirm(TWO, 1, early)
    confirmed = await cell_map.confirmations()
    assert confirmed == {ONE: version, TWO: early.version}
    assert not are_confirmed(version, confirmed, ())
    await cell_map.confirm(TWO, 1, place)
    assert are_confirmed(version, await cell_map.confirmations(), ())

    await cell_map.put_owner(TWO, CellOwner(2, "b:1"))
    assert await cell_map.confirmations() == {ONE: version, TWO: 0}
    assert not await cell_map.confirm(TWO, 1, place)  # a former owner that has not noticed
    assert await cell_map.confirmations() == {ONE: version, TWO: 0}
    assert await cell_map.confirm(TWO, 3, early)  # of a take-over that the map has not heard of
    assert await cell_map.confirmations() == {ONE: version, TWO: 0}
    assert not await cell_map.confirm(TWO, 2, place)
    await cell_map.put_owner(TWO, CellOwner(3, "c:1"))
    assert await cell_map.confirmations() == {ONE: version, TWO: early.version}


async def test_what_was_confirmed_of_another_incarnation_does_not_count(
    cell_map: HostedCellMap,
) -> None:
    await cell_map.put_cell(CellEntry(ONE, CellKind.DIRECTORY))
    await cell_map.put_owner(ONE, CellOwner(1, "a:1"))
    place = (await cell_map.read(MapPlace())).place
    await cell_map.confirm(ONE, 1, place)
    await cell_map.begin_incarnation(place.incarnation)
    assert await cell_map.confirmations() == {ONE: 0}
    assert not await cell_map.confirm(ONE, 1, place)
    now = (await cell_map.read(place)).place
    assert await cell_map.confirm(ONE, 1, now)
    assert await cell_map.confirmations() == {ONE: now.version}


async def test_a_removed_cell_is_waited_for_no_more(cell_map: HostedCellMap) -> None:
    await cell_map.put_cell(CellEntry(ONE, CellKind.DIRECTORY))
    assert not await cell_map.confirm(TWO, 1, (await cell_map.read(MapPlace())).place)
    assert await cell_map.change_state(ONE, CellState.OPEN, CellState.DRAINING)
    assert await cell_map.confirmations() == {ONE: 0}
    assert await cell_map.change_state(ONE, CellState.DRAINING, CellState.REMOVED)
    assert await cell_map.confirmations() == {}
