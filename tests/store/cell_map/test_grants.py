"""Ranges of numbers: each is of one cell for ever, whoever asks, however often."""

import pytest

from tests.store.cell_map.subject import MapSubject
from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import NOBODY, SKIPPED, CellRanges, only_cell
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import (
    CellEntry,
    CellKind,
    CellState,
    MapPlace,
    MapRefused,
    MapWentBack,
    RangesUnknown,
    grants_of,
)

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)


async def granted(cell_map: HostedCellMap) -> dict[int, int | None]:
    """The cell of each range, as a reader of the map knows it."""
    reading = await cell_map.read(MapPlace())
    grants = grants_of(reading.runs, reading.next_range)
    return {index: grants.cell_of(index, bits=0) for index in range(reading.next_range)}


async def test_all_below_the_counter_are_the_first_cells(cell_map: HostedCellMap) -> None:
    for _ in range(2):
        await cell_map.begin_grants(3, ONE)
    assert await granted(cell_map) == {0: ONE, 1: ONE, 2: ONE}
    assert await cell_map.grant_ranges(ONE, 2, 1) == [3]
    await cell_map.begin_grants(3, ONE)  # asked again, late
    for first, base in ((5, ONE), (3, TWO)):
        with pytest.raises(MapRefused, match="counts others"):
            await cell_map.begin_grants(first, base)
    assert await granted(cell_map) == {0: ONE, 1: ONE, 2: ONE, 3: ONE}


async def test_a_cell_is_granted_what_it_lacks(cell_map: HostedCellMap) -> None:
    await cell_map.begin_grants(1, ONE)
    assert await cell_map.grant_ranges(TWO, -1, 3) == [1, 2, 3]
    assert await cell_map.grant_ranges(ONE, 0, 2) == [4, 5]
    for _ in range(2):  # its answer was lost
        assert await cell_map.grant_ranges(TWO, 2, 3) == [3, 6, 7]
    assert await cell_map.grant_ranges(TWO, 7, 0) == []
    assert await cell_map.grant_ranges(TWO, -1, 1) == [1, 2, 3, 6, 7]
    expected = {0: ONE, 1: TWO, 2: TWO, 3: TWO, 4: ONE, 5: ONE, 6: TWO, 7: TWO}
    assert await granted(cell_map) == expected


async def test_a_reader_gets_the_runs_that_are_new(cell_map: HostedCellMap) -> None:
    await cell_map.begin_grants(1, ONE)
    reading = await cell_map.read(MapPlace())
    runs = {*reading.runs}
    for cell in (TWO, ONE, ONE, TWO, THREE, TWO):
        known = await granted(cell_map)
        of_it = [index for index, owner in known.items() if owner == cell]
        await cell_map.grant_ranges(cell, max(of_it, default=-1), 2)
        reading = await cell_map.read(reading.place)
        runs |= {*reading.runs}
        grants = grants_of(runs, reading.next_range)
        seen = {index: grants.cell_of(index, bits=0) for index in range(reading.next_range)}
        assert seen == await granted(cell_map)


async def test_a_map_that_does_not_know_a_cells_range_has_gone_back(
    cell_map: HostedCellMap,
) -> None:
    await cell_map.begin_grants(1, ONE)
    assert await cell_map.grant_ranges(TWO, -1, 2) == [1, 2]
    for cell, highest in ((ONE, 3), (ONE, 1), (TWO, 0)):
        with pytest.raises(MapWentBack, match=f"cell {cell} has the range {highest}"):
            await cell_map.grant_ranges(cell, highest, 5)
    assert len(await granted(cell_map)) == 3


