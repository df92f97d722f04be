"""A family moves from one owner to another, whoever is killed, and is not lost on the way."""

from itertools import product

import pytest

from tests.app.cells.moving_cells import (
    CHILD,
    FAMILY,
    ONE,
    ORG,
    OTHER,
    TWO,
    Killed,
    OwnerInTest,
    World,
    drained,
    steps,
    two_cells,
)
from tests.depth import share
from tidings.app.cells.moves.cell_moves import HELD_NOTICE_S
from tidings.app.cells.moves.departures import DRAIN_S
from tidings.app.cells.moves.door_steps import StepAsked
from tidings.app.cells.moves.row_copies import COPIES_MAX
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CallVerdict, CellId, FamilyId, FamilyMove, FamilyState
from tidings.core.cells.ranges import range_of
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port.cell_map import CellEntry, CellKind
from tidings.store.port.family_rows import FamilyRowsPage

HERE, LEAVING, SEALED = FamilyState.HERE, FamilyState.LEAVING, FamilyState.SEALED
EMPTIED, RETURNING = FamilyState.EMPTIED, FamilyState.RETURNING
ROWS = {number: f"row {number}" for number in range(1, 6)}


async def assert_in(world: World, cell: CellId) -> None:
    """The family is in one cell with all of its rows, and nothing of it is in the other one."""
    there, other = world.owners[cell], world.owners[TWO if cell == ONE else ONE]
    assert await there.state() is HERE
    assert there.store.family_rows[FAMILY] == ROWS
    assert await other.state() in (None, EMPTIED)
    assert not other.store.family_rows.get(FAMILY)
    assert there.families.judge(FAMILY) is not None
    assert there.families.judge(FAMILY).verdict is CallVerdict.MINE  # type: ignore[union-attr]
    assert there.families.are_all_here and other.families.are_all_here


async def test_a_family_moves_with_all_of_its_rows_and_the_other_stays() -> None:
    world, one, two = await two_cells()
    begun = await one.begin()
    assert not begun.refused
    assert [(move.family, move.state) for move in begun.begun] == [(ORG, "leaving")]
    assert one.families.is_away(ORG) and one.families.is_away(CHILD)
    assert not one.families.is_away(OTHER)
    await steps(one, two)
    await assert_in(world, TWO)
    assert world.places[FAMILY] == FamilyPlace(TWO, 2)
    assert await one.state(FamilyId(OTHER)) is HERE
    assert (one.begun_again, two.begun_again) == (1, 1), "each side is begun again once"
    assert not await one.moves.progress() and not await two.moves.progress()
    ended = one.departures.figures.ended
    assert ended == {} or ended["switched"] == 1  # the process that has counted may be gone


async def test_until_the_target_has_begun_again_its_calls_are_held() -> None:
    world, one, two = await two_cells()
    await one.begin()
    await one.moves.step()  # the target is not begun again yet
    assert await two.state() is HERE
    judged = two.families.judge(FAMILY)
    assert judged is not None and judged.verdict is CallVerdict.HELD
    assert two.wants_again, "as it was asked to"
    await two.start()
    judged = two.families.judge(FAMILY)
    assert judged is not None and judged.verdict is CallVerdict.MINE


async def test_the_target_begins_again_by_itself_where_nobody_asks_for_it() -> None:
    world, one, two = await two_cells()
    await one.begin()
    await one.moves.step()
    two.wants_again = False  # whoever was to end it has not
    await two.step()
    before = two.begun_again
    world.passed_s += 60
    await two.step()
    assert (before, two.begun_again) == (0, 1)


async def test_numbers_of_the_target_go_on_above_all_that_arrive() -> None:
    world, one, two = await two_cells()
    high = (9 << 24) + 5  # above all ranges that the target has
    one.store.family_rows[FAMILY][high] = "late"
    await one.begin()
    world.map_away = True
    await steps(one, two)
    assert await two.state() is None, "it has no range above, and gets none"
    [move] = await one.moves.progress()
    assert "map" in move.problem and move.state == "copying"
    world.map_away = False
    await steps(one, two)
    assert await two.state() is HERE
    assert (await two.store.number_ranges()).begun > range_of(high)


async def test_rows_that_need_a_range_above_them_wait_for_the_map_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, one, two = await two_cells()
    high, write = (9 << 24) + 5, two.store.write_family_rows

    async def write_above(family: FamilyId, number: int, page: FamilyRowsPage) -> None:
        await two.store.begin_range(high)  # as a store does that must number above what arrives
        await write(family, number, page)

    monkeypatch.setattr(two.store, "write_family_rows", write_above)
    world.map_away = True
    await one.begin()
    await steps(one, two)
    assert await two.state() is FamilyState.ARRIVING and not two.store.family_rows.get(FAMILY)
    [move] = await one.moves.progress()
    assert "map" in move.problem
    world.map_away = False
    world.passed_s += 60
    await steps(one, two, count=24)
    await assert_in(world, TWO)


