"""Letters go to addresses whose owners have said yes, and nobody is bombed by being named."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.control_client import Reply, Service, call, service
from tests.engine.store.store_faults import refusing
from tidings.console.routes import console_routes
from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import (
    ADDRESS_DAY_MAX,
    ADDRESS_MAX,
    ASKED_MAX,
    DAY_MS,
    LINK_MS,
    ORG_DAY_MAX,
    ORG_MAX,
)
from tidings.core.notices.facts import notice
from tidings.core.notices.operational_events import DISABLED
from tidings.core.running.lease import EndlessLease
from tidings.egress.port import MailFailed
from tidings.engine.notices.consents import ConsentEmails
from tidings.engine.notices.emails import Emails

OPS = "ops@acme.example"
TURNS = 300  # of the loop, in which whoever mails has taken its next step


class Mailer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.emails: list[tuple[str, str, str]] = []
        self.fails: MailFailed | None = None

    async def send(self, id: str, to: Sequence[str], subject: str, text: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.emails += [(name, subject, text) for name in to]

    def asked(self) -> Counter[str]:
        return Counter(to for to, subject, _ in self.emails if "do you want them" in subject)

    def told(self) -> list[str]:
        return [to for to, subject, _ in self.emails if "do you want them" not in subject]

    def paths(self) -> list[str]:
        pattern = r"https://tidings\.example(/console/confirm\S+)"
        return [path for _, _, text in self.emails for path in re.findall(pattern, text)]


class World:
    """A service with a mail server."""

    def __init__(self, s: Service) -> None:
        self.s, self.mailer = s, Mailer()
        s.app.router.routes.extend(console_routes(s.services, plain_http=True))
        self._jobs: list[asyncio.Task[None]] = []
        self.begin()

    def begin(self) -> None:
        s = self.s
        self.emails = Emails(
            store=s.store,
            clock=s.clock,
            lease=EndlessLease(),
            addresses=s.consents.recipients,
            mailer=self.mailer,
            awaits=s.consents.awaits,
            link=s.consents.link,
        )
        asking = ConsentEmails(
            orgs=s.orgs, clock=s.clock, emails=self.emails, mailed=s.consents._mailed
        )
        self._jobs = [asyncio.ensure_future(emails.run()) for emails in (self.emails, asking)]

    async def end(self) -> None:
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def later(self, ms: int = 0) -> None:
        """Let time pass, and let who waits for it do so."""
        self.s.clock.ms += ms
        await self.end()
        self.begin()
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is mailed any more, in turns of the loop: nothing else runs here."""
        before = -1
        while before != len(self.mailer.emails):
            before = len(self.mailer.emails)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def name(self, org: int, *addresses: str, settle: bool = True) -> None:
        body = {"settings": {"notify": list(addresses)}}
        reply = await self.s.call("PATCH", f"/v1/orgs/{org}", body)
        assert reply.status == 200, reply.body
        if settle:
            await self.settle()

    async def states(self, org: int) -> dict[str, str]:
        shown = (await self.s.call("GET", f"/v1/orgs/{org}")).json["notified"]
        return {row["address"]: row["state"] for row in shown}

    async def fail(self, org: int) -> None:
        """Something that an org is told."""
        fact = {
            "webHookId": f"{org}", "webHookName": "shop", "host": "x", "reason": "410", "parked": 0
        }  # fmt: skip
        await self.emails.note(notice(DISABLED, OrgId(org), fact, self.s.clock.ms))
        self.emails.confirm()
        await self.settle()

    async def say_yes(self, path: str, **headers: str) -> Reply:
        body = urlencode({"token": path.partition("=")[2]}).encode()
        kind = "application/x-www-form-urlencoded"
        sent = {"content-type": kind, "content-length": str(len(body))} | headers
        return await call(self.s.app, "POST", "/console/confirm", body, sent)


@asynccontextmanager
async def world(
    *orgs: int, mailed: Callable[[OrgId], Sequence[str]] | None = None
) -> AsyncIterator[World]:
    async with service() as s:
        if mailed is not None:  # else it is whom the webhooks of the service write to
            s.consents._mailed = mailed
        for org in orgs:
            await s.add_org(org)
        made = World(s)
        yield made
        await made.end()


