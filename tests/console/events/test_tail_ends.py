"""A live tail is heard for as long as its listener may hear it: it ends within 5 s, busy or silent,
and others of the same listener go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.api.control_client import Service, basic
from tests.api.v1.access.user_calls import PASSWORD, active, on
from tests.console.access.visitor import visitor
from tests.console.events.listening import Tail
from tests.console.webhook_client import Browser, Pages, pages
from tidings.api.http import event_stream
from tidings.core.ids import OrgId

ORG = OrgId(7)

EMAIL = "asha@acme.example"
ASKED_S = 0.02  # instead of 4 s; that those are 4 of the 5 is shown in virtual time elsewhere


@asynccontextmanager
async def busy(s: Service, org: int, every_s: float | None) -> AsyncIterator[None]:
    """An org where something happens all the time, or nothing."""

    async def happen() -> None:
        while every_s is not None:
            s.feed.tell(org, "event", {"eventId": "busy"})
            await asyncio.sleep(every_s)

    happening = asyncio.ensure_future(happen())
    try:
        yield
    finally:
        happening.cancel()


async def remove(s: Service, user: Any, browser: Browser) -> None:
    assert (await on(s, "DELETE", 7, f"/{user['id']}")).status == 204


async def disable(s: Service, user: Any, browser: Browser) -> None:
    assert (await on(s, "PATCH", 7, f"/{user['id']}", {"disabled": True})).status == 200


async def lessen(s: Service, user: Any, browser: Browser) -> None:
    """A role that does not read the log: a store may hold one of an older or newer release."""
    member = s.users.get(ORG, user["id"]).member
    s.users._keep_member(type(member)(member.org, member.person, "", "cashier", 0, "tests"))


HERE: dict[str, Callable[[Service, Any, Browser], Awaitable[None]]] = {
    "they are taken out of the org": remove,
    "they are disabled in the org": disable,
    "their role there reads no log": lessen,
}


async def sign_out(s: Service, user: Any, browser: Browser) -> None:
    await s.sessions.sign_out(browser.token)


async def sign_out_everywhere(s: Service, user: Any, browser: Browser) -> None:
    assert (await browser.post("/console/sessions/end")).status == 303


async def new_password(s: Service, user: Any, browser: Browser) -> None:
    body = {"email": EMAIL, "currentPassword": PASSWORD, "password": "other words altogether"}
    assert (await s.call("POST", "/v1/passwords", body, None)).status == 204


async def too_old(s: Service, user: Any, browser: Browser) -> None:
    s.clock.ms += 8 * 86_400_000


EVERYWHERE: dict[str, Callable[[Service, Any, Browser], Awaitable[None]]] = {
    "they sign out": sign_out,
    "they sign out everywhere": sign_out_everywhere,
    "they have a new password": new_password,
    "the session is too old": too_old,
}


async def signed_in(p: Pages) -> tuple[Any, Browser]:
    """Somebody who is a user of orgs 7 and 8."""
    for org in (7, 8):
        await p.s.add_org(org)
    user = await active(p.s, 7, EMAIL)
    await active(p.s, 8, EMAIL)
    signed = await p.s.sessions.by_password(EMAIL, PASSWORD, "127.0.0.1")
    return user, Browser(p, signed.token)


async def open_tails(p: Pages, browser: Browser) -> tuple[Tail, Tail]:
    here, there = (
        Tail(p, f"/console/o/{org}/tail/stream", {"cookie": browser.cookie}) for org in (7, 8)
    )
    for tail in (here, there):
        await tail.hears(b": listening")
    return here, there


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "ASKED_AGAIN_S", ASKED_S)


@pytest.mark.parametrize("every_s", [None, 0.001], ids=["silent", "busy"])
@pytest.mark.parametrize("how", HERE)
async def test_a_tail_ends_in_the_org_where_the_right_to_it_does_and_goes_on_in_others(
    how: str, every_s: float | None
) -> None:
    async with pages() as p:
        user, browser = await signed_in(p)
        here, there = await open_tails(p, browser)
        async with busy(p.s, 7, every_s):
            p.s.feed.tell(7, "event", {"eventId": "before"})
            await here.hears(b"before")
            await HERE[how](p.s, user, browser)
            await here.ends()
        heard = here.said
        p.s.feed.tell(7, "event", {"eventId": "after"})
        p.s.feed.tell(8, "event", {"eventId": "elsewhere"})
        await there.hears(b"elsewhere")
        assert here.said == heard and not there.task.done()
        again = Tail(p, "/console/o/7/tail/stream", {"cookie": browser.cookie})
        await again.task
        assert again.status == 403
        await there.leave()
        assert not p.s.feed.listening and p.s.services.web.streams.open == 0


@pytest.mark.parametrize("every_s", [None, 0.001], ids=["silent", "busy"])
@pytest.mark.parametrize("how", EVERYWHERE)
async def test_tails_end_in_all_orgs_with_the_session(how: str, every_s: float | None) -> None:
    async with pages() as p:
        user, browser = await signed_in(p)
        tails = await open_tails(p, browser)
        async with busy(p.s, 7, every_s):
            await EVERYWHERE[how](p.s, user, browser)
            for tail in tails:
                await tail.ends()
        assert not p.s.feed.listening and p.s.services.web.streams.open == 0


@pytest.mark.parametrize("every_s", [None, 0.001], ids=["silent", "busy"])
@pytest.mark.parametrize("scopes", [{"webhooks": "read"}, None], ids=["lessened", "revoked"])
async def test_what_a_credential_has_open_ends_with_its_right_in_portals_console_and_api(
    scopes: dict[str, str] | None, every_s: float | None
) -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        other = await p.s.add_org(8)
        v = await visitor(p, auth=auth)
        signed = await p.s.sessions.by_credential("org7", "secret", "127.0.0.1")
        live = await p.s.inboxes.create(ORG, {"name": "A till"})
        cookie = Browser(p, signed.token).cookie
        tails = [
            Tail(p, "/console/portal/o/7/tail/stream", {"cookie": v.cookie}),
            Tail(p, "/console/o/7/tail/stream", {"cookie": cookie}),
            Tail(p, "/v1/stream", {"authorization": auth}),
            Tail(p, f"/v1/inboxes/{live.id}/stream", {"authorization": auth}),
        ]
        others = [
            Tail(p, "/v1/stream", {"authorization": other}),
            Tail(
                p,
                "/v1/stream",
                {"authorization": basic("boss", "s3cret"), "x-tidings-org": "7"},
            ),
        ]
        for tail in (*tails, *others):
            await tail.hears(b": listening")
        at = "/v1/orgs/7/credentials/org7"
        async with busy(p.s, 7, every_s):
            if scopes is None:
                changed = await p.s.call("DELETE", at)
            else:
                changed = await p.s.call("PATCH", at, {"scopes": scopes})
            assert changed.status == 200, changed.body
            for tail in tails:
                await tail.ends()
        for org in (7, 8):
            p.s.feed.tell(org, "event", {"eventId": "on"})
        for tail in others:
            await tail.hears(b'"on"')
            await tail.leave()
        assert not p.s.feed.listening and p.s.services.web.streams.open == 0


async def test_the_stream_of_an_inbox_ends_with_the_inbox() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        inboxes = [(await p.s.inboxes.create(ORG, {"name": str(n)})).id for n in range(2)]
        gone, kept = (
            Tail(p, f"/v1/inboxes/{id}/stream", {"authorization": auth}) for id in inboxes
        )
        for tail in (gone, kept):
            await tail.hears(b": listening")
        await p.s.inboxes.delete(ORG, inboxes[0])
        await gone.ends()
        assert not kept.task.done()
        await kept.leave()
