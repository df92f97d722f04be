"""A store that was put back from before a move: the map is asked before any of it is served."""

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from tests.app.cells.duties.owned_cells import FIRST, OTHER, Place
from tests.app.cells.moving_cells import FAMILY, ONE, ORG, TWO, steps, two_cells
from tidings.app.cells.duties.former_store import lose_moved_families
from tidings.app.cells.duties.owner_duties import OwnCell
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import FamilyId, FamilyMove, FamilyRow, FamilyState
from tidings.engine.audit.audit_log import AuditLog
from tidings.store import port
from tidings.store.port.cell_map import MapDown

MOVED = FamilyId(FIRST)
KEY = b"k" * 32
GONE = FamilyRow(MOVED, FamilyState.GONE, 4, other=TWO)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Two cells, of which the map knows everything."""
    made = Place(tmp_path)
    await made.begin()
    await made.step()
    await made.step()
    yield made
    for owner in made.owners.values():
        await owner.store.close()


async def lost(owner: OwnCell, store: port.Store) -> list[FamilyRow]:
    """Return what a store has lost at its start."""
    return await lose_moved_families(owner, store, AuditLog(store, KEY))


async def test_what_has_moved_since_is_gone_before_it_is_loaded(place: Place) -> None:
    await place.owners[TWO].store.place_families({MOVED: FamilyPlace(TWO, 4)})
    owner = place.start(ONE, place.owners[ONE].memory)
    assert await owner.reader.look()
    assert await lost(owner, owner.memory) == [GONE]
    assert not (await owner.memory.load()).orgs, "neither the org nor its child is taken up"
    assert await lost(owner, owner.memory) == [], "done again it changes nothing"
    assert await owner.memory.families() == [GONE]


async def test_what_the_map_has_here_or_by_an_earlier_move_stays(place: Place) -> None:
    owner, other = place.owners[ONE], place.owners[TWO]
    for step in (FamilyMove.RECEIVE, FamilyMove.SWITCH):  # the map has not heard of it
        moved = port.FamilyStep(FamilyId(99), step, 3, other=TWO)
        assert (await owner.memory.move_family(moved)).changed
    await other.store.place_families({FamilyId(99): FamilyPlace(TWO, 2)})
    before = await owner.memory.families(), await other.memory.families()
    for known in (owner, other):
        assert await known.reader.look()
        assert await lost(known, known.memory) == []
    assert (await owner.memory.families(), await other.memory.families()) == before
    assert [org.id for org in (await other.memory.load()).orgs] == [OTHER]


async def test_while_the_map_is_away_only_a_store_without_a_range_waits(place: Place) -> None:
    kept = place.owners[ONE].memory
    owner = place.start(ONE, kept)  # the map was never read
    assert await lost(owner, kept) == []
    await kept.give_up_ranges()  # as whoever puts back a copy has it do
    with pytest.raises(MapDown, match="may be an earlier one"):
        await lost(owner, kept)


async def test_rows_of_a_lost_family_are_kept_until_the_cell_that_has_it_says_so() -> None:
    world, one, two = await two_cells()
    step = port.FamilyStep(FAMILY, FamilyMove.LOSE, 2, other=TWO)
    assert (await one.store.move_family(step)).changed
    rows = dict(one.store.family_rows[FAMILY])
    await one.start()
    assert one.families.is_away(ORG)
    await steps(one, two)
    assert one.store.family_rows[FAMILY] == rows and await one.state() is FamilyState.GONE
    [row] = one.families.leaving()
    assert "does not have it" in one.departures.of(row).problem
    for move in (FamilyMove.RECEIVE, FamilyMove.SWITCH):
        assert (await two.store.move_family(port.FamilyStep(FAMILY, move, 2, other=ONE))).changed
    await two.start()
    world.unasked.add(TWO)
    await steps(one)
    assert one.store.family_rows[FAMILY] == rows, "it does not answer"
    world.unasked.discard(TWO)
    await steps(one, two)
    assert not one.store.family_rows[FAMILY] and await one.state() is FamilyState.EMPTIED


@pytest.mark.parametrize(
    "asked", ["families", "number_ranges", "move_family", "note_epoch", "load"]
)
async def test_a_start_whose_store_does_not_answer_asks_it_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    await place.owners[TWO].store.place_families({MOVED: FamilyPlace(TWO, 4)})
    owner = place.start(ONE, place.owners[ONE].memory)
    if asked == "number_ranges":
        await owner.memory.give_up_ranges()  # of which it is asked while the map is away
    else:
        assert await owner.reader.look()
    with monkeypatch.context() as away:
        away.setattr(owner.memory, asked, AsyncMock(side_effect=port.StoreDown("away")))
        with pytest.raises(port.StoreDown):
            await lost(owner, owner.memory)
    assert await owner.reader.look()
    assert await lost(owner, owner.memory) == [GONE]