@pytest.mark.parametrize("killed_after", range(16))
async def test_whoever_is_killed_behind_whichever_write_the_family_ends_in_the_target(
    killed_after: int,
) -> None:
    world, one, two = await two_cells()
    world.kill_after = killed_after
    await _survive(world, one, two)
    if await one.state() is HERE and await two.state() is None:
        await one.begin()  # it had not begun: whoever asked has no answer, and asks again
        await steps(one, two)
    await assert_in(world, TWO)


@pytest.mark.parametrize(
    ("killed_after", "undone_after"), share([*product(range(16), range(1, 9))], 0, 5)
)
async def test_taken_back_and_killed_it_ends_in_exactly_one_of_both(
    killed_after: int, undone_after: int
) -> None:
    world, one, two = await two_cells()
    await one.begin()
    world.kill_after = killed_after
    for write in range(30):
        try:
            if write == undone_after:
                await one.moves.undo(ORG)
            await (one, two)[write % 2].step()
        except Killed:
            await one.start()
            await two.start()
    await steps(one, two)
    states = {await one.state(), await two.state()}
    assert HERE in states and states <= {HERE, None, EMPTIED}
    await assert_in(world, ONE if await one.state() is HERE else TWO)


async def test_what_is_wanted_back_stays_wanted_while_the_target_is_away_and_over_a_restart() -> (
    None
):
    world, one, two = await two_cells()
    await _sealed(world, one)
    world.unasked = {TWO}
    found = await one.moves.undo(ORG)
    assert found.moving is not None and found.moving.is_undone
    assert await one.state() is RETURNING
    await one.start()  # another process
    await steps(one, two)
    [move] = await one.moves.progress()
    assert move.is_undone and "cell 2" in move.problem and one.families.is_away(ORG)
    world.unasked = set()
    await steps(one, two)
    await assert_in(world, ONE)
    assert one.families.of(CHILD) == FAMILY and not one.families.is_away(CHILD)


async def test_taken_back_before_anything_was_asked_of_the_target_it_is_here_at_once() -> None:
    world, one, two = await two_cells()
    one.busy[FAMILY] = "1 attempt"
    world.unasked = {TWO}
    await one.begin()
    await one.step()
    assert await one.state() is LEAVING
    [move] = await one.moves.progress()
    assert move.problem == "It waits until 1 attempt of the family have ended."
    assert (await one.moves.undo(ORG)).moving is not None
    assert await one.state() is HERE and not one.families.is_away(ORG)
    one.busy.clear()
    world.unasked = set()
    await one.begin()
    await steps(one, two)
    await assert_in(world, TWO)


async def test_behind_the_switch_nothing_is_taken_back() -> None:
    world, one, two = await two_cells()
    await one.begin()
    await one.moves.step()  # without a restart: what is asked meets the row
    found = await one.moves.undo(ORG)
    assert found.refused is not None and found.refused.code == "already_switched"
    assert "tidings cells move 7 --to 1" in found.refused.message
    await steps(one, two)
    await assert_in(world, TWO)


async def test_a_family_goes_there_and_back_again() -> None:
    world, one, two = await two_cells()
    for source, target in ((one, TWO), (two, ONE), (one, TWO)):
        assert not (await source.begin(target)).refused
        await steps(one, two)
        await assert_in(world, target)
    row = await two.store.family_row(FAMILY)
    assert row is not None and row.number == 4


async def test_nothing_is_copied_while_something_is_under_way_and_given_up_at_last() -> None:
    world, one, two = await two_cells()
    one.busy[FAMILY] = "2 attempts"
    await one.begin()
    await steps(one, two, count=5)
    assert await one.state() is LEAVING and await two.state() is None
    world.passed_s += DRAIN_S
    await steps(one, two, count=2)
    assert await one.state() is HERE and await two.state() is None
    assert not one.families.is_away(ORG)
    assert one.departures.figures.ended["undone"] == 1
    [shown] = await one.moves.progress()
    assert shown.state == "stayed" and "2 attempts" in shown.problem, "why it is here is shown"


async def test_a_lost_answer_is_asked_for_again() -> None:
    world, one, two = await two_cells()
    await one.begin()
    for _ in range(20):
        world.lost = 1
        await steps(one, two, count=1)
    world.lost = 0
    await steps(one, two)
    await assert_in(world, TWO)


async def test_a_store_that_is_away_for_a_moment_holds_a_move_up_and_loses_nothing() -> None:
    world, one, two = await two_cells()
    await one.begin()
    for owner in (one, two, one):
        owner.store.down = True
        await steps(one, two, count=2)
        owner.store.down = False
        await steps(one, two, count=1)
    await steps(one, two)
    await assert_in(world, TWO)


