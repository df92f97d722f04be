"""No e-mail to an owner leaves once the lease of the store is over; no try of it is lost."""

import asyncio
from typing import Any

import pytest

from tests.core.running.leases import EndingLease
from tests.engine.notice_world import Post
from tests.simulation.loop import simulate
from tests.simulation.parts import SimulatedClock
from tests.store.in_process import MemoryStore
from tidings.core.ids import OrgId
from tidings.core.notices.emails import CONSENT
from tidings.egress.port import MailFailed, MailHeld
from tidings.engine.notices.emails import AGAIN_MS, Emails
from tidings.store import port

LETTER = port.QueuedEmail("x", OrgId(1), CONSENT, b'{"address":"a@b.example","askedAt":1}', 0)


class HeldPost(Post):
    """A mailer whose connection outlives the lease."""

    def __init__(self, lease: EndingLease) -> None:
        super().__init__()
        self._lease = lease

    async def send(self, id: str, to: Any, subject: str, text: str) -> None:
        if self.tries == 0:
            self._lease.end()
        if not self._lease.holds():
            self.tries += 1
            raise MailHeld("the lease of the store is over")
        await super().send(id, to, subject, text)


@pytest.mark.parametrize("connects", [False, True])
def test_it_waits_until_the_lease_is_renewed(connects: bool) -> None:
    async def scenario() -> None:
        clock = SimulatedClock()
        store = MemoryStore(clock)
        lease = EndingLease()
        post = HeldPost(lease) if connects else Post()
        if not connects:
            lease.end()
        emails = Emails(
            store=store,
            clock=clock,
            lease=lease,
            addresses=lambda org: ("ops@acme.example",),
            mailer=post,
            awaits=lambda org, address, purpose: True,
            link=lambda *_: "https://x.example",
        )
        await store.put_email(LETTER)
        running = asyncio.ensure_future(emails.run())
        await asyncio.sleep(3600)
        assert post.sent == [] and post.tries == connects and lease.looked < 10_000
        [waits] = await store.emails()
        assert waits.tries == 0 and not emails.counts
        lease.renew()
        await asyncio.sleep(5)
        assert len(post.sent) == 1 and await store.emails() == []
        assert emails.counts == {"sent": 1}
        running.cancel()
        await store.close()

    simulate(1, scenario())


def test_a_mail_server_that_fails_still_costs_a_try() -> None:
    async def scenario() -> None:
        clock = SimulatedClock()
        store, post = MemoryStore(clock), Post()
        post.fail = MailFailed("the mail server answers 451")
        emails = Emails(
            store=store,
            clock=clock,
            lease=EndingLease(),
            addresses=lambda org: (),
            mailer=post,
            awaits=lambda org, address, purpose: True,
        )
        await store.put_email(LETTER)
        running = asyncio.ensure_future(emails.run())
        await asyncio.sleep(AGAIN_MS[0] / 2000)
        [waits] = await store.emails()
        assert waits.tries == post.tries == 1
        running.cancel()
        await store.close()

    simulate(1, scenario())
