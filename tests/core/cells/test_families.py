"""The row of a family: which moves it takes, and what it says of calls and commits."""

import pytest

from tidings.core.cells.families import (
    MOVES,
    CallVerdict,
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    MoveOutcome,
    after_restore,
    judge_call,
    may_accept,
    may_settle,
    move_row,
    not_mine,
    outcome_at,
)

FAMILY, OTHER = FamilyId(7), FamilyId(8)
A, B, C = CellId(1), CellId(2), CellId(3)
HERE, LEAVING, SEALED = FamilyState.HERE, FamilyState.LEAVING, FamilyState.SEALED
ARRIVING, GONE, EMPTIED = FamilyState.ARRIVING, FamilyState.GONE, FamilyState.EMPTIED


def row(state: FamilyState, number: int, other: CellId | None = None) -> FamilyRow:
    return FamilyRow(FAMILY, state, number, other=other)


def moved(
    before: FamilyRow | None, move: FamilyMove, number: int, other: CellId | None = None
) -> FamilyRow | None:
    return move_row(before, move, family=FAMILY, number=number, other=other)


def test_a_move_forward_as_the_source_writes_it() -> None:
    here = moved(None, FamilyMove.CREATE, 1)
    assert here == row(HERE, 1)
    leaving = moved(here, FamilyMove.BEGIN, 2, B)
    assert leaving == row(LEAVING, 2, B)
    sealed = moved(leaving, FamilyMove.SEAL, 2)
    assert sealed == row(SEALED, 2, B)
    gone = moved(sealed, FamilyMove.SWITCHED, 2)
    assert gone == row(GONE, 2, B)
    assert moved(gone, FamilyMove.EMPTY, 2) == row(EMPTIED, 2, B)


def test_a_move_forward_as_the_target_writes_it() -> None:
    arriving = moved(None, FamilyMove.RECEIVE, 2, A)
    assert arriving == row(ARRIVING, 2, A)
    assert moved(arriving, FamilyMove.SWITCH, 2) == row(HERE, 2)


@pytest.mark.parametrize("before", [None, row(EMPTIED, 1, A), row(GONE, 1, C), row(ARRIVING, 2, A)])
def test_a_refused_move_can_never_be_switched(before: FamilyRow | None) -> None:
    refused = moved(before, FamilyMove.REFUSE, 2, A)
    assert refused is not None and outcome_at(refused, 2) is MoveOutcome.REFUSED
    assert refused.other == A, "who asks there is told where it is"
    for late in (FamilyMove.RECEIVE, FamilyMove.SWITCH):
        assert moved(refused, late, 2, A) is None
    emptied = moved(refused, FamilyMove.EMPTY, 2) or refused
    assert moved(emptied, FamilyMove.RECEIVE, 3, A) == row(ARRIVING, 3, A), "the next one can"


def test_a_switched_move_can_never_be_refused() -> None:
    for after in (row(HERE, 2), row(LEAVING, 3, C), row(SEALED, 3, A), row(GONE, 3, C)):
        assert moved(after, FamilyMove.REFUSE, 2, A) is None
        assert outcome_at(after, 2) is MoveOutcome.SWITCHED


def test_what_the_target_has_not_decided_is_open() -> None:
    for target in (None, row(EMPTIED, 1, A), row(GONE, 1, C), row(ARRIVING, 2, A)):
        assert outcome_at(target, 2) is MoveOutcome.OPEN


@pytest.mark.parametrize(("state", "move"), [key for key in MOVES if key[0] is not None])
def test_no_move_is_done_by_another_number(state: FamilyState, move: FamilyMove) -> None:
    """What a former owner asks late is of an older move; what is of a newer one is not known."""
    known = row(state, 5, B)
    fitting = [number for number in range(9) if moved(known, move, number, B) is not None]
    assert fitting == {
        FamilyMove.BEGIN: [6],
        FamilyMove.RECEIVE: [6, 7, 8],
        FamilyMove.LOSE: [6, 7, 8],
        FamilyMove.REFUSE: [5, 6, 7, 8] if state is ARRIVING else [6, 7, 8],
    }.get(move, [5])


@pytest.mark.parametrize(("state", "move"), [key for key in MOVES if key[0] is not None])
def test_done_once_more_no_move_changes_a_row_again(state: FamilyState, move: FamilyMove) -> None:
    done = [
        (number, once)
        for number in range(4, 8)
        if (once := moved(row(state, 5, B), move, number, B)) is not None
    ]
    assert done and all(moved(once, move, number, B) is None for number, once in done)


@pytest.mark.parametrize("state", FamilyState)
def test_a_family_is_made_only_where_nobody_knows_it(state: FamilyState) -> None:
    assert moved(row(state, 5, B), FamilyMove.CREATE, 6) is None


def test_a_call_is_taken_where_the_family_is_and_nowhere_else() -> None:
    assert judge_call(row(HERE, 4)) == (CallVerdict.MINE, 4, None)
    assert judge_call(row(LEAVING, 5, B)) == (CallVerdict.HELD, 5, B)
    assert judge_call(row(SEALED, 5, B)) == (CallVerdict.HELD, 5, B)
    assert judge_call(row(GONE, 5, B)) == (CallVerdict.NOT_MINE, 5, B)
    assert judge_call(row(EMPTIED, 5, B)) == (CallVerdict.NOT_MINE, 5, B)
    assert judge_call(row(ARRIVING, 5, A)) == (CallVerdict.NOT_MINE, 4, A)
    assert judge_call(None) == (CallVerdict.NOT_MINE, 0, None)


@pytest.mark.parametrize("state", FamilyState)
def test_only_what_is_here_is_accepted_or_sent(state: FamilyState) -> None:
    assert may_accept(row(state, 5, B), 5) is (state is HERE)
    assert not may_accept(row(state, 5, B), 4) and not may_accept(row(state, 5, B), 6)
    assert not may_accept(None, 0)


def test_an_attempt_ends_where_it_has_begun_until_the_seal() -> None:
    assert may_settle(row(HERE, 5), 5)
    assert may_settle(row(LEAVING, 6, B), 5)
    assert may_settle(row(HERE, 6), 5), "the move was undone: the family has never left"
    for later in (row(SEALED, 6, B), row(GONE, 6, B), row(EMPTIED, 6, B), row(ARRIVING, 7, B)):
        assert not may_settle(later, 5)
    assert not may_settle(row(HERE, 7), 5), "it was away, and may have another outcome since"
    assert not may_settle(None, 5)


def test_a_commit_names_the_families_that_it_must_not_hold() -> None:
    rows = {FAMILY: row(LEAVING, 6, B), OTHER: FamilyRow(OTHER, HERE, 1)}
    assert not_mine(rows, begins=[(FAMILY, 5), (OTHER, 1)]) == {FAMILY}
    assert not_mine(rows, begins=[(OTHER, 1)], settles=[(FAMILY, 5)]) == set()
    assert not_mine(rows, begins=[(FamilyId(9), 1)]) == {FamilyId(9)}
    assert not_mine(rows, begins=(), settles=[(FAMILY, 4), (OTHER, 1)]) == {FAMILY}


def test_a_restored_cell_serves_only_what_the_map_gives_it() -> None:
    here = row(HERE, 3)
    assert after_restore(here, (B, 4), A) == row(GONE, 4, B)
    assert after_restore(here, (A, 3), A) is None and after_restore(here, (A, 5), A) is None
    assert after_restore(here, (B, 2), A) is None, "the map is older than the backup"
    assert after_restore(here, None, A) is None
    assert after_restore(row(ARRIVING, 4, B), (B, 5), A) == row(GONE, 5, B)
