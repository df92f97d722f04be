"""The rows of the palette: what is found, in which order, for whom, and within which bounds."""

import asyncio
import re
import time
from html import unescape
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.log_client import accept
from tests.app.cells.several_cells import NOBODY, ONE, TWO, FixedMap, several_cells
from tests.console.access.visitor import visitor
from tests.console.crawl import Visitor
from tests.console.parts.markup import STRANGE, Markup
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.console.pages.finding import rows, webhooks
from tidings.console.routes import OF_AN_ORG
from tidings.core.ids import OrgId
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.store import port

HOUR_MS = 3_600_000
WORD = "a word of many letters"
ROW = re.compile(r'<a role="option"[^>]* href="([^"]+)"><span class="label">([^<]*)</span>(.*)</a>')
GROUP = re.compile(r'role="presentation">([^<]+)<')


async def found(browser: Visitor, wanted: str, at: str = "/console/o/7/find") -> str:
    reply = await browser.get(f"{at}?part=rows&q={quote(wanted)}")
    assert reply.status == 200, reply.body
    return text(reply)


async def person_in(p: Pages, *orgs: int) -> Browser:
    """Somebody with a seat in each of these orgs."""
    boss, body = p.s.access.caller_of("boss"), {"email": "asha@acme.example", "role": "admin"}
    first, *others = orgs
    await p.s.users.create(boss, OrgId(first), body | {"password": WORD})
    for org in others:
        _, link = await p.s.users.create(boss, OrgId(org), body)
        assert link is not None
        await p.s.users.open_link(link.token, WORD)
    signed = await p.s.sessions.by_password("asha@acme.example", WORD, "192.0.2.1")
    return Browser(p, signed.token)


def labels(page: str, group: str) -> list[str]:
    """The rows of one group, in their order."""
    parts = GROUP.split(page)
    bodies = dict(zip(parts[1::2], parts[2::2], strict=True))
    return [unescape(label) for _, label, _ in ROW.findall(bodies.get(group, ""))]


