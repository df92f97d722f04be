"""Doors: with whatever maps, a call is served by its owner or refused, over one hop at most."""

import itertools

import pytest

from tidings.core.cells.cell_map import CellMap, CellOwner, FamilyPlace
from tidings.core.cells.door import (
    OWNERLESS_RETRY_S,
    TRIES,
    AnswerNotMine,
    PassOn,
    RefuseNow,
    ServeHere,
    decide,
    decide_again,
    learn_from,
    may_retry_elsewhere,
)
from tidings.core.cells.families import (
    CallVerdict,
    CellId,
    FamilyId,
    FamilyJudgement,
    FamilyRow,
    FamilyState,
    judge_call,
)

FAMILY = FamilyId(7)
A, B = CellId(1), CellId(2)
ADDRESSES = {"x": "x:1", "y": "y:1", "z": "z:1"}


def known(place: FamilyPlace | None, **owners: str) -> CellMap:
    """A map that knows where the family is, and who owns A and B."""
    cell_map = CellMap()
    if place is not None:
        cell_map.learn(FAMILY, place)
    for name, address in owners.items():
        cell_map.learn_owner({"a": A, "b": B}[name], CellOwner(1, address))
    return cell_map


def test_an_own_call_is_served_and_anothers_is_passed_on() -> None:
    cell_map = known(FamilyPlace(A, 1), a="x:1")
    assert decide(FAMILY, cell_map, {A}) == ServeHere(A)
    assert decide(FAMILY, cell_map, {B}) == PassOn(A, CellOwner(1, "x:1"))


def test_what_nobody_owns_is_refused_with_the_time_to_try_again() -> None:
    for cell_map in (
        known(None),
        known(FamilyPlace(A, 1)),
        known(FamilyPlace(A, 1), a=""),
        known(FamilyPlace(A, 1), a="me:1"),  # it was this process's, which has lost it
    ):
        refused = decide(FAMILY, cell_map, set(), own_address="me:1")
        assert isinstance(refused, RefuseNow) and refused.retry_s == OWNERLESS_RETRY_S


def test_what_came_through_a_door_is_never_passed_on() -> None:
    cell_map = known(FamilyPlace(A, 1), a="x:1", b="y:1")
    assert decide(FAMILY, cell_map, {B}, is_passed_on=True, named=B) == ServeHere(B)
    handed_back = decide(FAMILY, cell_map, {B}, is_passed_on=True, named=A)
    assert handed_back == AnswerNotMine(A, CellOwner(1, "x:1"))
    assert decide(FAMILY, cell_map, {B}, is_passed_on=True) == AnswerNotMine(None, None)


def test_not_mine_leads_to_where_the_family_went_also_without_the_maps_store() -> None:
    cell_map = known(FamilyPlace(A, 1), a="x:1", b="y:1")
    tried = decide(FAMILY, cell_map, set())
    assert isinstance(tried, PassOn)
    gone = judge_call(FamilyRow(FAMILY, FamilyState.GONE, 2, other=B))
    learn_from(gone, FAMILY, cell_map)
    assert decide_again(FAMILY, cell_map, set(), tried, 1) == PassOn(B, CellOwner(1, "y:1"))
    assert decide_again(FAMILY, cell_map, {B}, tried, 1) == ServeHere(B)


def test_the_same_owner_is_not_asked_twice_and_nobody_a_third_time() -> None:
    cell_map = known(FamilyPlace(A, 1), a="x:1", b="y:1")
    tried = PassOn(A, CellOwner(1, "x:1"))
    assert isinstance(decide_again(FAMILY, cell_map, set(), tried, 1), RefuseNow)
    cell_map.learn_owner(A, CellOwner(2, "z:1"))
    assert decide_again(FAMILY, cell_map, set(), tried, 1) == PassOn(A, CellOwner(2, "z:1"))
    assert isinstance(decide_again(FAMILY, cell_map, set(), tried, TRIES), RefuseNow)


def test_an_old_answer_changes_no_newer_map() -> None:
    cell_map = known(FamilyPlace(B, 3), b="y:1")
    learn_from(FamilyJudgement(CallVerdict.NOT_MINE, 2, A), FAMILY, cell_map)
    learn_from(FamilyJudgement(CallVerdict.HELD, 9, A), FAMILY, cell_map)
    learn_from(FamilyJudgement(CallVerdict.NOT_MINE, 9), FAMILY, cell_map)
    assert cell_map.place_of(FAMILY) == FamilyPlace(B, 3)


PLACES = (None, FamilyPlace(A, 1), FamilyPlace(B, 2))
OWNERS = ("", "x:1", "y:1", "z:1")
MAPS = list(itertools.product(PLACES, OWNERS, OWNERS))


@pytest.mark.parametrize(("place", "a", "b"), MAPS)
def test_no_pair_of_maps_makes_a_loop_or_serves_a_call_that_is_not_its_owners(
    place: FamilyPlace | None, a: str, b: str
) -> None:
    """Process x owns A, y owns B, z nothing; the family went from A to B. The door's map is each of
    those there can be; that of who is asked does not matter, for it passes nothing on."""
    rows = {
        A: FamilyRow(FAMILY, FamilyState.GONE, 2, other=B),
        B: FamilyRow(FAMILY, FamilyState.HERE, 2),
    }
    own = {"x:1": {A}, "y:1": {B}, "z:1": set[CellId]()}
    ends = []
    for door, theirs in itertools.product(own, MAPS[:: len(MAPS) // 5]):
        mine, hops, served = known(place, a=a, b=b), 0, None
        decision = decide(FAMILY, mine, own[door], own_address=door)
        for tries in range(1, 4):
            judgement: FamilyJudgement | None = None
            if isinstance(decision, ServeHere):
                judgement = judge_call(rows[decision.cell])
                place_served = decision.cell
            elif isinstance(decision, PassOn):
                hops += 1
                other_map = known(theirs[0], a=theirs[1], b=theirs[2])
                address, cell = decision.owner.address, decision.cell
                there = decide(FAMILY, other_map, own[address], is_passed_on=True, named=cell)
                assert not isinstance(there, PassOn), "one hop"
                if isinstance(there, ServeHere):
                    judgement, place_served = judge_call(rows[there.cell]), there.cell
            else:
                break
            if judgement is not None and judgement.verdict is CallVerdict.MINE:
                served = place_served
                break
            if judgement is not None:
                learn_from(judgement, FAMILY, mine)
            assert isinstance(decision, ServeHere | PassOn)
            decision = decide_again(FAMILY, mine, own[door], decision, tries, own_address=door)
        assert hops <= TRIES and served in (None, B)
        ends.append(served)
        if place == FamilyPlace(B, 2) and b == "y:1":
            assert served == B, "who knows is served at once"
    assert ends


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_a_call_is_made_elsewhere_only_where_it_cannot_be_done_twice(method: str) -> None:
    assert may_retry_elsewhere(method, left=False, has_key=False)
    assert may_retry_elsewhere(method, left=True, has_key=True)
    assert may_retry_elsewhere(method, left=True, has_key=False) is (method in ("GET", "HEAD"))