async def test_a_map_that_has_gone_back_grants_behind_all_that_cells_have(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    for cell in (ONE, TWO, THREE):
        await cell_map.put_cell(CellEntry(cell, CellKind.DIRECTORY))
    await cell_map.begin_grants(2, ONE)
    first = await cell_map.grant_ranges(TWO, -1, 2)
    subject.save()
    later = await cell_map.grant_ranges(ONE, 1, 2)
    last = await cell_map.grant_ranges(TWO, 3, 2)
    before = await granted(cell_map)
    known = (await cell_map.read(MapPlace())).place.incarnation
    subject.put_back()

    incarnation = await cell_map.begin_incarnation(known)
    with pytest.raises(RangesUnknown):
        await cell_map.grant_ranges(ONE, 1, 1)
    by_cell = {
        ONE: CellRanges((0, 1, *later), begun=1),
        TWO: CellRanges((*first, *last), begun=2),
    }
    with pytest.raises(MapRefused, match="not known"):
        await cell_map.restore_grants(incarnation, by_cell)
    assert await cell_map.change_state(THREE, CellState.OPEN, CellState.DRAINING)
    assert await cell_map.change_state(THREE, CellState.DRAINING, CellState.REMOVED)
    assert not await cell_map.restore_grants(known, by_cell)  # of before
    skipped = dict.fromkeys(range(len(before), len(before) + SKIPPED), NOBODY)
    for _ in range(2):
        assert await cell_map.restore_grants(incarnation, by_cell)
        assert await granted(cell_map) == before | skipped
    assert await cell_map.grant_ranges(ONE, later[-1], 1) == [len(before) + SKIPPED]
    assert await cell_map.restore_grants(incarnation, by_cell)  # late, changes nothing
    assert len(await granted(cell_map)) == len(before) + SKIPPED + 1


async def test_a_cell_that_comes_from_a_backup_gets_nothing_that_it_may_have_had(
    cell_map: HostedCellMap,
) -> None:
    """Its backup knows the ranges 1 and 2; behind it the store was granted others, and lost."""
    await cell_map.begin_grants(1, ONE)
    assert await cell_map.grant_ranges(TWO, -1, 2) == [1, 2]
    assert await cell_map.grant_ranges(TWO, 2, 2) == [3, 4]
    first = 5 + SKIPPED
    for _ in range(2):  # its answer was lost
        assert await cell_map.grant_fresh_ranges(TWO, 2, 2, 5) == [first, first + 1]
    assert await cell_map.grant_ranges(ONE, 0, 1) == [first + 2]  # the next one there is
    again = first + 3 + SKIPPED  # restored once more
    assert await cell_map.grant_fresh_ranges(TWO, 2, 1, first + 3) == [again]
    assert await cell_map.grant_ranges(TWO, again, 1) == [again + 1]
    known = await granted(cell_map)
    assert known[5] == known[first - 1] == known[again - 1] == NOBODY
    with pytest.raises(MapWentBack):
        await cell_map.grant_fresh_ranges(TWO, 5, 1, 5)


async def test_a_range_that_two_cells_have_is_seen_before_any_is_granted(
    cell_map: HostedCellMap,
) -> None:
    for cell in (ONE, TWO):
        await cell_map.put_cell(CellEntry(cell, CellKind.DIRECTORY))
    await cell_map.begin_grants(1, ONE)
    assert await cell_map.grant_ranges(TWO, -1, 1) == [1]
    incarnation = await cell_map.begin_incarnation(
        (await cell_map.read(MapPlace())).place.incarnation
    )
    for of_one, of_two in (((0, 1), (1,)), ((0, 1), ()), ((0, 5), (1, 5))):
        with pytest.raises(MapRefused):
            ranges = {ONE: CellRanges(of_one), TWO: CellRanges(of_two)}
            await cell_map.restore_grants(incarnation, ranges)
    with pytest.raises(RangesUnknown):
        await cell_map.grant_ranges(ONE, 0, 1)
    ranges = {ONE: only_cell(), TWO: CellRanges((1,))}
    assert await cell_map.restore_grants(incarnation, ranges)
    assert await cell_map.grant_ranges(ONE, 0, 1) == [2 + SKIPPED]
