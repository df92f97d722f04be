"""Messages that wait where nobody reads them are bounded, and give way to those of who reads."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tidings.core.delivery.exchange import AttemptResult
from tidings.core.ids import OrgId
from tidings.engine.pull.desk import Desk
from tidings.engine.pull.unread_offers import ALL_BYTES_MAX, OF_ORG_BYTES_MAX, UnreadOffers

BODY = b"x" * (1 << 20)


class Desks:
    """Desks of many webhooks; see `DeskWatcher`."""

    def __init__(self) -> None:
        self.unread = UnreadOffers()
        self.offers: list[asyncio.Task[AttemptResult | None]] = []

    def note_move(self, desk: Desk, messages: int, size: int) -> None:
        pass

    def note_offers(self, desk: Desk) -> None:
        if not desk.readers:
            self.unread.look(desk)

    def desk(self, number: int, org: int) -> Desk:
        return Desk(number, OrgId(org), self)

    async def offer(self, desk: Desk, count: int, body: bytes = BODY) -> None:
        message = cast(Any, SimpleNamespace(body=body, headers_if_current=list))
        for _ in range(count):
            self.offers.append(asyncio.create_task(desk.hand_over(message)))
        for _ in range(5):
            await asyncio.sleep(0)

    async def end(self, *desks: Desk) -> None:
        for desk in desks:
            desk.put_back()
        await asyncio.gather(*self.offers)


def waiting(*desks: Desk) -> int:
    return sum(offer.size for desk in desks for offer in desk.offers)


async def test_what_an_org_leaves_unread_is_bounded_and_the_rest_is_put_back() -> None:
    desks = Desks()
    left = [desks.desk(number, 1) for number in range(10)]
    for desk in left:
        await desks.offer(desk, 3)
    assert waiting(*left) == desks.unread.held == OF_ORG_BYTES_MAX
    put_back = [offer for offer in desks.offers if offer.done()]
    assert len(put_back) == 30 - 8 and {offer.result() for offer in put_back} == {None}
    other = desks.desk(77, 2)
    await desks.offer(other, 2)
    assert waiting(other) == 2 * len(BODY), "another org's stay"
    await desks.end(*left, other)
    assert desks.unread.held == 0


async def test_all_orgs_together_leave_a_bound_unread() -> None:
    desks = Desks()
    left = [desks.desk(number, number) for number in range(20)]
    for desk in left:
        await desks.offer(desk, 5)
    assert ALL_BYTES_MAX - len(BODY) <= waiting(*left) == desks.unread.held <= ALL_BYTES_MAX
    await desks.end(*left)
    assert desks.unread.held == 0


async def test_where_somebody_reads_nothing_is_put_back() -> None:
    desks = Desks()
    read = desks.desk(1, 1)
    read.readers = 1
    await desks.offer(read, 30)
    assert waiting(read) == 30 * len(BODY) and desks.unread.held == 0
    assert read.take("a", None) is not None
    read.readers = 0
    desks.unread.look(read)
    assert waiting(read) == OF_ORG_BYTES_MAX, "the reader has left: what is too much goes back"
    for offer in read.out.values():
        offer.acknowledge()
    await desks.end(read)


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
async def test_one_message_waits_for_its_next_reader(size: int) -> None:
    desks = Desks()
    desk = desks.desk(1, 1)
    await desks.offer(desk, 1, b"x" * size)
    assert len(desk.offers) == 1
    desk.readers = 1
    desks.unread.look(desk)
    offer = desk.take("a", None)
    assert offer is not None and desks.unread.held == 0 == desk.offered_bytes
    offer.acknowledge()
    await desks.end(desk)
