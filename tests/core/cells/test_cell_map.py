"""The map: merged in any order it is the same, and nothing in it goes back."""

import itertools

import pytest

from tidings.core.cells.cell_map import (
    CellMap,
    CellOwner,
    FamilyPlace,
    MapChanges,
    are_confirmed,
    is_newer,
    lost_places,
    unconfirmed,
)
from tidings.core.cells.families import CellId, FamilyId

FAMILY, OTHER = FamilyId(7), FamilyId(8)
A, B, C = CellId(1), CellId(2), CellId(3)


def changes(version: int, place: FamilyPlace, incarnation: str = "first") -> MapChanges:
    return MapChanges(incarnation, version, families={FAMILY: place})


def test_the_greater_number_wins_in_whatever_order_it_comes() -> None:
    told = [FamilyPlace(A, 1), FamilyPlace(B, 2), FamilyPlace(C, 5)]
    for order in itertools.permutations(told):
        cell_map = CellMap()
        learned = [cell_map.learn(FAMILY, place) for place in order]
        assert learned[0] and cell_map.place_of(FAMILY) == FamilyPlace(C, 5)
        assert not cell_map.learn(FAMILY, FamilyPlace(A, 5)), "a number is of one place"


def test_owners_go_by_their_epochs_and_one_that_lets_go_has_no_address() -> None:
    cell_map = CellMap()
    assert cell_map.learn_owner(A, CellOwner(3, "one:1"))
    assert not cell_map.learn_owner(A, CellOwner(2, "old:1"))
    assert cell_map.learn_owner(A, CellOwner(3, ""))
    assert not cell_map.learn_owner(A, CellOwner(3, "one:1")), "it comes late"
    assert cell_map.learn_owner(A, CellOwner(4, "two:1"))
    assert cell_map.owner_of(A) == CellOwner(4, "two:1") and cell_map.owner_of(B) is None


def test_a_reader_asks_for_what_is_behind_its_version() -> None:
    cell_map = CellMap()
    assert cell_map.asks_from("first") == 0
    assert cell_map.merge(changes(12, FamilyPlace(A, 1)))
    assert cell_map.asks_from("first") == 12
    assert not cell_map.merge(changes(11, FamilyPlace(A, 1))), "it was under way for longer"
    assert cell_map.version == 12


def test_a_restored_map_is_read_as_a_whole_and_takes_nothing_back() -> None:
    cell_map = CellMap()
    cell_map.merge(changes(12, FamilyPlace(B, 2)))
    assert cell_map.asks_from("second") == 0
    assert not cell_map.merge(changes(5, FamilyPlace(A, 1), "second"))
    assert cell_map.version == 5 and cell_map.asks_from("second") == 5
    assert cell_map.place_of(FAMILY) == FamilyPlace(B, 2)


def test_owners_write_again_what_a_restored_map_has_lost() -> None:
    known = {FAMILY: FamilyPlace(A, 1), OTHER: FamilyPlace(C, 9)}
    here = {FAMILY: 2, OTHER: 8, FamilyId(9): 1}
    assert lost_places(here, known, B) == {FAMILY: (B, 2), FamilyId(9): (B, 1)}
    assert not lost_places({FAMILY: 1}, known, A)


def test_the_store_of_the_map_takes_no_delayed_entry() -> None:
    assert is_newer(FamilyPlace(B, 2), FamilyPlace(A, 1)) and is_newer(FamilyPlace(A, 1), None)
    assert not is_newer(FamilyPlace(A, 1), FamilyPlace(B, 2))
    assert not is_newer(FamilyPlace(A, 2), FamilyPlace(B, 2))


@pytest.mark.parametrize(
    ("confirmed", "over", "waits"),
    [
        ({A: 4, B: 5}, (), []),
        ({A: 4, B: 3}, (), [B]),
        ({A: 4, B: 3}, (B,), []),
        ({A: 0, B: 3}, (B,), [A]),
    ],
)
def test_what_is_over_all_cells_is_answered_when_every_owner_has_it_or_is_over(
    confirmed: dict[CellId, int], over: tuple[CellId, ...], waits: list[CellId]
) -> None:
    assert are_confirmed(4, confirmed, over) is (not waits)
    assert unconfirmed(4, confirmed, over) == waits
