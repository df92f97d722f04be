"""Routers of tests: requests signed as by the sender, handlings written down."""

import asyncio
from collections.abc import Callable
from typing import Any

from tidings_consumer import Answer, Event, Router
from tidings_consumer.testing import SECRET, Request, example, signed

NAME = "pointsIssued"
Receive = Callable[[Router, Request], Answer]


def in_a_thread(router: Router, request: Request) -> Answer:
    """Received as a framework of threads does."""
    return router.receive(*request)


def in_a_loop(router: Router, request: Request) -> Answer:
    """Received as a framework of coroutines does."""
    return asyncio.run(router.receive_async(*request))


def request(number: int = 1, customer: int = 1, name: str = NAME, **how: Any) -> Request:
    """The request of an event of this number and customer."""
    payload = example(name)
    payload["eventId"] = f"event-{number}"
    payload["data"].setdefault("customerIdentifiers", {})["customerId"] = customer
    return signed(payload, id=f"evt_{number}", **how)


class Handled:
    """A router with a handler that writes down what it gets, and does what it is told to."""

    def __init__(self, *, coroutine: bool = False, **how: Any) -> None:
        self.events: list[Event[Any]] = []
        self.fault: BaseException | None = None
        self.router = Router(SECRET, **how)
        self.router.on(NAME)(self.handle_async if coroutine else self.handle)

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]

    def handle(self, event: Event[Any]) -> None:
        self.events.append(event)
        if self.fault is not None:
            raise self.fault

    async def handle_async(self, event: Event[Any]) -> None:
        await asyncio.sleep(0)
        self.handle(event)
