"""The source's part in moves: its owner carries on every family that leaves its cell.

All that is known of a move stands in the rows of both stores, so it goes on after whatever crash:
here is only what shortens the way, as how far rows were copied. Families that leave for one cell
are switched together, when all of them are copied, for each side begins its process once for them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import structlog

from tidings.app.cells.moves.door_steps import (
    FACTS,
    ROW,
    STEP,
    TAKE_UP,
    DoorStep,
    FactsAsked,
    RowAnswer,
    RowAsked,
    StepAsked,
    TakeUpAsked,
)
from tidings.app.cells.moves.move_figures import MoveFigures
from tidings.app.cells.moves.move_questions import (
    MoveInProgress,
    MoveIsOver,
    MoveWaits,
    OtherOwners,
    ask_owner,
    go_on,
)
from tidings.app.cells.moves.row_copies import RowCopies
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
from tidings.core.cells.moving import (
    MoveSituation,
    MoveStep,
    TargetFacts,
    find_obstacle,
    next_step,
)
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.families import Families
from tidings.store import port
from tidings.store.port.family_rows import FamilyFacts, FamilyRowsStore

DRAIN_S = 120.0  # for what is under way; a family that has something then stays here
GROUP_S = 60.0  # for which one that is copied waits for others that go to the same cell
TARGETS_S = 30.0  # for which the process is not begun again before those of the targets
DROP_S = 1.0  # of a step
STAYED_S = 600.0  # for which it is shown why a family stays; a drain lets it be for so long

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


class Stayed(NamedTuple):
    """Say why a family has stayed though nobody has taken its move back."""

    row: FamilyRow
    departure: MoveInProgress
    at_s: float


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
        self._copies = RowCopies(rows, others, passed_s)
        self._stayed: dict[FamilyId, Stayed] = {}
        self._sizes: dict[FamilyId, FamilyFacts] = {}  # of those that are about to leave

    def of(self, row: FamilyRow) -> MoveInProgress:
        """Return what is known of the move of a row."""
        known = self._known.get(row.family)
        if known is None or known.number != row.number:
            known = MoveInProgress(row.number, self._now_ms(), self._passed_s())
            self._known[row.family] = known
        return known

    @property
    def now_s(self) -> float:
        """Return the time by the clock that moves go by, in seconds."""
        return self._passed_s()

    def paused_s(self, departure: MoveInProgress) -> float:
        """Compute for how long the calls of a family have been refused."""
        return self._passed_s() - departure.began_s

    def expected_rows(self, row: FamilyRow) -> int:
        """Return how many rows go before the calls of a family are taken again: those of all that
        go to its target now, for they are switched together."""
        going = (other for other in self._families.leaving() if other.state.is_moving)
        return sum(self.of(other).expected for other in going if other.other == row.other)

    def stayed(self) -> list[Stayed]:
        """List the families that have stayed though nobody has taken their moves back, a while
        ago at most."""
        now_s = self._passed_s()
        self._stayed = {
            family: stayed
            for family, stayed in self._stayed.items()
            if now_s - stayed.at_s < STAYED_S
        }
        return [self._stayed[family] for family in sorted(self._stayed)]

    async def find_obstacle(self, family: FamilyId, target: CellId) -> tuple[str, str] | None:
        """Find why a family cannot go to a cell now, by what the owner of that says of it: a code,
        and a sentence with what to do. Raise StoreDown."""
        answer = await self._others.ask_cell(target, FACTS, FactsAsked())
        if answer is None:
            return "cell_away", (
                f"Cell {target} must answer before an org goes there; it does not. Try again once "
                f"`tidings cells show {target}` names its owner and no problem."
            )
        self._sizes[family] = facts = await self._rows.facts_of_family(family)
        coming = sum(
            self.of(row).bytes
            for row in self._families.leaving()
            if row.state.is_moving and row.other == target and not self.of(row).is_copied
        )
        there = TargetFacts(answer.now_ms, answer.wall_ms, answer.free_bytes)
        needed = facts.bytes + coming
        return find_obstacle(self._cell, target, self._now_ms(), needed, there)

    async def begin(self, family: FamilyId, number: int, target: CellId) -> port.FamilyReceipt:
        """Begin a move. Raise StoreDown: it may have begun, and is found out."""
        facts = self._sizes.pop(family, None)
        self._stayed.pop(family, None)
        receipt = await self._move(family, FamilyMove.BEGIN, number, target)
        if receipt.changed and receipt.row is not None and facts is not None:
            departure = self.of(receipt.row)
            departure.expected, departure.bytes = facts.rows, facts.bytes
            departure.is_looked_up = True
        return receipt

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
                self._end_undone(row)

    def waits_for(self, row: FamilyRow) -> str:
        """Say what a family that is leaving waits for; empty: nothing."""
        found = self._under_way(row.family)
        return f"It waits until {found} of the family have ended." if found else ""

    async def _look_up(self, rows: Iterable[FamilyRow]) -> None:
        """Look up when moves have begun, which may be by a former process, and how large their
        families are. Where the store does not say, the next step does it."""
        try:
            for row in rows:
                departure = self.of(row)
                if departure.is_looked_up or not row.state.is_moving:
                    continue
                facts = await self._rows.facts_of_family(row.family)
                departure.expected, departure.bytes = facts.rows, facts.bytes
                passed_ms = self._now_ms() - (facts.held_ms or departure.began_ms)
                if passed_ms > 0:
                    departure.began_s = self._passed_s() - passed_ms / 1000
                    departure.began_ms = self._now_ms() - passed_ms
                departure.is_looked_up = True
        except port.StoreDown:
            return

    async def step(self, beat: Callable[[], None] = lambda: None) -> None:
        """Do the next steps of all moves, as far as they go now."""
        await self._find_out()
        await self._look_up(self._families.leaving())
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
        except MoveWaits as waits:
            self._note_problem(family, departure, str(waits))
        except MoveIsOver as over:
            await self._give_up(family, departure, str(over))
        except (port.StoreDown, port.StaleChange) as refused:
            self._doubtful.add(family)
            self._note_problem(family, departure, str(refused))
        return False

    async def _give_up(self, family: FamilyId, departure: MoveInProgress, why: str) -> None:
        """Have a family stay whose move can never be."""
        log.error("a move is given up", family=family, reason=why)
        departure.ending = departure.problem = why
        row = self._families.row_of(family)
        if row is not None and row.state is FamilyState.SEALED:
            try:
                await self._move(family, FamilyMove.RECALL, row.number)
            except port.StoreDown as refused:
                self._note_problem(family, departure, str(refused))

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
            await self._copies.copy(row, departure)
        elif (move := _AT_SOURCE.get(step)) is not None:
            await self._move(row.family, move, row.number)
            if step is MoveStep.END_SWITCHED:
                self._end_switched(row, departure)
            elif step is MoveStep.END_UNDONE:
                self._end_undone(row)
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
        waits_for = self._under_way(row.family)
        if not waits_for:
            await self._move(row.family, FamilyMove.SEAL, row.number)
            return True
        if self.paused_s(departure) < DRAIN_S:
            departure.problem = ""
            return False
        why = f"What is under way must end within {DRAIN_S:.0f} s; {waits_for} have not ended."
        log.error("a move is given up", family=row.family, reason=why)
        departure.ending = why
        await self._move(row.family, FamilyMove.UNDONE, row.number)
        self._end_undone(row)
        return False

    async def _drop(self, row: FamilyRow) -> bool:
        """Drop rows of a family that has gone, for a while. While its orgs are in memory here, it
        is left alone: the next start does it. That it has gone may be by the map alone; so the cell
        that has it says so first."""
        if row.family in self._families.left_over():
            return False
        if row.other is not None and not self._is_removed(row.other):
            answer = await self._ask(row.other, ROW, RowAsked(row.family))
            if outcome_at(answer.row, row.number) is not MoveOutcome.SWITCHED:
                raise MoveWaits(
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
            except MoveWaits as waits:
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
        leaps: Sequence[port.ClockLeap] = ()
        if is_switch:
            leaps = await self._rows.clock_leaps()
        asked = StepAsked(
            family=row.family,
            move=move,
            number=number,
            source=self._cell,
            above=above,
            orgs=self._families.orgs_of(row.family) if is_switch else (),
            ended=self._ended_sessions() if is_switch else (),
            leaps=leaps,
        )
        answer = await self._ask(row.other, STEP, asked)
        go_on(answer.problem)
        return answer

    async def _ask(self, cell: CellId, step: DoorStep[Asked, Found], asked: Asked) -> Found:
        return await ask_owner(self._others, cell, step, asked)

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

    def _end_undone(self, row: FamilyRow) -> None:
        family, departure = row.family, self._known.pop(row.family, None)
        paused_s = 0.0 if departure is None else self.paused_s(departure)
        if departure is not None and departure.ending:
            self._stayed[family] = Stayed(row, departure, self._passed_s())
        self.figures.count_end("undone", paused_s)
        log.info("a family stays", family=family, paused_s=round(paused_s, 3))

    def _forget(self) -> None:
        """Forget moves that have ended."""
        self._sizes.clear()
        leaving = {row.family for row in self._families.leaving()}
        for family in self._known.keys() - leaving:
            del self._known[family]
