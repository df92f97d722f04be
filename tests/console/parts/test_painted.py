"""What a page puts before the eyes: one primary button at most, and the name of its org once."""

from collections.abc import AsyncIterator

from tests.api.control_client import Reply
from tests.console.crawl import furnish, walk
from tests.console.parts.painted import Painted
from tests.console.webhook_client import Pages, pages, text

ORG, NAME = 7, "Zebra & Sons"
BASE = f"/console/o/{ORG}"
# Pages that are about the org itself: whoever stops sending reads for whom beside the button too.
# An entry of the audit log, and a portal, may have its name.
TIMES = {
    f"{BASE}/stop": 3,
    f"{BASE}/settings": 2,
    f"{BASE}/audit": 3,
    f"{BASE}/access/portal": 2,
}


async def walked(p: Pages) -> AsyncIterator[tuple[str, Reply]]:
    """Every page of an org that has one of everything, and of one that has nothing."""
    await furnish(p, ORG, NAME)
    await p.s.add_org(8)
    browser = await p.platform()
    for base in (BASE, "/console/o/8"):
        for at in await walk(browser, base, base):
            if "part=" not in at and "preview" not in at:
                yield at, await browser.get(at)
    for at in ("/orgs", "/orgs/new", "/failing", "/stop-all", "/audit", "/sessions", "/cells"):
        yield f"/console{at}", await browser.get(f"/console{at}")


def is_page(reply: Reply) -> bool:
    """Tell a page from a part of one, a leading on, and what is no HTML."""
    return "<main" in text(reply)


async def test_a_page_has_one_primary_button_at_most() -> None:
    async with pages() as p:
        seen, several = 0, {}
        async for at, reply in walked(p):
            if is_page(reply):
                seen += 1
                if len(primary := Painted(text(reply)).primary) > 1:
                    several[at] = primary
        assert seen > 100 and not several


async def test_the_bar_shows_the_org_and_nothing_below_it_repeats_the_name() -> None:
    async with pages() as p:
        seen, wrong = 0, {}
        async for at, reply in walked(p):
            if not is_page(reply) or reply.status != 200 or not at.startswith(BASE):
                continue
            seen += 1
            painted = Painted(text(reply))
            times = painted.text.count(NAME)
            if not 1 <= times <= TIMES.get(
                at.partition("?")[0], 1
            ) or f"{NAME} {ORG}" not in "".join(painted.bar):
                wrong[at] = times
        assert seen > 60 and not wrong


def test_what_is_folded_hidden_or_spoken_alone_is_not_painted() -> None:
    folded = Painted(
        "<main><button class='button main'>Save<span class='quiet'> in Acme</span></button>"
        "<details><summary>More</summary><a class='button main'>Delete</a></details>"
        "<a class='button main' hidden>3 new</a><details open><summary>Open</summary>"
        "<button class='button main'>Send</button></details></main>"
    )
    assert folded.primary == ["Save", "Send"] and "Acme" not in folded.text
    assert "More" in folded.text and "Delete" not in folded.text
