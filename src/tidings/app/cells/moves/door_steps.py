"""What the owner of a source cell asks the owner of a target cell, by questions at the door.

Each is answered by what the target's store has, behind everything that was written there before.
Fields are added with a default: processes of two releases ask each other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from tidings.api.cells.question import CellQuestion
from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyRow
from tidings.core.ids import OrgId
from tidings.store.port.family_rows import (
    ClockLeap,
    FamilyRowsPage,
    FamilyRowsSums,
    RowsPlace,
    RowsSum,
)

Asked = TypeVar("Asked")
Found = TypeVar("Found")

ANSWER_S = 15.0  # for a store to write what is asked
PAGE_BYTES_MAX = 32 << 20  # of a page as it goes over the wire: one row may be a long event


@dataclass(frozen=True, kw_only=True)
class DoorStep(Generic[Asked, Found]):
    """Hold what one owner asks of another one, and the forms of both sides."""

    name: str
    asks: type[Asked]
    finds: type[Found]
    answer_s: float = ANSWER_S
    asked_bytes_max: int = 1 << 20

    def answered_by(
        self, answer: Callable[[Asked], Awaitable[Found]]
    ) -> CellQuestion[Asked, Found]:
        """Build the question as the owner that is asked answers it."""
        return CellQuestion(
            name=self.name,
            asks=self.asks,
            finds=self.finds,
            answer=lambda _, asked: answer(asked),
            answer_s=self.answer_s,
            asked_bytes_max=self.asked_bytes_max,
        )


class FactsAsked(msgspec.Struct, frozen=True):
    """Ask for what a family that may come has to know of the cell."""


class FactsAnswer(msgspec.Struct, frozen=True):
    """Hold it: see `TargetFacts`."""

    now_ms: int
    wall_ms: int
    free_bytes: int | None = None


class RowAsked(msgspec.Struct, frozen=True):
    """Ask for the row of a family."""

    family: FamilyId


class StepAsked(msgspec.Struct, frozen=True):
    """Ask for a step of a family's row. `above`: of a receipt and of a switch, the greatest number
    that its rows have, which numbers of the target go on above; `orgs`: of a switch, all of it;
    `ended`: of that, sessions that are out of force in the source and that its rows have; `leaps`:
    those of the clock that its store has followed."""

    family: FamilyId
    move: FamilyMove
    number: int
    source: CellId
    above: int = 0
    orgs: Sequence[OrgId] = ()
    ended: Sequence[bytes] = ()
    leaps: Sequence[ClockLeap] = ()


class RowAnswer(msgspec.Struct, frozen=True):
    """Hold the row of a family behind whatever was asked. `problem`: why it was not done."""

    row: FamilyRow | None = None
    problem: str = ""


class PageAsked(msgspec.Struct, frozen=True):
    """Ask for a page of rows to be written."""

    family: FamilyId
    number: int
    page: FamilyRowsPage


class PageAnswer(msgspec.Struct, frozen=True):
    """Say that a page is written. `problem`: why it is not; `is_over`: it never will be."""

    problem: str = ""
    is_over: bool = False


class SumAsked(msgspec.Struct, frozen=True):
    """Ask for a stretch of rows to be added up."""

    family: FamilyId
    number: int
    place: RowsPlace | None
    so_far: Mapping[str, RowsSum]


class SumAnswer(msgspec.Struct, frozen=True):
    """Hold the sums so far. `problem`: why there are none."""

    sums: FamilyRowsSums | None = None
    problem: str = ""


class TakeUpAsked(msgspec.Struct, frozen=True):
    """Ask for the families that have arrived to be taken up now: no more come for a while."""


class TakeUpAnswer(msgspec.Struct, frozen=True):
    """Say how many there are."""

    families: int = 0


FACTS = DoorStep(name="family-facts", asks=FactsAsked, finds=FactsAnswer)
ROW = DoorStep(name="family-row", asks=RowAsked, finds=RowAnswer)
STEP = DoorStep(name="family-step", asks=StepAsked, finds=RowAnswer, asked_bytes_max=PAGE_BYTES_MAX)
PAGE = DoorStep(
    name="family-page", asks=PageAsked, finds=PageAnswer, asked_bytes_max=PAGE_BYTES_MAX
)
SUM = DoorStep(name="family-sum", asks=SumAsked, finds=SumAnswer)
TAKE_UP = DoorStep(name="family-take-up", asks=TakeUpAsked, finds=TakeUpAnswer)
