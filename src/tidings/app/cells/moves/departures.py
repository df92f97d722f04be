"""The source's part in moves: its owner carries on every family that leaves its cell.

All that is known of a move stands in the rows of both stores, so it goes on after whatever crash:
here is only what shortens the way, as how far rows were copied. Families that leave for one cell
are switched together, when all of them are copied, for each side begins its process once for them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec
import structlog

from tidings.app.cells.moves.door_steps import (
    PAGE,
    ROW,
    STEP,
    SUM,
    TAKE_UP,
    DoorStep,
    PageAsked,
    RowAnswer,
    RowAsked,
    StepAsked,
    SumAsked,
    TakeUpAsked,
)
from tidings.app.cells.moves.move_figures import MoveFigures
from tidings.app.cells.moves.step_entries import recording_step
from tidings.core.cells.families import (
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    MoveOutcome,
    outcome_at,
)
from tidings.core.cells.moving import MoveSituation, MoveStep, next_step
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.families import Families
from tidings.errors import Unavailable
from tidings.store import port
from tidings.store.port.family_rows import FamilyRowsStore, RowsPlace, RowsSum

DRAIN_S = 120.0  # for what is under way; a family that has something then stays here
GROUP_S = 60.0  # for which one that is copied waits for others that go to the same cell
TARGETS_S = 30.0  # for which the process is not begun again before those of the targets
DROP_S = 1.0  # of a step
COPIES_MAX = 3  # of one move, where the sums are not the same

Asked = TypeVar("Asked")
Found = TypeVar("Found")
log = structlog.get_logger(__name__)

_AT_SOURCE = {
    MoveStep.SEAL: FamilyMove.SEAL,
    MoveStep.END_SWITCHED: FamilyMove.SWITCHED,
    MoveStep.END_UNDONE: FamilyMove.UNDONE,
}
_AT_TARGET = {
    MoveStep.EMPTY_TARGET: FamilyMove.EMPTY,
    MoveStep.RECEIVE: FamilyMove.RECEIVE,
    MoveStep.SWITCH: FamilyMove.SWITCH,
    MoveStep.REFUSE: FamilyMove.REFUSE,
}


class OtherOwners(Protocol):
    """Asks the owners of other cells."""

    def ask_cell(
        self, cell: CellId, step: DoorStep[Asked, Found], asked: Asked
    ) -> Awaitable[Found | None]:
        """Ask the owner of one cell; None where no answer came."""


class MoveInProgress(msgspec.Struct):
    """Hold what this process knows of a move beside the rows. Times by its own clock."""

    number: int
    began_ms: int
    began_s: float
    expected: int = 0  # rows
    done: int = 0
    place: RowsPlace | None = None  # from where rows are read
    is_copied: bool = False
    copies: int = 0
    verified_s: float | None = None  # since when the sums are the same
    problem: str = ""


class _Waits(Unavailable):
    """A move cannot go on now; the text says why."""


class Departures:
    """Carries on the moves of one cell. To be used within one event loop."""

    def __init__(
        self,
        families: Families,
        rows: FamilyRowsStore,
        audit: AuditLog,
        others: OtherOwners,
        cell: CellId,
        under_way: Callable[[FamilyId], str],
        begin_again: Callable[[], None],
        now_ms: Callable[[], int],
        passed_s: Callable[[], float] = time.monotonic,
        is_removed: Callable[[CellId], bool] = lambda _: False,
        ended_sessions: Callable[[], Sequence[bytes]] = lambda: (),
    ) -> None:
        """`under_way` says what of a family has begun and has not ended, empty: nothing;
        `begin_again` ends the process in order, to be started again at once; `is_removed`: of a
        cell that nobody can ask any more; `ended_sessions` lists those that the store has still."""
        self.figures = MoveFigures()
        self._families = families
        self._rows = rows
        self._audit = audit
        self._others = others
        self._cell = cell
        self._under_way = under_way
        self._begin_again = begin_again
        self._now_ms = now_ms
        self._passed_s = passed_s
        self._is_removed = is_removed
        self._ended_sessions = ended_sessions
        self._known: dict[FamilyId, MoveInProgress] = {}
        self._lock = asyncio.Lock()  # of steps in the own store
        self._left_s: float | None = None  # since when families have left
        self._doubtful: set[FamilyId] = set()  # the answer to a step was lost

    def of(self, row: FamilyRow) -> MoveInProgress:
        """Return what is known of the move of a row; one that a former process has begun is counted
        from now on."""
        known = self._known.get(row.family)
        if known is None or known.number != row.number:
            known = MoveInProgress(row.number, self._now_ms(), self._passed_s())
            self._known[row.family] = known
        return known

    def paused_s(self, departure: MoveInProgress) -> float:
        """Compute for how long the calls of a family have been refused."""
        return self._passed_s() - departure.began_s

    async def begin(self, family: FamilyId, number: int, target: CellId) -> port.FamilyReceipt:
        """Begin a move. Raise StoreDown: it may have begun, and is found out."""
        return await self._move(family, FamilyMove.BEGIN, number, target)

    async def undo(self, family: FamilyId) -> None:
        """Have a family stay: at once, where the target has not been asked for anything; else once
        it has refused, which the row remembers. Raise StoreDown."""
        async with self._lock:  # or it may be sealed meanwhile, and the target be asked
            row = self._families.row_of(family)
            if row is None or row.state not in (FamilyState.LEAVING, FamilyState.SEALED):
                return
            is_leaving = row.state is FamilyState.LEAVING
            move = FamilyMove.UNDONE if is_leaving else FamilyMove.RECALL
            receipt = await self._move_alone(family, move, row.number)
        if receipt.changed:
            log.info("a move is taken back", family=family, number=row.number)
            if is_leaving:
                self._end_undone(family)

    def waits_for(self, row: FamilyRow) -> str:
        """Say what a family that is leaving waits for; empty: nothing."""
        found = self._under_way(row.family)
        return f"It waits until {found} of the family have ended." if found else ""

    async def count_rows(self, row: FamilyRow) -> int:
        """Estimate how many rows a family has; 0 where the store does not say."""
        departure = self.of(row)
        if not departure.expected:
            with suppress(port.StoreDown):
                departure.expected = await self._rows.count_family_rows(row.family)
        return departure.expected

    async def step(self, beat: Callable[[], None] = lambda: None) -> None:
        """Do the next steps of all moves, as far as they go now."""
        await self._find_out()
        ready: list[FamilyRow] = []
        going: set[CellId] = set()  # targets for which other families are being copied
        for row in sorted(self._families.leaving(), key=lambda row: row.family):
            beat()
            departure = self.of(row)
            if await self._carry_on(row.family, departure, beat):
                ready.append(self._families.row_of(row.family) or row)
            elif not departure.problem and row.other is not None and self._is_copied(row.family):
                going.add(row.other)
        now_s = self._passed_s()
        targets = {
            row.other
            for row in ready
            if row.other not in going or now_s - (self.of(row).verified_s or now_s) >= GROUP_S
        }
        for target in targets:
            if target is not None:
                await self._switch([row for row in ready if row.other == target], target)
        self._forget()
        if not going:
            await self._begin_again_if_due()

    async def _begin_again_if_due(self) -> None:
        """Have the process begun again where families have left it: behind their targets, so that
        there is always one of both that takes calls."""
        left = self._families.left_over()
        if not left:
            return
        now_s = self._passed_s()
        self._left_s = now_s if self._left_s is None else self._left_s
        rows = [self._families.row_of(family) for family in left]
        for target in {row.other for row in rows if row is not None and row.other is not None}:
            answer = await self._others.ask_cell(target, TAKE_UP, TakeUpAsked())
            if (answer is None or answer.families) and now_s - self._left_s < TARGETS_S:
                return
        log.info("families have left; the process is begun again", count=len(left))
        self._begin_again()

    # -- one family -------------------------------------------------------------------------------

    async def _carry_on(
        self, family: FamilyId, departure: MoveInProgress, beat: Callable[[], None]
    ) -> bool:
        """Do steps of a move until it waits for something; return whether it waits only for others
        to be switched."""
        try:
            while (row := self._families.row_of(family)) is not None:
                beat()
                if not await self._do_next(row, departure):
                    return departure.verified_s is not None and row.state is FamilyState.SEALED
                departure.problem = ""
        except _Waits as waits:
            self._note_problem(family, departure, str(waits))
        except (port.StoreDown, port.StaleChange) as refused:
            self._doubtful.add(family)
            self._note_problem(family, departure, str(refused))
        return False

    async def _do_next(self, row: FamilyRow, departure: MoveInProgress) -> bool:
        """Do one step; return whether there may be another one now."""
        if row.state is FamilyState.GONE:
            return await self._drop(row)
        if not row.state.is_moving or row.other is None or self._doubtful & {row.family}:
            return False
        if row.state is FamilyState.LEAVING:
            return await self._seal(row, departure)
        answer = await self._ask(row.other, ROW, RowAsked(row.family))
        situation = MoveSituation(target_answers=True, is_verified=departure.verified_s is not None)
        step = next_step(row, answer.row, situation)
        if step in (MoveStep.SWITCH, MoveStep.DONE, MoveStep.WAIT):
            return False  # families are switched together
        if step is MoveStep.COPY:
            await self._copy(row, departure)
        elif (move := _AT_SOURCE.get(step)) is not None:
            await self._move(row.family, move, row.number)
            if step is MoveStep.END_SWITCHED:
                self._end_switched(row, departure)
            elif step is MoveStep.END_UNDONE:
                self._end_undone(row.family)
        elif (move := _AT_TARGET.get(step)) is not None:
            number, above = row.number, 0
            if move is FamilyMove.EMPTY and answer.row is not None:
                number = answer.row.number
            elif move is FamilyMove.RECEIVE:
                above = await self._rows.highest_numbers_of(row.family)
            await self._step_at_target(row, move, number, above)
        return True

    async def _seal(self, row: FamilyRow, departure: MoveInProgress) -> bool:
        """Seal a family once nothing of it is under way; one that has something for too long stays
        here."""
        await self.count_rows(row)
        waits_for = self._under_way(row.family)
        if not waits_for:
            await self._move(row.family, FamilyMove.SEAL, row.number)
            return True
        if self.paused_s(departure) < DRAIN_S:
            departure.problem = ""
            return False
        log.error(
            "a move is given up, for something of the family does not end",
            family=row.family,
            waits_for=waits_for,
        )
        await self._move(row.family, FamilyMove.UNDONE, row.number)
        self._end_undone(row.family)
        return False

    async def _copy(self, row: FamilyRow, departure: MoveInProgress) -> None:
        """Copy a page of rows; behind the last one compare the sums of both sides."""
        assert row.other is not None
        await self.count_rows(row)
        if not departure.is_copied:
            page = await self._rows.read_family_rows(row.family, row.number, departure.place)
            if page.count:
                answer = await self._ask(row.other, PAGE, PageAsked(row.family, row.number, page))
                _go_on(answer.problem)
            departure.done += page.count
            departure.place = page.next
            departure.is_copied = page.next is None
            return
        own, others = await self._sum(row), await self._sum_at_target(row)
        if own == others:
            departure.verified_s = self._passed_s()
            return
        departure.copies += 1
        departure.place, departure.is_copied, departure.done = None, False, 0
        differing = sorted(name for name in own | others if own.get(name) != others.get(name))
        log.error(
            "rows of a family differ after they were copied", family=row.family, tables=differing
        )
        if departure.copies >= COPIES_MAX:
            await self._move(row.family, FamilyMove.RECALL, row.number)

    async def _sum(self, row: FamilyRow) -> dict[str, RowsSum]:
        place, sums = None, dict[str, RowsSum]()
        while True:
            found = await self._rows.sum_family_rows(row.family, row.number, place, sums)
            sums, place = dict(found.sums), found.next
            if place is None:
                return sums

    async def _sum_at_target(self, row: FamilyRow) -> dict[str, RowsSum]:
        assert row.other is not None
        place, sums = None, dict[str, RowsSum]()
        while True:
            asked = SumAsked(row.family, row.number, place=place, so_far=sums)
            answer = await self._ask(row.other, SUM, asked)
            _go_on(answer.problem)
            if answer.sums is None:
                raise _Waits("its target has added nothing up")
            sums, place = dict(answer.sums.sums), answer.sums.next
            if place is None:
                return sums

    async def _drop(self, row: FamilyRow) -> bool:
        """Drop rows of a family that has gone, for a while. While its orgs are in memory here, it
        is left alone: the next start does it. That it has gone may be by the map alone; so the cell
        that has it says so first."""
        if row.family in self._families.left_over():
            return False
        if row.other is not None and not self._is_removed(row.other):
            answer = await self._ask(row.other, ROW, RowAsked(row.family))
            if outcome_at(answer.row, row.number) is not MoveOutcome.SWITCHED:
                raise _Waits(
                    f"Cell {row.other} must have the family before its rows are dropped here; it "
                    "does not have it."
                )
        until_s = self._passed_s() + DROP_S
        while await self._rows.drop_family_rows(row.family, row.number):
            if self._passed_s() >= until_s:
                return False
        await self._move(row.family, FamilyMove.EMPTY, row.number)
        return False

    # -- all that go to one cell ------------------------------------------------------------------

    async def _switch(self, rows: Iterable[FamilyRow], target: CellId) -> None:
        """Switch families, have the target take them up, and let them go here."""
        for row in rows:
            departure = self.of(row)
            try:
                above = await self._rows.highest_numbers_of(row.family)
                if self._families.row_of(row.family) != row:
                    continue  # it is wanted back
                await self._step_at_target(row, FamilyMove.SWITCH, row.number, above)
            except _Waits as waits:
                self._note_problem(row.family, departure, str(waits))
            except (port.StoreDown, port.StaleChange) as refused:
                self._note_problem(row.family, departure, str(refused))
        for row in rows:
            await self._carry_on(row.family, self.of(row), lambda: None)
        await self._others.ask_cell(target, TAKE_UP, TakeUpAsked())

    # -- inside -----------------------------------------------------------------------------------

    async def _move(
        self, family: FamilyId, move: FamilyMove, number: int, other: CellId | None = None
    ) -> port.FamilyReceipt:
        """Do a step in the own store. Raise StoreDown, and find out later what became of it."""
        async with self._lock:
            return await self._move_alone(family, move, number, other)

    async def _move_alone(
        self, family: FamilyId, move: FamilyMove, number: int, other: CellId | None = None
    ) -> port.FamilyReceipt:
        step = port.FamilyStep(family, move, number, other=other)
        row = self._families.row_of(family)
        if other is None and row is not None:
            other = row.other
        try:
            with recording_step(self._audit, step, other, self._families.orgs_of(family)):
                receipt = await self._families.move(step)
        except port.StoreDown:
            self._doubtful.add(family)
            raise
        if receipt.changed:
            log.info("a family takes a step", family=family, step=move.name.lower(), number=number)
        return receipt

    async def _step_at_target(
        self, row: FamilyRow, move: FamilyMove, number: int, above: int = 0
    ) -> RowAnswer:
        assert row.other is not None
        is_switch = move is FamilyMove.SWITCH
        asked = StepAsked(
            family=row.family,
            move=move,
            number=number,
            source=self._cell,
            above=above,
            orgs=self._families.orgs_of(row.family) if is_switch else (),
            ended=self._ended_sessions() if is_switch else (),
        )
        answer = await self._ask(row.other, STEP, asked)
        _go_on(answer.problem)
        return answer

    async def _ask(self, cell: CellId, step: DoorStep[Asked, Found], asked: Asked) -> Found:
        found = await self._others.ask_cell(cell, step, asked)
        if found is None:
            raise _Waits(f"The owner of cell {cell} must answer; it does not.")
        return found

    async def _find_out(self) -> None:
        """Find out what became of steps whose answers were lost."""
        for family in sorted(self._doubtful):
            try:
                await self._families.ask_again(family)
            except port.StoreDown:
                return
            self._doubtful.discard(family)

    def _is_copied(self, family: FamilyId) -> bool:
        row = self._families.row_of(family)
        return row is not None and row.state is FamilyState.SEALED

    def _note_problem(self, family: FamilyId, departure: MoveInProgress, problem: str) -> None:
        if not departure.problem:
            log.warning("a move waits", family=family, reason=problem)
        departure.problem = problem

    def _end_switched(self, row: FamilyRow, departure: MoveInProgress) -> None:
        self.figures.count_end("switched", self.paused_s(departure))
        log.info(
            "a family has moved",
            family=row.family,
            target=row.other,
            rows=departure.done,
            paused_s=round(self.paused_s(departure), 3),
        )

    def _end_undone(self, family: FamilyId) -> None:
        departure = self._known.pop(family, None)
        paused_s = 0.0 if departure is None else self.paused_s(departure)
        self.figures.count_end("undone", paused_s)
        log.info("a family stays", family=family, paused_s=round(paused_s, 3))

    def _forget(self) -> None:
        """Forget moves that have ended."""
        leaving = {row.family for row in self._families.leaving()}
        for family in self._known.keys() - leaving:
            del self._known[family]


def _go_on(problem: str) -> None:
    """Raise _Waits where the target says that something could not be done."""
    if problem:
        raise _Waits(problem)
