"""A map that has gone back is told from one that has not, whatever was written since."""

import pytest

from tests.store.cell_map.subject import MapSubject
from tidings.core.cells.cell_map import CellMap, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import (
    MapPlace,
    MapWentBack,
    PlatformKind,
    PlatformRow,
    is_behind,
    number_of,
)

ONE = CellId(1)
STOP = PlatformRow(PlatformKind.STOP, "all", 1, content=b"")


async def place(cell_map: HostedCellMap, *families: int) -> None:
    """Change the map once for each."""
    for family in families:
        await cell_map.place_families({FamilyId(family): FamilyPlace(ONE, 1)})


@pytest.mark.parametrize("written_since", range(4))
async def test_a_map_that_has_gone_back_is_noticed_whatever_was_written_since(
    cell_map: HostedCellMap, subject: MapSubject, written_since: int
) -> None:
    await place(cell_map, 1)
    subject.save()
    await place(cell_map, 2, 3)
    reading = await cell_map.read(MapPlace())
    known = CellMap()
    known.merge(reading.changes)
    subject.put_back()
    await place(cell_map, *range(10, 10 + written_since))
    with pytest.raises(MapWentBack):
        await cell_map.read(reading.place)

    incarnation = await cell_map.begin_incarnation(known.incarnation)
    assert number_of(incarnation) == number_of(known.incarnation) + 1
    assert await cell_map.begin_incarnation(known.incarnation) == incarnation  # another reader
    after = await cell_map.read(reading.place)
    assert after.is_whole and after.place.incarnation == incarnation
    known.merge(after.changes)
    assert known.version == after.place.version
    assert known.place_of(FamilyId(2)) == FamilyPlace(ONE, 1)  # its owner writes it again
    await place(cell_map, 2)
    assert {*(await cell_map.read(after.place)).changes.families} == {2}


async def test_a_backup_of_before_an_incarnation_is_told_from_it(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    await place(cell_map, 1)
    subject.save()
    first = (await cell_map.read(MapPlace())).place
    second = await cell_map.begin_incarnation(first.incarnation)
    reading = await cell_map.read(first)
    assert reading.is_whole and reading.place.incarnation == second
    subject.put_back()
    await place(cell_map, 2, 3, 4)
    with pytest.raises(MapWentBack):
        await cell_map.read(reading.place)
    third = await cell_map.begin_incarnation(second)
    assert number_of(third) == 3
    # Who has known the first alone sees that it is another one.
    assert (await cell_map.read(first)).is_whole


async def test_a_backup_that_lacks_nothing_is_no_other_map(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    await cell_map.put_platform([STOP])
    reading = await cell_map.read(MapPlace())
    subject.save()
    subject.put_back()
    assert (await cell_map.read(reading.place)).place == reading.place
    await place(cell_map, 1)
    assert not (await cell_map.read(reading.place)).is_whole


def test_an_incarnation_is_behind_one_that_it_cannot_have_come_after() -> None:
    for incarnation, known, expected in (
        ("1.a", "", False),
        ("1.a", "1.a", False),
        ("2.a", "1.b", False),
        ("1.a", "1.b", True),
        ("1.b", "2.a", True),
        ("9.a", "10.a", True),
        ("", "1.a", True),
        ("x", "1.a", True),
        ("9" * 5000 + ".a", "1.a", True),
        ("²", "1.a", True),
    ):
        assert is_behind(incarnation, known) is expected
