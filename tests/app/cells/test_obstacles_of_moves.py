"""What keeps a family from moving is found before anything is held; met on the way, it stays."""

import pytest
from msgspec.structs import replace

from tests.app.cells.moving_cells import (
    FAMILY,
    ONE,
    ORG,
    OTHER,
    TWO,
    OwnerInTest,
    World,
    drained,
    steps,
    two_cells,
)
from tidings.app.cells.moves.departures import STAYED_S
from tidings.core.cells.door import MOVING_RETRY_S
from tidings.core.cells.families import FamilyId, FamilyState
from tidings.core.cells.moving import CLOCKS_APART_MAX_S, expected_pause_s
from tidings.store import port
from tidings.store.port.cell_map import CellState
from tidings.store.port.family_rows import FamilyRowsPage

HERE, LEAVING = FamilyState.HERE, FamilyState.LEAVING


async def refused(one: OwnerInTest) -> tuple[str, str]:
    """Why the family does not go; nothing of it is held."""
    begun = await one.begin()
    [refusal] = begun.refused
    assert not begun.begun and await one.state() is HERE and not one.families.is_away(ORG)
    assert await one.moves.find_obstacle(ORG, TWO) == refusal, "a dry run finds the same"
    return refusal.code, refusal.message


@pytest.mark.parametrize("apart_s", [3600, -3600, CLOCKS_APART_MAX_S])
async def test_a_move_to_a_cell_with_another_clock_is_refused_before_anything_is_held(
    apart_s: int,
) -> None:
    _, one, two = await two_cells()
    two.apart_ms = apart_s * 1000
    code, message = await refused(one)
    assert code == "clocks_apart" and "1970-01-01T00:00:01" in message
    two.apart_ms = CLOCKS_APART_MAX_S * 1000 - 1
    assert not (await one.begin()).refused


async def test_a_move_to_a_disk_without_room_is_refused_before_anything_is_held() -> None:
    _, one, two = await two_cells(rows=2000)
    two.free_bytes = 2_900_000
    code, message = await refused(one)
    assert code == "no_room" and "3.0 MB" in message and "2.9 MB" in message
    two.free_bytes = 3_000_000
    assert not (await one.begin()).refused


async def test_families_that_go_together_need_room_for_all_of_them() -> None:
    _, one, two = await two_cells(rows=2000)
    one.store.family_rows[FamilyId(OTHER)] = {number: "row" for number in range(1000)}
    two.free_bytes = 4_000_000
    begun = await one.begin(TWO, ORG, OTHER)
    assert [move.family for move in begun.begun] == [ORG]
    assert [(refusal.org, refusal.code) for refusal in begun.refused] == [(OTHER, "no_room")]


async def test_a_move_to_a_cell_that_does_not_answer_is_refused_before_anything_is_held() -> None:
    world, one, _ = await two_cells()
    world.gone = {TWO}
    assert (await refused(one))[0] == "cell_away"


async def fill_up(two: OwnerInTest, monkeypatch: pytest.MonkeyPatch) -> list[FamilyRowsPage]:
    """The disk of a target is full behind the second page; what it has refused."""
    write, pages = two.store.write_family_rows, list[FamilyRowsPage]()

    async def write_two(family: FamilyId, number: int, page: FamilyRowsPage) -> None:
        pages.append(page)
        if len(pages) > 2:
            raise port.StoreFull("database or disk is full")
        await write(family, number, page)

    monkeypatch.setattr(two.store, "write_family_rows", write_two)
    two.free_bytes = 10**12
    return pages


async def test_where_the_disk_fills_up_midway_the_family_is_here_again_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, one, two = await two_cells(rows=9)
    before = dict(one.store.family_rows[FAMILY])
    pages = await fill_up(two, monkeypatch)
    await one.begin()
    await steps(one, two)
    assert await one.state() is HERE and not one.families.is_away(ORG)
    assert one.store.family_rows[FAMILY] == before
    assert len(pages) == 3, "it is not tried again and again"
    [shown] = await one.moves.progress()
    assert (shown.state, shown.source, shown.target) == ("stayed", ONE, TWO)
    assert "full" in shown.problem and "cell 2" in shown.problem
    await one.begin()  # the next try drops first what is left of the last one
    await steps(one, two)
    assert not two.store.family_rows.get(FAMILY)
    world.passed_s += STAYED_S
    assert not await one.moves.progress()


