"""A sample event is sent from a webhook's page and watched there: what came of it, and why."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

from tests.api.control_client import Reply
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.store import port

AT = "/console/o/7/webhooks"
ORG = OrgId(7)
VIEWED = "payload.viewed"


class SampleForm:
    """A webhook with the page that sends it samples."""

    def __init__(self, p: Pages, browser: Browser, webhook: str) -> None:
        self.p = p
        self.browser = browser
        self.at = f"{AT}/{webhook}/sample"

    async def sent(self, name: str = "pointsIssued", **headers: str) -> Reply:
        """Send a sample, as the page's script does."""
        given = headers or {"hx_request": "true"}
        return await self.browser.post(self.at, {"type": name}, **given)

    async def events(self, org: int = ORG) -> list[port.StoredEvent]:
        """What the org's log has."""
        return list((await self.p.s.store.log_events(port.EventQuery(OrgId(org)))).events)

    async def settle(
        self,
        state: State,
        status: int | None,
        fault: FaultKind | None = None,
        body: bytes = b"",
    ) -> None:
        """An attempt of its only delivery ends."""
        [event] = await self.events()
        [delivery] = await self.p.s.store.deliveries_of(event.seq)
        evidence = None
        if state is not State.DELIVERED:
            evidence = port.Evidence(fault, "", (), body, False)
        settled = port.Settlement(
            *(DeliveryId(delivery.id), delivery.webhook, None, int(state), 1, 1),
            *(self.p.s.clock.ms, 5, status),
            60_000 if state is State.RETRYING else None,
            evidence,
        )
        await self.p.s.store.commit(port.Batch(self.p.s.registry.version, settled=[settled]))


@asynccontextmanager
async def sample_form(**more: object) -> AsyncIterator[SampleForm]:
    """A webhook of pointsIssued, and who may do everything."""
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(7, **more)
        yield SampleForm(p, browser, webhook)


def asks(part: str) -> str:
    """The address that a part asks at again; empty where it does not."""
    found = re.search(r'hx-get="([^"]+)" hx-trigger="every 1s"', part)
    return unescape(found[1]) if found else ""


async def test_a_sample_is_accepted_and_watched_in_place_until_it_is_delivered() -> None:
    async with sample_form() as one:
        shown = text(await one.sent())
        [event] = await one.events()
        assert event.name == "pointsIssued" and event.deliveries == 1
        assert "pending" in shown and (at := asks(shown))
        assert (await one.browser.get(at, hx_request="true")).status == 204, "nothing has changed"
        await one.settle(State.DELIVERED, 200)
        changed = text(await one.browser.get(at, hx_request="true"))
        assert "✓</i> delivered" in changed and "It answered <b>200</b> in 5 ms." in changed
        assert not asks(changed), "it is settled"
        assert "<html" not in changed


async def test_a_sample_that_fails_shows_the_answer_and_the_advice() -> None:
    async with sample_form() as one:
        at = asks(text(await one.sent()))
        await one.settle(State.RETRYING, 503, body=b'{"error": "<b>busy</b>"}')
        shown = text(await one.browser.get(at, hx_request="true"))
        assert "↻</i> retrying" in shown
        assert "The receiver is overloaded or stopped: check that it runs." in shown
        assert "&lt;b&gt;busy&lt;/b&gt;" in shown and "<b>busy" not in shown
        assert asks(shown), "it goes on"
        await one.p.s.parts.running.views.write()
        looks = [look for look in entries_of(one.p.s.store, ORG) if look.action == VIEWED]
        assert [look.object_kind for look in looks] == ["delivery"], "the answer was looked at"


async def test_a_sample_without_an_answer_says_so() -> None:
    async with sample_form() as one:
        at = asks(text(await one.sent()))
        await one.settle(State.FAILED, None, FaultKind.DNS)
        shown = text(await one.browser.get(at, hx_request="true"))
        assert "✗</i> failed" in shown and "Check the host of webHookUrl." in shown
        assert not asks(shown)


async def test_without_a_script_the_sample_is_followed_on_a_page_of_its_own() -> None:
    async with sample_form() as one:
        reply = await one.sent(accept="text/html")
        assert reply.status == 303
        [event] = await one.events()
        assert reply.headers["location"] == f"{one.at}?event={event.id}"
        page = text(await one.browser.get(reply.headers["location"]))
        assert "A sample event for" in page and "pending" in page
        assert f'<noscript><p><a href="{one.at}?event={event.id}">Look again' in page


