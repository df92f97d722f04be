"""A list in which nothing is says so, and begins what would be in it."""

import re

from tests.console.webhook_client import pages, text
from tidings.console.parameters import LISTS

# Each list of an org, with what begins its first row where the reader may do so.
BEGINS = {
    "/webhooks": "/webhooks/new",
    "/actions": "tidings actions init",
    "/sources": "/sources/new",
    "/deliveries": "/webhooks/new",
    "/events": "/events/new",
    "/rejections": "/events/new",
    "/inboxes": "Create an inbox",
    "/alerts": "/alerts/new",
    "/replays": "/replays/new",
    "/event-types": "/event-types/new",
    "/access": "/access/users/new",
    "/reference": "tidings reference load",
    "/catalogue?q=zzz": "/catalogue",
}
EMPTY = re.compile(r'<div class="empty">(.*)</main>', re.S)


async def test_an_empty_list_says_a_sentence_and_begins_its_first_row() -> None:
    async with pages() as p:
        await p.s.add_org(8)
        browser, wrong = await p.platform(), {}
        for path, begins in BEGINS.items():
            page = text(await browser.get(f"/console/o/8{path}"))
            empty = "".join(EMPTY.findall(page)) or page.partition("Nothing is loaded yet")[2]
            sentence = re.search(r"<p>[A-Z][^<]{20,}", empty) or path == "/reference"
            if begins not in empty or not sentence:
                wrong[path] = empty[:300]
        assert not wrong
        assert LISTS - {"/audit"} <= BEGINS.keys(), "an audit log begins with the org"


async def test_who_may_not_begin_it_is_offered_nothing() -> None:
    async with pages() as p:
        browser = await p.browser(8, "reader")
        for path, begins in BEGINS.items():
            if begins.endswith("/new") or begins == "Create an inbox":
                page = text(await browser.get(f"/console/o/8{path}"))
                assert begins not in "".join(EMPTY.findall(page)), path
