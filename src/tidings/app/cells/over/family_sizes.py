"""How large families are, as the owners of their cells count them: what a move of one costs."""

from collections.abc import Awaitable, Callable

import msgspec

from tidings.api.cells.other_cells import OtherCells
from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.core.cells.families import FamilyId

CountRows = Callable[[FamilyId], Awaitable[int | None]]


class SizeAsked(msgspec.Struct, frozen=True):
    """Ask how large a family is."""

    family: FamilyId


class SizeFound(msgspec.Struct, frozen=True):
    """Hold about how many rows a cell has of a family; None: it is not there."""

    rows: int | None = None


class FamilySizes:
    """Asks for them. To be used within one event loop."""

    def __init__(self, every: OtherCells, count_rows: CountRows) -> None:
        """`count_rows`: of a family of this cell; None where it is another's."""
        self._every = every
        self._count_rows = count_rows
        self.question = CellQuestion(
            name="family-size", asks=SizeAsked, finds=SizeFound, answer=self._answer
        )

    async def rows_of(self, family: FamilyId) -> int | None:
        """Return about how many rows there are of a family; None where nobody answers for it.
        Raise StoreDown."""
        own = await self._count_rows(family)
        if own is not None:
            return own
        asked = msgspec.json.encode(SizeAsked(family))
        question = self.question
        found = await self._every.ask(question.name, asked, SizeFound, question.answer_s)
        rows = [size.rows for size in found.by_cell.values() if size.rows is not None]
        return max(rows, default=None)

    async def _answer(self, services: Services, asked: SizeAsked) -> SizeFound:
        return SizeFound(await self._count_rows(asked.family))
