"""What a move asks the owner of its target, and how it goes on where that does not do it.

Apart from who carries moves on, for those who copy rows ask as well.
"""

from collections.abc import Awaitable
from typing import Protocol, TypeVar

import msgspec

from tidings.app.cells.moves.door_steps import DoorStep
from tidings.core.cells.families import CellId
from tidings.errors import Unavailable
from tidings.store.port.family_rows import RowsPlace

Asked = TypeVar("Asked")
Found = TypeVar("Found")


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
    is_looked_up: bool = False  # when it began, and how large it is
    expected: int = 0  # rows
    bytes: int = 0  # that they take
    done: int = 0
    place: RowsPlace | None = None  # from where rows are read
    is_copied: bool = False
    copies: int = 0
    verified_s: float | None = None  # since when the sums are the same
    problem: str = ""
    ending: str = ""  # why it is taken back, where nobody has asked for it


class MoveWaits(Unavailable):
    """A move cannot go on now; the text says why."""


class MoveIsOver(Unavailable):
    """A move can never be; the text says why. The family stays."""


async def ask_owner(
    others: OtherOwners, cell: CellId, step: DoorStep[Asked, Found], asked: Asked
) -> Found:
    """Ask the owner of a target. Raise MoveWaits where it does not answer."""
    found = await others.ask_cell(cell, step, asked)
    if found is None:
        raise MoveWaits(f"The owner of cell {cell} must answer; it does not.")
    return found


def go_on(problem: str, *, is_over: bool = False) -> None:
    """Raise MoveWaits, or MoveIsOver, where the target says that something was not done."""
    if problem:
        raise MoveIsOver(problem) if is_over else MoveWaits(problem)
