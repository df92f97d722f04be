"""The row of a family in a cell's own store, and what it says of a call and of a commit.

A family is an org that has no parent, with all its children; it lives in one cell. Two stores have
no transaction in common, so of a family that goes from one cell to another each of them has a row.
The target's row decides: only its `SWITCH` makes the family another cell's, only its `REFUSE` makes
it certain that the move will never happen. One of them is written, whichever comes first, and the
other is impossible from then on. The source follows what the target's row says, and until it can be
asked the family stays with neither: it is leaving, held, and nothing of it is lost.

Each move has a number, one more than that before it, over all cells. So of two answers about a
family the one with the greater number is the newer, whoever gave it, and what a former owner asks
too late is refused by its number. All that decides whether a row may change stands in `MOVES` and
in `move_row`; the stores write what it returns, in one commit, or nothing.

The numbers of states are what the stores keep; they never change their meaning.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple, NewType

import msgspec

FamilyId = NewType("FamilyId", int)  # the id of the org that has no parent
CellId = NewType("CellId", int)

FIRST_NUMBER = 1  # of a family that has never moved
PLATFORMS = FamilyId(0)  # stands for the platform, of which the directory has links: no family


class FamilyState(IntEnum):
    """The states of a family in one cell's store. No row: this cell has never heard of it."""

    HERE = 0  # its events are accepted and sent here, and nowhere else
    LEAVING = 1  # held: attempts that are under way end here, nothing new begins
    SEALED = 2  # leaving, and nothing of it is written here any more: it can be copied
    ARRIVING = 3  # its rows come in; nobody may see them yet
    GONE = 4  # another cell's, but rows of it are still here
    EMPTIED = 5  # another cell's, and no row of it is here
    RETURNING = 6  # sealed, and wanted back: it is here again once the target has refused

    @property
    def is_moving(self) -> bool:
        """Return whether this cell has to find out what became of a move of its own."""
        return self in (FamilyState.LEAVING, FamilyState.SEALED, FamilyState.RETURNING)


class FamilyMove(IntEnum):
    """List what can happen to the row of a family."""

    CREATE = 0  # its first org is made in this cell
    # in the store that it leaves
    BEGIN = 1
    SEAL = 2
    SWITCHED = 3  # the target has it
    UNDONE = 4  # the target has refused, or was never asked: it can never have it by this move
    RECALL = 9  # it is wanted back, which the target has to be asked
    # in the store that it goes to
    RECEIVE = 5
    SWITCH = 6
    REFUSE = 7
    # in both
    EMPTY = 8  # the last row of it is deleted
    LOSE = 10  # by the map: it has moved away since, for the store is one of before


_HERE, _LEAVING, _SEALED = FamilyState.HERE, FamilyState.LEAVING, FamilyState.SEALED
_ARRIVING, _GONE, _EMPTIED = FamilyState.ARRIVING, FamilyState.GONE, FamilyState.EMPTIED
_RETURNING = FamilyState.RETURNING

MOVES: dict[tuple[FamilyState | None, FamilyMove], FamilyState] = {
    (None, FamilyMove.CREATE): _HERE,
    (_HERE, FamilyMove.BEGIN): _LEAVING,
    (_LEAVING, FamilyMove.SEAL): _SEALED,
    (_SEALED, FamilyMove.SWITCHED): _GONE,
    (_LEAVING, FamilyMove.UNDONE): _HERE,
    (_SEALED, FamilyMove.UNDONE): _HERE,
    (_SEALED, FamilyMove.RECALL): _RETURNING,
    (_RETURNING, FamilyMove.SWITCHED): _GONE,
    (_RETURNING, FamilyMove.UNDONE): _HERE,
    (None, FamilyMove.RECEIVE): _ARRIVING,
    (_EMPTIED, FamilyMove.RECEIVE): _ARRIVING,
    (_ARRIVING, FamilyMove.SWITCH): _HERE,
    (None, FamilyMove.REFUSE): _EMPTIED,
    (_EMPTIED, FamilyMove.REFUSE): _EMPTIED,
    (_GONE, FamilyMove.REFUSE): _GONE,
    (_ARRIVING, FamilyMove.REFUSE): _GONE,
    (_GONE, FamilyMove.EMPTY): _EMPTIED,
    (_HERE, FamilyMove.LOSE): _GONE,
    (_LEAVING, FamilyMove.LOSE): _GONE,
    (_SEALED, FamilyMove.LOSE): _GONE,
    (_RETURNING, FamilyMove.LOSE): _GONE,
    (_ARRIVING, FamilyMove.LOSE): _GONE,
}

# The move goes by its number: these begin one, and all others continue the one of the row.
_BEGINS = frozenset((FamilyMove.CREATE, FamilyMove.BEGIN))
_KEEP_OTHER = frozenset((FamilyMove.SEAL, FamilyMove.RECALL, FamilyMove.SWITCHED, FamilyMove.EMPTY))


