"""How many streams may be open at one time: each holds a connection for as long as it likes."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tidings.api.answers import RefusalAnswer, refused
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.shares.budget import SharedBudget

OF_CREDENTIAL = 20  # or of a person
OF_ORG = 100
OF_PROCESS = 1000
RETRY_S = 10


Key = TypeVar("Key")


class StreamPlaces:
    """The streams of this process, counted by credential and by org."""

    def __init__(self, most: int = OF_PROCESS) -> None:
        self._most = most
        self._of_credential: Counter[str] = Counter()
        self._of_org = SharedBudget[int](most)

    @property
    def open(self) -> int:
        """Count the streams that are open."""
        return self._of_org.held

    def take(self, caller: AuthenticatedCaller) -> Callable[[], None]:
        """Take a place for a stream. Return a function that gives it back, once. Raise
        RefusalAnswer (429) where there is none."""
        who, org = caller.credential, caller.org
        if self._of_credential[who] >= OF_CREDENTIAL:
            raise _too_many(OF_CREDENTIAL, "a credential or person")
        if self._of_org.held_by(org) >= OF_ORG:
            raise _too_many(OF_ORG, "an org")
        if not self._of_org.take(org):  # an org leaves as many to others as it has
            raise _too_many(self._most, "all together")
        self._of_credential[who] += 1
        given = False

        def give() -> None:
            nonlocal given
            if not given:
                given = True
                _less(self._of_credential, who)
                self._of_org.give(org)

        return give


class EventStream(StreamingResponse):
    """An answer that gives its place back however it ends, also before it has begun."""

    ends: tuple[Callable[[], None], ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See StreamingResponse."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            for end in self.ends:
                end()


def _less(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


def _too_many(most: int, whose: str) -> RefusalAnswer:
    text = (
        f"At most {most} streams may be open at one time for {whose}; got one more. Close one, or "
        "ask again later."
    )
    return refused(429, "too_many_streams", text, retry_after=str(RETRY_S))
