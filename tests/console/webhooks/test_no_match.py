"""A filter that has matched nothing says so on its webhook's page, as `tidings doctor` does."""

from html import unescape
from typing import Any

from tests.api.log_client import accept
from tests.console.parts.judged_faces import diagnosed
from tests.console.parts.judged_world import ORG, World
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.core.delivery.receivers.judgement import IDLE_MISSES
from tidings.core.shaping.filters.no_match import describe_no_match
from tidings.engine.events.acceptor import Matcher
from tidings.engine.events.commit_queue import QueuedEvent
from tidings.engine.events.intake import Draft

FILTER = {"path": "data.tier", "eq": "gold"}
WHY = 'data.tier must be "gold"; got nothing.'
SENTENCE = f"Its filter matches none of the last 1,000 events of its types: {WHY}"


async def refusing(p: Pages, count: int) -> World:
    """A webhook whose filter has refused so many events, one after the other."""
    id, _ = await p.webhook(filter=FILTER)
    event: dict[str, Any] = {"eventName": "pointsIssued", "data": {"tier": "blue"}}
    draft = Draft(ORG, "pointsIssued", "e-1", b"{}", event)
    matcher = Matcher(p.s.registry, p.s.parts.delivery.engine.matches)
    for _ in range(count):
        assert not matcher.match(QueuedEvent(draft, b"", b"", None, draft.name))
    await accept(p.s, "e-silent", [], org=ORG)
    webhook = p.s.webhooks.get(ORG, id).webhook
    return World(p, webhook, await p.s.add_org(7), await p.browser())


async def page_of(world: World, browser: Browser | None = None) -> str:
    page = await (browser or world.browser).get(f"/console/o/7/webhooks/{world.id}")
    return unescape(text(page))


async def looks(p: Pages) -> list[str]:
    await p.s.parts.running.views.write()
    return [look.object for look in entries_of(p.s.store, ORG) if look.action == "payload.viewed"]


async def test_the_page_says_it_as_doctor_does_and_leads_to_the_filter() -> None:
    async with pages() as p:
        world = await refusing(p, IDLE_MISSES)
        page = await page_of(world)
        assert SENTENCE in page
        assert f'href="/console/o/7/webhooks/{world.id}/edit#filter"' in page
        edit = text(await world.browser.get(f"/console/o/7/webhooks/{world.id}/edit"))
        assert 'id="filter"' in edit and 'value="data.tier"' in edit
        assert (await diagnosed(world)).cause == describe_no_match(1, WHY)
        assert await looks(p) == ["e-silent"], "why shows a value of an event"


async def test_before_that_many_and_after_a_change_nothing_is_said() -> None:
    async with pages() as p:
        world = await refusing(p, IDLE_MISSES - 1)
        assert "matches none" not in await page_of(world) and await looks(p) == []
    async with pages() as p:
        world = await refusing(p, IDLE_MISSES)
        assert SENTENCE in await page_of(world)
        await world.say("pause")
        assert "matches none" not in await page_of(world), "it is paused, which is why"


async def test_why_is_for_who_may_read_the_log_and_the_way_for_who_may_change() -> None:
    async with pages() as p:
        world = await refusing(p, IDLE_MISSES)
        page = await page_of(world, await p.browser(scopes="webhooks:read"))
        assert "Its filter matches none of the last 1,000 events" in page
        assert WHY not in page and "edit#filter" not in page
        assert await looks(p) == []
