"""Events: the feed, one event's fate, what was refused, and sending one by hand."""

import json
import re
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.api.log_client import accept, settle
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings import catalogue
from tidings.console.pages.events.events import FRESH_MS
from tidings.core.delivery.states import State
from tidings.core.events.passage import HOPS_MAX, Passage
from tidings.core.ids import OrgId, show
from tidings.store import port

ORG = OrgId(7)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
EVENT = {"eventName": "customerAdded", "data": {"customerIdentifiers": {"customerId": 7}}}


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def example(name: str) -> dict[str, Any]:
    kind = catalogue.load().get(name)
    assert kind is not None
    return {key: value for key, value in kind.example.items() if key not in ("orgId", "eventId")}


async def with_scopes(p: Pages, scopes: str) -> Browser:
    await p.s.access.put("some", "secret", ORG, platform=False, scopes=scopes)
    signed = await p.s.sessions.by_credential("some", "secret", "127.0.0.1")
    return Browser(p, signed.token)


async def rejected(p: Pages, event: Any, org: int = 7) -> str:
    """An event that was refused, as the accept path keeps it."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    came = await p.s.services.events.readmission.take(OrgId(org), body)
    assert not isinstance(came, tuple), "it was accepted"
    row = port.NewRejection(
        OrgId(org), came.name, came.event_id, came.code, came.message, came.path, came.body
    )
    await p.s.store.commit(port.Batch(p.s.registry.version, rejections=[row]))
    page = await p.s.store.log_rejections(OrgId(org), None, None, 1)
    return show("rej", page.rejections[0].id)


async def test_the_feed_filters_by_its_address() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "No event yet" in text(await browser.get("/console/o/7/events"))
        _, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7, customer="4711")
        await accept(p.s, id_of(2), [], org=7, name="tierUpgraded", request="r-2")
        await accept(p.s, id_of(3), [], org=8, customer="4711")
        for query, wanted in {
            "": [2, 1],
            "q=4711": [1],
            "customer=4711": [1],
            "customer=4711&card=none": [],
            "matched=false": [2],
            "matched=true": [1],
            "type=tierUpgraded&request=r-2": [2],
            "q=r-2": [2],
            f"event={id_of(1)}": [1],
            f"event={id_of(3)}": [],
            f"eventId={id_of(1)}": [1],
            "eventName=tierUpgraded&requestId=r-2": [2],
            "states=pending": [1],
            "refId=nothing-has-it": [],
            "status=pending": [1],
            "status=failed": [],
        }.items():
            page = text(await browser.get(f"/console/o/7/events?{query}"))
            found = re.findall(r'data-row href="/console/o/7/events/([\w-]+)"', page)
            assert found == [id_of(number) for number in wanted], query
        page = text(await browser.get("/console/o/7/events"))
        assert '<span class="faint">none</span>' in page
        assert ">request r-2</small>" in page
        assert '<a href="?customer=4711" title="Only customer 4711">4711</a>' in page
        reply = await browser.get("/console/o/7/events?matched=perhaps")
        assert reply.status == 400 and "matched must be" in text(reply)


@pytest.mark.parametrize("path", ["events", "deliveries", "audit"])
async def test_a_filter_that_is_none_is_refused_and_shows_no_rows(path: str) -> None:
    """A list that ignored it would show what nobody asked for."""
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7, customer="4711")
        for query, said in {
            "stauts=failed": "stauts&#34;. ",
            "limit=9": "limit&#34;. ",
            "from=&span=2h": "span must be one of 1h, 6h, 24h",
            "q=4711&%3Cscript%3E=1": "A parameter must be one of",
        }.items():
            reply = await browser.get(f"/console/o/7/{path}?{query}")
            assert reply.status == 400 and said in text(reply), query
            assert "<script>=" not in text(reply) and "data-row" not in text(reply)
        assert (await browser.get(f"/console/o/7/{path}?span=24h")).status == 200


async def test_no_replay_begins_by_a_filter_that_is_none() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7)
        sent = {"do": "replay all", "query": "stauts=failed"}
        reply = await browser.post("/console/o/7/deliveries/many", sent)
        assert reply.status == 400 and "stauts" in text(reply)
        assert await p.s.store.replays(ORG, 1 << 62, 10) == []


async def test_the_menu_says_where_one_is_also_on_a_form_that_was_refused() -> None:
    async with pages() as p:
        browser = await p.browser()
        for path in ("/events", "/events/new", "/events/new?type=pointsIssued", "/rejections"):
            page = text(await browser.get(f"/console/o/7{path}"))
            assert '<a href="/console/o/7/events" aria-current="page">' in page, path
        wrong = {"type": "pointsIssued", "event": '{"eventName": "pointsIssued", "data": 7}'}
        reply = await browser.post("/console/o/7/events/new", wrong)
        assert reply.status == 422
        assert '<a href="/console/o/7/events" aria-current="page">' in text(reply)


async def test_one_event_shows_its_fate_at_every_webhook_and_why_others_did_not_get_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        await p.webhook(name="Other types", eventNames=["tierUpgraded"])
        await p.webhook(
            name="Filtered",
            filter={"path": "data.customerIdentifiers.customerId", "eq": "1"},
        )
        (delivery,) = await accept(
            p.s, id_of(1), [number], org=7, customer="4711", request="r-1", ref="ref-1"
        )
        await settle(p.s, delivery, number, State.FAILED, status=400)
        page = text(await browser.get(f"/console/o/7/events/{id_of(1)}"))
        assert "It went to 1 webhook; 1 failed." in page
        assert show("dlv", delivery) in page and "4711" in page
        assert "2 webhooks did not get it" in page
        assert "It does not subscribe to pointsIssued." in page
        assert "Its filter does not accept it" in page
        assert "r-1" in page and "ref-1" in page
        other = await p.browser(8)
        assert (await other.get(f"/console/o/8/events/{id_of(1)}")).status == 404
        first, again = await accept(p.s, id_of(2), [number, number], org=7)  # as a replay adds
        await settle(p.s, first, number, State.FAILED, status=400)
        await settle(p.s, again, number)
        page = text(await browser.get(f"/console/o/7/events/{id_of(2)}"))
        assert "It went to 1 webhook." in page, "its newest delivery is what counts"
        assert page.count("<li>Acme CRM") == 1 and page.count("data-row") == 2


async def test_what_an_org_above_got_of_an_event_is_counted_and_not_shown() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.browser(8)
        _, own = await p.webhook()
        webhook, theirs = await p.webhook(8, name="Theirs alone", listenToChildEvents=True)
        mine, foreign = await accept(p.s, id_of(1), [own, theirs], org=7)
        page = text(await browser.get(f"/console/o/7/events/{id_of(1)}"))
        assert "It went to 1 webhook." in page and show("dlv", mine) in page
        assert "Webhooks of an org above got it 1 time." in page
        for hidden in ("Theirs alone", webhook, show("dlv", foreign)):
            assert hidden not in page, hidden


async def test_an_event_is_sent_by_hand_from_its_example() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get("/console/o/7/events/new?type=customerAdded"))
        area = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
        assert area is not None
        filled = area[1].replace("&#34;", '"').replace("&lt;", "<").replace("&amp;", "&")
        assert "eventId" not in filled, "each one gets an id of its own"
        reply = await browser.post(
            "/console/o/7/events/new", {"event": filled, "type": "customerAdded"}
        )
        assert reply.status == 303
        there = reply.headers["location"]
        assert there.startswith("/console/o/7/events/")
        page = text(await browser.get(there))
        assert "customerAdded" in page and "No webhook that subscribes to" in page


async def test_what_is_wrong_with_an_event_by_hand_is_said_and_pointed_at() -> None:
    async with pages() as p:
        browser = await p.browser()
        wrong = example("pointsIssued")
        wrong["data"] = wrong["data"] | {"totalPointsIssued": HOSTILE}
        body = json.dumps(wrong)
        reply = await browser.post("/console/o/7/events/new", {"event": body, "type": "x" * 999})
        page = text(reply)
        assert reply.status == 422 and "data.totalPointsIssued must be a number" in page
        assert re.search(r"<mark>[^<]*totalPointsIssued", page), "the line is marked"
        assert "<script>alert" not in page and "<img src=x" not in page
        for bad, said in {
            "{nonsense": "must be JSON",
            "": "must be",
            "[1, 2]": "must be",
            '{"eventName": "noSuchType"}': "must be in the catalogue",
            '{"eventName": "customerAdded", "orgId": 8}': "orgId",
            '{"eventName": "tidings.replay.finished"}': "must not begin with",
            '{"specversion": "1.0"}': "must",
        }.items():
            reply = await browser.post("/console/o/7/events/new", {"event": bad})
            assert reply.status == 422 and said in text(reply), bad
        found = await p.s.store.log_rejections(ORG, None, None, 10)
        assert found.rejections == [], "who sends by hand has seen what is wrong"
        assert (await p.s.store.log_events(port.EventQuery(ORG))).events == []


async def test_refused_events_are_listed_with_their_fault_pointed_at() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "No event was rejected" in text(await browser.get("/console/o/7/rejections"))
        wrong = example("pointsIssued")
        wrong["data"] = wrong["data"] | {"totalPointsIssued": HOSTILE}
        id = await rejected(p, wrong)
        page = text(await browser.get("/console/o/7/rejections"))
        assert id in page and "data.totalPointsIssued" in page and "<script>alert" not in page
        page = text(await browser.get(f"/console/o/7/rejections/{id}"))
        assert re.search(r"<mark>[^<]*totalPointsIssued", page)
        assert "<script>alert" not in page and "<img src=x" not in page
        del wrong["data"]
        page = text(await browser.get(f"/console/o/7/rejections/{await rejected(p, wrong)}"))
        assert "it is not there" in page and "<mark>" in page
        other = await p.browser(8)
        assert (await other.get(f"/console/o/8/rejections/{id}")).status == 404
        assert (await other.post(f"/console/o/8/rejections/{id}/retry")).status == 404
        old = await browser.get("/console/o/7/events/rejected")
        assert old.headers["location"] == "/console/o/7/rejections"


async def test_a_refused_event_is_accepted_again_once_it_fits() -> None:
    async with pages() as p:
        browser = await p.browser()
        id = await rejected(p, {"eventName": "shopVisited", "data": {"n": 1}})
        reply = await browser.post(f"/console/o/7/rejections/{id}/retry")
        assert reply.status == 422 and "It is still refused." in text(reply)
        body = {"description": "A customer enters.", "schema": {"type": "object"}}
        await p.s.event_types.put(ORG, "shopVisited", body)
        reply = await browser.post(f"/console/o/7/rejections/{id}/retry")
        assert reply.status == 303
        assert "shopVisited" in text(await browser.get(reply.headers["location"]))
        assert (await browser.get(f"/console/o/7/rejections/{id}")).status == 404


async def test_who_may_not_write_events_sends_none() -> None:
    async with pages() as p:
        await p.browser()
        id = await rejected(p, {"eventName": "noSuch", "data": {}})
        reader = await with_scopes(p, "logs:read")
        assert "/console/o/7/events/new" not in text(await reader.get("/console/o/7/events"))
        assert "/retry" not in text(await reader.get(f"/console/o/7/rejections/{id}"))
        assert (await reader.get("/console/o/7/events/new")).status == 403
        body = {"event": msgspec.json.encode(EVENT).decode()}
        assert (await reader.post("/console/o/7/events/new", body)).status == 403
        assert (await reader.post(f"/console/o/7/rejections/{id}/retry")).status == 403
        writer = await with_scopes(p, "events:write")
        for path in ("/events", f"/events/{id_of(1)}", "/rejections", f"/rejections/{id}"):
            assert (await writer.get(f"/console/o/7{path}")).status == 403
        reply = await writer.post("/console/o/7/events/new", body)
        assert reply.headers["location"] == "/console/o/7/events/new", "it may not be read"


async def test_an_event_by_hand_counts_as_one_by_the_api() -> None:
    async with pages() as p:
        browser = await p.browser()
        limits = {"settings": {"limits": {"eventsPerSecond": 1}}}
        await p.s.orgs.change(ORG, limits, platform=True)
        body = {"event": msgspec.json.encode(EVENT).decode()}
        statuses = [(await browser.post("/console/o/7/events/new", body)).status for _ in range(4)]
        assert statuses[0] == 303 and 429 in statuses


async def test_signs_that_steer_what_shows_them_are_escapes_on_a_page() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        steering = "a\x1b]0;owned\x07\x9b2J\u202e"
        await accept(p.s, id_of(1), [number], org=7, customer=steering, request=steering)
        for path in ("/events", "/deliveries", f"/events/{id_of(1)}"):
            page = text(await browser.get(f"/console/o/7{path}"))
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page), path
            assert r"a\x1b]0;owned\x07\x9b2J\u202e" in page, path
        id = await rejected(p, b'{"eventName":"customerAdded","data":"' + "\x9b2J".encode() + b'"}')
        page = text(await browser.get(f"/console/o/7/rejections/{id}"))
        assert r"\x9b2J" in page and "\x9b" not in page


async def test_a_webhook_that_is_not_there_is_said_in_the_list_of_events() -> None:
    async with pages() as p:
        reply = await (await p.browser()).get(f"/console/o/7/events?webhook={'0' * 24}")
        assert reply.status == 400 and "must be the id of a webhook" in text(reply)


async def test_an_event_that_came_back_too_often_says_so_to_its_org() -> None:
    """In the feed, on its own page, and for each webhook that would have got it."""
    async with pages() as p:
        browser = await p.browser()
        await p.webhook()
        warning = Passage(HOPS_MAX).stop
        body = json.dumps({"eventName": "pointsIssued", "eventId": id_of(1), "orgId": 7}).encode()
        event = port.NewEvent(ORG, "pointsIssued", id_of(1), b"12345678", body, b"", warning, [])
        await p.s.store.commit(port.Batch(p.s.registry.version, [event]))
        assert "not delivered: it came back too often" in text(
            await browser.get("/console/o/7/events")
        )
        shown = text(await browser.get(f"/console/o/7/events/{id_of(1)}"))
        assert "It came back too often, so it was not sent to any webhook" in shown
        assert "passed through Tidings 8 times" in shown
        assert "No webhook that subscribes to" not in shown
        assert "The event had looped too often and is not sent to anyone." in shown


@pytest.mark.parametrize("page", ["events", "deliveries", "audit"])
async def test_a_range_in_which_nothing_can_lie_is_refused_with_the_reason(page: str) -> None:
    async with pages() as p:
        browser = await p.browser()
        at = f"/console/o/7/{page}"
        for query, reason in (
            ("from=2026-02-11T09:00Z&to=2026-02-11T08:00Z", "must be before "),
            ("from=2026-02-11T09:00Z&to=2026-02-11T09:00Z", "between which nothing lies"),
            ("from=2026-02-12T09:00Z", "must not lie ahead"),
        ):
            shown = text(await browser.get(f"{at}?{query}"))
            assert reason in shown and 'class="trouble"' in shown, query
        for query in ("from=2026-02-11T09:00Z", "to=2027-01-01T00:00Z", "span=1h", ""):
            assert 'class="trouble"' not in text(await browser.get(f"{at}?{query}")), query


async def test_a_time_as_it_is_shown_without_scripts_finds_its_event() -> None:
    async with pages() as p:
        browser = await p.browser()
        await accept(p.s, id_of(1), org=7)
        page = text(await browser.get("/console/o/7/events"))
        found = re.search(r"<time [^>]*>([^<]+ UTC)</time>", page)
        assert found is not None
        again = text(await browser.get(f"/console/o/7/events?from={quote(found[1])}"))
        assert id_of(1) in again and 'class="trouble"' not in again


async def test_times_are_read_in_the_zone_that_the_reader_has_chosen() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.s.call("PATCH", "/v1/orgs/7", {"timeZone": "Asia/Kolkata"})
        await accept(p.s, id_of(1), org=7)  # at 09:15 UTC
        own = text(await browser.get("/console/o/7/events?from=2026-02-11T14:45:00"))
        assert 'data-zone="Asia/Kolkata"' in own and id_of(1) in own
        later = text(await browser.get("/console/o/7/events?from=2026-02-11T14:47"))
        assert "must not lie ahead" in later
        for chosen, from_ in (
            ("Pacific/Kiritimati", "2026-02-11T23:15"),
            ("UTC", "2026-02-11T09:15"),
        ):
            browser.cookie = f"__Host-tidings={browser.token}; tidings-zone={chosen}"
            page = text(await browser.get(f"/console/o/7/events?from={from_}"))
            assert f'data-zone="{chosen}"' in page and id_of(1) in page, chosen
        for wrong in ("../../etc/passwd", "America", "<script>", "localtime"):
            browser.cookie = f"__Host-tidings={browser.token}; tidings-zone={wrong}"
            assert 'data-zone="Asia/Kolkata"' in text(await browser.get("/console/o/7/events"))


async def test_an_event_is_asked_for_again_until_it_is_settled() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)

        def asked(page: str) -> list[tuple[str, str]]:
            return re.findall(r'hx-get="([^"]*)" hx-trigger="every ([^"]*)"', page)

        page = text(await browser.get(f"/console/o/7/events/{id_of(1)}"))
        [(at, every)] = asked(page)
        assert every == "1s"
        assert (await browser.get(at, hx_request="true")).status == 204, "nothing has changed"
        await settle(p.s, delivery, number, State.RETRYING, status=503)
        part = text(await browser.get(at, hx_request="true"))
        assert "retrying" in part and "<h1" not in part
        p.s.clock.ms += 2 * FRESH_MS
        later = text(await browser.get(f"/console/o/7/events/{id_of(1)}"))
        assert [every for _, every in asked(later)] == ["5s"]
        await settle(p.s, delivery, number, attempt=2)
        part = text(await browser.get(at, hx_request="true"))
        assert "delivered" in part and not asked(part)
