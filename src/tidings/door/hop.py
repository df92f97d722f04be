"""What both ways of passing a call on have in common: by what it is decided, and one more try."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tidings.core.cells.door import TRIES, DoorDecision, PassOn, RefuseNow, may_retry_elsewhere
from tidings.door import refusals
from tidings.door.admission import PassedOn
from tidings.door.head import DoorHead, NotMine, write_head
from tidings.door.hop_request import HopRequest
from tidings.door.owner_lines import OwnerLines
from tidings.door.refusals import DoorRefusal

Pairs = list[tuple[bytes, bytes]]
LEFT_S = 5.0  # an answer is awaited for a caller that sends no more: he may still read


class RoutedCall(NamedTuple):
    """Hold what it is decided by whose a call is."""

    method: str
    path: str
    query: bytes
    headers: Pairs  # names in lower case
    passed_on: PassedOn | None  # by another door


class AskFirst(NamedTuple):
    """It is not in memory whose the call is: somebody has to be asked."""


class DoorRouter(Protocol):
    """Decides whose a call is (`core/cells/door.py`)."""

    def decide(self, call: RoutedCall) -> DoorDecision | AskFirst | None:
        """Decide what becomes of a call; None: it is every process's, and served here."""

    async def find_out(self, call: RoutedCall) -> DoorDecision | None:
        """Ask whoever knows whose a call is, and decide."""

    async def decide_again(
        self, call: RoutedCall, tried: PassOn, tries: int, not_mine: NotMine | None
    ) -> DoorDecision:
        """Decide after a try that nothing was done by. `not_mine`: what the owner that was tried
        says; None: it did not answer."""


@dataclass(frozen=True)
class DoorParts:
    """Hold what a door passes calls on with. `request_id` gives a call its id, by its headers."""

    router: DoorRouter
    lines: OwnerLines
    request_id: Callable[[Pairs], bytes]
    answer_s: float = 120.0  # to the head of an answer: longer than readers of PULL wait
    seal: bytes | None = None  # of heads, where there is no TLS
    headers: Pairs = field(default_factory=list)  # of what the door itself answers
    left_s: float = LEFT_S


class Hop:
    """One call that is passed on, in at most as many tries as the core allows."""

    def __init__(
        self,
        parts: DoorParts,
        call: RoutedCall,
        request: HopRequest,
        client: str,
        request_id: bytes,
        router: DoorRouter | None = None,
    ) -> None:
        """`router`: of this call, where another one than that of `parts` has decided it."""
        if call.passed_on is not None:
            raise AssertionError("a call that another door has passed on is not passed on again")
        self.parts = parts
        self.call = call
        self._router = router or parts.router
        self.request = request
        self._client = client.partition("%")[0]  # an address, without its zone
        self._request_id = request_id
        self._now_s = asyncio.get_running_loop().time
        self.until_s = self._now_s() + parts.answer_s
        self.tries = 0

    def head_for(self, owner: PassOn) -> bytes:
        """Write the request's head for an owner."""
        head = DoorHead(
            cell=owner.cell,
            epoch=owner.owner.epoch,
            client=self._client,
            request_id=self._request_id.decode("latin-1"),
            left_ms=int((self.until_s - self._now_s()) * 1e3),
        )
        return self.request.write(write_head(head, self.parts.seal))

    def hurry(self) -> None:
        """Wait only a little longer: the caller sends no more, and may have gone."""
        self.until_s = min(self.until_s, self._now_s() + self.parts.left_s)

    async def next_owner(
        self, tried: PassOn, not_mine: NotMine | None, *, left: bool, late: bool = False
    ) -> PassOn:
        """Decide again. Raise DoorRefusal where the call is not tried again. `left`: bytes of it
        have left, and there is no word that nothing was done by them."""
        if late:
            raise refusals.owner_late()
        if not may_retry_elsewhere(self.call.method, left, self.request.has_key):
            raise refusals.owner_gone()
        found: DoorDecision | None = None
        if self.tries < TRIES:
            found = await self._router.decide_again(self.call, tried, self.tries, not_mine)
        if isinstance(found, PassOn):
            return found
        if left:
            raise refusals.owner_gone()
        if isinstance(found, RefuseNow):
            raise refusals.no_owner(found.why, found.retry_s)
        raise refusals.no_owner("another process takes it over", refusals.GONE_RETRY_S)

    def answer_of(self, refused: DoorRefusal) -> refusals.Answer:
        """Build the answer to a call that nobody takes."""
        return refused.answer(self._request_id, self.parts.headers)
