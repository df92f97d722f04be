"""Asks the owners of all other cells at once, each by a line of the door.

What bounds it: the time of an answer, how many owners are asked in parallel, how many bytes one
answers (`OwnerQuestions`) and all of them do. A cell whose owner does not answer is asked once more
where the map, or the word of that process, names another owner meanwhile.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import TypeVar

import msgspec
import structlog

from tidings.api.cells.other_cells import Gathered
from tidings.api.cells.question import CellQuestion
from tidings.app.cells.installation import Installation
from tidings.app.cells.moves.door_steps import DoorStep
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.door.head import DoorHead, read_not_mine
from tidings.door.hop_request import request_of

Asked = TypeVar("Asked")
Found = TypeVar("Found")

PARALLEL = 32
BYTES_MAX = 16 << 20  # of all answers to one question
STEM = "/door/"  # of paths that owners serve to each other alone

log = structlog.get_logger(__name__)


class EveryCell:
    """An `OtherCells`. To be used within one event loop."""

    def __init__(
        self,
        installation: Installation,
        request_id: Callable[[], str],
        answer_s_least: float = 0.0,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        """`answer_s_least`: what every question has at least, for machines that are slow."""
        self._installation = installation
        self._request_id = request_id
        self._answer_s_least = answer_s_least
        self._bytes_max = bytes_max

    @property
    def own(self) -> CellId:
        """See `OtherCells`."""
        return self._installation.cell

    @property
    def others(self) -> list[CellId]:
        """List the cells of other processes, as the map has them."""
        cells = self._installation.reader.view.current_cells
        return [cell for cell in cells if cell != self.own]

    async def ask(
        self,
        name: str,
        asked: bytes,
        found: type[Found],
        answer_s: float,
        is_near: bool = False,
        cells: Collection[CellId] | None = None,
    ) -> Gathered[Found]:
        """See `OtherCells`."""
        parallel = asyncio.Semaphore(PARALLEL)
        bytes_left = self._bytes_max
        left_s = max(answer_s, self._answer_s_least)

        async def ask_one(cell: CellId) -> Found | None:
            nonlocal bytes_left
            async with parallel:
                if bytes_left <= 0:
                    return None
                body = await self._ask_in_time(cell, name, asked, left_s)
            if body is None:
                return None
            bytes_left -= len(body)
            return _read(body, found, cell, name) if bytes_left >= 0 else None

        asked_now = [
            cell
            for cell in self.others
            if (not is_near or self._is_near(cell)) and (cells is None or cell in cells)
        ]
        answers = await asyncio.gather(*(ask_one(cell) for cell in asked_now))
        pairs = list(zip(asked_now, answers, strict=True))
        return Gathered(
            {cell: answer for cell, answer in pairs if answer is not None},
            [cell for cell, answer in pairs if answer is None],
        )

    async def ask_cell(
        self, cell: CellId, step: DoorStep[Asked, Found] | CellQuestion[Asked, Found], asked: Asked
    ) -> Found | None:
        """Ask the owner of one cell. None where no answer came: whether it has done what it was
        asked is not known."""
        left_s = max(step.answer_s, self._answer_s_least)
        body = await self._ask_in_time(cell, step.name, msgspec.json.encode(asked), left_s)
        return None if body is None else _read(body, step.finds, cell, step.name)

    def _is_near(self, cell: CellId) -> bool:
        """Return whether a cell is this machine's, by the address of its owner; one without an
        owner is, where all talk on loopback."""
        owner = self._installation.reader.view.places.owner_of(cell)
        own_host = self._installation.owner.address.rpartition(":")[0]
        if owner is None or not owner.address:
            return own_host in ("", "127.0.0.1", "[::1]")
        return owner.address.rpartition(":")[0] == own_host

    async def _ask_in_time(
        self, cell: CellId, name: str, asked: bytes, left_s: float
    ) -> bytes | None:
        try:
            async with asyncio.timeout(left_s):
                return await self._ask_one(cell, name, asked, left_s)
        except TimeoutError:
            return None

    async def _ask_one(self, cell: CellId, name: str, asked: bytes, left_s: float) -> bytes | None:
        """Ask the owner of a cell; once more where it is another one than was known."""
        reader = self._installation.reader
        places = reader.view.places
        tried: CellOwner | None = None
        for _ in range(2):
            owner = places.owner_of(cell)
            if owner is not None and owner.address and owner != tried:
                body = await self._ask_owner(cell, owner, name, asked, left_s)
                if body is not None:
                    return body
            tried = owner
            await reader.look()
        return None

    async def _ask_owner(
        self, cell: CellId, owner: CellOwner, name: str, asked: bytes, left_s: float
    ) -> bytes | None:
        headers = [(b"host", b"door"), (b"content-type", b"application/json")]
        target = f"{STEM}{name}".encode()
        request = request_of("POST", target, headers, length=len(asked))
        head = DoorHead(
            cell=cell,
            epoch=owner.epoch,
            client="",
            request_id=self._request_id(),
            left_ms=int(left_s * 1e3),
        )
        found = await self._installation.questions.ask(owner, request, asked, head)
        if found is None:
            return None
        not_mine = read_not_mine(found.status, found.headers)
        if not_mine is not None and not_mine.cell == cell and not_mine.address:
            known = CellOwner(not_mine.epoch, not_mine.address)
            self._installation.reader.view.places.learn_owner(cell, known)
        return found.body if found.status == 200 else None


def _read(body: bytes, found: type[Found], cell: CellId, name: str) -> Found | None:
    try:
        return msgspec.json.decode(body, type=found)
    except msgspec.DecodeError as error:  # of a form that is not known here, too
        log.warning("an owner answers something else", cell=cell, question=name, reason=str(error))
        return None
