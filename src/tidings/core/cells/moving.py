"""What is done next to move a family, by the rows in both stores and nothing else.

Whoever owns the cell that a family leaves carries the move on: the same process, or the next one
after a crash, for all that is known of it stands in the two rows. Each step is one commit in one
store, which `families.py` refuses where the row has changed since.
"""

import math
from enum import IntEnum
from typing import NamedTuple

from tidings.core.cells.door import MOVING_RETRY_S
from tidings.core.cells.families import CellId, FamilyRow, FamilyState, MoveOutcome, outcome_at
from tidings.core.steady_clock import LEAP_MS
from tidings.core.times import exact


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
RETRY_MIN_S, RETRY_MAX_S = 1, 60  # that a call which is held is to wait
CLOCKS_APART_MAX_S = LEAP_MS // 1000
ROOM_FACTOR = 1.5  # of what rows are estimated to take: they go through a journal


def expected_pause_s(rows: int) -> float:
    """Estimate for how long calls of families are answered 503 while so many rows go, in
    seconds."""
    return BASE_PAUSE_S + rows / ROWS_A_SECOND


def retry_after_s(rows: int, paused_s: float) -> int:
    """Return how long a call that is held is to wait: what is left of the pause that is expected,
    in seconds. Of one that takes longer nobody knows: it asks again soon."""
    rest_s = math.ceil(expected_pause_s(rows) - paused_s)
    if rest_s <= 0:
        return MOVING_RETRY_S
    return max(RETRY_MIN_S, min(RETRY_MAX_S, rest_s))


class TargetFacts(NamedTuple):
    """Hold what the owner of a target says of it before a family leaves for it. Times in
    milliseconds: the one that it goes by, and that of its machine's clock, by which its next
    process goes. `free_bytes`: None where it does not know."""

    now_ms: int
    wall_ms: int
    free_bytes: int | None = None


def find_obstacle(
    source: CellId, target: CellId, now_ms: int, needed_bytes: int, facts: TargetFacts
) -> tuple[str, str] | None:
    """Find why a family cannot go to a target: a code, and a sentence with what to do. `now_ms`: by
    the clock of the source; `needed_bytes`: what its rows take there, and those of others that go
    there now."""
    for there_ms in (facts.wall_ms, facts.now_ms):
        if abs(now_ms - there_ms) >= CLOCKS_APART_MAX_S * 1000:
            return "clocks_apart", (
                f"The clocks of both cells must agree to {CLOCKS_APART_MAX_S} s, for retries and "
                f"ages go by them; it is {exact(now_ms)} in cell {source} and {exact(there_ms)} in "
                f"cell {target}. Set the wrong clock by a time server, and try again in ten "
                "minutes."
            )
    needed = round(needed_bytes * ROOM_FACTOR)
    if facts.free_bytes is not None and facts.free_bytes < needed:
        return "no_room", (
            f"The disk of cell {target} must have {_megabytes(needed)} free for the org's rows; it "
            f"has {_megabytes(facts.free_bytes)}. Free space there, or name another cell."
        )
    return None


def _megabytes(count: int) -> str:
    """Write a count of bytes as people read it."""
    return f"{count / 1e6:,.1f} MB"
