"""The target's part in moves: its owner answers what the owner of the source asks.

Rows that arrive are seen by nobody until the switch. Behind it the process ends in order, and its
host starts another one at once, which takes up the families as any start does; until then their
calls are answered that they are moving. Families that come soon after each other share that.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog

from tidings.api.cells.question import CellQuestion
from tidings.app.cells.installation import Installation
from tidings.app.cells.moves.door_steps import (
    FACTS,
    PAGE,
    ROW,
    STEP,
    SUM,
    TAKE_UP,
    FactsAnswer,
    FactsAsked,
    PageAnswer,
    PageAsked,
    RowAnswer,
    RowAsked,
    StepAsked,
    SumAnswer,
    SumAsked,
    TakeUpAnswer,
    TakeUpAsked,
)
from tidings.app.cells.moves.step_entries import recording_step
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import FamilyMove, FamilyRow, FamilyState, move_row
from tidings.core.cells.moving import TargetFacts
from tidings.core.cells.ranges import RANGE_BITS
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.families import Families
from tidings.errors import Unavailable, Unusable
from tidings.store import port
from tidings.store.port.cell_map import CellState
from tidings.store.port.family_rows import FamilyRowsStore
from tidings.store.port.ranges import RangeStore

DROP_S = 1.0  # of one answer
TAKE_UP_S = 10.0  # after the last arrival, where nobody asks for it
GRANTED = 2  # ranges, where the cell has no spare above the numbers that arrive

Given = TypeVar("Given")
log = structlog.get_logger(__name__)


class MovingStore(FamilyRowsStore, RangeStore, Protocol):
    """Keeps the rows of families, and gives numbers."""


class Arrivals:
    """Answers for one cell. To be used within one event loop."""

    def __init__(
        self,
        own: Installation,
        families: Families,
        store: MovingStore,
        audit: AuditLog,
        begin_again: Callable[[], None],
        facts: Callable[[], TargetFacts],
        passed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`begin_again` ends the process in order, to be started again at once; `facts` tells what
        the cell is like now."""
        self._own = own
        self._families = families
        self._store = store
        self._audit = audit
        self._begin_again = begin_again
        self._facts = facts
        self._passed_s = passed_s
        self._fresh_from = 0  # all that is numbered from now on is above that
        self._arrived_s: float | None = None  # when the last family was switched

    def questions(self) -> list[CellQuestion[Any, Any]]:
        """List what is asked at the door."""
        return [
            FACTS.answered_by(self._answer_facts),
            ROW.answered_by(self.answer_row),
            STEP.answered_by(self.take_step),
            PAGE.answered_by(self.take_page),
            SUM.answered_by(self.add_up),
            TAKE_UP.answered_by(self._take_up),
        ]

    async def answer_row(self, asked: RowAsked) -> RowAnswer:
        """Return the row of a family as the store has it behind an empty commit."""
        return RowAnswer(await self._families.ask_again(asked.family))

    async def take_step(self, asked: StepAsked) -> RowAnswer:
        """Do a step of a move, and tell the row behind it."""
        row = await self._families.ask_again(asked.family)
        problem = ""
        try:
            if asked.move is FamilyMove.RECEIVE:
                problem = self._refuse_arrival()
            if asked.move in (FamilyMove.RECEIVE, FamilyMove.SWITCH) and not problem:
                await self._number_above(asked, row)
            elif asked.move is FamilyMove.EMPTY and row is not None:
                if row.state is FamilyState.GONE and await self._drop(row):
                    return RowAnswer(row)
        except (Unavailable, Unusable, port.StaleChange) as error:
            problem = str(error)
        if problem:
            return RowAnswer(row, problem)
        step = port.FamilyStep(
            asked.family,
            asked.move,
            asked.number,
            other=asked.source,
            ended=asked.ended,
            leaps=asked.leaps,
        )
        with recording_step(self._audit, step, asked.source, asked.orgs):
            receipt = await self._families.move(step)
        if receipt.changed:
            log.info(
                "a family takes a step",
                family=asked.family,
                step=asked.move.name.lower(),
                number=asked.number,
                source=asked.source,
            )
        if asked.move is FamilyMove.SWITCH and receipt.row is not None:
            await self._note_switch(receipt.row)
        return RowAnswer(receipt.row)

    async def take_page(self, asked: PageAsked) -> PageAnswer:
        """Write a page of rows. The numbers of the store go on above them: where no spare is, a
        range is granted first."""

        def write() -> Awaitable[None]:
            return self._store.write_family_rows(asked.family, asked.number, asked.page)

        try:
            await self._with_numbers(write)
        except port.StoreFull:
            free = self._facts().free_bytes
            left = "" if free is None else f"; {free / 1e6:,.1f} MB are free"
            return PageAnswer(
                f"The disk of cell {self._own.cell} must have room for all rows of the org; it is "
                f"full{left}. Free space there, or name another cell.",
                is_over=True,
            )
        except (Unavailable, Unusable, port.StaleChange) as error:
            return PageAnswer(str(error))
        return PageAnswer()

    async def add_up(self, asked: SumAsked) -> SumAnswer:
        """Add up a stretch of rows."""
        try:
            return SumAnswer(
                await self._store.sum_family_rows(
                    asked.family, asked.number, asked.place, asked.so_far
                )
            )
        except (Unavailable, Unusable, port.StaleChange) as error:
            return SumAnswer(problem=str(error))

    def look(self) -> None:
        """Have families taken up that have arrived, where nobody has asked for it."""
        arrived_s = self._arrived_s
        if arrived_s is not None and self._passed_s() - arrived_s >= TAKE_UP_S:
            self.begin_again_if_due()

    def begin_again_if_due(self) -> int:
        """Have the process begun again where families wait for that; return how many."""
        waiting = self._families.not_taken_up()
        if waiting:
            log.info("families have arrived; the process is begun again", count=len(waiting))
            self._begin_again()
        return len(waiting)

    # -- inside -----------------------------------------------------------------------------------

    async def _answer_facts(self, _: FactsAsked) -> FactsAnswer:
        return FactsAnswer(*self._facts())

    async def _take_up(self, _: TakeUpAsked) -> TakeUpAnswer:
        return TakeUpAnswer(self.begin_again_if_due())

    def _refuse_arrival(self) -> str:
        """Return why no family may begin to arrive; empty: one may."""
        entry = self._own.reader.view.cells.get(self._own.cell)
        if entry is None or entry.state is CellState.OPEN:
            return ""
        return f"Cell {self._own.cell} must take families; it is being drained."

    async def _number_above(self, asked: StepAsked, row: FamilyRow | None) -> None:
        """Begin a range of numbers above all that arrive: before the first row does, and again
        before the switch by a process that has not. It is done again with each try, which costs a
        range and nothing else. Raise MapDown."""
        family, number = asked.family, asked.number
        if move_row(row, asked.move, family=family, number=number) is None:
            return
        if self._fresh_from > asked.above:
            return
        begun = await self._with_numbers(lambda: self._store.begin_range(asked.above))
        self._fresh_from = begun.begun << RANGE_BITS

    async def _with_numbers(self, ask: Callable[[], Awaitable[Given]]) -> Given:
        """Ask the store for what may need a range above all that it has, and have the map grant it
        one where that is so. Raise MapDown, MapRefused."""
        try:
            return await ask()
        except port.NoNumbers:
            ranges = await self._store.number_ranges()
        highest = max(ranges.granted, default=-1)
        wanted = len(ranges.spares) + GRANTED
        granted = await self._own.store.grant_ranges(self._own.cell, highest, wanted)
        await self._store.grant_ranges(granted)
        return await ask()

    async def _note_switch(self, row: FamilyRow) -> None:
        """Name the family's new place in the map. While that is away, the next start does it."""
        if row.state is not FamilyState.HERE:
            return
        self._arrived_s = self._passed_s()
        at = FamilyPlace(self._own.cell, row.number)
        self._own.reader.view.places.learn(row.family, at)
        try:
            await self._own.store.place_families({row.family: at})
        except (Unavailable, Unusable) as error:
            log.warning("the map does not know yet of a move", reason=str(error))

    async def _drop(self, row: FamilyRow) -> bool:
        """Drop rows of a family for a while; return whether there are more."""
        until_s = self._passed_s() + DROP_S
        while await self._store.drop_family_rows(row.family, row.number):
            if self._passed_s() >= until_s:
                return True
        return False
