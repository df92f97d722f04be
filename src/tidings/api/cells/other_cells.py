"""The other cells of an installation, as the API asks them; where there is one cell, none."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from tidings.core.cells.families import CellId

Found = TypeVar("Found")


class Gathered(NamedTuple, Generic[Found]):
    """Hold what the cells have answered, and which have not."""

    by_cell: Mapping[CellId, Found]
    missing: Sequence[CellId] = ()


class OtherCells(Protocol):
    """Asks the owners of all other cells at once; bounded in time, in parallel and in bytes."""

    @property
    def own(self) -> CellId:
        """Return the cell of this process."""

    def ask(
        self,
        name: str,
        asked: bytes,
        found: type[Found],
        answer_s: float,
        is_near: bool = False,
        cells: Collection[CellId] | None = None,
    ) -> Awaitable[Gathered[Found]]:
        """Ask every other owner a question, or those of these `cells`. Whoever is gone, has not
        answered within `answer_s`, or answers what is not of the form `found`, is missing.
        `is_near`: those of this machine alone."""
