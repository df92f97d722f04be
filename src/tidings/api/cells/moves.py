"""Moves of families between cells, as any process is asked for them: begun, taken back, listed.

The owner of the cell that a family leaves carries its move on, so each cell answers for its own
families. Whoever is called asks all of them at once, and puts their answers together.
"""

from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from tidings.api.cells.question import CellQuestion, ask_every_cell
from tidings.api.context import Services
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId

BEGIN_S = 10.0  # for the owner of a cell to have all that is asked begun
FAMILIES_MAX = 200  # of one call


class MoveRefusal(msgspec.Struct, frozen=True):
    """Say why a move is not begun, or not taken back: a code, and a sentence with what to do.

    Codes: `unknown_org`, `not_a_root`, `unknown_cell`, `same_cell`, `cell_not_open`,
    `already_moving`, `not_moving`, `already_switched`, `cell_away`, `clocks_apart`, `no_room`,
    `draining`, `only_cell`, `not_now`."""

    org: OrgId
    code: str
    message: str


class MoveProgress(msgspec.Struct, frozen=True):
    """Show a move, as the owner of the cell that the family leaves knows it.

    `state`: leaving (held, what is under way ends), copying, copied, switched (the target has it),
    dropping (its rows are deleted where it was), stayed (it could not be done: `problem` says why,
    for ten minutes). `rows_expected`: an estimate. Times in milliseconds of the clock, `paused_s`
    and `expected_pause_s` in seconds: how long its calls are answered 503 so far, and in all.
    `problem`: why it does not go on now, empty where it does."""

    family: OrgId
    source: CellId
    target: CellId
    number: int
    state: str
    began_ms: int
    rows_done: int = 0
    rows_expected: int = 0
    paused_s: float = 0.0
    expected_pause_s: float = 0.0
    is_undone: bool = False
    problem: str = ""


class MovesAsked(msgspec.Struct, frozen=True):
    """Ask for families, by their roots, to be moved to a cell."""

    orgs: Sequence[OrgId]
    target: CellId


class MovesBegun(msgspec.Struct, frozen=True):
    """Hold which families are moving by that, and which are not; others are not this cell's."""

    begun: Sequence[MoveProgress] = ()
    refused: Sequence[MoveRefusal] = ()


class UndoAsked(msgspec.Struct, frozen=True):
    """Ask for a family to stay where it was."""

    org: OrgId


class UndoFound(msgspec.Struct, frozen=True):
    """Hold the move that is taken back, as it is, or why it is not; neither: it is not this
    cell's."""

    moving: MoveProgress | None = None
    refused: MoveRefusal | None = None


class ProgressAsked(msgspec.Struct, frozen=True):
    """Ask for the moves of families that leave a cell."""


class ProgressFound(msgspec.Struct, frozen=True):
    """Hold them, by their families."""

    moves: Sequence[MoveProgress] = ()


class CellMoves(Protocol):
    """Moves families out of the cell of this process."""

    def begin(self, asked: MovesAsked) -> Awaitable[MovesBegun]:
        """Begin to move those families that are here; a repeat changes nothing. Raise StoreDown."""

    def undo(self, org: OrgId) -> Awaitable[UndoFound]:
        """Have a family stay here, unless its target has it. Raise StoreDown."""

    def progress(self) -> Awaitable[Sequence[MoveProgress]]:
        """List the moves of families that leave this cell, by their families."""

    def drain(self, cell: CellId) -> Awaitable[MoveRefusal | None]:
        """Have all families of any cell moved to others, and none placed there; return why not. Of
        a refusal the org is 0. Raise MapDown."""

    def reopen(self, cell: CellId) -> Awaitable[MoveRefusal | None]:
        """Have a cell take families again; what has begun to leave it leaves. Raise MapDown."""


