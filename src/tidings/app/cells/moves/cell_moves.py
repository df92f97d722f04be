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
from tidings.app.cells.moves.departures import Departures, Stayed
from tidings.app.cells.moves.move_figures import MoveFigures
from tidings.app.cells.moves.move_questions import MoveInProgress
from tidings.core.cells.door import MOVING_RETRY_S
from tidings.core.cells.families import CellId, FamilyId, FamilyRow, FamilyState
from tidings.core.cells.moving import expected_pause_s, retry_after_s
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
DRAIN_AGAIN_S = 10.0  # until a drain tries again what was refused
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
        self._drain_again_s = 0.0
        self._drain_problem = ""  # why an org cannot leave though its cell is drained
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
                    f"The org must be moving; org {org} is in cell {self._own.cell} and is not. "
                    "There is nothing to take back.",
                )
            )
        if row.state is not FamilyState.RETURNING and self._is_draining():
            return UndoFound(refused=self._refuse_drained(org))
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
        rows = [row for row in self._families.leaving() if self._is_own(row)]
        shown = [self._show(row) for row in rows]
        shown += [self._show_stayed(stayed) for stayed in self._departures.stayed()]
        return sorted(shown, key=lambda move: move.family)

    def retry_after_s(self, family: FamilyId) -> int:
        """Return how long a call of a family that is held is to wait, in seconds."""
        row = self._families.row_of(family)
        if row is None or not row.state.is_moving:
            return MOVING_RETRY_S
        paused_s = self._departures.paused_s(self._departures.of(row))
        return retry_after_s(self._departures.expected_rows(row), paused_s)

    async def find_obstacle(self, org: OrgId, target: CellId) -> MoveRefusal | None:
        """Find why a family that is here cannot go to a cell now. Raise StoreDown."""
        if (refusal := self._refuse_target(org, target)) is not None:
            return refusal
        obstacle = await self._departures.find_obstacle(FamilyId(org), target)
        return None if obstacle is None else MoveRefusal(org, *obstacle)

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
                f"Another cell must be open to take the orgs of cell {cell}; none is. Open one, or "
                "add one with `tidings cells create`.",
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
                f"The org must have no parent; org {org} is below org {root} and moves with it. "
                f"Move org {root}.",
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
                f"The org must not be moving; org {org} is on its way to cell {row.other}. Wait "
                f"until it is there, or take the move back with `tidings cells undo {org}`.",
            )
        if not self._families.is_root(org) or self._families.is_held(family):
            return _refuse_now(org, "it has only just arrived")
        if len(self._held()) >= FAMILIES_MAX:
            return _refuse_now(org, f"{FAMILIES_MAX} other orgs are moving")
        if (refusal := await self.find_obstacle(org, target)) is not None:
            return refusal
        receipt = await self._departures.begin(family, row.number + 1, target)
        if receipt.row is None or not receipt.changed:
            return _refuse_now(org, "it has just changed")
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
                f"The cell must be another one; org {org} is already in cell {target}. Name "
                "another one: `tidings cells list`.",
            )
        if entry.state is not CellState.OPEN:
            return MoveRefusal(
                org,
                "cell_not_open",
                f"The cell must be open; cell {target} is being drained. Name another one: "
                "`tidings cells list`.",
            )
        if not view.places.is_owned(target):
            return MoveRefusal(
                org,
                "cell_away",
                f"Cell {target} must be served; no process serves it. Start `tidings serve` on its "
                "machine and try again.",
            )
        return None

    def _refuse_switched(self, org: OrgId, row: FamilyRow) -> MoveRefusal:
        return MoveRefusal(
            org,
            "already_switched",
            f"The move must not be over; org {org} is already in cell {row.other}. Move it back "
            f"with `tidings cells move {org} --to {self._own.cell}`.",
        )

    def _refuse_drained(self, org: OrgId) -> MoveRefusal:
        return MoveRefusal(
            org,
            "draining",
            f"Cell {self._own.cell} must not be drained for an org to stay in it; it is, and would "
            f"move org {org} again at once. End that with `tidings cells open {self._own.cell}`, "
            "then take the move back.",
        )

    def _is_draining(self) -> bool:
        entry = self._own.reader.view.cells.get(self._own.cell)
        return entry is not None and entry.state is CellState.DRAINING

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
            expected_pause_s=round(expected_pause_s(self._departures.expected_rows(row)), 1),
            is_undone=row.state is FamilyState.RETURNING,
            problem=problem,
        )

    def _show_stayed(self, stayed: Stayed) -> MoveProgress:
        row, departure = stayed.row, stayed.departure
        return MoveProgress(
            family=OrgId(row.family),
            source=self._own.cell,
            target=row.other or CellId(0),
            number=row.number,
            state="stayed",
            began_ms=departure.began_ms,
            rows_expected=departure.expected,
            problem=departure.ending,
        )

    def _notice(self) -> str:
        """Say which families have been held for long."""
        long = [known for known in self._held() if self._departures.paused_s(known) > HELD_NOTICE_S]
        if not long:
            return self._drain_problem
        problem = next((known.problem for known in long if known.problem), "")
        why = f"{problem.rstrip('.')}." if problem else "Their rows are still being copied."
        return (
            f"Orgs whose calls have been answered 503 for more than {HELD_NOTICE_S:.0f} s, as they "
            f"move to another cell: {len(long)}. {why} See `tidings cells moves`; `tidings cells "
            "undo ORG` takes a move back."
        )

    async def _drain_own(self) -> None:
        """Begin to move the next families away, where this cell is being drained."""
        if not self._is_draining():
            self._drain_problem = ""
            return
        if self._held():
            return
        if self._families.left_over() or self._families.not_taken_up():
            return  # the process is begun again first
        roots = [org for org in self._orgs() if self._families.is_root(org)]
        if not roots:
            return
        rows = 0
        placed: Counter[CellId] = Counter()
        loads = await self._loads()
        if self._departures.now_s < self._drain_again_s:
            return
        self._drain_problem = ""
        stayed = {OrgId(stayed.row.family) for stayed in self._departures.stayed()}
        for org in [org for org in roots if org not in stayed][:FAMILIES_MAX]:
            target = self._choose_target(loads, placed)
            if target is None or rows >= ROWS_MAX:
                return
            placed[target] += 1
            try:
                found = await self._begin_one(org, target)
            except port.StoreDown:
                return
            if isinstance(found, FamilyRow):
                rows += self._departures.of(found).expected
            else:
                self._note_drain(org, "" if found is None else found.message)

    def _note_drain(self, org: OrgId, why: str) -> None:
        """Note that an org of a cell that is drained cannot move now: it is tried again soon."""
        self._drain_again_s = self._departures.now_s + DRAIN_AGAIN_S
        if not self._drain_problem:
            self._drain_problem = f"Org {org} cannot leave cell {self._own.cell} now. {why}".strip()
            log.warning("an org of a cell that is drained does not move", org=org, reason=why)

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
        org, "not_now", f"Org {org} cannot move now: {why}. Try again in ten seconds."
    )


def _unknown_cell(org: OrgId, cell: CellId) -> MoveRefusal:
    return MoveRefusal(
        org,
        "unknown_cell",
        f"The cell must be one that exists; got {cell}. See `tidings cells list`.",
    )
