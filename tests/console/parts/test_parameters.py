"""What stands behind the `?` of a page and is none of its parameters is refused, on every page."""

import re
from html import unescape

import pytest

from tests.api.control_client import call
from tests.console.crawl import furnish, walk
from tests.console.webhook_client import pages, text
from tidings.console.parameters import LISTS, OF_NO_ORG
from tidings.console.parameters import OF_AN_ORG as TAKEN
from tidings.console.routes import OF_AN_ORG

BASE = "/console/o/7"
ROUTES = [path for method, path, _, _ in OF_AN_ORG if method == "GET"]
OF_NONE = (
    " /sessions /orgs /orgs/new /orgs/7 /failing /cells /stop-all /search".split(
        " "
    )  # and the root
)
OPEN = ["/sign-in", "/welcome", "/confirm"]
REFUSED = 'A parameter must be one of .*; got "nonsense"'


def said(reply: object) -> str:
    """The words of an answer."""
    return unescape(text(reply))  # type: ignore[arg-type]


async def test_every_page_refuses_a_parameter_that_is_none() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        browser, taken = await p.platform(), {}
        for path in ROUTES:
            at = BASE + re.sub(r"\{\w+\}", "pointsIssued", path)
            for place in (at, at.replace("/console/o", "/console/portal/o")):
                reply = await browser.get(f"{place}?nonsense=1")
                if place == at and (reply.status != 400 or not re.search(REFUSED, said(reply))):
                    taken[at] = reply.status
        for path in [*OF_NONE, "/cells/move", "/audit"]:
            reply = await browser.get(f"/console{path}?nonsense=1")
            if reply.status != 400 or not re.search(REFUSED, said(reply)):
                taken[path] = reply.status
        for path in OPEN:
            reply = await call(p.app, "GET", f"/console{path}?nonsense=1", b"", {})
            if reply.status != 400 or not re.search(REFUSED, said(reply)):
                taken[path] = reply.status
        assert len(ROUTES) > 50 and not taken


async def test_the_refusal_leads_to_the_page_without_it() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        browser = await p.platform()
        page = text(await browser.get(f"{BASE}/catalogue/pointsIssued?nonsense=1"))
        assert f'href="{BASE}/catalogue/pointsIssued">Open this page without it' in page
        part = await browser.get(f"{BASE}/health?nonsense=1", hx_request="true")
        assert part.status == 400 and "<main" not in text(part)


@pytest.mark.parametrize("path", ["", "/webhooks/{id}"])
async def test_a_span_that_is_none_is_refused_as_lists_refuse_it(path: str) -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(7)
        at = BASE + path.replace("{id}", webhook)
        assert (await browser.get(f"{at}?span=24h")).status == 200
        wrong = [await browser.get(f"{page}?span=2y") for page in (at, f"{BASE}/deliveries")]
        for reply in wrong:
            assert reply.status == 400
            assert 'span must be one of 1h, 6h, 24h, 3d, 7d, 15d, 30d; got "2y".' in said(reply)


async def test_no_page_leads_to_an_address_that_is_refused() -> None:
    async with pages() as p:
        await furnish(p, 7, "Acme")
        browser = await p.platform()
        seen = await walk(browser, BASE, BASE)
        refused = []
        for at in seen:
            if "?" in at and (reply := await browser.get(at)).status == 400:
                refused.append((at, re.findall("A parameter must .*", said(reply))))
        assert sum("?" in at for at in seen) > 60
        assert not [at for at, why in refused if why]


def test_what_is_named_is_a_page() -> None:
    assert set(TAKEN) | LISTS <= set(ROUTES)
    assert set(OF_NO_ORG) <= {*OF_NONE, *OPEN, "/cells/move"}
