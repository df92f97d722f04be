"""Reading: messages of webhooks of the type `PULL` are fetched by whoever has no public address.

A reader asks for messages and waits; its webhook's lane starts so many attempts as are asked for,
and no others (`Lane.credit`). Each message is then its reader's for the time of the lease. What is
acknowledged is delivered; what is not when the lease ends can be fetched again, at once. A message
that was out when the process ends is possibly sent, as any other attempt, and comes again.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.pull_rules import Asked, PullBody, Word
from tidings.core.running.lease import OwnerLease
from tidings.core.shares.budget import SharedBudget
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers, MessagePreview
from tidings.engine.callables import ReadText
from tidings.engine.families import AwayFamilies
from tidings.engine.listeners import Listeners
from tidings.engine.pull.desk import Acknowledged, Desk, PullChannel
from tidings.engine.pull.lease import Offer
from tidings.engine.pull.unread_offers import UnreadOffers
from tidings.errors import Conflict, FieldRefusal, Throttled

ANSWER_BYTES_MAX = 4 << 20  # of one answer, and always one message
OUT_MAX, OUT_BYTES_MAX = 10_000, 64 << 20  # of the process; an org's are as many as are left
READERS_MAX = 20  # of a webhook at a time
LEAST_S = 0.05  # also who does not wait gives the store a moment
LINGER_S = 0.005  # after the first message, for more of them to be made


class Fetched(msgspec.Struct, frozen=True):
    """Messages that are their reader's now. `cursor` names them together; blank without any.
    `acknowledged`: what came of the cursor that was sent; None where there was none."""

    offers: Sequence[Offer]
    cursor: str
    acknowledged: Acknowledged | None = None


class TooManyOut(Throttled):
    """Readers of the org, or of all, hold as much as may be out."""

    def __init__(self) -> None:
        message = (
            "Readers must keep within their limit of leased messages; got more. Acknowledge "
            "fetched messages, or wait until their leases end."
        )
        super().__init__(FieldRefusal.build("too_many_out", message), wait_s=1.0)


class NotPulled(Conflict):
    """The webhook is of a type that is told."""

    def __init__(self, kind: str) -> None:
        message = (
            f"webHookType must be PULL for messages to be fetched; it is {kind}. Create a webhook "
            "of that type."
        )
        super().__init__(FieldRefusal.build("not_pulled", message, field="webHookType"))


class TooManyReaders(Throttled):
    """Others wait for messages of the webhook already."""

    def __init__(self) -> None:
        message = (
            f"A webhook must have at most {READERS_MAX} readers waiting at a time; got one more. "
            "Try again when one of them has its answer."
        )
        super().__init__(FieldRefusal.build("too_many_readers", message), wait_s=1.0)


class Pulls:
    """The desks of all webhooks that are fetched from; the `Driver` of their type."""

    def __init__(
        self,
        random_text: ReadText,
        asked: Listeners[int, int, int],
        lease: OwnerLease,
        families: AwayFamilies,
    ) -> None:
        """`random_text`: what nobody can guess; `asked` hears what a webhook's readers
        want and have: its number, and both. Without the `lease` nothing is handed out, nor to an
        org whose family is not here."""
        self._lease = lease
        self._families = families
        self._random_text = random_text
        self._asked = asked
        self._desks: dict[int, Desk] = {}
        self._out = SharedBudget[OrgId](OUT_MAX)  # messages that readers have
        self._out_bytes = SharedBudget[OrgId](OUT_BYTES_MAX)
        self._unread = UnreadOffers()
        self._ending = False
        self._started_s = monotonic()

    # -- the driver -------------------------------------------------------------------------------

    def open(self, webhook: Webhook, connection: Connection | None) -> PullChannel:
        return PullChannel(webhook, self._desk(webhook))

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return MessagePreview(webhook.kind, headers, body)

    # -- readers ----------------------------------------------------------------------------------

    async def fetch(self, webhook: Webhook, asked: Asked) -> Fetched:
        """Fetch messages for a reader, as soon as there are some, or none when its wait is over.
        What its cursor names is acknowledged first. NotPulled, TooManyOut, TooManyReaders."""
        desk = self._of(webhook)
        acknowledged = None
        if asked.cursor:
            acknowledged = desk.acknowledge(asked.cursor)
            await asyncio.sleep(0)  # their attempts end, and make room
        if self._full(desk.org):
            raise TooManyOut
        if desk.readers >= READERS_MAX:
            raise TooManyReaders
        wanted = min(asked.most, webhook.connections_max)
        taken: list[Offer] = []
        desk.readers += 1
        self._unread.look(desk)
        desk.want(wanted)
        try:
            await self._take(desk, taken, wanted, asked.wait_s)
            handed = self._leaving(desk.org, taken)  # the answer is the next thing that leaves
            for offer in handed:
                offer.hold(asked.lease_s)
            cursor = self._named(desk, handed)
        except BaseException:  # what is out without a lease would be for ever
            for offer in taken:
                offer.give_back()
            raise
        finally:
            desk.readers -= 1
            desk.fetched_s = monotonic()
            desk.want(len(taken) - wanted)
            self._unread.look(desk)
        return Fetched(handed, cursor, acknowledged)

    def settle(self, webhook: Webhook, verdict: PullBody) -> int:
        """Settle what a reader says of messages that it has; return how many of them are out, and
        so were in time. NotPulled."""
        found = self._of(webhook).named(dict.fromkeys(verdict.tokens))
        for offer in found:
            if verdict.word is Word.DELIVERED:
                offer.acknowledge()
            elif verdict.word is Word.NEVER:
                offer.refuse(verdict.reason)
            elif verdict.word is Word.AGAIN:
                offer.give_back(wait_s=verdict.delay_s)
            else:
                offer.hold(verdict.lease_s)
        return len(found)

    def state(self, number: int) -> tuple[int, int]:
        """Count the readers that wait for messages of a webhook, and the messages that readers
        have."""
        desk = self._desks.get(number)
        return (0, 0) if desk is None else (desk.readers, len(desk.out))

    def unfetched_s(self, number: int) -> float:
        """Return for how many seconds nobody has fetched from a webhook, as far as this process
        knows; 0 while a reader waits."""
        desk = self._desks.get(number)
        if desk is not None and desk.readers:
            return 0.0
        return monotonic() - (self._started_s if desk is None else desk.fetched_s)

    def is_read(self, number: int, within_s: float) -> bool:
        """Return whether somebody fetches from a webhook now, or has within that time, as far as
        this process has seen it: unlike `unfetched_s`, a start says nothing."""
        desk = self._desks.get(number)
        if desk is None or not (desk.readers or desk.fetched_s > self._started_s):
            return False
        return self.unfetched_s(number) < within_s

    @property
    def readers(self) -> int:
        """Count the readers that wait, of all webhooks."""
        return sum(desk.readers for desk in self._desks.values())

    @property
    def messages_out(self) -> int:
        """Count the messages that readers have, of all webhooks."""
        return self._out.held

    # -- the end ----------------------------------------------------------------------------------

    def end_waits(self) -> None:
        """End the waits of all readers, who get what they have: the process ends."""
        self._ending = True
        for desk in self._desks.values():
            desk.wake()

    def give_back(self) -> None:
        """Give back what is out, so that it can be fetched again after the start: it is known, and
        not possibly sent."""
        for desk in self._desks.values():
            desk.put_back()
            for offer in list(desk.out.values()):
                offer.give_back()

    def follow_families(self) -> None:
        """Take back what readers of orgs have whose family is not here any more: it can be fetched
        again where that is."""
        for desk in self._desks.values():
            if self._families.is_away(desk.org):
                desk.wake()
                desk.put_back()
                for offer in list(desk.out.values()):
                    offer.give_back()

    # -- inside -----------------------------------------------------------------------------------

    def _leaving(self, org: OrgId, taken: Sequence[Offer]) -> Sequence[Offer]:
        """Return what may be handed out of what was taken: nothing, where the lease has ended since
        then, or the org's family is leaving."""
        if self._lease.holds() and not self._families.is_away(org):
            return taken
        for offer in taken:
            offer.keep_back()
        return ()

    async def _take(self, desk: Desk, taken: list[Offer], wanted: int, wait_s: float) -> None:
        """Take up to `wanted` messages, as far as they fit into an answer."""
        until_s = monotonic() + max(LEAST_S, wait_s)
        room: int | None = None
        while len(taken) < wanted and not self._full(desk.org):
            offer = desk.take(self._random_text(), room)
            if offer is not None:
                taken.append(offer)
                room = (ANSWER_BYTES_MAX if room is None else room) - offer.size
            elif desk.offers or self._ending:  # the next one does not fit any more
                return
            elif self._families.is_away(desk.org):
                return
            elif not await desk.wait(LINGER_S if taken else until_s - monotonic()):
                return

    def _named(self, desk: Desk, taken: Sequence[Offer]) -> str:
        if not taken:
            return ""
        cursor = self._random_text()
        desk.name(cursor, taken)
        return cursor

    def _of(self, webhook: Webhook) -> Desk:
        if not webhook.type.fetched:
            raise NotPulled(webhook.kind)
        return self._desk(webhook)

    def _desk(self, webhook: Webhook) -> Desk:
        if (desk := self._desks.get(webhook.number)) is None:
            desk = self._desks[webhook.number] = Desk(webhook.number, webhook.org, self)
            desk.fetched_s = self._started_s
        return desk

    def note_move(self, desk: Desk, messages: int, size: int) -> None:
        """See `DeskWatcher`."""
        if messages > 0:
            self._out.charge(desk.org, messages)
            self._out_bytes.charge(desk.org, size)
        elif messages:
            self._out.give(desk.org, -messages)
            self._out_bytes.give(desk.org, -size)
        self._asked.tell(desk.number, desk.wanted, len(desk.out))

    def note_offers(self, desk: Desk) -> None:
        """See `DeskWatcher`."""
        if not desk.readers:
            self._unread.look(desk)

    def _full(self, org: OrgId) -> bool:
        """Return whether an org's readers hold as much as is left for those of others."""
        return not (self._out.admits(org) and self._out_bytes.admits(org))
