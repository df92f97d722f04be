"""The list of webhooks: what fails stands first, and an address narrows and orders it."""

import re

import pytest

from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.console.pages.webhooks.listed import PAGE
from tidings.core.ids import OrgId, WebhookId
from tidings.store import port

ORG = OrgId(7)
AT = "/console/o/7/webhooks"


async def names(browser: Browser, query: str = "") -> list[str]:
    """The names on the list at a query, in its order."""
    reply = await browser.get(f"{AT}?{query}")
    assert reply.status == 200, query
    return re.findall(r"data-row[^>]*>([^<]+)</a>", text(reply))


async def five(p: Pages) -> dict[str, WebhookId]:
    """Webhooks that do well, fail, are paused, and are paused while they fail; ids by name."""
    made: dict[str, WebhookId] = {}
    for name in ("well", "Failing", "paused", "both", "newest"):
        made[name], number = await p.webhook(name=name)
        if name in ("Failing", "both"):
            p.healths[number] = port.StoredHealth(number, p.s.clock.ms, 3, "503")
        if name in ("paused", "both"):
            reply = await (await p.browser()).post(f"{AT}/{made[name]}/say", {"verb": "pause"})
            assert reply.status == 303
    return made


async def test_what_fails_stands_first_then_what_fails_and_is_paused() -> None:
    async with pages() as p:
        await five(p)
        browser = await p.browser()
        assert await names(browser) == ["Failing", "both", "newest", "paused", "well"]
        assert await names(browser, "sort=newest") == [
            *("newest", "both", "paused", "Failing", "well"),
        ]
        assert await names(browser, "sort=name") == ["both", "Failing", "newest", "paused", "well"]


async def test_one_that_is_paused_while_it_fails_is_found_under_both() -> None:
    async with pages() as p:
        made = await five(p)
        browser = await p.browser()
        assert await names(browser, "state=failing") == ["Failing", "both"]
        assert await names(browser, "state=paused") == ["both", "paused"]
        assert await names(browser, "state=well&q=NEW") == ["newest"]
        assert await names(browser, "state=degraded") == []
        gone = await browser.post(f"{AT}/{made['well']}/delete", {"sure": "yes"})
        assert gone.status == 303
        assert await names(browser, "show=deleted") == ["well"]
        assert "well" not in await names(browser)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("stat=failing", "stat"),
        ("state=broken", "state must be one of well, failing"),
        ("sort=worst", "sort must be one of newest, name"),
        ("show=all", "show must be one of deleted"),
    ],
)
async def test_an_address_that_asks_for_nothing_there_is_shows_no_rows(
    query: str, said: str
) -> None:
    async with pages() as p:
        await five(p)
        browser = await p.browser()
        reply = await browser.get(f"{AT}?{query}")
        assert reply.status == 400 and said in text(reply)
        assert "data-row" not in text(reply)
        assert f'href="{AT}"' in text(reply), "the way to the whole list"


async def test_the_pages_of_a_list_keep_what_it_was_asked_for() -> None:
    async with pages() as p:
        for number in range(PAGE + 1):
            await p.webhook(name=f"shop {number:02}")
        browser = await p.browser()
        page = text(await browser.get(f"{AT}?q=shop&sort=name&state=well"))
        (following,) = re.findall(r'rel="next" href="\?([^"]+)"', page)
        assert following == "q=shop&amp;state=well&amp;sort=name&amp;page=2"
        assert await names(browser, following.replace("&amp;", "&")) == [f"shop {PAGE:02}"]
