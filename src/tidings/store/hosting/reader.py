"""The process that reads, as its askers see it: it may freeze or die, and questions still end.

Only a few questions are with the process at a time; the others wait here, so that one whose asker
has gone is never asked, and none is lost with a process. Each ends within its time, answered or
with `Unanswered`. A process that has died is followed by another, once it is surely gone; what it
was asked is asked once more, and no further: it may be what the process has died of.

Orgs have turns: the process works at one question after the other, so of what it has at a time one
org has one as long as others ask too, and none waits in more than its share of the places.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import structlog

from tidings.core.running.restarts import count_failures, restart_delay_s
from tidings.core.running.service_part import ServicePart
from tidings.core.shares.budget import SharedBudget
from tidings.core.shares.places import PlaceQueue
from tidings.store import port
from tidings.store.hosting.child import Child
from tidings.store.hosting.questions import asker_of

QUESTION_S = 15.0
HANDED_MAX = 4  # that the process has at a time: it is never without work
WAITING_MAX = 5000  # of all orgs, each as many as it leaves to others; more are refused at once
PART = ServicePart(
    "store reader", "questions of the logs are answered with 503, and replays wait", work_s=15.0
)

log = structlog.get_logger(__name__)
Start = Callable[[Callable[[], None]], Awaitable[Child]]


class Question:
    """One question, until its asker has an answer or has gone."""

    __slots__ = ("again", "answered", "arguments", "asker", "decoder", "operation", "timer")

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[Any],
        operation: str,
        arguments: tuple[Any, ...],
        answered: "asyncio.Future[Any]",
        asker: int | None,
    ) -> None:
        """`asker`: the org that it is asked for; None where the service asks for itself."""
        self.decoder = decoder
        self.operation = operation
        self.arguments = arguments
        self.answered = answered
        self.asker = asker
        self.again = False  # whether it was with a process that has died
        self.timer: asyncio.TimerHandle | None = None


class StoreReader:
    """The questions, and the process that answers them."""

    part = PART

    def __init__(self, start: Start) -> None:
        """`start` starts a process that has opened its files, and is given who hears of its death.
        StoreDown, StoreRefused."""
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._child: Child | None = None
        self._waiting: PlaceQueue[int | None, Question] = PlaceQueue(HANDED_MAX, crowd_most=1)
        self._room: SharedBudget[int | None] = SharedBudget(WAITING_MAX)
        self._restarting: asyncio.Task[None] | None = None
        self._began_s = 0.0
        self._closed = False
        self._failures = 0  # in a row
        self.crashes = 0  # of all processes so far

    @property
    def pid(self) -> int:
        """The id of the process that reads now; 0 where there is none."""
        return 0 if self._child is None else self._child.pid

    @property
    def is_up(self) -> bool:
        """Return whether there is a process that can answer."""
        return self._child is not None

    def silent_s(self) -> float:
        """Tell for how long the process has answered nothing, in seconds."""
        return 0.0 if self._child is None else self._child.silent_s()

    def kill(self) -> None:
        """End the process, which does not answer: another one follows."""
        if self._child is not None:
            self._child.kill()

    def call(
        self, decoder: msgspec.msgpack.Decoder[Any], operation: str, arguments: tuple[Any, ...]
    ) -> asyncio.Future[Any]:
        """Ask; the future holds the typed answer, or Unanswered."""
        future: asyncio.Future[Any] = self._loop.create_future()
        asker = asker_of(operation, arguments)
        if self._closed or not self._room.take(asker):
            full = "too many questions wait for the store"
            future.set_exception(
                port.StoreUnanswered("the store is closed" if self._closed else full)
            )
            return future
        question = Question(decoder, operation, arguments, future, asker)
        question.timer = self._loop.call_later(QUESTION_S, self._give_up, question)
        future.add_done_callback(partial(self._on_asker_done, question))
        self._waiting.ask(asker, question, self._loop.time())
        self._hand_over()
        return future

    async def close(self) -> None:
        """End the process; what waits is unanswered. Idempotent."""
        self._closed = True
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.gather(self._restarting, return_exceptions=True)
        for question in self._waiting.drain():
            self._room.give(question.asker)
            _fail(question, "the store is closed")
        if self._child is not None:
            child, self._child = self._child, None
            await child.close()

    # -- questions --------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        child, now_s = self._child, self._loop.time()
        while child is not None and (granted := self._waiting.grant(now_s)) is not None:
            asker, question = granted
            self._room.give(asker)
            if question.answered.done():
                self._waiting.give(asker)
                continue  # nobody waits for it any more
            asked = child.call(question.decoder, question.operation, question.arguments)
            asked.add_done_callback(partial(self._on_answer, question, child))

    def _on_answer(self, question: Question, child: Child, answer: "asyncio.Future[Any]") -> None:
        self._waiting.give(question.asker)
        if not question.answered.done():
            self._tell(question, child, answer)
        self._hand_over()

    def _tell(self, question: Question, child: Child, answer: "asyncio.Future[Any]") -> None:
        error = answer.exception()
        if error is None:
            question.answered.set_result(answer.result())
        elif not child.is_gone:
            question.answered.set_exception(error)
        elif question.again or self._closed:
            _fail(question, "the process that reads has ended")
        else:
            question.again = True
            self._room.charge(question.asker, 1)
            self._waiting.ask(question.asker, question, self._loop.time())

    def _on_asker_done(self, question: Question, _: "asyncio.Future[Any]") -> None:
        if question.timer is not None:
            question.timer.cancel()

    def _give_up(self, question: Question) -> None:
        _fail(question, f"it has taken more than {QUESTION_S:.0f} s")

    # -- processes --------------------------------------------------------------------------------

    def take(self, child: Child) -> None:
        """Ask this process from now on; it has opened its files."""
        self._child, self._began_s = child, self._loop.time()
        self._hand_over()

    def died(self) -> None:
        """Hear that the process has ended without being told to."""
        child, self._child = self._child, None
        self.crashes += 1
        self._failures = count_failures(self._failures, self._loop.time() - self._began_s)
        log.error("a process of the store has ended and is started again", role="read")
        if not self._closed:
            self._restarting = self._loop.create_task(self._restart(child))

    async def _restart(self, dead: Child | None) -> None:
        """Start another one, until one stays: never beside the one before."""
        if dead is not None:
            await dead.see_off()  # it may have lost its line alone
        while self._child is None:
            await asyncio.sleep(restart_delay_s(self._failures))
            try:
                self.take(await self._start(self.died))
            except Exception as error:
                self._failures += 1
                log.error("a process of the store cannot start", role="read", error=repr(error))


def _fail(question: Question, why: str) -> None:
    if not question.answered.done():
        question.answered.set_exception(port.StoreUnanswered(why))