class MovesAnswer(NamedTuple):
    """Hold what all cells have answered; `missing` have not."""

    begun: Sequence[MoveProgress]
    refused: Sequence[MoveRefusal]
    missing: Sequence[CellId]


async def _begin(services: Services, asked: MovesAsked) -> MovesBegun:
    moves = services.web.moves
    return MovesBegun() if moves is None else await moves.begin(asked)


async def _undo(services: Services, asked: UndoAsked) -> UndoFound:
    moves = services.web.moves
    return UndoFound() if moves is None else await moves.undo(asked.org)


async def _progress(services: Services, asked: ProgressAsked) -> ProgressFound:
    moves = services.web.moves
    return ProgressFound() if moves is None else ProgressFound(await moves.progress())


BEGIN_MOVES = CellQuestion(
    name="begin-moves", asks=MovesAsked, finds=MovesBegun, answer=_begin, answer_s=BEGIN_S
)
UNDO_MOVE = CellQuestion(
    name="undo-move", asks=UndoAsked, finds=UndoFound, answer=_undo, answer_s=BEGIN_S
)
MOVES = CellQuestion(name="moves", asks=ProgressAsked, finds=ProgressFound, answer=_progress)


async def begin_moves(services: Services, orgs: Sequence[OrgId], target: CellId) -> MovesAnswer:
    """Begin to move families, wherever they are, to a cell. `orgs`: their roots, at most
    `FAMILIES_MAX`. All that is not begun is refused, each with what to do. A repeat begins nothing
    more."""
    if services.web.moves is None:
        return MovesAnswer((), [only_cell(org) for org in orgs], ())
    gathered = await ask_every_cell(services, BEGIN_MOVES, MovesAsked(orgs, target))
    begun = [move for found in gathered.by_cell.values() for move in found.begun]
    refused = [refusal for found in gathered.by_cell.values() for refusal in found.refused]
    answered = {move.family for move in begun} | {refusal.org for refusal in refused}
    refused += [unknown_org(org, gathered.missing) for org in orgs if org not in answered]
    return MovesAnswer(
        sorted(begun, key=lambda move: move.family),
        sorted(refused, key=lambda refusal: refusal.org),
        gathered.missing,
    )


async def undo_move(services: Services, org: OrgId) -> MoveProgress | MoveRefusal:
    """Have a family stay in the cell that it was leaving; return the move that ends by that, or
    why it is not taken back."""
    if services.web.moves is None:
        return only_cell(org)
    gathered = await ask_every_cell(services, UNDO_MOVE, UndoAsked(org))
    refused: MoveRefusal | None = None
    for found in gathered.by_cell.values():
        if found.moving is not None:
            return found.moving
        refused = found.refused or refused
    return refused or unknown_org(org, gathered.missing)


async def list_moves(services: Services) -> MovesAnswer:
    """List the moves of all cells, by their families."""
    gathered = await ask_every_cell(services, MOVES, ProgressAsked())
    moves = [move for found in gathered.by_cell.values() for move in found.moves]
    return MovesAnswer(sorted(moves, key=lambda move: move.family), (), gathered.missing)


def only_cell(org: OrgId) -> MoveRefusal:
    """Return the refusal where there is one cell. `org`: 0 where it is about a cell."""
    return MoveRefusal(
        org,
        "only_cell",
        "There must be a second cell; this installation has one. Add another one with `tidings "
        "cells create`.",
    )


def unknown_org(org: OrgId, missing: Sequence[CellId]) -> MoveRefusal:
    """Return the refusal where no cell has an org; `missing` have not answered."""
    if missing:
        named = ", ".join(str(cell) for cell in missing)
        return MoveRefusal(
            org,
            "cell_away",
            f"The cell of org {org} must answer; not all cells have ({named}). Try again once "
            "`tidings cells list` shows an owner for each.",
        )
    return MoveRefusal(
        org,
        "unknown_org",
        f"The org must be one that exists; got {org}. List them with GET /v1/orgs.",
    )
