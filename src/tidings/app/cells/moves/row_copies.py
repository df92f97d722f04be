"""Copies the rows of families that leave: page by page, then both sides are compared."""

import time
from collections.abc import Callable

import structlog

from tidings.app.cells.moves.door_steps import PAGE, SUM, PageAsked, SumAsked
from tidings.app.cells.moves.move_questions import (
    MoveInProgress,
    MoveIsOver,
    MoveWaits,
    OtherOwners,
    ask_owner,
    go_on,
)
from tidings.core.cells.families import FamilyRow
from tidings.store.port.family_rows import FamilyRowsStore, RowsSum

COPIES_MAX = 3  # of one move, where the sums are not the same

log = structlog.get_logger(__name__)


class RowCopies:
    """Copies from the store of one cell. To be used within one event loop."""

    def __init__(
        self,
        rows: FamilyRowsStore,
        others: OtherOwners,
        passed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._others = others
        self._passed_s = passed_s

    async def copy(self, row: FamilyRow, departure: MoveInProgress) -> None:
        """Copy a page of rows; behind the last one compare the sums of both sides. Raise MoveWaits,
        and MoveIsOver where rows cannot be the same, or have no room."""
        assert row.other is not None
        if not departure.is_copied:
            page = await self._rows.read_family_rows(row.family, row.number, departure.place)
            if page.count:
                asked = PageAsked(row.family, row.number, page)
                answer = await ask_owner(self._others, row.other, PAGE, asked)
                go_on(answer.problem, is_over=answer.is_over)
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
            raise MoveIsOver(
                f"The rows of the org must be the same in both cells; after {COPIES_MAX} copies "
                f"those of {', '.join(differing)} are not. Look for disk errors in the log of "
                f"cell {row.other}."
            )

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
            answer = await ask_owner(self._others, row.other, SUM, asked)
            go_on(answer.problem)
            if answer.sums is None:
                raise MoveWaits(f"Cell {row.other} must add its rows up; it has not.")
            sums, place = dict(answer.sums.sums), answer.sums.next
            if place is None:
                return sums