async def test_only_a_type_that_the_webhook_gets_can_be_sent() -> None:
    wanted = {"path": "data.totalPointsIssued", "gt": 1_000_000}
    async with sample_form(filter=wanted, eventNames=["pointsIssued", "customerAdded"]) as one:
        page = text(await one.browser.get(one.at))
        assert '<option value="customerAdded"' not in page, "the filter accepts no example"
        assert "has an example that its filter accepts" in page
    async with sample_form(eventNames=["pointsIssued", "tidings.webhook.failing"]) as one:
        page = text(await one.browser.get(one.at))
        assert re.findall(r'<option value="([^"]+)">', page.partition("<h1>")[2]) == [
            "pointsIssued"
        ]
        for name in ("tidings.webhook.failing", "tierUpgraded", "<b>", ""):
            refused = text(await one.sent(name))
            assert "type must be an event type that the webhook gets" in refused
            assert "<b>" not in refused
            assert (await one.sent(name, accept="text/html")).status == 400
        assert await one.events() == []


async def test_types_that_others_get_too_say_so_and_come_last() -> None:
    names = ["customerAdded", "pointsIssued"]
    async with sample_form(eventNames=names) as one:
        await one.p.webhook(7, name="other", eventNames=["customerAdded"])
        page = text(await one.browser.get(one.at))
        options = re.findall(r'<option value="(\w+)">([^<]+)<', page)
        assert [(name, said) for name, said in options if name in names] == [
            ("pointsIssued", "pointsIssued"),
            ("customerAdded", "customerAdded, which 1 other gets too"),
        ]
        sent = text(await one.sent("customerAdded"))
        assert "which 1 other webhook got too" in sent


async def test_what_the_webhook_does_not_get_is_explained() -> None:
    async with sample_form() as one:
        at = asks(text(await one.sent()))
        other, _ = await one.p.webhook(7, name="other", eventNames=["customerAdded"])
        shown = text(await one.browser.get(at.replace(one.at, f"{AT}/{other}/sample")))
        assert "other does not get it." in shown
        assert "It does not subscribe to pointsIssued." in shown


async def test_no_event_and_no_webhook_of_another_org_is_shown_or_sent_to() -> None:
    async with sample_form() as one:
        at = asks(text(await one.sent()))
        theirs = await one.p.browser(org=8)
        there, _ = await one.p.webhook(8)
        event = at.partition("event=")[2].partition("&")[0]
        foreign = at.replace("/o/7/", "/o/8/")
        assert (await theirs.get(foreign, hx_request="true")).status == 404
        own = f"/console/o/8/webhooks/{there}/sample"
        assert (await theirs.get(f"{own}?event={event}&seen=x", hx_request="true")).status == 404
        reply = await theirs.post(one.at.replace("/o/7/", "/o/8/"), {"type": "pointsIssued"})
        assert reply.status == 404 and await one.events(8) == []


async def test_what_is_shown_depends_on_what_one_may_do() -> None:
    async with sample_form() as one:
        reader = await one.p.browser(scopes="logs:read")
        page = text(await reader.get(one.at))
        assert "it takes the right to send events" in page and 'name="type"' not in page
        sender = await one.p.browser(scopes="events:write")
        reply = await sender.post(one.at, {"type": "pointsIssued"}, hx_request="true")
        assert "Accepted under the id" in text(reply) and "pending" not in text(reply)


async def test_samples_count_as_events_of_the_org() -> None:
    async with sample_form() as one:
        limits = {"settings": {"limits": {"eventsPerSecond": 1}}}
        await one.p.s.orgs.change(ORG, limits, platform=True)
        shown = [text(await one.sent()) for _ in range(5)]
        assert "Events must stay within eventsPerSecond" in shown[-1]
        assert len(await one.events()) < 5


async def test_a_paused_webhook_says_that_its_sample_waits() -> None:
    async with sample_form() as one:
        [record] = one.p.s.webhooks.list(ORG)
        await one.p.s.webhooks.change_status(
            ORG, record.webhook.id, "pause", record.config.created_by
        )
        shown = text(await one.sent())
        assert "paused" in shown and asks(shown)


async def test_an_org_without_events_is_led_to_the_sample_of_its_webhook() -> None:
    async with sample_form() as one:
        waiting = text(await one.browser.get("/console/o/7"))
        assert "Waiting for your first event" in waiting and f'href="{one.at}"' in waiting
        page = text(await one.browser.get(one.at.removesuffix("/sample")))
        assert f'href="{one.at}">Send a sample event' in page