async def test_an_address_gets_letters_once_its_owner_has_said_yes() -> None:
    async with world(7) as w:
        await w.name(7, OPS)
        assert w.mailer.asked() == {OPS: 1} and await w.states(7) == {OPS: "asked"}
        await w.fail(7)
        assert not w.mailer.told()
        [path] = w.mailer.paths()
        page = await call(w.s.app, "GET", path, b"", {})
        assert page.status == 200 and OPS in page.body.decode()
        assert await w.states(7) == {OPS: "asked"}, "programs open links too"
        assert (await w.say_yes(path, origin="https://evil.example")).status == 403
        assert (await w.say_yes(path)).status == 200
        assert await w.states(7) == {OPS: "confirmed"}
        assert (await w.say_yes(path)).status == 200, "twice is once"
        await w.fail(7)
        assert w.mailer.told() == [OPS]
        await w.later(40 * DAY_MS)
        await w.name(7, OPS, "new@acme.example")
        await w.fail(7)
        assert w.mailer.told() == [OPS, OPS]
        assert w.mailer.asked() == {OPS: 1, "new@acme.example": 1}
        await w.name(7)
        await w.fail(7)
        assert w.mailer.told() == [OPS, OPS]
        await w.name(7, OPS)
        assert (await w.states(7))[OPS] != "confirmed", "who was taken out is asked again"


async def test_a_link_is_for_its_org_and_address_alone_and_for_a_week() -> None:
    async with world(7, 8) as w:
        await w.name(7, OPS)
        await w.name(8, "other@acme.example")
        mine, theirs = w.mailer.paths()
        changed = re.sub(r"token=7\.", "token=8.", mine)
        swapped = mine.rpartition(".")[0] + "." + theirs.rpartition(".")[2]
        for path in (changed, swapped, mine[:-1], mine + "0", "?token=", "?token=a.b.c.d"):
            assert (await w.say_yes(path)).status == 400
        assert "confirmed" not in [*(await w.states(7)).values(), *(await w.states(8)).values()]
        w.s.clock.ms += LINK_MS
        assert (await w.say_yes(mine)).status == 400
        w.s.clock.ms -= 1
        await w.name(7)
        assert (await w.say_yes(mine)).status == 400, "the org names it no longer"


