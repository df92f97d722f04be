"""A bar of a chart leads to the very deliveries that it counts."""

import re
from html import unescape

from tests.api.log_client import accept, settle
from tests.console.webhook_client import pages, text
from tidings.core.delivery.states import State

TITLED = re.compile(
    r"<g><title>[^<]*: delivered 2, failed 1</title><a href=\"([^\"]*)\" .*?</g>", re.DOTALL
)


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def test_the_lists_behind_a_bar_have_as_many_rows_as_it_counts() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        _, other = await p.webhook(name="Other")
        for at, state in enumerate((State.DELIVERED, State.DELIVERED, State.FAILED)):
            (delivery,) = await accept(p.s, id_of(at), [number], org=7)
            await settle(p.s, delivery, number, state, status=200 if at < 2 else 400)
        p.s.clock.ms += 600_000  # two steps later, and at another webhook: none of this bar
        await accept(p.s, id_of(8), [number], org=7)
        await accept(p.s, id_of(9), [other], org=7)
        for path in ("/console/o/7", f"/console/o/7/webhooks/{webhook}"):
            page = text(await browser.get(f"{path}?span=1h"))
            [bar] = TITLED.finditer(page)
            links = [unescape(href) for href in re.findall(r'href="([^"]*)"', bar[0])]
            rows = []
            for link in links:
                answer = await browser.get(link)
                assert answer.status == 200, link
                rows.append(text(answer).count("<a data-row "))
            assert rows == [3, 2, 1], "all, delivered, failed"
            assert all((f"webhook={webhook}" in link) == ("webhooks" in path) for link in links)


async def test_events_in_lead_to_the_events_of_their_time() -> None:
    async with pages() as p:
        browser = await p.browser()
        await accept(p.s, id_of(1), org=7)
        p.s.clock.ms += 5000
        page = text(await browser.get("/console/o/7?span=1h"))
        [link] = set(re.findall(r'href="(/console/o/7/events\?from=[^"]*)"', page))
        listed = text(await browser.get(unescape(link)))
        assert listed.count("<a data-row ") == 1