async def test_a_drain_lets_be_what_could_not_move_for_a_while_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, one, two = await two_cells(rows=9)
    pages = await fill_up(two, monkeypatch)
    drained(world, ONE)
    await steps(one, two, count=60)
    assert len(pages) <= 3 + 2, "each family is tried once"
    two.free_bytes = 0
    world.passed_s += STAYED_S
    await steps(one, two, count=3)
    assert f"Org {ORG} cannot leave cell 1 now." in one.problem_sentence
    assert "0.0 MB" in one.problem_sentence
    reopened(world)
    await one.step()
    assert not one.problem_sentence


def reopened(world: World) -> None:
    """The operator ends the drain of the first cell."""
    world.view._cells[ONE] = replace(world.view._cells[ONE], state=CellState.OPEN)


async def test_a_drain_is_ended_before_a_move_of_it_is_taken_back() -> None:
    world, one, two = await two_cells()
    one.busy = {FAMILY: "1 attempt", FamilyId(OTHER): "1 attempt"}
    drained(world, ONE)
    await one.step()
    assert await one.state() is LEAVING
    found = await one.moves.undo(ORG)
    assert found.moving is None and found.refused is not None
    assert found.refused.code == "draining"
    assert "`tidings cells open 1`" in found.refused.message
    reopened(world)
    assert (await one.moves.undo(ORG)).moving is not None
    await steps(one, two, count=3)
    assert await one.state() is HERE, "and nothing moves it again"
    assert await one.state(FamilyId(OTHER)) is LEAVING


async def test_calls_that_are_held_wait_for_the_rest_of_the_pause() -> None:
    world, one, _ = await two_cells(rows=80_000)
    one.busy[FAMILY] = "1 attempt"
    assert one.moves.retry_after_s(FAMILY) == MOVING_RETRY_S
    await one.begin()
    [shown] = await one.moves.progress()
    assert shown.expected_pause_s == expected_pause_s(80_000) == 14.0
    assert one.moves.retry_after_s(FAMILY) == 14
    world.passed_s += 3.5
    assert one.moves.retry_after_s(FAMILY) == 11
    world.passed_s += 30
    assert one.moves.retry_after_s(FAMILY) == MOVING_RETRY_S


async def test_a_pause_goes_on_where_another_process_carries_on_the_move() -> None:
    world, one, _ = await two_cells(rows=80_000)
    one.busy[FAMILY] = "1 attempt"
    await one.begin()
    [before] = await one.moves.progress()
    world.passed_s += 7
    await one.start()
    await one.step()
    [after] = await one.moves.progress()
    assert (before.began_ms, before.paused_s) == (after.began_ms, 0.0)
    assert (after.paused_s, after.expected_pause_s) == (7.5, 14.0)
    assert (await one.store.facts_of_family(FAMILY)).held_ms == before.began_ms
    await one.moves.undo(ORG)
    assert (await one.store.facts_of_family(FAMILY)).held_ms is None


async def test_families_that_go_together_wait_for_each_other_and_that_is_said() -> None:
    _, one, _ = await two_cells(rows=80_000)
    one.store.family_rows[FamilyId(OTHER)] = {number: "row" for number in range(40_000)}
    one.busy = {FAMILY: "1 attempt", FamilyId(OTHER): "1 attempt"}
    await one.begin(TWO, ORG, OTHER)
    shown = await one.moves.progress()
    assert [move.expected_pause_s for move in shown] == [expected_pause_s(120_000)] * 2
    assert one.moves.retry_after_s(FAMILY) == round(expected_pause_s(120_000))