async def test_a_stranger_is_asked_seldom_whatever_an_org_does() -> None:
    async with world(7) as w:
        for day in range(25):
            for turn in range(3):
                await w.name(7, settle=not turn)
                await w.name(7, "victim@elsewhere.example", settle=not turn)
                await w.name(7, "Victim@elsewhere.example", settle=False)
            await w.later(DAY_MS)
            assert sum(w.mailer.asked().values()) <= min(ASKED_MAX, (day + 1) // 7 + 1)
        await w.fail(7)
        assert not w.mailer.told()


async def test_nor_what_many_orgs_do_together() -> None:
    async with world(*range(7, 27)) as w:
        for org in range(7, 27):
            await w.name(org, "victim@elsewhere.example")
        assert w.mailer.asked().total() == ADDRESS_DAY_MAX
        for _ in range(12):
            before = w.mailer.asked().total()
            await w.later(DAY_MS)
            assert w.mailer.asked().total() - before <= ADDRESS_DAY_MAX
        assert w.mailer.asked().total() == ADDRESS_MAX


async def test_an_org_asks_so_many_and_no_more() -> None:
    async with world(7) as w:
        for day in range(4):
            for turn in range(6):
                names = [f"u{day}.{turn}.{n}@elsewhere.example" for n in range(10)]
                await w.name(7, *names)
            assert sum(w.mailer.asked().values()) <= min(ORG_DAY_MAX * (day + 1), ORG_MAX)
            await w.later(DAY_MS)
        assert len(w.mailer.asked()) == ORG_MAX
        assert set((await w.states(7)).values()) == {"waiting"}


async def test_named_before_letters_had_to_be_confirmed() -> None:
    """After an update owners are asked, and nothing comes before they have said yes."""
    async with world(7) as w:
        await w.end()
        await w.s.call("PATCH", "/v1/orgs/7", {"settings": {"notify": [OPS]}})
        assert not w.mailer.emails
        await w.later()
        assert w.mailer.asked() == {OPS: 1}


async def test_a_mail_server_that_is_away_loses_no_question_and_asks_it_once() -> None:
    async with world(7) as w:
        w.mailer.fails = MailFailed("it is away")
        await w.name(7, OPS)
        await w.later()
        assert not w.mailer.emails
        w.mailer.fails = None
        await w.later(60_000)
        await w.later(600_000)
        assert w.mailer.asked() == {OPS: 1}
        await w.name(7)
        await w.name(7, OPS)
        assert w.mailer.asked() == {OPS: 1}


@pytest.mark.parametrize("signed_in", [True, False])
async def test_a_user_of_the_org_is_asked_too(signed_in: bool) -> None:
    """An org holds its invitations, so that a user has accepted proves no mailbox."""
    async with world(7) as w:
        boss = w.s.access.caller_of("boss")
        body: dict[str, Any] = {"email": "victim@elsewhere.example", "role": "owner"}
        _, link = await w.s.users.create(boss, OrgId(7), body)
        assert link is not None
        if signed_in:
            await w.s.users.open_link(link.token, "a word that the org has taken")
        await w.name(7, "victim@elsewhere.example")
        await w.fail(7)
        assert not w.mailer.told() and w.mailer.asked().total() == 1


async def test_an_owner_is_asked_once_although_the_store_refuses_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidings.engine.notices.consents.AGAIN_S", 0.01)
    async with world(7) as w:
        failed = refusing(w.s.store, "put_org", lambda call: call in (1, 2))
        await w.name(7, OPS)  # the first is the naming, those that fail note the asking
        while len(failed) < 2 or not w.mailer.emails:
            await asyncio.sleep(0.01)
        await w.settle()
        assert w.mailer.asked() == {OPS: 1} and await w.states(7) == {OPS: "asked"}


class Mailed:
    """Whom webhooks of orgs write to."""

    def __init__(self) -> None:
        self.of: dict[int, list[str]] = {}

    def __call__(self, org: OrgId) -> list[str]:
        return self.of.get(org, [])


async def test_who_agreed_to_notices_is_asked_for_what_webhooks_send() -> None:
    mailed = Mailed()
    async with world(7, mailed=mailed) as w:
        await w.name(7, OPS)
        await w.say_yes(w.mailer.paths()[0])
        assert not w.s.consents.has_agreed(OrgId(7), OPS)
        mailed.of[7] = [OPS]
        await w.later()
        assert w.mailer.asked() == {OPS: 2} and "with events" in w.mailer.emails[-1][2]
        asks = w.mailer.paths()[-1]
        page = await w.s.call("GET", asks)
        assert b"of events" in page.body and not w.s.consents.has_agreed(OrgId(7), OPS)
        await w.say_yes(asks)
        assert w.s.consents.has_agreed(OrgId(7), OPS)
        assert not w.s.consents.has_agreed(OrgId(8), OPS)
        await w.name(7)
        assert w.s.consents.has_agreed(OrgId(7), OPS), "notices alone were ended"


async def test_the_link_of_one_purpose_does_not_serve_for_the_other() -> None:
    mailed = Mailed()
    async with world(7, mailed=mailed) as w:
        await w.name(7, OPS)
        [path] = w.mailer.paths()
        mailed.of[7] = [OPS]
        assert (await w.say_yes(path + ".messages")).status == 400
        await w.say_yes(path)
        assert not w.s.consents.has_agreed(OrgId(7), OPS)


async def test_naming_an_address_for_both_bombs_it_no_more_than_for_one() -> None:
    mailed = Mailed()
    async with world(*range(1, 12), mailed=mailed) as w:
        for org in range(1, 12):
            mailed.of[org] = [OPS]
            await w.name(org, OPS, settle=False)
        await w.later()
        assert w.mailer.asked()[OPS] == ADDRESS_DAY_MAX
