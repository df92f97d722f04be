"""What is done next to move a family, by the rows in both stores and nothing else.

Whoever owns the cell that a family leaves carries the move on: the same process, or the next one
after a crash, for all that is known of it stands in the two rows. Each step is one commit in one
store, which `families.py` refuses where the row has changed since.
"""

from enum import IntEnum
from typing import NamedTuple

from tidings.core.cells.families import FamilyRow, FamilyState, MoveOutcome, outcome_at


class MoveStep(IntEnum):
    """The next step of a move."""

    WAIT = 0  # the target cannot be asked, or attempts are under way: the family stays held
    SEAL = 1  # in the source
    EMPTY_TARGET = 2  # it has rows of an earlier stay, or of a copy that was given up
    RECEIVE = 3  # in the target: begin to copy
    COPY = 4  # … and go on with it, then compare sums
    SWITCH = 5  # in the target: the family is there from now on
    REFUSE = 6  # in the target: it never will be, by this move
    END_SWITCHED = 7  # in the source: it is gone
    END_UNDONE = 8  # in the source: it is here again
    EMPTY = 9  # in the source
    DONE = 10


class MoveSituation(NamedTuple):
    """Hold what is known beside the rows."""

    target_answers: bool  # it has told its row just now
    is_drained: bool = True  # no attempt of the family is under way any more
    is_verified: bool = False  # all rows were copied, and the sums of both sides are the same
    is_undone: bool = False  # it is wanted back, and the row does not say so


def next_step(source: FamilyRow, target: FamilyRow | None, situation: MoveSituation) -> MoveStep:
    """Return the next step of the move that the source's row is of. `target`: the row in the store
    that the family goes to; nothing is concluded from it where that could not be asked."""
    if source.state is FamilyState.GONE:
        return MoveStep.EMPTY
    if not source.state.is_moving:
        return MoveStep.DONE
    if not situation.target_answers:
        return MoveStep.WAIT
    outcome = outcome_at(target, source.number)
    if outcome is MoveOutcome.REFUSED:
        return MoveStep.END_UNDONE
    if outcome is MoveOutcome.SWITCHED:
        return MoveStep.END_SWITCHED
    if situation.is_undone or source.state is FamilyState.RETURNING:
        return MoveStep.REFUSE
    if source.state is FamilyState.LEAVING:
        return MoveStep.SEAL if situation.is_drained else MoveStep.WAIT
    if target is None or target.state is FamilyState.EMPTIED:
        return MoveStep.RECEIVE
    if target.state is FamilyState.ARRIVING:
        return MoveStep.SWITCH if situation.is_verified else MoveStep.COPY
    return MoveStep.EMPTY_TARGET if target.state is FamilyState.GONE else MoveStep.WAIT


BASE_PAUSE_S = 4.0  # for steps, and for the start that takes a family up
ROWS_A_SECOND = 8_000  # that are copied and compared


def expected_pause_s(rows: int) -> float:
    """Estimate for how long calls of families are answered 503 while so many rows go, in
    seconds."""
    return BASE_PAUSE_S + rows / ROWS_A_SECOND