class FamilyRow(msgspec.Struct, frozen=True, array_like=True):
    """The row of a family. `number`: of its newest move that this cell knows."""

    family: FamilyId
    state: FamilyState
    number: int
    other: CellId | None = None  # where it leaves to, arrives from, or has gone to


def move_row(
    row: FamilyRow | None,
    move: FamilyMove,
    *,
    family: FamilyId,
    number: int,
    other: CellId | None = None,
) -> FamilyRow | None:
    """Return the row after a move, or None where that cannot happen to it.

    `number`: of the move of the family that this is a part of. `other`: the other cell of that.
    Done once more, with the same number, none of them changes a row again.
    """
    state = MOVES.get((None if row is None else row.state, move))
    if state is None:
        return None
    known = 0 if row is None else row.number
    if move in _BEGINS:
        fits = number == known + 1
    elif move in (FamilyMove.RECEIVE, FamilyMove.LOSE):
        fits = number > known
    elif move is FamilyMove.REFUSE:
        fits = number > known or (
            number == known and row is not None and row.state is FamilyState.ARRIVING
        )
    else:
        fits = number == known
    if not fits:
        return None
    if move in _KEEP_OTHER:
        other = None if row is None else row.other
    elif state is FamilyState.HERE:
        other = None
    return FamilyRow(family, state, number, other=other)


class MoveOutcome(IntEnum):
    """Say what became of a move, by the target's row."""

    OPEN = 0  # nothing yet: it can still be switched, or refused
    SWITCHED = 1
    REFUSED = 2


def outcome_at(target: FamilyRow | None, number: int) -> MoveOutcome:
    """Return what became of the move with this number, by the row in the store of its target."""
    if target is None or target.number < number or target.state is FamilyState.ARRIVING:
        return MoveOutcome.OPEN
    if target.number > number or target.state is FamilyState.HERE:
        return MoveOutcome.SWITCHED  # and it may have gone on since
    return MoveOutcome.REFUSED


class CallVerdict(IntEnum):
    """Say whether a cell takes a call of a family."""

    MINE = 0
    HELD = 1  # nobody takes it now: it is moving
    NOT_MINE = 2


class FamilyJudgement(NamedTuple):
    """The answer of an owner: with the number of the move by which it knows, and where the family
    is by that; None: it has never heard of it."""

    verdict: CallVerdict
    number: int
    elsewhere: CellId | None = None


def judge_call(row: FamilyRow | None) -> FamilyJudgement:
    """Judge whether a cell takes calls of a family, by its row."""
    if row is None:
        return FamilyJudgement(CallVerdict.NOT_MINE, 0)
    if row.state is FamilyState.HERE:
        return FamilyJudgement(CallVerdict.MINE, row.number)
    if row.state.is_moving:
        return FamilyJudgement(CallVerdict.HELD, row.number, row.other)
    if row.state is FamilyState.ARRIVING:  # until the switch it is where it was
        return FamilyJudgement(CallVerdict.NOT_MINE, row.number - 1, row.other)
    return FamilyJudgement(CallVerdict.NOT_MINE, row.number, row.other)


def may_accept(row: FamilyRow | None, number: int) -> bool:
    """Return whether a commit may hold what begins something for a family: events, claims, and
    whatever is sent. `number`: the one by which it was judged before."""
    return row is not None and row.state is FamilyState.HERE and row.number == number


def may_settle(row: FamilyRow | None, number: int) -> bool:
    """Return whether a commit may hold what came of an attempt that began under this number.

    Attempts end where they have begun, also while the family is leaving, up to the seal; and after
    a move that was undone, for it has never left. What was begun before it left and came back is
    not written: it was copied as possibly sent, and may have another outcome since.
    """
    if row is None:
        return False
    if row.state is FamilyState.HERE:
        return number in (row.number, row.number - 1)
    return row.state is FamilyState.LEAVING and number == row.number - 1


def not_mine(
    rows: Mapping[FamilyId, FamilyRow],
    begins: Iterable[tuple[FamilyId, int]],
    settles: Iterable[tuple[FamilyId, int]] = (),
) -> set[FamilyId]:
    """Return the families of a batch that its commit must not hold, by the rows as they are in that
    commit. A batch with one of them is refused whole, and committed again without them."""
    refused = {family for family, number in begins if not may_accept(rows.get(family), number)}
    return refused | {
        family for family, number in settles if not may_settle(rows.get(family), number)
    }


def after_restore(
    row: FamilyRow, placed: tuple[CellId, int] | None, here: CellId
) -> FamilyRow | None:
    """Return the row of a family in a store that was restored from a backup, where it must change:
    such a cell serves only what the map still gives it. `placed`: the cell that the map gives, with
    the number of the move.

    A move of its own that was open at the time of the backup is found out as ever, by the target.
    """
    if placed is None:
        return None
    cell, number = placed
    if cell == here:
        return None
    return move_row(row, FamilyMove.LOSE, family=row.family, number=number, other=cell)
