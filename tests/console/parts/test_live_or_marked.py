"""Every page that the router has is marked old where its service is gone: none goes on alone."""

import re

from tests.console.crawl import furnish
from tests.console.webhook_client import Pages, pages, text
from tidings.console.place import ROOT
from tidings.console.routes import console_routes

MARKED = re.compile(r'<main id="main"[^>]* data-alive="([^"]+)"')
LAST_WORDS = ("/new", "/rejected")  # which are no ids
# What is no page of somebody who is signed in, so that nothing on it can grow old.
NO_PAGES = {
    "/": "leads on",
    "/console/": "leads on",
    "/console/static/{name:path}": "a file",
    "/console/sign-in": "nobody is signed in",
    "/console/welcome": "nobody is signed in",
    "/console/portal": "leads on, into the portal",
    "/console/portal.css": "a file",
    "/console/confirm": "is loaded, answered and left: it shows nothing that changes",
    "/console/alive": "the sign of life",
    "/console/o/{org}/alive": "the sign of life",
    "/console/o/{org}/tail/stream": "a stream",
    "/console/o/{org}/webhooks/{id}/drain": "a part of a page",
    "/console/o/{org}/deliveries/{id}/mail": "a part of a page: the mail itself, in its frame",
    "/console/o/{org}/events/rejected": "leads on",
    "/console/o/{org}/views/{id}": "leads on, into the list of the view",
    "/console/orgs/{id}": "leads on",
    "/console/{rest:path}": "says that nothing is there, to whoever asks",
    "/console": "leads on, into the org",
}


def routes(p: Pages) -> list[str]:
    """The paths of all that can be loaded, of an org and of none; a portal's are the same pages."""
    found = [
        route.path
        for route in console_routes(p.s.services, plain_http=True)
        if "GET" in (route.methods or ())
    ]
    return [path for path in found if not path.startswith(f"{ROOT}/portal/o/")]


async def test_every_page_of_the_router_is_kept_current_or_marked_old() -> None:
    async with pages() as p:
        await furnish(p, 7, "Acme")
        browser = await p.platform()
        left = [path for path in routes(p) if path not in NO_PAGES]
        links: set[str] = set()
        while at := next(filter(None, (address_of(path, links) for path in left)), None):
            path = next(path for path in left if address_of(path, links) == at)
            left.remove(path)
            answer = await browser.get(at)
            assert answer.status < 500, at
            page = text(answer)
            assert MARKED.search(page) and 'data-zone="' in page, (path, at, answer.status)
            links |= set(re.findall(r'(?:href|hx-get)="(/console/[^"?#]*)', page))
        assert not left, "these pages are linked by none"


def address_of(path: str, links: set[str]) -> str | None:
    """Where a page of the path is, by what pages link to; None where none does so far."""
    path = path.replace("{org}", "7")
    if "{" not in path:
        return path
    parts = [re.escape(part) for part in re.split(r"\{\w+\}", path)]
    fitting = re.compile("[^/]+".join(parts))
    return next(
        (
            link
            for link in sorted(links)
            if fitting.fullmatch(link) and not link.endswith(LAST_WORDS)
        ),
        None,
    )


async def test_what_is_said_to_be_no_page_is_still_there() -> None:
    async with pages() as p:
        assert set(NO_PAGES) <= set(routes(p))
