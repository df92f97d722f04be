"""What of one webhook waits for a reader, and what is out under leases."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from tidings.core.delivery.exchange import AttemptResult
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Message
from tidings.engine.pull.lease import Offer


class Acknowledged(NamedTuple):
    """The messages that a cursor has acknowledged."""

    taken: int  # messages that were still their reader's
    passed_over: int  # those that were not any more
    known: bool  # whether any message of the cursor was still out


class _Cursor:
    """The messages of one answer that are still out, and how many the answer had."""

    __slots__ = ("messages", "out")

    def __init__(self, out: Iterable[Offer]) -> None:
        self.out = {offer.token: offer for offer in out}
        self.messages = len(self.out)


class DeskWatcher(Protocol):
    """Keeps account of what all desks have out and want."""

    def note_move(self, desk: "Desk", messages: int, size: int) -> None:
        """Note that what a desk wants or has out has changed, by so many messages and bytes."""

    def note_offers(self, desk: "Desk") -> None:
        """Note that what waits at a desk has changed."""


class Desk:
    """Offers come in from the webhook's channel, and go out to its readers."""

    def __init__(self, number: int, org: OrgId, watcher: DeskWatcher) -> None:
        """`watcher` hears of each change of what is wanted or out: by how many messages and bytes
        what is out has changed."""
        self.number = number
        self.org = org
        self.wanted = 0  # messages that readers wait for
        self.readers = 0
        self.fetched_s = 0.0  # by a steady clock: when the last call of a reader ended
        self.offers: deque[Offer] = deque()
        self.offered_bytes = 0  # of their bodies
        self.out: dict[str, Offer] = {}  # by token
        # None outlives the last of its messages that are out: so there are no more of them than of
        # those, and no other reader's cursors can push one out.
        self._cursors: dict[str, _Cursor] = {}
        self._arrived = asyncio.Event()
        self._watcher = watcher

    async def hand_over(self, message: Message) -> AttemptResult | None:
        """Put a message before the readers, and wait until one has it and has said what became of
        it. None: it must not leave."""
        offer = Offer(message)
        self.offers.append(offer)
        self.offered_bytes += offer.size
        self._arrived.set()
        self._watcher.note_offers(self)
        try:
            return await offer.result
        finally:
            if offer.token:
                del self.out[offer.token]
                self._leave_cursor(offer)
                self._watcher.note_move(self, -1, -offer.size)
            elif offer in self.offers:
                self.offers.remove(offer)
                self.offered_bytes -= offer.size
                self._watcher.note_offers(self)

    def want(self, messages: int) -> None:
        """Note that readers wait for so many messages more; for fewer where the number is
        negative."""
        self.wanted += messages
        self._watcher.note_move(self, 0, 0)

    async def wait(self, seconds: float) -> bool:
        """Wait until something is offered or readers are woken; return whether it was in time."""
        if self.offers:
            return True
        self._arrived.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:  # after a pause of the loop both may come in one turn of it
            return self._arrived.is_set()
        return True

    def take(self, token: str, room: int | None) -> Offer | None:
        """Take the next message that may leave and has at most `room` bytes; it is out from now on.
        None: there is none, or it is too large."""
        while self.offers and (room is None or self.offers[0].size <= room):
            offer = self.offers.popleft()
            self.offered_bytes -= offer.size
            try:
                leaves = offer.may_leave(token)
            except Exception as error:  # of its signature: that attempt's, and no reader's
                offer.fail(error)
                continue
            if leaves:
                self.out[token] = offer
                self.wanted -= 1
                self._watcher.note_move(self, 1, offer.size)
                return offer
        return None

    def named(self, tokens: Iterable[str]) -> list[Offer]:
        """Return those of the messages that are out."""
        return [offer for token in tokens if (offer := self.out.get(token)) is not None]

    def name(self, cursor: str, offers: Sequence[Offer]) -> None:
        """Let a cursor stand for messages of one answer, as long as one of them is out."""
        if out := [offer for offer in offers if offer.token in self.out]:
            self._cursors[cursor] = _Cursor(out)
            for offer in out:
                offer.cursor = cursor

    def acknowledge(self, cursor: str) -> Acknowledged:
        """Acknowledge all messages of an answer that are still out."""
        found = self._cursors.pop(cursor, None)
        if found is None:
            return Acknowledged(0, 0, False)
        for offer in found.out.values():
            offer.acknowledge()
        return Acknowledged(len(found.out), found.messages - len(found.out), True)

    def _leave_cursor(self, offer: Offer) -> None:
        found = self._cursors.get(offer.cursor)
        if found is not None:
            del found.out[offer.token]
            if not found.out:
                del self._cursors[offer.cursor]

    def wake(self) -> None:
        """Let readers look whether they are still to wait."""
        self._arrived.set()

    def put_back(self) -> None:
        """Put back what waits for a reader: it must be made anew, or must not leave any more."""
        while self.offers:
            self.put_back_last()
        self._watcher.note_offers(self)

    def put_back_last(self) -> None:
        """Put back the latest of those that wait for a reader."""
        offer = self.offers.pop()
        self.offered_bytes -= offer.size
        offer.end(None)


class PullChannel:
    """See `Channel`: to whoever reads at the desk."""

    def __init__(self, webhook: Webhook, desk: Desk) -> None:
        self._kind = webhook.kind
        self._desk = desk

    async def send(self, message: Message) -> AttemptResult | None:
        return await self._desk.hand_over(message)

    def follow(self, webhook: Webhook) -> bool:
        self._desk.put_back()
        return webhook.kind == self._kind

    async def close(self) -> None:
        """Put back what waits for a reader; nothing else is open."""
        self._desk.put_back()