async def test_rows_that_differ_are_copied_again_and_then_it_stays() -> None:
    world, one, two = await two_cells()
    write = two.store.write_family_rows
    copies = 0

    async def lose(family: FamilyId, number: int, page: object) -> None:
        nonlocal copies
        await write(family, number, page)  # type: ignore[arg-type]
        copies += 1
        two.store.family_rows[family].pop(1, None)

    two.store.write_family_rows = lose  # type: ignore[method-assign]
    await one.begin()
    await steps(one, two)
    assert copies == COPIES_MAX * 3
    await assert_in(world, ONE)
    [shown] = await one.moves.progress()
    assert shown.state == "stayed" and "disk" in shown.problem


async def test_several_families_go_together_and_each_side_begins_again_once() -> None:
    world, one, two = await two_cells()
    begun = await one.begin(TWO, ORG, OTHER)
    assert len(begun.begun) == 2
    await steps(one, two)
    await assert_in(world, TWO)
    assert await two.state(FamilyId(OTHER)) is HERE
    assert (one.begun_again, two.begun_again) == (1, 1)


async def test_a_cell_that_is_drained_has_no_family_in_the_end() -> None:
    world, one, two = await two_cells()
    drained(world, ONE)
    await steps(one, two)
    await assert_in(world, TWO)
    assert await one.state(FamilyId(OTHER)) is EMPTIED


async def test_families_of_a_cell_that_is_drained_go_to_that_with_the_fewest_events() -> None:
    world, one, two = await two_cells()
    for cell, events in ((CellId(3), 500), (TWO, 900), (ONE, 0)):
        world.events[cell] = events
        world.view._cells[cell] = CellEntry(cell, CellKind.DIRECTORY)
        world.view.places.learn_owner(cell, CellOwner(1, f"a:{cell}"))
    world.unasked = {TWO, CellId(3)}
    drained(world, ONE)
    await one.step()
    assert {move.target for move in await one.moves.progress()} == {CellId(3)}


@pytest.mark.parametrize(
    ("org", "target", "code"),
    [
        (ORG, CellId(9), "unknown_cell"),
        (ORG, ONE, "same_cell"),
        (CHILD, TWO, "not_a_root"),
    ],
)
async def test_what_cannot_move_is_refused_and_stays(org: OrgId, target: CellId, code: str) -> None:
    world, one, two = await two_cells()
    begun = await one.begin(target, org)
    assert not begun.begun and [refusal.code for refusal in begun.refused] == [code]
    assert not one.families.is_away(ORG)
    await steps(one, two)
    await assert_in(world, ONE)


async def test_nothing_goes_to_a_cell_that_is_drained_or_has_no_owner() -> None:
    world, one, two = await two_cells()
    drained(world, TWO)
    [refusal] = (await one.begin()).refused
    assert refusal.code == "cell_not_open"
    told = await two.answers["family-step"].answer(
        None,  # type: ignore[arg-type]
        _receive(FAMILY),
    )
    assert told.problem and await two.state() is None, "nor where its owner is asked"


async def test_one_that_is_moving_is_not_moved_elsewhere_and_a_repeat_is_no_refusal() -> None:
    world, one, two = await two_cells()
    one.busy[FAMILY] = "1 attempt"
    await one.begin()
    again = await one.begin()
    assert [move.number for move in again.begun] == [2] and not again.refused
    [refusal] = (await one.begin(CellId(3))).refused
    assert refusal.code == "already_moving"
    assert not (await two.begin(ONE)).begun, "it is not the other cell's to say"


async def test_an_org_that_has_got_a_parent_is_no_family_any_more() -> None:
    world, one, two = await two_cells()
    await one.store.put_org(port.StoredOrg(ORG, "org 7", OTHER, revision=2))
    await one.start()
    [refusal] = (await one.begin(TWO, ORG)).refused
    assert refusal.code == "not_a_root" and "20" in refusal.message


async def test_a_family_that_is_held_for_long_is_shown() -> None:
    world, one, two = await two_cells()
    await _sealed(world, one)
    world.unasked = {TWO}
    world.passed_s += HELD_NOTICE_S
    await one.step()
    assert "cell 2" in one.problem_sentence and "tidings cells undo" in one.problem_sentence
    world.unasked = set()
    await steps(one, two)
    assert not one.problem_sentence


# -- scenes ---------------------------------------------------------------------------------------


def _receive(family: FamilyId) -> object:
    return StepAsked(family, FamilyMove.RECEIVE, 2, source=ONE)


async def _sealed(world: World, one: OwnerInTest) -> None:
    """The family is sealed, and its target has not been asked."""
    world.unasked = {TWO}
    await one.begin()
    await one.step()
    assert await one.state() is SEALED
    world.unasked = set()


async def _survive(world: World, one: OwnerInTest, two: OwnerInTest) -> None:
    """Both are begun again where one is killed, which is harder than one alone."""
    try:
        await one.begin()
    except Killed:
        await one.start()
    for _ in range(20):
        for owner in (one, two):
            try:
                await owner.step()
            except Killed:
                await one.start()
                await two.start()
