"""Every question that the map's store is asked, each so that it changes something if it may."""

from collections.abc import Awaitable, Callable
from typing import Any

from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.ranges import CellRanges
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import (
    CellEntry,
    CellKind,
    CellMapStore,
    CellState,
    MapPlace,
    PlatformKind,
    PlatformRow,
    ProcessEntry,
)

ONE, TWO = CellId(1), CellId(2)
KEY = (b"digest", Opener(OpenerKind.KEY, FamilyId(1)))
LIVING = ProcessEntry(name="living", address="a:1", beat=1)
READS = ("confirmations", "find_openers", "list_openers", "list_processes", "read")

Question = Callable[[HostedCellMap, MapPlace], Awaitable[Any]]

QUESTIONS: dict[str, Question] = {
    "add_cell": lambda cell_map, _: cell_map.add_cell(CellEntry(CellId(3), CellKind.DIRECTORY)),
    "add_openers": lambda cell_map, _: cell_map.add_openers(
        [(b"other", Opener(OpenerKind.LINK, FamilyId(1)))], 5
    ),
    "beat": lambda cell_map, _: cell_map.beat(
        ProcessEntry(name="new", address="a:2", beat=7, files=b"\0")
    ),
    "begin_grants": lambda cell_map, _: cell_map.begin_grants(3, ONE),
    "begin_incarnation": lambda cell_map, place: cell_map.begin_incarnation(place.incarnation),
    "change_state": lambda cell_map, _: cell_map.change_state(
        ONE, CellState.OPEN, CellState.DRAINING
    ),
    "confirm": lambda cell_map, place: cell_map.confirm(ONE, 1, place),
    "confirmations": lambda cell_map, _: cell_map.confirmations(),
    "drop_expired": lambda cell_map, _: cell_map.drop_expired(2000),
    "find_openers": lambda cell_map, _: cell_map.find_openers(KEY[0]),
    "grant_fresh_ranges": lambda cell_map, _: cell_map.grant_fresh_ranges(ONE, 1, 2, 2),
    "grant_ranges": lambda cell_map, _: cell_map.grant_ranges(TWO, -1, 2),
    "list_openers": lambda cell_map, _: cell_map.list_openers(FamilyId(1), b"", 9, 9),
    "list_processes": lambda cell_map, _: cell_map.list_processes(),
    "place_families": lambda cell_map, _: cell_map.place_families(
        {FamilyId(1): FamilyPlace(TWO, 2), FamilyId(2): FamilyPlace(ONE, 1)}
    ),
    "put_cell": lambda cell_map, _: cell_map.put_cell(
        CellEntry(ONE, CellKind.DIRECTORY, sealed=b"\0")
    ),
    "put_owner": lambda cell_map, _: cell_map.put_owner(ONE, CellOwner(2, "b:1")),
    "put_platform": lambda cell_map, _: cell_map.put_platform(
        [
            PlatformRow(PlatformKind.STOP, "all", 2, content=None),
            PlatformRow(PlatformKind.FILE, "f", 1, content=b"1"),
        ]
    ),
    "read": lambda cell_map, _: cell_map.read(MapPlace()),
    "rehome_openers": lambda cell_map, _: cell_map.rehome_openers(
        [KEY], [(KEY[0], Opener(OpenerKind.KEY, FamilyId(2)))], 5
    ),
    "remove_cell": lambda cell_map, _: cell_map.remove_cell(TWO),
    "remove_openers": lambda cell_map, _: cell_map.remove_openers([KEY]),
    "remove_process": lambda cell_map, _: cell_map.remove_process("living", 1),
    "restore_grants": lambda cell_map, place: cell_map.restore_grants(
        place.incarnation, {ONE: CellRanges((0, 1, 7)), TWO: CellRanges()}
    ),
}
assert {*QUESTIONS, "close"} == {name for name in vars(CellMapStore) if not name.startswith("_")}


async def fill(cell_map: HostedCellMap, question: str) -> MapPlace:
    """Put something into a map that a question changes; return up to where that is."""
    for cell in (ONE, TWO):
        await cell_map.put_cell(CellEntry(cell, CellKind.DIRECTORY))
        await cell_map.put_owner(cell, CellOwner(1, "a:1"))
    if question == "remove_cell":
        await cell_map.change_state(TWO, CellState.OPEN, CellState.DRAINING)
    await cell_map.place_families({FamilyId(1): FamilyPlace(ONE, 1)})
    await cell_map.add_openers([KEY], 1)
    stop = PlatformRow(PlatformKind.STOP, "all", 1, content=b"")
    await cell_map.put_platform(
        [stop, PlatformRow(PlatformKind.SIGN_OUT, "p", 1, content=b"", until_ms=1)]
    )
    await cell_map.beat(LIVING)
    if question != "begin_grants":
        await cell_map.begin_grants(2, ONE)
    place = (await cell_map.read(MapPlace())).place
    if question == "restore_grants":
        await cell_map.begin_incarnation(place.incarnation)
        place = (await cell_map.read(place)).place
    return place
