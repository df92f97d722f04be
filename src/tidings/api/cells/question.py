"""A question that each cell answers for itself, and that is asked of all of them at once.

The process that is called asks; it has judged its caller, and the others answer the installation.
Where there is one cell, the own answer is all there is, and nothing is asked of anybody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from tidings.api.cells.other_cells import Gathered
from tidings.api.context import Services
from tidings.core.cells.families import CellId
from tidings.errors import Unavailable

Asked = TypeVar("Asked")
Found = TypeVar("Found")

ONLY_CELL = CellId(1)
ANSWER_S = 2.0


@dataclass(frozen=True, kw_only=True)
class CellQuestion(Generic[Asked, Found]):
    """Hold a question, and how a cell answers it for itself.

    `name`: in the path between doors. `asks` and `finds`: the forms of what is asked and answered;
    processes of two releases ask each other, so fields are added with a default."""

    name: str
    asks: type[Asked]
    finds: type[Found]
    answer: Callable[[Services, Asked], Awaitable[Found]]
    answer_s: float = ANSWER_S  # for as long others are waited for
    asked_bytes_max: int = 1 << 20
    is_near: bool = False  # whether it is asked of the cells of this machine alone


async def ask_every_cell(
    services: Services, question: CellQuestion[Asked, Found], asked: Asked
) -> Gathered[Found]:
    """Ask all cells. A cell without an answer is missing, the own one as every other; where it is
    the only one, what it raises is raised."""
    others = services.web.others
    if others is None:
        return Gathered({ONLY_CELL: await question.answer(services, asked)})

    async def ask_own() -> Found | None:
        try:
            return await question.answer(services, asked)
        except Unavailable:
            return None

    asked_now = msgspec.json.encode(asked)
    found, own = await asyncio.gather(
        others.ask(question.name, asked_now, question.finds, question.answer_s, question.is_near),
        ask_own(),
    )
    if own is None:
        return Gathered(found.by_cell, sorted([*found.missing, others.own]))
    return Gathered({**found.by_cell, others.own: own}, sorted(found.missing))


def named_missing(gathered: Gathered[Any]) -> dict[str, Any]:
    """Return the part of an answer that names the cells which are not in it; where all are, none of
    it."""
    return {"missingCells": list(gathered.missing)} if gathered.missing else {}
