"""Passes a call on whose body has come: written at once, and answered as the answer comes.

Nearly every call is small, its answer too, and a line is free: then no task is made for it. A task
is made for a line, for another try, and for an answer that comes in parts.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from tidings.core.cells.door import PassOn
from tidings.door import refusals
from tidings.door.head import NotMine, read_not_mine
from tidings.door.hop import DoorParts, DoorRouter, Hop, RoutedCall
from tidings.door.hop_request import HopRequest, passed_back
from tidings.door.owner_line import HopExchange, OwnerLine
from tidings.door.refusals import DoorRefusal
from tidings.errors import Unusable
from tidings.server import DirectCall

log = structlog.get_logger(__name__)


class WholeHop(Hop):
    """One call, as a `DirectCall`."""

    def __init__(
        self,
        parts: DoorParts,
        call: RoutedCall,
        request: HopRequest,
        request_id: bytes,
        *,
        direct: DirectCall,
        body: bytes,
        router: DoorRouter | None = None,
    ) -> None:
        super().__init__(parts, call, request, direct.peer[0], request_id, router)
        self._direct = direct
        self._body = body
        self._address = ""  # of the owner whose place it holds
        self._owner: PassOn | None = None
        self._exchange: HopExchange | None = None
        self._news: asyncio.Event | None = None  # while the answer goes through in parts
        self._task: asyncio.Task[None] | None = None
        self._over = False
        direct.watch = self._on_caller

    def begin(self, owner: PassOn) -> None:
        """Pass the call on to an owner."""
        address = owner.owner.address
        if not self.parts.lines.take_place(address):
            self._refuse(refusals.owner_busy())
            return
        self.tries += 1
        self._address, self._owner = address, owner
        line = self.parts.lines.idle_line(address)
        if line is None:
            self._start(self._begin_on_new_line(owner))
        else:
            self._send(line, owner)

    async def _begin_on_new_line(self, owner: PassOn) -> None:
        try:
            line = await self.parts.lines.make_line(owner.owner.address)
        except (OSError, ValueError, Unusable):
            await self._try_again(None, left=False)
            return
        if self._over:
            self.parts.lines.rest(line)
        else:
            self._send(line, owner)

    def _send(self, line: OwnerLine, owner: PassOn) -> None:
        self._exchange = exchange = HopExchange(self.call.method, self.until_s, self._on_progress)
        self.parts.lines.await_head(exchange)
        line.begin(exchange, self.head_for(owner) + self._body, whole=True)

    # -- what comes back --------------------------------------------------------------------------

    def _on_progress(self) -> None:
        exchange = self._exchange
        if self._over or exchange is None:
            return
        if self._news is not None:
            self._news.set()
            return
        not_mine = read_not_mine(exchange.status, exchange.headers)
        if not_mine is not None:
            self._start(self._try_again(not_mine, left=False))
        elif exchange.complete:
            self._end()
            body = exchange.take() if exchange.has_part else b""
            self._direct.answer(exchange.status, passed_back(exchange.headers), body)
        elif exchange.lost:
            self._start(self._try_again(None, left=True, late=exchange.is_late))
        elif exchange.has_head and self._direct.left:
            self._abandon()  # of an answer in parts nobody reads the rest
        elif exchange.has_head:
            self.parts.lines.heard(exchange)
            self._news = asyncio.Event()
            self._start(self._stream(exchange, self._news))

    async def _stream(self, exchange: HopExchange, news: asyncio.Event) -> None:
        direct = self._direct
        direct.begin_answer(exchange.status, passed_back(exchange.headers))
        while not self._over:
            if exchange.has_part:
                await direct.send_part(exchange.take())
            elif exchange.complete:
                self._end()
                direct.finish()
            elif exchange.lost:
                self._abandon()
            else:
                news.clear()
                await news.wait()

    async def _try_again(self, not_mine: NotMine | None, *, left: bool, late: bool = False) -> None:
        tried = self._owner
        assert tried is not None
        self._let_go()
        try:
            owner = await self.next_owner(tried, not_mine, left=left, late=late)
        except DoorRefusal as refused:
            self._refuse(refused)
            return
        if not self._over:
            self.begin(owner)

    # -- how it ends ------------------------------------------------------------------------------

    def _on_caller(self) -> None:
        """Hear that the caller leaves: one that sends no more may still read a whole answer."""
        if self._over:
            return
        if self._direct.over or self._news is not None:
            self._abandon()
        else:
            self.hurry()
            if self._exchange is not None:
                self._exchange.until_s = self.until_s

    def _abandon(self) -> None:
        """End without an answer, or in the middle of it: both ends see that."""
        self._end()
        self._direct.break_off()

    def _refuse(self, refused: DoorRefusal) -> None:
        if not self._over:
            self._end()
            self._direct.answer(*self.answer_of(refused))

    def _end(self) -> None:
        self._over = True
        self._direct.watch = None
        self._let_go()
        if self._news is not None:
            self._news.set()

    def _let_go(self) -> None:
        """Give back what it holds of an owner; what is still under way there is cut."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self.parts.lines.heard(exchange)
            if not exchange.complete:
                exchange.cancel()
        if self._address:
            self.parts.lines.give_place(self._address)
            self._address = ""

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        log.error("call not passed on", path=self.call.path, exc_info=task.exception())
        if self._over:
            return
        self._end()
        if self._direct.started:
            self._direct.break_off()
        else:
            self._direct.fail()
