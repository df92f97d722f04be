"""Whoever looks at a payload in the console leaves an entry, on every page that shows one."""

from typing import Any

import pytest

from tests.api.control_client import basic, call
from tests.console.access.visitor import Visitor, visitor
from tests.console.crawl import furnish
from tests.console.events.listening import Tail
from tests.console.webhook_client import FORM, Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.entries import AuditEntry
from tidings.core.ids import OrgId, show
from tidings.store import port

ORG = OrgId(7)


async def looks(p: Pages, org: int = ORG, action: str = "payload.viewed") -> list[AuditEntry]:
    await p.s.parts.running.views.write()
    return [look for look in entries_of(p.s.store, org) if look.action == action]


async def test_every_page_that_shows_a_payload_says_who_has_looked() -> None:
    async with pages() as p:
        known = await furnish(p, ORG, "Acme")
        browser, base = await p.browser(ORG), f"/console/o/{ORG}"
        rejection = (await p.s.store.log_rejections(ORG, None, None, 1)).rejections[0]
        [live] = p.s.inboxes.list(ORG)
        page = await p.s.inboxes.arrivals(live, None, None, 1)
        arrival = show("arr", page.arrivals[0].number)
        aside = await asides(p)
        shown: list[tuple[str, str, str]] = [
            (f"/events/{known.event}", "event", known.event),
            (f"/deliveries/{known.deliveries[1]}", "delivery", known.deliveries[1]),
            (f"/rejections/{show('rej', rejection.id)}", "rejection", show("rej", rejection.id)),
            (f"/inboxes/{known.inbox}", "arrival", arrival),
            *((f"/sources/{source}/aside/{id}", "dead_letter", id) for source, id in aside),
        ]
        assert aside
        for path, kind, object in shown:
            before = len(await looks(p))
            reply = await browser.get(base + path)
            assert reply.status == 200, (path, text(reply))
            [look] = (await looks(p))[before:]
            assert (look.object_kind, look.object) == (kind, object), path
            assert (look.actor, look.face) == ("org7", "console") and look.address
            await browser.get(base + path)
            assert len(await looks(p)) == before + 1, "once a minute"


async def test_who_is_shown_a_record_of_reference_data_leaves_an_entry_too() -> None:
    """A record of a customer has what a payload is enriched with: names and addresses."""
    async with pages() as p:
        browser = await p.browser(ORG)
        auth = {"authorization": basic("boss", "s3cret"), "x-tidings-org": str(ORG)}
        body = b'{"mobile": "15550100"}'
        put = await call(p.app, "PUT", "/v1/reference/customers/41", body, auth)
        assert put.status == 201
        for query in ("", "?kind=customers&id=42", "?kind=stores&id=41"):
            await browser.get(f"/console/o/{ORG}/reference{query}")
        assert await looks(p) == [], "nothing was shown"
        await browser.get(f"/console/o/{ORG}/reference?kind=customers&id=41")
        [look] = await looks(p)
        assert (look.object_kind, look.object) == ("reference", "customers/41")
        assert "All changes of customers" in text(await browser.get(f"/console/o/{ORG}/reference"))


async def asides(p: Pages) -> list[tuple[str, str]]:
    """The sources of the org, each with a message that it has set aside."""
    found = []
    sources = p.s.services.sources.sources
    for live in sources.of(ORG):
        page = await sources.list_dead_letters(live, None, None, 1)
        found += [(live.id, show("asd", message.number)) for message in page.messages]
    return found


async def test_who_opens_the_live_tail_leaves_an_entry_and_is_shown_no_payload() -> None:
    async with pages() as p:
        browser = await p.browser(ORG)
        tail = Tail(p, f"/console/o/{ORG}/tail/stream", {"cookie": browser.cookie})
        await tail.hears(b"listening")
        await tail.leave()
        [opened] = await looks(p, action="tail.opened")
        assert (opened.object_kind, opened.object, opened.face) == ("tail", "7", "console")
        assert await looks(p) == []


async def test_a_look_through_a_preview_or_a_portal_counts_too() -> None:
    async with pages() as p:
        known = await furnish(p, ORG, "Acme")
        browser, base = await p.browser(ORG), f"/console/o/{ORG}"
        await browser.post(f"{base}/webhooks/preview", FORM)
        [look] = await looks(p)
        assert look.object_kind == "event"
        v: Visitor = await visitor(p, role="reader")
        await v.get(f"/console/portal/o/{ORG}/events/{known.event}")
        look = (await looks(p))[-1]
        assert look.actor_kind == "person" and "portal" in look.actor_name
        assert look.object == known.event


@pytest.mark.parametrize("path", ["/events", "/deliveries", "/rejections", "/inboxes", "/sources"])
async def test_lists_show_no_payload(path: str) -> None:
    async with pages() as p:
        await furnish(p, ORG, "Acme")
        browser = await p.browser(ORG)
        assert (await browser.get(f"/console/o/{ORG}{path}")).status == 200
        assert await looks(p) == []


async def test_a_page_is_shown_whatever_the_store_says_of_its_look() -> None:
    async with pages() as p:
        known = await furnish(p, ORG, "Acme")
        browser: Browser = await p.browser(ORG)
        p.s.store.down = True
        reply: Any = await browser.get(f"/console/o/{ORG}/events/{known.event}")
        assert reply.status == 200
        with pytest.raises(port.StoreDown):
            await looks(p)
        p.s.store.down = False
        assert [look.object for look in await looks(p)] == [known.event]


async def test_who_may_not_look_leaves_no_look() -> None:
    async with pages() as p:
        known = await furnish(p, ORG, "Acme")
        stranger = await p.browser(8)
        reply = await stranger.get(f"/console/o/8/events/{known.event}")
        assert reply.status == 404
        assert await looks(p) == [] and await looks(p, 8) == []
