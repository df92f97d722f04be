"""Where a family is by all stores and the map: once, or it is said what is wrong."""

import itertools

import pytest

from tidings.core.cells.agreement import (
    FamilyFault,
    FamilyFaultKind,
    find_disagreements,
    find_shared_ranges,
    find_torn,
)
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import (
    PLATFORMS,
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    move_row,
)

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
FAMILY = FamilyId(7)
HERE = FamilyRow(FAMILY, FamilyState.HERE, 1)
_MOVE = [
    (ONE, FamilyMove.BEGIN),
    (ONE, FamilyMove.SEAL),
    (TWO, FamilyMove.RECEIVE),
    (TWO, FamilyMove.SWITCH),
    (ONE, FamilyMove.SWITCHED),
    (ONE, FamilyMove.EMPTY),
]
_REFUSED = [*_MOVE[:3], (TWO, FamilyMove.REFUSE), (TWO, FamilyMove.EMPTY), (ONE, FamilyMove.UNDONE)]


Rows = dict[CellId, dict[FamilyId, FamilyRow]]


def moments(steps: list[tuple[CellId, FamilyMove]]) -> list[Rows]:
    """The rows of both stores after each step of a move."""
    rows: dict[CellId, FamilyRow | None] = {ONE: HERE, TWO: None}
    found: list[Rows] = [{ONE: {FAMILY: HERE}, TWO: {}}]
    for cell, move in steps:
        other = TWO if cell == ONE else ONE
        rows[cell] = move_row(rows[cell], move, family=FAMILY, number=2, other=other)
        assert rows[cell] is not None
        found.append({at: {FAMILY: row} if row else {} for at, row in rows.items()})
    return found


@pytest.mark.parametrize("steps", [_MOVE, _REFUSED])
def test_a_family_is_in_one_cell_at_each_moment_of_a_move(
    steps: list[tuple[CellId, FamilyMove]],
) -> None:
    for rows in moments(steps):
        assert find_torn(rows) == []


@pytest.mark.parametrize("steps", [_MOVE, _REFUSED])
def test_two_moments_between_which_it_was_switched_are_told(
    steps: list[tuple[CellId, FamilyMove]],
) -> None:
    """Of any other two it makes no difference which of them each store is of."""
    all_of = moments(steps)
    for (first, of_one), (second, of_two) in itertools.product(enumerate(all_of), repeat=2):
        has_one = of_one[ONE][FAMILY].state not in (FamilyState.GONE, FamilyState.EMPTIED)
        has_two = FAMILY in of_two[TWO] and of_two[TWO][FAMILY].state is FamilyState.HERE
        found = find_torn({ONE: of_one[ONE], TWO: of_two[TWO]})
        if not has_one and not has_two:
            assert [fault.kind for fault in found] == [FamilyFaultKind.NOWHERE], (first, second)
        elif of_one[ONE][FAMILY].state is FamilyState.HERE and has_two:
            assert [fault.kind for fault in found] == [FamilyFaultKind.TWICE], (first, second)
        else:
            assert found == [], (first, second)


def test_what_stores_and_map_say_of_each_other() -> None:
    gone = FamilyRow(FAMILY, FamilyState.GONE, 2, other=TWO)
    place = FamilyPlace(TWO, 2)
    here = {FAMILY: HERE}
    for rows, placed, opened, kind in (
        ({ONE: here, TWO: {}}, {FAMILY: FamilyPlace(ONE, 1)}, [FAMILY], None),
        ({ONE: here, TWO: here}, {FAMILY: FamilyPlace(ONE, 1)}, [], FamilyFaultKind.TWICE),
        ({ONE: {FAMILY: gone}, TWO: {}}, {FAMILY: place}, [FAMILY], FamilyFaultKind.NOWHERE),
        ({ONE: here, TWO: {}}, {FAMILY: place}, [], FamilyFaultKind.MISPLACED),
        ({ONE: {}, TWO: {}}, {FAMILY: place}, [FAMILY], FamilyFaultKind.LOST),
        ({ONE: here, TWO: {}}, {}, [FAMILY], FamilyFaultKind.UNPLACED),
        ({ONE: {}, TWO: {}}, {}, [FAMILY], FamilyFaultKind.UNKNOWN_OPENERS),
    ):
        found = find_disagreements(rows, placed, (), opened)
        assert [fault.kind for fault in found] == ([] if kind is None else [kind])


def test_of_a_cell_that_cannot_be_read_nothing_is_said() -> None:
    gone = {FAMILY: FamilyRow(FAMILY, FamilyState.GONE, 2, other=TWO)}
    for rows, placed in (({ONE: gone}, {FAMILY: FamilyPlace(TWO, 2)}), ({ONE: {}}, {})):
        assert find_disagreements(rows, placed, {TWO}, [FAMILY]) == []
    both = {ONE: {FAMILY: HERE}, THREE: {FAMILY: HERE}}
    assert find_disagreements(both, {}, {TWO}, []) == [
        FamilyFault(FamilyFaultKind.TWICE, FAMILY, (ONE, THREE))
    ]


def test_ranges_of_two_cells_are_told() -> None:
    assert find_shared_ranges({ONE: (0, 1, 5), TWO: (2, 5), THREE: (5, 9)}) == {
        5: [ONE, TWO, THREE]
    }
    assert find_shared_ranges({ONE: (0, 1), TWO: (2,)}) == {}


def test_links_of_the_platform_open_no_org_that_is_missing() -> None:
    rows: Rows = {ONE: {FAMILY: HERE}}
    placed = {FAMILY: FamilyPlace(ONE, 1)}
    assert find_disagreements(rows, placed, (), {FAMILY, PLATFORMS}) == []
    [fault] = find_disagreements(rows, placed, (), {FAMILY, FamilyId(8)})
    assert fault.kind is FamilyFaultKind.UNKNOWN_OPENERS
