"""Moves of the families of one cell: begun, taken back, listed, and carried on by one task."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog

from tidings.api.cells.moves import (
    FAMILIES_MAX,
    MoveProgress,
    MoveRefusal,
    MovesAsked,
    MovesBegun,
    UndoFound,
)
from tidings.api.cells.question import CellQuestion
from tidings.app.cells.installation import Installation
from tidings.app.cells.moves.arrivals import Arrivals
from tidings.app.cells.moves.departures import Departures, MoveInProgress
from tidings.app.cells.moves.move_figures import MoveFigures
from tidings.core.cells.families import CellId, FamilyId, FamilyRow, FamilyState
from tidings.core.cells.moving import expected_pause_s
from tidings.core.cells.placement import CellLoad, choose_cell
from tidings.core.ids import OrgId
from tidings.core.running.service_part import ServicePart
from tidings.engine.families import Families
from tidings.engine.heartbeats import Heart
from tidings.store import port
from tidings.store.port.cell_map import CellState

EVERY_S = 0.5
HELD_NOTICE_S = 60.0
NOTICE = "moving families"
ROWS_MAX = 200_000  # of the families that are drained at a time
PART = ServicePart(
    "cell moves",
    "families that are moving stay held",
    work_s=60.0,
    waits_for="the owners of other cells",
)
_WORDS = {
    FamilyState.LEAVING: "leaving",
    FamilyState.SEALED: "copying",
    FamilyState.RETURNING: "returning",
    FamilyState.GONE: "dropping",
}

Notify = Callable[[str], None]
log = structlog.get_logger(__name__)


class MovesOfCell:
    """A `CellMoves`. To be used within one event loop."""

    def __init__(
        self,
        own: Installation,
        families: Families,
        orgs: Callable[[], Sequence[OrgId]],
        departures: Departures,
        arrivals: Arrivals,
        loads: Callable[[], Awaitable[Sequence[CellLoad]]],
        notify: Notify,
    ) -> None:
        """`orgs` lists all that are here, `loads` what each cell has to do; `notify` takes a
        sentence about families that have been held for long, empty: there is none."""
        self._own = own
        self._families = families
        self._orgs = orgs
        self._departures = departures
        self._arrivals = arrivals
        self._loads = loads
        self._notify = notify
        self._news = asyncio.Event()
        departures.figures.running = lambda: len(self._held())
        departures.figures.waiting = lambda: sum(bool(known.problem) for known in self._held())

    async def run(self, heart: Heart) -> None:
        """Do what is due for the moves of the cell, until cancelled."""
        while True:
            self._news.clear()
            await self.step(heart.beat)
            await heart.wait(self._news, EVERY_S)

    async def step(self, beat: Callable[[], None] = lambda: None) -> None:
        """Do the next steps of all moves, as far as they go now."""
        await self._departures.step(beat)
        self._arrivals.look()
        await self._drain_own()
        self._notify(self._notice())

    @property
    def figures(self) -> MoveFigures:
        """Return the figures of the moves from this cell."""
        return self._departures.figures

    def questions(self) -> list[CellQuestion[Any, Any]]:
        """List what the owners of other cells ask of families that arrive here."""
        return self._arrivals.questions()

    # -- what is asked of the cell ----------------------------------------------------------------

    async def begin(self, asked: MovesAsked) -> MovesBegun:
        """See `CellMoves`."""
        begun: list[MoveProgress] = []
        refused: list[MoveRefusal] = []
        for org in dict.fromkeys(asked.orgs):
            found = await self._begin_one(org, asked.target)
            if isinstance(found, MoveRefusal):
                refused.append(found)
            elif found is not None:
                begun.append(self._show(found))
        self._news.set()
        return MovesBegun(begun, refused)

    async def undo(self, org: OrgId) -> UndoFound:
        """See `CellMoves`."""
        family = FamilyId(org)
        row = self._families.row_of(family)
        if row is None or row.state in (FamilyState.ARRIVING, FamilyState.EMPTIED):
            return UndoFound()
        if row.state is FamilyState.GONE:
            return UndoFound(refused=self._refuse_switched(org, row))
        if row.state is FamilyState.HERE:
            if not self._families.is_root(org):
                return UndoFound()
            return UndoFound(
                refused=MoveRefusal(
                    org,
                    "not_moving",
                    f"The org must be moving to another cell; org {org} is in cell "
                    f"{self._own.cell} and stays there. There is nothing to take back.",
                )
            )
        shown = self._show(row)
        await self._departures.undo(family)
        self._news.set()
        left = self._families.row_of(family)
        if left is not None and left.state is FamilyState.GONE:
            return UndoFound(refused=self._refuse_switched(org, left))
        return UndoFound(
            moving=shown if left is None or not left.state.is_moving else self._show(left)
        )

    async def progress(self) -> Sequence[MoveProgress]:
        """See `CellMoves`."""
        rows = sorted(self._families.leaving(), key=lambda row: row.family)
        return [self._show(row) for row in rows if self._is_own(row)]

    async def drain(self, cell: CellId) -> MoveRefusal | None:
        """See `CellMoves`."""
        await self._own.reader.look()
        view = self._own.reader.view
        entry = view.cells.get(cell)
        if entry is None or entry.state is CellState.REMOVED:
            return _unknown_cell(OrgId(0), cell)
        others = [found for found in view.cells.values() if found.state is CellState.OPEN]
        if not any(found.cell != cell for found in others):
            return MoveRefusal(
                OrgId(0),
                "cell_not_open",
                f"Another cell than {cell} must take its orgs; none is open. Add one with `tidings "
                "cells add`.",
            )
        if entry.state is CellState.OPEN:
            await self._own.store.change_state(cell, CellState.OPEN, CellState.DRAINING)
            await self._own.reader.look()
        self._news.set()
        return None

    async def reopen(self, cell: CellId) -> MoveRefusal | None:
        """See `CellMoves`."""
        await self._own.reader.look()
        entry = self._own.reader.view.cells.get(cell)
        if entry is None or entry.state is CellState.REMOVED:
            return _unknown_cell(OrgId(0), cell)
        if entry.state is CellState.DRAINING:
            await self._own.store.change_state(cell, CellState.DRAINING, CellState.OPEN)
            await self._own.reader.look()
        return None

    # -- inside -----------------------------------------------------------------------------------

    async def _begin_one(self, org: OrgId, target: CellId) -> FamilyRow | MoveRefusal | None:
        """Begin to move a family; None: it is not this cell's."""
        family = FamilyId(org)
        if self._families.known(org) not in (None, family):
            root = self._families.of(org)
            return MoveRefusal(
                org,
                "not_a_root",
                f"The org must have no parent, for a family moves as a whole; got {org}, which is "
                f"below {root}. Move org {root}.",
            )
        row = self._families.row_of(family)
        if row is None or row.state in (
            FamilyState.ARRIVING,
            FamilyState.GONE,
            FamilyState.EMPTIED,
        ):
            return None
        if row.state.is_moving:
            if row.other == target and row.state is not FamilyState.RETURNING:
                return row
            return MoveRefusal(
                org,
                "already_moving",
                f"The org must not be moving; it is on its way to cell {row.other}. Wait until it "
                f"is there, or take it back with `tidings cells undo {org}`.",
            )
        if (refusal := self._refuse_target(org, target)) is not None:
            return refusal
        if not self._families.is_root(org) or self._families.is_held(family):
            return _refuse_now(org, "it has arrived a moment ago")
        if len(self._held()) >= FAMILIES_MAX:
            return _refuse_now(org, f"{FAMILIES_MAX} others are moving")
        receipt = await self._departures.begin(family, row.number + 1, target)
        if receipt.row is None or not receipt.changed:
            return _refuse_now(org, "it has changed meanwhile")
        return receipt.row

    def _refuse_target(self, org: OrgId, target: CellId) -> MoveRefusal | None:
        view = self._own.reader.view
        entry = view.cells.get(target)
        if entry is None or entry.state is CellState.REMOVED:
            return _unknown_cell(org, target)
        if target == self._own.cell:
            return MoveRefusal(
                org,
                "same_cell",
                f"The cell must be another one than the org's; org {org} is in cell {target}. "
                "`tidings cells list` has the others.",
            )
        if entry.state is not CellState.OPEN:
            return MoveRefusal(
                org,
                "cell_not_open",
                f"The cell must take families; cell {target} is being drained. Name another one.",
            )
        if not view.places.is_owned(target):
            return MoveRefusal(
                org,
                "cell_away",
                f"Cell {target} must have an owner; no process owns it. Start `tidings serve` for "
                "it, and try again.",
            )
        return None

    def _refuse_switched(self, org: OrgId, row: FamilyRow) -> MoveRefusal:
        return MoveRefusal(
            org,
            "already_switched",
            f"The move must not be over; org {org} is in cell {row.other} by now. Move it back "
            f"with `tidings cells move {org} --to {self._own.cell}`.",
        )

    def _is_own(self, row: FamilyRow) -> bool:
        """Return whether a row is of a move from here, and not what is left of one that was
        refused here."""
        if row.state is not FamilyState.GONE:
            return True
        place = self._own.reader.view.places.place_of(row.family)
        return place is not None and place.number >= row.number

    def _held(self) -> list[MoveInProgress]:
        """List what is known of the families that are held."""
        rows = [row for row in self._families.leaving() if row.state.is_moving]
        return [self._departures.of(row) for row in rows]

    def _show(self, row: FamilyRow) -> MoveProgress:
        departure = self._departures.of(row)
        state = _WORDS.get(row.state, "leaving")
        if state == "copying" and departure.verified_s is not None:
            state = "copied"
        problem = departure.problem
        if row.state is FamilyState.LEAVING and not problem:
            problem = self._departures.waits_for(row)
        paused_s = self._departures.paused_s(departure) if row.state.is_moving else 0.0
        return MoveProgress(
            family=OrgId(row.family),
            source=self._own.cell,
            target=row.other or CellId(0),
            number=row.number,
            state=state,
            began_ms=departure.began_ms,
            rows_done=departure.done,
            rows_expected=max(departure.expected, departure.done),
            paused_s=round(paused_s, 1),
            expected_pause_s=round(expected_pause_s(departure.expected), 1),
            is_undone=row.state is FamilyState.RETURNING,
            problem=problem,
        )

    def _notice(self) -> str:
        """Say which families have been held for long."""
        long = [known for known in self._held() if self._departures.paused_s(known) > HELD_NOTICE_S]
        if not long:
            return ""
        problem = next((known.problem for known in long if known.problem), "")
        why = f"{problem.rstrip('.')}." if problem else "Their rows are being copied."
        return (
            f"Calls of orgs that move to another cell have been held for more than "
            f"{HELD_NOTICE_S:.0f} s: {len(long)} in all. {why} See `tidings cells moves`; "
            "`tidings cells undo ORG` takes a move back."
        )

    async def _drain_own(self) -> None:
        """Begin to move the next families away, where this cell is being drained."""
        entry = self._own.reader.view.cells.get(self._own.cell)
        if entry is None or entry.state is not CellState.DRAINING or self._held():
            return
        if self._families.left_over() or self._families.not_taken_up():
            return  # the process is begun again first
        roots = [org for org in self._orgs() if self._families.is_root(org)]
        if not roots:
            return
        rows = 0
        placed: Counter[CellId] = Counter()
        loads = await self._loads()
        for org in roots[:FAMILIES_MAX]:
            target = self._choose_target(loads, placed)
            if target is None or rows >= ROWS_MAX:
                return
            placed[target] += 1
            try:
                found = await self._begin_one(org, target)
            except port.StoreDown:
                return
            if isinstance(found, FamilyRow):
                rows += await self._departures.count_rows(found)
            else:
                log.warning("an org of a cell that is drained does not move", org=org)

    def _choose_target(self, loads: Sequence[CellLoad], placed: Counter[CellId]) -> CellId | None:
        """Choose another cell as one is chosen for a new family: by the events of the last hour,
        and by what was `placed` since."""
        return choose_cell(
            [
                msgspec.structs.replace(
                    load,
                    placed=load.placed + placed[load.cell],
                    is_open=load.is_open and load.cell != self._own.cell,
                )
                for load in loads
            ]
        )


def _refuse_now(org: OrgId, why: str) -> MoveRefusal:
    return MoveRefusal(
        org, "not_now", f"Org {org} must be free to move; now {why}. Try again in ten seconds."
    )


def _unknown_cell(org: OrgId, cell: CellId) -> MoveRefusal:
    return MoveRefusal(
        org,
        "unknown_cell",
        f"The cell must be one that there is; got {cell}. `tidings cells list` has them.",
    )
