"""Cells, owners, families and what is in force over all of them, as readers get them."""

from typing import Any

from tests.store.cell_map.subject import MapSubject
from tidings.core.cells.cell_map import CellMap, CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import (
    BELOW,
    ROOT,
    SPARED_VERSIONS,
    CellEntry,
    CellKind,
    CellState,
    MapPlace,
    PlatformKind,
    PlatformRow,
    ProcessEntry,
)

ONE, TWO = CellId(1), CellId(2)
NOTHING = MapPlace()
FAMILY, OTHER = FamilyId(7), FamilyId(8)


def cell(number: CellId, **named: Any) -> CellEntry:
    return CellEntry(number, CellKind.SCHEMA, **named)


async def test_a_cell_is_added_once_and_its_place_can_change(cell_map: HostedCellMap) -> None:
    first = await cell_map.put_cell(cell(ONE, setting="database"))
    assert await cell_map.put_cell(cell(ONE, setting="database")) == first
    sealed = cell(TWO, sealed=b"\0\xff sealed")
    second = await cell_map.put_cell(sealed)
    assert second == first + 1
    reading = await cell_map.read(NOTHING)
    assert reading.is_whole and reading.cells == [cell(ONE, setting="database"), sealed]
    assert await cell_map.change_state(TWO, CellState.OPEN, CellState.DRAINING)
    await cell_map.put_cell(cell(TWO, setting="other"))
    [changed] = (await cell_map.read(reading.place)).cells
    assert changed == cell(TWO, setting="other", state=CellState.DRAINING)


async def test_a_number_is_given_to_one_cell_alone(cell_map: HostedCellMap) -> None:
    assert await cell_map.add_cell(cell(ONE, setting="first"))
    assert not await cell_map.add_cell(cell(ONE, setting="other"))
    assert await cell_map.change_state(ONE, CellState.OPEN, CellState.DRAINING)
    assert await cell_map.add_cell(cell(ONE, setting="first"))  # its answer was lost
    assert (await cell_map.read(NOTHING)).cells == [
        cell(ONE, setting="first", state=CellState.DRAINING)
    ]


async def test_a_state_is_changed_from_the_one_that_was_seen(cell_map: HostedCellMap) -> None:
    assert not await cell_map.change_state(ONE, CellState.OPEN, CellState.DRAINING)
    await cell_map.put_cell(cell(ONE))
    assert not await cell_map.change_state(ONE, CellState.DRAINING, CellState.REMOVED)
    assert await cell_map.change_state(ONE, CellState.OPEN, CellState.DRAINING)
    assert await cell_map.change_state(ONE, CellState.OPEN, CellState.DRAINING)  # lost answer
    assert not await cell_map.change_state(ONE, CellState.OPEN, CellState.REMOVED)


async def test_an_owner_gives_way_to_a_later_one_alone(cell_map: HostedCellMap) -> None:
    await cell_map.put_cell(cell(ONE))
    assert (await cell_map.read(NOTHING)).changes.cells == {}
    known = CellMap()
    for owner, expected in (
        (CellOwner(3, "a:1"), CellOwner(3, "a:1")),
        (CellOwner(2, "b:1"), CellOwner(3, "a:1")),
        (CellOwner(3, "b:1"), CellOwner(3, "a:1")),
        (CellOwner(3, ""), CellOwner(3, "")),
        (CellOwner(3, "a:1"), CellOwner(3, "")),
        (CellOwner(4, "b:1"), CellOwner(4, "b:1")),
    ):
        await cell_map.put_owner(ONE, owner)
        reading = await cell_map.read(NOTHING)
        assert reading.changes.cells == {ONE: expected}
        known.merge(reading.changes)
        assert known.owner_of(ONE) == expected


async def test_a_family_goes_by_the_number_of_its_move_alone(cell_map: HostedCellMap) -> None:
    await cell_map.place_families({FAMILY: FamilyPlace(ONE, 1), OTHER: FamilyPlace(ONE, 1)})
    place = (await cell_map.read(NOTHING)).place
    version = await cell_map.place_families({FAMILY: FamilyPlace(TWO, 3)})
    assert await cell_map.place_families({FAMILY: FamilyPlace(ONE, 2)}) == version  # delayed
    assert await cell_map.place_families({FAMILY: FamilyPlace(ONE, 3)}) == version
    reading = await cell_map.read(place)
    assert reading.changes.families == {FAMILY: FamilyPlace(TWO, 3)} and not reading.is_whole
    assert reading.place.version == version
    assert len((await cell_map.read(NOTHING)).changes.families) == 2


async def test_who_has_read_everything_gets_nothing(cell_map: HostedCellMap) -> None:
    await cell_map.put_cell(cell(ONE))
    await cell_map.put_platform([PlatformRow(PlatformKind.STOP, "all", 1, content=b"")])
    place = (await cell_map.read(NOTHING)).place
    reading = await cell_map.read(place)
    assert reading.place == place
    assert not (reading.cells or reading.platform or reading.changes.families)
    await cell_map.beat(ProcessEntry(name="p", address="a:1", beat=1))  # no reader asks for it
    assert (await cell_map.read(place)).place == place


