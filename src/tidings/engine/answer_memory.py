"""The memory that long answers hold while they are made and sent, of all orgs together.

An answer to a preview holds several events and what was made of each, and its caller may read it as
slowly as they like. So such an answer reserves its bytes first, and gives them back when it has
left. An org holds as much as it leaves to others. Who finds no room waits for a turn, one org after
the other, and is refused after a few seconds.

Whatever is rendered, tried or counted for a tenant holds memory from here (`holding`): by the faces
until the answer has left, and otherwise for as long as it is made. What a call holds already is not
asked for again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from tidings.core.ids import OrgId
from tidings.core.shares.budget import SharedBudget
from tidings.engine.callables import Notify
from tidings.errors import Throttled

ANSWERS_BYTES_MAX = 96 << 20  # of all answers that are made or sent at a time
WAITING_MAX = 64  # calls that wait for room
WAIT_S, AGAIN_S = 5.0, 2.0

Release = Notify
_HOLDS: ContextVar[bool] = ContextVar("holds_answer_memory", default=False)  # of this call


class _WaitingCall:
    """A call that waits for room."""

    __slots__ = ("amount", "room")

    def __init__(self, amount: int, room: "asyncio.Future[None]") -> None:
        self.amount = amount
        self.room = room


class AnswerMemory:
    """Counts who holds how much, and lines up who waits."""

    def __init__(
        self,
        most: int = ANSWERS_BYTES_MAX,
        *,
        waiting_max: int = WAITING_MAX,
        wait_s: float = WAIT_S,
    ) -> None:
        """`most`: bytes; `waiting_max`: calls that wait, of all orgs; `wait_s`: how long each."""
        self._budget = SharedBudget[OrgId](most)
        self._places = SharedBudget[OrgId](waiting_max)
        self._waiting: dict[OrgId, deque[_WaitingCall]] = {}  # whose turn is first stands first
        self._wait_s = wait_s
        self.refused = 0

    @property
    def held(self) -> int:
        """Return how many bytes are reserved now."""
        return self._budget.held

    @property
    def waiting(self) -> int:
        """Return how many calls wait for room."""
        return self._places.held

    async def hold(self, org: OrgId, amount: int) -> Release:
        """Reserve so many bytes for an answer of an org, as soon as there is room; return what
        gives them back, which may be called twice. Throttled where there is none in time."""
        amount = min(amount, self._budget.most // 3)
        if org not in self._waiting and self._budget.take(org, amount):
            return self._release(org, amount)
        if not self._places.take(org):
            raise self._refusal()
        waiter = _WaitingCall(amount, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(org, deque()).append(waiter)
        try:
            async with asyncio.timeout(self._wait_s):
                await waiter.room
        except BaseException as error:
            if waiter.room.done() and not waiter.room.cancelled():
                self._release(org, amount)()  # it came in the very moment in which this gave up
            self._forget(org, waiter)
            if isinstance(error, TimeoutError):
                raise self._refusal() from None
            raise
        finally:
            self._places.give(org)
        return self._release(org, amount)

    @asynccontextmanager
    async def holding(self, org: OrgId, amount: int) -> AsyncIterator[None]:
        """Reserve so many bytes for as long as the block runs, unless the call holds memory
        already. Throttled where there is none in time."""
        if _HOLDS.get():
            yield
            return
        release = await self.hold(org, amount)
        try:
            with mark_held():
                yield
        finally:
            release()

    def _release(self, org: OrgId, amount: int) -> Release:
        given = False

        def release() -> None:
            nonlocal given
            if not given:
                given = True
                self._budget.give(org, amount)
                self._serve()

        return release

    def _serve(self) -> None:
        """Give room to whoever waits, one of each org in turn."""
        served = True
        while served:
            served = False
            for org in list(self._waiting):
                waiting = self._waiting[org]
                while waiting and waiting[0].room.done():
                    waiting.popleft()  # it has given up, and will not run before this ends
                if not waiting:
                    del self._waiting[org]
                    continue
                if not self._budget.take(org, waiting[0].amount):
                    continue
                waiter = waiting.popleft()
                del self._waiting[org]
                if waiting:
                    self._waiting[org] = waiting
                waiter.room.set_result(None)
                served = True

    def _forget(self, org: OrgId, waiter: _WaitingCall) -> None:
        waiting = self._waiting.get(org)
        if waiting is not None and waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self._waiting[org]

    def _refusal(self) -> Throttled:
        self.refused += 1
        return Throttled.because(
            "too_many_answers",
            "Answers as long as this one must be few at a time; got more than fit in memory. "
            "Finish reading the others, or ask for less; then try again.",
            wait_s=AGAIN_S,
        )


@contextmanager
def mark_held() -> Iterator[None]:
    """Say that this call holds memory for what the block makes."""
    token = _HOLDS.set(True)
    try:
        yield
    finally:
        _HOLDS.reset(token)


class HoldsAnswers(Protocol):
    """Whoever answers calls."""

    @property
    def answer_memory(self) -> AnswerMemory:
        """Return the memory of long answers."""
