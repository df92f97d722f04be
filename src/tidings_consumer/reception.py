"""What becomes of one request, step by step, without doing any of it.

The flow is a generator: it yields what is to be done (`Step`), is told what came of it, and returns
the answer. So it is the same whether threads or coroutines do the steps (`running.py`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Union

from tidings_consumer import answers
from tidings_consumer.answers import Answer
from tidings_consumer.dead_letters import DeadLetters
from tidings_consumer.errors import Gone, PayloadError, Reject, RetryLater
from tidings_consumer.event import Event
from tidings_consumer.ids import Claim, IdStore

log = logging.getLogger("tidings_consumer")

STORE_S = 5.0
"""What a sender is asked to wait while the store of ids does not answer."""
REASON_MAX = 2000  # characters
Handler = Callable[[Event[Any]], Any]


@dataclass(frozen=True)
class Turn:
    """Wait until nobody in this process handles an event of this key. Told: whether it came."""

    key: str


@dataclass(frozen=True)
class Ask:
    """Call this; whether it may block the thread is said beside it."""

    call: Callable[[], Any]
    blocks: bool


@dataclass(frozen=True)
class Handle:
    """Let the handler handle the event, by a thread or by the loop."""

    handler: Handler
    event: Event[Any]


Step = Union[Turn, Ask, Handle]
Flow = Generator[Step, Any, Answer]


@dataclass(frozen=True)
class Reception:
    """Rules for receiving requests, shared by all of them."""

    ids: IdStore
    dead_letters: DeadLetters | None
    give_up_after: int | None
    now_s: Callable[[], float]

    def receive(self, event: Event[Any], handler: Handler, key: str | None) -> Flow:
        """Return the flow that handles an event with its handler. The flow raises nothing."""
        holder = os.urandom(8).hex()
        try:
            if key is not None and not (yield Turn(key)):
                return answers.busy("an earlier event of the same key is still handled")
            claim = yield self._ids(lambda: self.ids.claim(event.id, holder, self.now_s()))
        except Exception:
            log.exception("the store of ids cannot be asked for %s", event.id)
            return answers.later(STORE_S, "the store of ids cannot be asked")
        if claim is Claim.DONE:
            return answers.accepted()
        if claim is Claim.BUSY:
            return answers.busy("the same event is handled at this moment")
        return (yield from self._handle(event, handler, holder))

    def _ids(self, call: Callable[[], Any]) -> Ask:
        return Ask(call, self.ids.blocks)

    def _handle(self, event: Event[Any], handler: Handler, holder: str) -> Flow:
        try:
            yield Handle(handler, event)
        except RetryLater as wait:
            yield from self._release(event, holder)
            return answers.later(wait.seconds, str(wait))
        except Gone as end:
            yield from self._release(event, holder)
            return answers.gone(str(end) or "nobody listens here any more")
        except Reject as never:
            return (yield from self._reject(event, holder, str(never) or "rejected"))
        except Exception as fault:
            log.exception("the handler of %s has failed for %s", event.name, event.id)
            return (yield from self._failed(event, holder, fault))
        except GeneratorExit:  # nobody is there any more to do a step
            self.ids.release(event.id, holder)
            raise
        except BaseException:  # a coroutine cancelled, a process told to end
            yield from self._release(event, holder)
            raise
        yield from self._done(event)
        return answers.accepted()

    def _reject(self, event: Event[Any], holder: str, reason: str) -> Flow:
        if not (yield from self._bury(event, holder, reason)):
            return answers.failed()
        if self.dead_letters is not None:  # it is kept here: `redrive` handles it again
            yield from self._done(event)
        else:  # a replay of what was never delivered has the same id, and must find a handler
            yield from self._release(event, holder)
        return answers.rejected(reason)

    def _failed(self, event: Event[Any], holder: str, fault: Exception) -> Flow:
        last = self.give_up_after is not None and event.attempt >= self.give_up_after
        if last and (yield from self._bury(event, holder, reason_of(fault))):
            yield from self._done(event)
            return answers.accepted()
        yield from self._release(event, holder)
        return answers.failed()

    def _bury(self, event: Event[Any], holder: str, reason: str) -> Generator[Step, Any, bool]:
        """Keep the event among the dead letters, where there are any; return whether it is kept."""
        if self.dead_letters is None:
            return True
        letters = self.dead_letters
        try:
            yield Ask(lambda: letters.add(event, reason, self.now_s()), blocks=True)
        except Exception:
            log.exception("%s cannot be kept among the dead letters", event.id)
            yield from self._release(event, holder)
            return False
        return True

    def _done(self, event: Event[Any]) -> Generator[Step, Any, None]:
        try:
            yield self._ids(lambda: self.ids.done(event.id, self.now_s()))
        except Exception:  # it was handled: to say otherwise would have it handled again for sure
            log.exception("%s was handled but cannot be noted: a repeat would be too", event.id)

    def _release(self, event: Event[Any], holder: str) -> Generator[Step, Any, None]:
        try:
            yield self._ids(lambda: self.ids.release(event.id, holder))
        except Exception:  # the claim ends by itself
            log.exception("the claim of %s cannot be released", event.id)


def reason_of(fault: Exception) -> str:
    """Say why an event was given up: kind and text of what its handler raised."""
    return f"{type(fault).__name__}: {fault}"[:REASON_MAX]


def unreadable(fault: PayloadError) -> Answer:
    """Answer a request that is signed but holds no event. It is rejected, as the same bytes can
    never be read."""
    return answers.rejected(str(fault))
