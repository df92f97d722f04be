"""Nothing is handed out to a reader once the lease of the store is over."""

import asyncio
import itertools

import msgspec
import pytest

from tests.core.running.leases import EndingLease
from tests.engine.events.all_here import families_of
from tests.engine.shaping.sending_desk import HOOK, Desk, Line, Shaping, job
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.connections.connection import Connections
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.pull_rules import Asked, PullBody, Word
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook_types import PULL
from tidings.destinations.dispatch import DriverDispatch
from tidings.engine.delivery.guards import lease_watch
from tidings.engine.pull.desk import Desk as PullDesk
from tidings.engine.pull.pulls import Pulls
from tidings.store import port

WEBHOOK = msgspec.structs.replace(HOOK, kind=PULL, plain=True, url="")
LOOKS_MAX = 30
RENEWED = Asked(wait_s=lease_watch.LOOK_S * 20)


class Reading:
    """A webhook that is fetched from, with one delivery, over a lease."""

    def __init__(self, lease: EndingLease) -> None:
        self.families = families_of(registry := Registry())
        registry.set_parent(WEBHOOK.org, None)
        numbers = itertools.count()
        self.desk = Desk(Line(), Shaping(), WEBHOOK, lease)
        self.pulls = Pulls(lambda: f"t{next(numbers)}", self.desk.heard.asked, lease, self.families)
        self.desk.dispatcher._channels._destination = DriverDispatch(
            {PULL: self.pulls}, Connections()
        )

    async def take(self) -> None:
        """Take what is there as soon as it is, and acknowledge it."""
        [offer] = (await self.pulls.fetch(WEBHOOK, RENEWED)).offers
        self.pulls.settle(WEBHOOK, PullBody((offer.token,), Word.DELIVERED))
        await self.desk.work()


async def test_a_reader_gets_nothing_at_whichever_look_it_ends_and_all_when_it_is_renewed() -> None:
    kept_back_at = []
    for looks in range(LOOKS_MAX):
        lease = EndingLease(looks)
        reading = Reading(lease)
        await reading.desk.work(job())
        offers = (await reading.pulls.fetch(WEBHOOK, Asked(wait_s=0.05))).offers
        if offers:
            break
        await reading.desk.work()
        assert reading.pulls.messages_out == 0
        if reading.desk.quiet.settled:  # the last look: see the next test
            kept_back_at.append(looks)
            continue
        lease.renew()
        await reading.take()
        [delivered] = reading.desk.quiet.settled
        assert (delivered.state, delivered.attempt) == (State.DELIVERED, 2), "its number is kept"
    assert 4 <= looks < LOOKS_MAX - 1 and kept_back_at == [looks - 1]


async def test_what_was_taken_before_the_end_is_not_in_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lease = EndingLease()
    reading = Reading(lease)
    await reading.desk.work(job())
    take = PullDesk.take

    def taken(self: PullDesk, token: str, room: int | None) -> object:
        offer = take(self, token, room)
        if offer is not None:
            lease.end()
        return offer

    monkeypatch.setattr(PullDesk, "take", taken)
    fetched = await reading.pulls.fetch(WEBHOOK, Asked(wait_s=0.05))
    assert fetched.offers == () and not fetched.cursor
    await reading.desk.work()
    assert reading.pulls.messages_out == 0
    [kept_back] = reading.desk.quiet.settled
    assert kept_back.state == State.RETRYING and kept_back.delay_ms == 0, "at once, once it may"
    evidence = kept_back.evidence
    assert evidence is not None and evidence.kind is FaultKind.LEASE
    assert "was not handed out" in evidence.detail
    assert reading.pulls.state(WEBHOOK.number) == (0, 0)


async def test_what_was_taken_before_its_family_leaves_is_not_in_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Reading(EndingLease())
    await reading.desk.work(job())
    step = port.FamilyStep(FamilyId(WEBHOOK.org), FamilyMove.BEGIN, 2, other=CellId(2))
    leaving: list[asyncio.Future[port.FamilyReceipt]] = []
    take = PullDesk.take

    def taken(self: PullDesk, token: str, room: int | None) -> object:
        offer = take(self, token, room)
        if offer is not None:
            leaving.append(asyncio.ensure_future(reading.families.move(step)))
            reading.families._held.add(step.family)
            reading.families._look()
        return offer

    monkeypatch.setattr(PullDesk, "take", taken)
    assert (await reading.pulls.fetch(WEBHOOK, Asked(wait_s=0.05))).offers == ()
    await asyncio.gather(*leaving)
    await reading.desk.work()
    assert reading.pulls.messages_out == 0
    [kept_back] = reading.desk.quiet.settled
    assert kept_back.state == State.RETRYING and kept_back.delay_ms == 0


async def test_what_a_reader_has_is_taken_back_when_its_family_leaves() -> None:
    reading = Reading(EndingLease())
    await reading.desk.work(job())
    assert len((await reading.pulls.fetch(WEBHOOK, Asked(wait_s=0.05))).offers) == 1
    assert reading.pulls.messages_out == 1
    assert reading.desk.dispatcher.under_way(lambda org: org == WEBHOOK.org)
    waiting = asyncio.ensure_future(reading.pulls.fetch(WEBHOOK, Asked(wait_s=3600)))
    await reading.desk.work()
    step = port.FamilyStep(FamilyId(WEBHOOK.org), FamilyMove.BEGIN, 2, other=CellId(2))
    await reading.families.move(step)
    reading.pulls.follow_families()
    assert (await waiting).offers == (), "who waits is answered"
    await reading.desk.work()
    assert reading.pulls.messages_out == 0
    [taken_back] = reading.desk.quiet.settled
    assert taken_back.state == State.RETRYING and taken_back.delay_ms == 0
