"""The bar above a list counts what is newer than its first row, by the list's own filters."""

import re
from collections.abc import Awaitable, Callable
from html import unescape

import pytest

from tests.api.log_client import accept, settle
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.console.pages.events.newer_rows import GO_ON, NEWER_MAX
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port

BASE = "/console/o/7"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def asked_at(browser: Browser, path: str) -> str:
    """Where the page of a list asks."""
    page = text(await browser.get(BASE + path))
    [at] = re.findall(r'data-newer="([^"]*)" hidden', page)
    return BASE + path.partition("?")[0] + unescape(at)


async def words(browser: Browser, at: str) -> str:
    answer = await browser.get(at)
    assert answer.status in (200, 204) and answer.headers["cache-control"] == "no-store"
    return text(answer)


async def send(p: Pages, number: int, at: int) -> None:
    await accept(p.s, id_of(at), [number], org=7)


async def refuse(p: Pages, _: int, at: int) -> None:
    row = port.NewRejection(OrgId(7), "pointsIssued", id_of(at), "c", "wrong", "data", b"{}")
    await p.s.store.commit(port.Batch(p.s.registry.version, rejections=[row]))


@pytest.mark.parametrize(
    ("path", "happen"), [("/deliveries", send), ("/events", send), ("/rejections", refuse)]
)
@pytest.mark.parametrize("shown", [0, 1])
async def test_what_came_since_the_page_was_shown_is_counted(
    path: str, happen: Callable[[Pages, int, int], Awaitable[None]], shown: int
) -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        for before in range(shown):
            await happen(p, number, before)
        at = await asked_at(browser, path)
        assert await words(browser, at) == ""
        for more in range(3):
            await happen(p, number, 10 + more)
        assert await words(browser, at) == "3 new"
        again = await asked_at(browser, path)
        assert await words(browser, again) == "", "the newest page shows them"


async def test_entries_of_the_audit_log_are_counted_for_whom_they_are() -> None:
    async with pages() as p:
        browser = await p.browser()
        made, _ = await p.webhook()
        at = await asked_at(browser, "/audit?kind=webhook")
        assert await words(browser, at) == ""
        answer = await browser.post(f"/console/o/7/webhooks/{made}/say", {"verb": "pause"})
        assert answer.status == 303, text(answer)
        assert await words(browser, at) == "1 new"
        assert (await (await p.browser(8)).get(at)).status == 403


async def test_only_what_fits_the_filters_is_counted_and_nothing_is_looked_through_twice() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (first,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, first, number, State.FAILED, status=503)
        at = await asked_at(browser, "/deliveries?status=failed")
        (second,) = await accept(p.s, id_of(2), [number], org=7)
        await accept(p.s, id_of(3), [number], org=7)
        answer = await browser.get(at)
        assert answer.status == 204 and answer.headers[GO_ON].startswith("?")
        assert "status=failed" in answer.headers[GO_ON] and "part=newer" in answer.headers[GO_ON]
        await settle(p.s, second, number, State.FAILED, status=503)
        assert await words(browser, at) == "1 new"


async def test_the_count_is_bounded() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        at = await asked_at(browser, "/events")
        for event in range(NEWER_MAX + 2):
            await send(p, number, event)
        assert await words(browser, at) == f"{NEWER_MAX}+ new"


async def test_a_page_that_is_not_the_newest_or_was_refused_asks_nothing() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        for event in range(60):
            await send(p, number, event)
        page = text(await browser.get(f"{BASE}/events"))
        [older] = re.findall(r'rel="next" href="([^"]*)"', page)
        for query in (unescape(older), "?from=x"):
            assert "data-newer" not in text(await browser.get(f"{BASE}/events{query}")), query
        assert (await browser.get(f"{BASE}/events?from=x&part=newer")).status == 204
