"""Handlers by event type, and requests received for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Optional, TypeVar, overload

from tidings_consumer import answers
from tidings_consumer.answers import Answer
from tidings_consumer.dead_letters import DeadLetters, SqliteDeadLetters
from tidings_consumer.errors import PayloadError, VerificationError
from tidings_consumer.event import NAMES, Event, read_event
from tidings_consumer.events import EVENTS
from tidings_consumer.headers import Headers, HeaderView
from tidings_consumer.ids import IdStore
from tidings_consumer.ids.memory import MemoryIds
from tidings_consumer.ordering import ordering_key
from tidings_consumer.reception import Flow, Handler, Reception, reason_of, unreadable
from tidings_consumer.running import Turns, run, run_async, run_handler
from tidings_consumer.signature import TOLERANCE_S, Secret, Verifier

log = logging.getLogger("tidings_consumer")
P = TypeVar("P")
Typed = TypeVar("Typed", bound=Callable[..., Any])
Key = Callable[[Event[Any]], Optional[str]]

BODY_MAX = 1_048_576


class Router:
    """Receives the requests of one webhook and gives each event to its handler, once.

    Made once and used by all threads and coroutines of the process:

        router = Router("whsec_…", ids=SqliteIds("handled.db"))

        @router.on("pointsIssued")
        def points(event):
            print(event.payload["data"]["totalPointsIssued"])

    Events without a handler are taken and dropped. A handler that returns has handled the event;
    one that raises has it sent again (`RetryLater`, `Reject` and `Gone` say how, or not at all).
    """

    def __init__(
        self,
        secrets: Secret | Sequence[Secret],
        *,
        ids: IdStore | None = None,
        order_by: Key | None = ordering_key,
        dead_letters: DeadLetters | None = None,
        give_up_after: int | None = None,
        tolerance_s: float = TOLERANCE_S,
        body_max: int = BODY_MAX,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """SecretError where a secret is none.

        `ids`: where handled events are noted; without it in memory, for this process alone.
        `order_by`: events of one key are handled one after the other; None for all at once.
        `dead_letters`: keeps what is rejected, and what has failed at the attempt `give_up_after`.
        """
        if give_up_after is not None and (dead_letters is None or give_up_after < 1):
            raise ValueError("give_up_after must be 1 or more, and needs dead_letters")
        self._verifier = Verifier(secrets, tolerance_s)
        self._reception = Reception(ids or MemoryIds(), dead_letters, give_up_after, now_s=clock)
        self._order_by = order_by
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self._other: Handler | None = None
        self._turns = Turns()
        self.body_max = body_max

    @overload
    def on(self, *types: str) -> Callable[[Typed], Typed]: ...

    @overload
    def on(
        self, *types: type[P]
    ) -> Callable[[Callable[[Event[P]], Any]], Callable[[Event[P]], Any]]: ...

    def on(self, *types: Any) -> Any:
        """Register a handler for these event types: names, or classes of
        `tidings_consumer.events`. A function or a coroutine function of one event; its result is
        not looked at. ValueError where a type has a handler already, or is none."""
        names = [name for event_type in types for name in _names(event_type)]
        if not names:
            raise ValueError("name one event type or more, or use on_other")

        def register(handler: Typed) -> Typed:
            for name in names:
                if name in self._handlers:
                    raise ValueError(f"{name} has a handler already")
            for name in names:
                self._handlers[name] = handler
            return handler

        return register

    def on_other(self, handler: Typed) -> Typed:
        """Register the handler of all event types that have none of their own."""
        if self._other is not None:
            raise ValueError("on_other has a handler already")
        self._other = handler
        return handler

    def receive(self, headers: Headers, body: bytes) -> Answer:
        """Receive a request in this thread; the answer to send. It raises nothing of its own."""
        begun = self._begin(headers, body)
        return begun if isinstance(begun, Answer) else run(begun, self._turns)

    async def receive_async(self, headers: Headers, body: bytes) -> Answer:
        """Receive a request in this event loop; the answer to send."""
        begun = self._begin(headers, body)
        return begun if isinstance(begun, Answer) else await run_async(begun, self._turns)

    def redrive(self, letters: SqliteDeadLetters) -> tuple[int, int]:
        """Handle what was given up once more, in this thread: how many were handled and forgotten,
        and how many stay, with the reason of this time. Ids are not asked: a person has."""
        handled = left = 0
        for letter in letters:
            handler = self._handlers.get(letter.event.name, self._other)
            try:
                if handler is None:
                    raise LookupError(f"{letter.event.name} has no handler")
                run_handler(handler, letter.event)
            except Exception as fault:
                log.exception("%s has failed again", letter.event.id)
                letters.add(letter.event, reason_of(fault), self._clock())
                left += 1
            else:
                letters.remove(letter)
                handled += 1
        return handled, left

    def _begin(self, headers: Headers, body: bytes) -> Answer | Flow:
        if len(body) > self.body_max:
            return answers.too_large(self.body_max)
        try:
            event = _read(self._verifier, headers, body, self._clock())
        except VerificationError as wrong:
            log.warning("a request was refused: %s", wrong)
            return answers.unauthorised(str(wrong))
        except PayloadError as wrong:
            log.warning("a signed request holds no event: %s", wrong)
            return unreadable(wrong)
        handler = self._handlers.get(event.name, self._other)
        if handler is None:
            return answers.accepted()
        return self._reception.receive(event, handler, self._key(event))

    def _key(self, event: Event[Any]) -> str | None:
        if self._order_by is None:
            return None
        try:
            return self._order_by(event)
        except Exception:
            log.exception("order_by has failed for %s: it is handled without order", event.id)
            return None


def _names(one: Any) -> list[str]:
    if isinstance(one, str):
        return [one]
    names = [name for name, kind in EVENTS.items() if kind is one]
    if not names:
        raise ValueError(f"{one!r} is no event type: name it, or take a class of events")
    return names


def verify(
    headers: Headers,
    body: bytes,
    secrets: Secret | Sequence[Secret],
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> Event[Any]:
    """Verify a request and return its event.

    `headers` are a mapping or pairs, `body` is what arrived, byte for byte, and `secrets` one or
    several of `whsec_…`, `whpk_…` and `StaticHeader`. Raise VerificationError if the request cannot
    be trusted, PayloadError if it is signed but holds no event, SecretError for a malformed secret.
    """
    now = time.time() if now_s is None else now_s
    return _read(Verifier(secrets, tolerance_s), headers, body, now)


def _read(verifier: Verifier, headers: Headers, body: bytes, now_s: float) -> Event[Any]:
    view = HeaderView(headers, verifier.names | NAMES)
    return read_event(view, body, verifier.verify(view, body, now_s))