def fail(p: Pages, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    now = p.s.clock.ms
    for number in numbers:
        p.healths[number] = port.StoredHealth(number, now - HOUR_MS, 12, "503", 1, now + 41_000)
    monkeypatch.setattr(HealthTracker, "failing_numbers", [*numbers])


async def test_what_fails_comes_first_and_then_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pages() as p:
        browser = await p.browser()
        for name in ("shop b", "Shop A", "shop d"):
            await p.webhook(name=name)
        _, failing = await p.webhook(name="shop z")
        fail(p, monkeypatch, failing)
        page = await found(browser, "SHOP")
        assert labels(page, "Webhooks") == ["shop z", "Shop A", "shop b", "shop d"]
        assert re.search(r"shop z</span> <span class=\"state failing\"", page)


async def test_an_exact_id_or_name_comes_before_everything() -> None:
    async with pages() as p:
        browser = await p.browser()
        long, _ = await p.webhook(name="Acme CRM of old")
        exact, number = await p.webhook(name="Acme CRM")
        await accept(p.s, "an-event-1", [number], org=7, request="r-4711")
        page = await found(browser, "Acme CRM")
        hrefs = [href for href, _, _ in ROW.findall(page)]
        assert hrefs[:2] == [f"/console/o/7/webhooks/{exact}", f"/console/o/7/webhooks/{long}"]
        assert labels(page, "Exactly this") == ["Acme CRM"], "and it stands there once"
        assert labels(await found(browser, "an-event-1"), "Exactly this") == ["an-event-1"]
        page = await found(browser, "r-4711")
        assert labels(page, "Events with this value") == ["pointsIssued"], "by its request"
        assert "/console/o/7/events/an-event-1" in page


async def test_a_host_finds_its_webhooks_and_the_list_of_them() -> None:
    async with pages() as p:
        browser = await p.browser()
        for name in ("One", "Two"):
            await p.webhook(name=name, webHookUrl="https://hooks.partner.example/secret-path")
        await p.webhook(name="Three", webHookUrl="https://user.example/hooks.partner.example")
        page = await found(browser, "partner.ex")
        assert labels(page, "Webhooks") == ["One", "Two"], "a path is no host"
        assert labels(page, "Hosts") == ["hooks.partner.example"] and "2 webhooks" in page
        assert "/console/o/7/webhooks?q=hooks.partner.example" in page
        assert "secret-path" not in page, "a path may hold a secret"
        deleted, _ = await p.webhook(name="Four", webHookUrl="https://gone.example")
        record = p.s.webhooks.get(OrgId(7), deleted)
        await p.s.webhooks.delete(OrgId(7), deleted, record.config.created_by)
        assert labels(await found(browser, "gone.example"), "Webhooks") == []


async def test_pages_and_actions_are_links_to_pages_that_there_are() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = await found(browser, "")
        assert labels(page, "Pages")[:2] == ["Overview", "Webhooks"]
        actions = labels(page, "Actions")
        assert {"New webhook", "Send an event", "Replay", "Pause or resume a webhook"} <= {*actions}
        gets = {path for method, path, _, _ in OF_AN_ORG if method == "GET"}
        for words in ("", "failing", "own", "refused"):
            for href, label, _ in ROW.findall(await found(browser, words)):
                path = unescape(href).removeprefix("/console/o/7").partition("?")[0]
                assert path in gets, (label, href)
                assert (await browser.get(unescape(href))).status in (200, 303), href
        assert labels(await found(browser, "webh new"), "Actions") == ["New webhook"]
        assert labels(await found(browser, "deliv"), "Pages") == ["Deliveries"]
        assert "method=" not in page and "hx-" not in page, "nothing of it changes anything"


@pytest.mark.parametrize(
    ("scopes", "sees", "sees_not"),
    [
        ("logs:read", ["Deliveries"], ["Webhooks", "New webhook", "Audit log", "Acme CRM"]),
        ("webhooks:read", ["Webhooks", "Acme CRM"], ["New webhook", "Deliveries", "Send an event"]),
        ("events:write", ["Send an event"], ["Webhooks", "Acme CRM", "Events"]),
    ],
)  # fmt: skip
async def test_who_lacks_a_scope_finds_nothing_that_takes_it(
    scopes: str, sees: list[str], sees_not: list[str]
) -> None:
    async with pages() as p:
        browser = await p.browser(scopes=scopes)
        await p.webhook()
        _, number = await p.webhook(name="Other")
        await accept(p.s, "an-event-1", [number], org=7, customer="4711")
        shown = set()
        for wanted in ("", "acme", "crm.example", "4711"):
            shown |= {unescape(label) for _, label, _ in ROW.findall(await found(browser, wanted))}
        assert {*sees} <= shown and not {*sees_not} & shown
        by_value = labels(await found(browser, "4711"), "Events with this value")
        assert bool(by_value) == (scopes == "logs:read")


async def test_all_orgs_of_a_person_are_searched_and_no_other() -> None:
    async with pages() as p:
        for org, name in ((7, "Acme"), (8, "Beta"), (9, "Gamma")):
            await p.s.add_org(org)
            await p.s.orgs.change(OrgId(org), {"name": name}, platform=True)
            await p.webhook(org, name=f"Feed of {name}", webHookUrl="https://feeds.example/x")
        person = await person_in(p, 8, 7)
        for at in ("/console/o/7/find", "/console/search"):
            for wanted in ("feed", "feeds.example"):
                page = await found(person, wanted, at)
                assert labels(page, "Webhooks") == ["Feed of Acme", "Feed of Beta"], at
                assert "/console/o/8/webhooks/" in page and "Beta (8)" in page
                assert "Gamma" not in page and "/o/9/" not in page
        assert labels(await found(person, "feed", "/console/o/8/find"), "Webhooks") == [
            "Feed of Beta",
            "Feed of Acme",
        ], "those of the org where one is come first"
        assert labels(await found(person, "beta"), "Orgs") == ["Beta (8)"]
        assert labels(await found(person, "gamma"), "Orgs") == []
        reader = await p.browser(7)
        portal = await visitor(p)
        for stranger, at in ((reader, "/console/o/7"), (portal, "/console/portal/o/7")):
            page = await found(stranger, "feed", f"{at}/find")
            assert labels(page, "Webhooks") == ["Feed of Acme"]
            assert "Beta" not in page and "Gamma" not in page
        everything = await found(await p.platform(), "feed", "/console/search")
        assert labels(everything, "Webhooks") == ["Feed of Acme", "Feed of Beta", "Feed of Gamma"]


async def test_a_reader_of_logs_in_one_org_finds_webhooks_of_the_other_alone() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        await p.s.add_org(8)
        await p.webhook(7, name="Feed one")
        await p.webhook(8, name="Feed two")
        person = await person_in(p, 8, 7)
        users = p.s.services.access.users
        own = users.caller

        def caller(one: str, org: OrgId) -> Any:
            known = own(one, org)
            grants = frozenset({"logs:read"}) if org == 7 else known.grants
            return type(known)(org=known.org, credential=known.credential, grants=grants)

        users.caller = caller  # type: ignore[method-assign, assignment]
        assert labels(await found(person, "feed", "/console/search"), "Webhooks") == ["Feed two"]


async def test_hostile_names_are_text() -> None:
    async with pages() as p:
        browser = await p.browser()
        for at, name in enumerate(STRANGE.values()):
            await p.webhook(name=f"x{at} {name}"[:50], webHookUrl="https://x.example/y")
        await p.s.orgs.change(OrgId(7), {"name": f"x {STRANGE['an element']}"[:60]}, platform=True)
        other = await p.browser(8)
        platform = await p.platform()
        for searcher, place in ((browser, "/console/o/7/find"), (platform, "/console/o/8/find")):
            page = await found(searcher, "x", place)
            assert len(labels(page, "Webhooks")) == min(len(STRANGE), rows.SHOWN)
            assert not Markup(page).faults
        for wanted in STRANGE.values():
            page = await found(other, wanted, "/console/o/8/find")
            assert not Markup(page).faults and "Search deliveries and events for" in page


# -- bounds ---------------------------------------------------------------------------------------


async def test_a_look_through_1000_webhooks_of_200_orgs_never_holds_the_loop_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pages() as p:
        await p.s.add_org(7)
        _, number = await p.webhook()
        template = p.s.webhooks.by_number(number)
        assert template is not None
        record = SimpleNamespace(webhook=template.webhook, config=template.config)
        monkeypatch.setattr(p.s.webhooks, "list", lambda org: [record] * 5)
        orgs = [OrgId(7)] * 200
        turns, longest_s = 0, 0.0
        ended = False

        async def watch() -> None:
            nonlocal turns, longest_s
            while not ended:
                began_s = time.process_time()
                await asyncio.sleep(0)
                longest_s = max(longest_s, time.process_time() - began_s)
                turns += 1

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        part = await webhooks.look_through(p.s.services, "a", orgs, orgs, rows.SHOWN)
        ended = True
        await watching
        assert turns >= 200 * 5 // webhooks.TURN, "everything else has its turns"
        assert longest_s < 0.1
        assert len(part.webhooks) == rows.SHOWN and part.is_whole


async def test_a_look_ends_after_so_many_webhooks_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pages() as p:
        browser = await p.browser()
        for at in range(6):
            await p.webhook(name=f"shop {at}")
        assert "were searched" not in await found(browser, "shop")
        monkeypatch.setattr(webhooks, "LOOKED_AT_MAX", 4)
        page = await found(browser, "shop")
        assert len(labels(page, "Webhooks")) < 4 and "were searched" in page


async def test_rows_are_bounded_and_so_is_what_is_asked() -> None:
    async with pages() as p:
        browser = await p.browser()
        for at in range(rows.SHOWN + 4):
            url = f"https://h{at % 7}.example/"
            await p.webhook(name=f"shop {at:02}", webHookUrl=url)
        page = await found(browser, "h")
        assert len(labels(page, "Webhooks")) == rows.SHOWN
        assert len(labels(page, "Hosts")) <= webhooks.HOSTS_MAX
        assert len(page) < 20_000
        reply = await browser.get(f"/console/o/7/find?part=rows&q={'9' * 300}")
        assert reply.status == 400 and "at most 255" in text(reply)


async def test_a_store_that_does_not_answer_leaves_what_is_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.webhook(name="shop one")

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(rows, "WITHIN_S", 0.05)
        monkeypatch.setattr(p.s.store, "event", never)
        page = await found(browser, "shop")
        assert labels(page, "Webhooks") == ["shop one"]
        assert "could not be searched in time" in page


async def test_webhooks_of_other_cells_are_found_and_a_silent_cell_is_named() -> None:
    fixed = FixedMap()
    async with several_cells((ONE, TWO), fixed) as (one, two):
        here, there = Pages(one.service), Pages(two.service)
        await one.service.orgs.create("Org 10", 10)
        await two.service.orgs.create("Org 20", 20)
        webhook, _ = await there.webhook(20, name="Far shop")
        browser = await here.platform()
        for at in ("/console/o/10/find", "/console/search"):
            page = await found(browser, "shop", at)
            assert labels(page, "Webhooks") == ["Far shop"] and "Org 20 (20)" in page
            assert f"/console/o/20/webhooks/{webhook}" in page
        fixed.own(TWO, NOBODY, epoch=2)
        await one.installation.reader.look()
        page = await found(browser, "shop", "/console/o/10/find")
        assert "Webhooks of cell 2, which has not answered, are missing." in page


async def test_the_page_of_the_search_has_the_same_without_scripts() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(name="shop one")
        page = text(await browser.get("/console/o/7/find?q=shop"))
        assert f'href="/console/o/7/webhooks/{webhook}"' in page and "<h2>Webhooks</h2>" in page
        page = text(await browser.get("/console/o/7/find?q=replay"))
        assert 'href="/console/o/7/replays/new"' in page and "<h2>Actions</h2>" in page
        platform = await p.platform()
        page = text(await platform.get("/console/search?q=shop"))
        assert f'href="/console/o/7/webhooks/{webhook}"' in page and "Org 7 (7)" in page
        assert 'action="/console/search"' in text(await platform.get("/console/orgs"))
        assert "Nothing was found" in text(await platform.get("/console/search?q=none-of-it"))
        assert (await platform.get(f"/console/search?q={'9' * 300}")).status == 400
        assert "Paste anything" in text(await platform.get("/console/search"))