async def test_what_is_in_force_over_all_cells_is_heard_of_and_so_is_its_end(
    cell_map: HostedCellMap,
) -> None:
    stop = PlatformRow(PlatformKind.STOP, "all", 1, content=b"since noon")
    sign_out = PlatformRow(PlatformKind.SIGN_OUT, "p\0é", 1, content=b"\0", until_ms=1000)
    first = await cell_map.put_platform([stop, sign_out])
    assert await cell_map.put_platform([sign_out, stop]) == first
    reading = await cell_map.read(NOTHING)
    assert sorted(row.name for row in reading.platform) == ["all", "p\0é"]
    assert {row.name: row for row in reading.platform}["p\0é"] == sign_out
    ended = PlatformRow(PlatformKind.STOP, "all", 2, content=None)
    for _ in range(2):
        assert await cell_map.put_platform([ended]) == first + 1
    assert (await cell_map.read(reading.place)).platform == [ended]
    await cell_map.drop_expired(1000)
    assert sign_out in (await cell_map.read(NOTHING)).platform
    await cell_map.drop_expired(1001)
    assert sign_out not in (await cell_map.read(NOTHING)).platform


async def test_who_has_not_seen_the_newest_row_changes_nothing(cell_map: HostedCellMap) -> None:
    def row(name: str, revision: int, content: bytes | None) -> PlatformRow:
        return PlatformRow(PlatformKind.CREDENTIAL, name, revision, content=content)

    version = await cell_map.put_platform([row("a", 1, b"made"), row("b", 1, b"made")])
    version = await cell_map.put_platform([row("a", 2, b"revoked")])
    for delayed in (row("a", 1, b"made"), row("a", 2, b"renamed"), row("a", 2, None)):
        assert await cell_map.put_platform([row("c", 1, b"made"), delayed]) == 0
        assert await cell_map.put_platform([delayed, row("b", 2, b"revoked")]) == 0
    reading = await cell_map.read(NOTHING)
    assert reading.platform == [row("a", 2, b"revoked"), row("b", 1, b"made")]
    assert reading.place.version == version


async def test_kinds_of_a_later_release_are_passed_over(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    stop = PlatformRow(PlatformKind.STOP, "all", 1, content=b"")
    await cell_map.put_platform([stop, PlatformRow(PlatformKind.FILE, "f", 1, content=b"")])
    subject.ask("UPDATE platform_row SET kind = 'later' WHERE kind = 'file'")
    assert (await cell_map.read(NOTHING)).platform == [stop]


async def test_who_lies_too_far_behind_reads_the_map_as_a_whole(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    await cell_map.put_platform([PlatformRow(PlatformKind.STOP, "all", 1, content=b"")])
    place = (await cell_map.read(NOTHING)).place
    await cell_map.put_platform([PlatformRow(PlatformKind.STOP, "all", 2, content=None)])
    near = (await cell_map.read(place)).place
    skipped = SPARED_VERSIONS - 1  # as if so many changes had been made
    subject.ask(f"UPDATE map_meta SET version = version + {skipped}")
    await cell_map.place_families({FAMILY: FamilyPlace(ONE, 1)})
    reading = await cell_map.read(place)
    assert reading.is_whole and not reading.platform  # that it has ended, no one has to hear
    reading = await cell_map.read(near)
    assert reading.is_whole
    [(versions,)] = subject.ask("SELECT count(*) FROM map_version")
    assert versions == 1


async def test_a_row_that_no_release_has_written_is_one_error(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    from tidings.store.port.cell_map import MapDown  # noqa: PLC0415

    await cell_map.put_cell(cell(ONE))
    subject.ask("UPDATE cell_entry SET state = 17")
    try:
        await cell_map.read(NOTHING)
    except MapDown as error:
        assert "17" in str(error)
    else:
        raise AssertionError("it was read")


async def test_a_cell_is_removed_once_it_is_drained_and_no_family_is_there(
    cell_map: HostedCellMap,
) -> None:
    assert not await cell_map.remove_cell(TWO), "there is none"
    await cell_map.put_cell(cell(TWO))
    assert not await cell_map.remove_cell(TWO), "it takes families"
    assert await cell_map.change_state(TWO, CellState.OPEN, CellState.DRAINING)
    await cell_map.place_families({FAMILY: FamilyPlace(TWO, 1), OTHER: FamilyPlace(TWO, 1)})
    await cell_map.place_families({FAMILY: FamilyPlace(ONE, 2)})
    assert not await cell_map.remove_cell(TWO)
    below = PlatformRow(PlatformKind.PARENT, str(OTHER), 1, content=ROOT)
    assert await cell_map.put_platform([below])
    assert not await cell_map.remove_cell(TWO)
    below = PlatformRow(PlatformKind.PARENT, str(OTHER), 2, content=BELOW)
    assert await cell_map.put_platform([below])
    place = (await cell_map.read(NOTHING)).place
    for _ in range(2):
        assert await cell_map.remove_cell(TWO)
        [removed] = (await cell_map.read(place)).cells
        assert removed == cell(TWO, state=CellState.REMOVED)
