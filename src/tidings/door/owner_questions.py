"""Asks an owner, and takes its whole answer: for parts of a call, and for what all are asked.

What no caller waits for on a connection of its own goes by the same lines, places and heads as what
is passed on. It is asked once: whoever asks knows what an answer that did not come means.
"""

import asyncio
from typing import NamedTuple

from tidings.core.cells.cell_map import CellOwner
from tidings.door.head import DoorHead, write_head
from tidings.door.hop_request import HopRequest
from tidings.door.owner_line import HopExchange
from tidings.door.owner_lines import OwnerLines
from tidings.errors import Unusable

ANSWER_BYTES_MAX = 4 << 20


class OwnerAnswer(NamedTuple):
    """Hold the answer of an owner."""

    status: int
    headers: list[tuple[bytes, bytes]]  # names in lower case
    body: bytes


class OwnerQuestions:
    """Asks owners on a door's lines. `seal`: of heads, where there is no TLS."""

    def __init__(
        self,
        lines: OwnerLines,
        seal: bytes | None = None,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
    ) -> None:
        self._lines = lines
        self._seal = seal
        self._answer_bytes_max = answer_bytes_max

    async def ask(
        self, owner: CellOwner, request: HopRequest, body: bytes, head: DoorHead
    ) -> OwnerAnswer | None:
        """Ask an owner within the time that the head says. None where no answer came: the owner is
        gone or late, has its share of calls already, or answers more than is kept of an answer."""
        if not self._lines.take_place(owner.address):
            return None
        try:
            async with asyncio.timeout(head.left_ms / 1e3):
                return await self._ask(owner.address, request, body, head)
        except (OSError, ValueError, Unusable):  # late is an OSError too
            return None
        finally:
            self._lines.give_place(owner.address)

    async def _ask(
        self, address: str, request: HopRequest, body: bytes, head: DoorHead
    ) -> OwnerAnswer | None:
        line = self._lines.idle_line(address) or await self._lines.make_line(address)
        news = asyncio.Event()
        exchange = HopExchange(request.method, float("inf"), news.set)
        line.begin(exchange, request.write(write_head(head, self._seal)) + body, whole=True)
        answer: list[bytes] = []
        size = 0
        try:
            while not (exchange.complete or exchange.lost):
                await news.wait()
                news.clear()
                if exchange.has_part:
                    answer.append(exchange.take())
                    size += len(answer[-1])
                if size > self._answer_bytes_max:
                    return None
        finally:
            if not exchange.complete:
                exchange.cancel()
        if not exchange.complete:
            return None
        return OwnerAnswer(exchange.status, exchange.headers, b"".join(answer))
