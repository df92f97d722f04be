"""Deliveries: found by filters that stand in the address, explained, tried again, many at once."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from starlette.datastructures import QueryParams

from tests.api.log_client import accept, settle
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings.core.delivery.next_attempt import NextAttempt, Wait
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.shaping.enrichment import CARDS, IDENTIFIERS
from tidings.core.shaping.left_out import LeftOut
from tidings.store import port

ORG = OrgId(7)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def story(p: Pages) -> tuple[int, int, list[str]]:
    """Six events at two webhooks: delivered, failed, and one that is tried again."""
    _, crm = await p.webhook()
    _, shop = await p.webhook(name="Shop", webHookUrl="https://shop.example.com/")
    made = []
    for at in range(6):
        name = "customerAdded" if at == 4 else "pointsIssued"
        customer, request = "4711" if at < 3 else "4712", f"r-{at}"
        number = crm if at % 2 else shop
        (delivery,) = await accept(
            p.s, id_of(at), [number], org=7, name=name, customer=customer, request=request
        )
        state, status = (State.DELIVERED, 200) if at % 2 else (State.FAILED, 400)
        if at == 5:
            state, status = State.RETRYING, 503
        await settle(p.s, delivery, number, state, status=status)
        made.append(show("dlv", delivery))
        p.s.clock.ms += 60_000
    return crm, shop, made


async def listed(browser: Browser, query: str, org: int = 7) -> list[str]:
    reply = await browser.get(f"/console/o/{org}/deliveries?{query}")
    assert reply.status == 200, text(reply)
    return re.findall(rf'data-row href="/console/o/{org}/deliveries/(dlv_\w+)"', text(reply))


async def test_filters_of_the_address_combine() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "No delivery yet" in text(await browser.get("/console/o/7/deliveries"))
        crm, _, made = await story(p)
        record = p.s.webhooks.by_number(crm)
        assert record is not None
        id = record.webhook.id
        for query, wanted in {
            "": made[::-1],
            f"webhook={id}": [made[5], made[3], made[1]],
            "status=failed": [made[4], made[2], made[0]],
            "status=failed&status=retrying": [made[5], made[4], made[2], made[0]],
            "status=failed&type=customerAdded": [made[4]],
            "q=4711&status=failed": [made[2], made[0]],
            "q=4711&request=r-1": [made[1]],
            f"event={id_of(3)}": [made[3]],
            "from=2026-02-11T09:18": [made[5], made[4], made[3]],
            "span=1h&q=4712": [made[5], made[4], made[3]],
            "webhook=&type=&q=": made[::-1],
            "q=nobody": [],
        }.items():
            assert await listed(browser, query) == wanted, query
        page = text(await browser.get("/console/o/7/deliveries?q=nobody"))
        assert "No delivery matches" in page


async def test_each_row_tells_the_api_request_that_caused_its_event() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7, request="req-77")
        await accept(p.s, id_of(2), [number], org=7)
        page = text(await browser.get("/console/o/7/deliveries"))
        assert page.count("request req-77") == 1
        assert page.count('title="Only customer ') == page.count("data-row")
        assert "request None" not in page


async def test_customer_bill_and_card_are_looked_for_together() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        made = []
        for at, also in enumerate((["b-1"], ["b-1", "c-1"], ["b-2", "c-1"])):
            customer = "4711" if at else "4712"
            (one,) = await accept(
                p.s, id_of(at), [number], org=7, customer=customer, request=f"r-{at}", also=also
            )
            made.append(show("dlv", one))
        for query, wanted in {
            "customer=4711": [2, 1],
            "bill=b-1": [1, 0],
            "card=c-1": [2, 1],
            "customer=4711&bill=b-1": [1],
            "customer=4712&card=c-1": [],
            "customer=4711&bill=b-2&card=c-1": [2],
            "q=4711&bill=b-1&request=r-1": [1],
            "customer=&bill=b-1&card=": [1, 0],
        }.items():
            assert await listed(browser, query) == [made[at] for at in wanted], query
        reply = await browser.get(f"/console/o/7/deliveries?bill={'9' * 300}")
        assert reply.status == 400 and "bill must be at most 255" in text(reply)


async def test_each_filter_that_is_set_is_shown_and_can_be_taken_away() -> None:
    async with pages() as p:
        browser = await p.browser()
        crm, _, _ = await story(p)
        record = p.s.webhooks.by_number(crm)
        assert record is not None
        none = text(await browser.get("/console/o/7/deliveries?q=&customer=&status="))
        assert "Without the filter" not in none
        query = "customer=4711&bill=b-1&card=&status=failed&status=parked&span=24h"
        query += f"&q={quote(HOSTILE)}&webhook={record.webhook.id}"
        page = text(await browser.get(f"/console/o/7/deliveries?{query}"))
        assert "<script>alert" not in page
        ways = dict(re.findall(r'href="([^"]*)" aria-label="Without the filter ([^"]*)"', page))
        left = {label.replace("&amp;", "&"): unescape(way) for way, label in ways.items()}
        assert [label for label in left if not label.startswith("Value")] == [
            "Customer: 4711",
            "Bill: b-1",
            "Webhook: Acme CRM",
            "State: failed",
            "State: parked",
            "Time: last 24 hours",
        ]
        without = QueryParams(left["Bill: b-1"].removeprefix("?"))
        assert set(without) == {"customer", "status", "span", "q", "webhook"}
        assert without["status"] == "failed,parked" and without["q"] == HOSTILE
        without = QueryParams(left["State: failed"].removeprefix("?"))
        assert (without["status"], without["bill"]) == ("parked", "b-1")


async def test_the_address_leads_to_older_pages_and_back() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        for at in range(120):
            await accept(p.s, id_of(at), [number], org=7)
        seen, query = [], "status=pending"
        while True:
            page = text(await browser.get(f"/console/o/7/deliveries?{query}"))
            seen.append(re.findall(r'data-row href="/console/o/7/deliveries/(dlv_\w+)"', page))
            on = re.search(r'rel="next" href="\?([^"]+)"', page)
            if on is None:
                break
            query = on[1].replace("&amp;", "&")
            assert "status=pending" in query, "the filters go with the page"
        assert [len(part) for part in seen] == [50, 50, 20]
        assert len({row for part in seen for row in part}) == 120
        back = re.search(r'rel="prev" href="\?([^"]+)"', page)
        assert back is not None
        assert await listed(browser, back[1].replace("&amp;", "&")) == seen[1]


async def test_a_filter_that_cannot_be_is_refused_in_place() -> None:
    async with pages() as p:
        browser = await p.browser()
        query = f"status=bogus&from=yesterday&webhook={'0' * 24}&cursor=zzz&q={'9' * 300}"
        reply = await browser.get(f"/console/o/7/deliveries?{query}")
        page = text(reply)
        assert reply.status == 400
        for said in ("states must be", "from must be", "cursor must be", "at most 255"):
            assert said in page
        reply = await browser.get(f"/console/o/7/deliveries?webhook={'0' * 24}")
        assert reply.status == 400 and "must be the id of a webhook" in text(reply)


async def test_a_delivery_shows_its_way_its_attempts_and_what_to_do() -> None:
    async with pages() as p:
        browser = await p.browser()
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        _, number = await p.webhook(webHookHeaders=headers)
        (delivery,) = await accept(p.s, id_of(1), [number], org=7, customer="4711")
        await failed(p, delivery, number, HOSTILE.encode())
        reply = await browser.get(f"/console/o/7/deliveries/{show('dlv', delivery)}")
        page = text(reply)
        assert "503 Service Unavailable" in page and "Next try" in page
        assert 'class="way"' in page and "matched by" in page and "sent 1 time<" in page
        assert 'class="countdown"' in page
        assert "…cdef" in page and "0123456789" not in page, "secrets are masked, in curl too"
        assert "curl -X POST" in page and "webhook-signature" in page
        assert "<script>alert" not in page and "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page and "{{7*7}}" in page
        assert "4711" in page, "the payload"
        seen = re.search(r"\?seen=([\d.]+)", page)
        assert seen is not None
        at = f"/console/o/7/deliveries/{show('dlv', delivery)}?seen="
        quiet = await browser.get(at + seen[1], hx_request="true")
        assert quiet.status == 204 and "hx-refresh" not in quiet.headers
        await settle(p.s, delivery, number, attempt=2)
        told = await browser.get(at + seen[1], hx_request="true")
        assert told.headers["hx-refresh"] == "true", "the page is loaded again when it changed"
        page = text(await browser.get(f"/console/o/7/deliveries/{show('dlv', delivery)}"))
        assert "Attempt 1" in page and "Attempt 2" in page and "seen=" not in page


async def failed(p: Pages, delivery: int, number: int, answer: bytes) -> None:
    """A first attempt that was answered 503 with that body."""
    evidence = port.Evidence(None, "", [("x-why", HOSTILE)], answer, False)
    now = p.s.clock.ms
    settled = port.Settlement(
        DeliveryId(delivery), number, None, State.RETRYING, 1, 1, now, 9, 503, 60_000, evidence
    )
    await p.s.store.commit(port.Batch(p.s.registry.version, settled=[settled]))


async def test_what_was_sent_thin_says_what_is_lacking_why_and_what_to_do() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (thin, whole) = await accept(p.s, id_of(1), [number, number], org=7)
        thinly = LeftOut((IDENTIFIERS, CARDS), f"{HOSTILE} did not answer.")
        outcome = port.Settlement(
            DeliveryId(thin),
            number,
            None,
            State.DELIVERED,
            1,
            1,
            p.s.clock.ms,
            9,
            200,
            left_out=thinly,
        )
        await p.s.store.commit(port.Batch(p.s.registry.version, settled=[outcome]))
        await settle(p.s, whole, number)
        page = text(await browser.get(f"/console/o/7/deliveries/{show('dlv', thin)}"))
        assert "It was sent without customer identifiers and card numbers." in page
        assert "did not answer." in page and "replay it with again: true" in page
        assert "<script>alert" not in page
        page = text(await browser.get(f"/console/o/7/deliveries/{show('dlv', whole)}"))
        assert "It was sent without" not in page
        for list in ("deliveries", f"events/{id_of(1)}"):
            assert text(await browser.get(f"/console/o/7/{list}")).count("sent thin") == 1


async def test_what_lacks_a_customer_because_it_is_a_groups_says_so_and_blames_nobody() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (thin,) = await accept(p.s, id_of(1), [number], org=7)
        left_out = LeftOut((), "", of_group=(IDENTIFIERS,))
        outcome = port.Settlement(
            DeliveryId(thin),
            number,
            None,
            State.DELIVERED,
            1,
            1,
            p.s.clock.ms,
            9,
            200,
            left_out=left_out,
        )
        await p.s.store.commit(port.Batch(p.s.registry.version, settled=[outcome]))
        page = text(await browser.get(f"/console/o/7/deliveries/{show('dlv', thin)}"))
        assert "it belongs to a group, so there is no customer to look up" in page
        assert "platform" not in page.partition("It was sent without")[2].partition("</p>")[0]
        for list in ("deliveries", f"events/{id_of(1)}"):
            shown = text(await browser.get(f"/console/o/7/{list}"))
            assert "no customer" in shown and "sent thin" not in shown


async def test_the_forms_of_a_shaped_payload_can_be_compared() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook(fields={"keep": ["eventName", "eventId"]})
        (delivery,) = await accept(p.s, id_of(1), [number], org=7, customer="4711")
        at = f"/console/o/7/deliveries/{show('dlv', delivery)}"
        sent = text(await browser.get(at))
        assert "Nothing was sent yet" in sent and "4711" not in sent
        assert "4711" in text(await browser.get(f"{at}?body=original"))
        assert "4711" in text(await browser.get(f"{at}?body=enriched"))


async def test_a_delivery_behind_an_open_breaker_says_what_it_waits_for() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        at = f"/console/o/7/deliveries/{show('dlv', delivery)}"
        assert "fails at present" not in text(await browser.get(at))
        now = p.s.clock.ms
        p.healths[number] = port.StoredHealth(number, now, 5, "503", 1, now + 30_000)
        assert "Acme CRM is failing" in text(await browser.get(at))


async def test_the_next_try_on_every_page_is_when_the_lane_may_send() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, delivery, number, State.RETRYING, status=503)
        there = (
            f"/console/o/7/deliveries/{show('dlv', delivery)}",
            "/console/o/7/deliveries",
            f"/console/o/7/events/{id_of(1)}",
        )
        for at in there:
            assert "next try <time" in text(await browser.get(at)), at
        p.s.next_attempts[delivery] = NextAttempt(
            why=Wait.BREAKER, until_ms=p.s.clock.ms + 3_600_000
        )
        for at in there:
            assert "10:15:00 UTC" in text(await browser.get(at)), at
        await p.s.stops.stop(ORG, "org7")
        for at in there:
            page = text(await browser.get(at))
            assert "next try" not in page and "Next attempt" not in page, at


async def test_the_page_of_a_delivery_is_shown_anew_when_its_attempt_begins() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        at = f"/console/o/7/deliveries/{show('dlv', delivery)}"
        [seen] = re.findall(r"[?]seen=([^\"]+)", text(await browser.get(at)))
        same = await browser.get(f"{at}?seen={seen}", hx_request="true")
        p.s.next_attempts[delivery] = NextAttempt(begun=1)
        moved = await browser.get(f"{at}?seen={seen}", hx_request="true")
        assert ("hx-refresh" in same.headers, "hx-refresh" in moved.headers) == (False, True)


async def test_a_retry_and_a_cancel_are_done_or_refused_in_place() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, _, made = await story(p)
        reply = await browser.post(f"/console/o/7/deliveries/{made[0]}/retry")
        assert reply.status == 303 and reply.headers["location"].endswith(made[0])
        assert p.s.lanes.asked, "its lane was told"
        reply = await browser.post(f"/console/o/7/deliveries/{made[1]}/retry")
        assert reply.status == 409 and "was delivered" in text(reply)
        reply = await browser.post(f"/console/o/7/deliveries/{made[1]}/cancel")
        assert reply.status == 409 and "must be unfinished" in text(reply)
        reply = await browser.post(f"/console/o/7/deliveries/{made[5]}/cancel")
        assert reply.status == 303
        assert await listed(browser, "status=cancelled") == [made[5]]


async def ask(browser: Browser, do: str, org: int = 7, /, **form: Any) -> tuple[int, str]:
    reply = await browser.post(f"/console/o/{org}/deliveries/many", {"do": do} | form)
    return reply.status, text(reply) if reply.status != 303 else reply.headers["location"]


async def test_many_say_first_what_they_would_do_and_then_do_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, _, made = await story(p)
        status, page = await ask(browser, "replay selected", id=[made[0], made[2], made[1]])
        assert status == 200 and "This sends 2 requests to shop.example.com" in page
        assert (await p.s.store.replays(ORG, 1 << 62, 10)) == [], "counting makes no job"
        status, page = await ask(browser, "replay all", query="status=failed&q=4711")
        assert status == 200 and "This sends 2 requests to shop.example.com" in page
        assert "For 1 further webhook nothing fits" in page
        counted = re.findall(r'name="counted" value="(\w+)"', page)
        status, there = await ask(
            browser,
            "replay all",
            query="status=failed&q=4711",
            step="start",
            counted=counted,
            rate="5",
        )
        (job,) = await p.s.store.replays(ORG, 1 << 62, 10)
        assert (status, there) == (303, f"/console/o/7/replays/{show('rpl', job.number)}")
        assert (job.kind, job.rate) == ("replay", 5.0)
        status, page = await ask(browser, "cancel all", query="status=retrying&span=24h")
        assert status == 200 and "This cancels 1 delivery, for good." in page
        status, there = await ask(browser, "cancel selected", id=[made[5]], step="start")
        assert status == 303 and there.startswith("/console/o/7/replays/rpl_")


@pytest.mark.parametrize(
    ("do", "form", "said"),
    [
        ("replay selected", {}, "At least one delivery must be chosen"),
        ("replay all", {"query": "status=pending"}, "which are sent anyway"),
        ("replay all", {"query": "status=delivered"}, "Tick it"),
        ("cancel all", {"query": "status=failed&span=24h"}, "unfinished deliveries"),
        ("cancel all", {"query": ""}, "must have a filter"),
        ("replay all", {"query": "q=4711&request=r-1"}, "must use one value"),
        ("replay all", {"query": "customer=4711&bill=b-1"}, "must use one value"),
        ("replay all", {"query": "status=bogus"}, "states must be"),
        ("replay all", {"query": "", "rate": "fast"}, "must be a number"),
        ("replay all", {"query": "", "rate": "nan"}, "ratePerSecond must be"),
        ("replay all", {"query": "type=" + "x" * 300}, "at most 255"),
    ],
)
async def test_what_cannot_be_done_with_many_is_said(
    do: str, form: dict[str, str], said: str
) -> None:
    async with pages() as p:
        browser = await p.browser()
        await story(p)
        for step in ("count", "start"):
            status, page = await ask(browser, do, step=step, **form)
            assert status == 400 and said in page, page[-2000:]
        assert (await p.s.store.replays(ORG, 1 << 62, 10)) == []


async def test_what_was_delivered_is_replayed_where_it_is_ticked() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, _, made = await story(p)
        status, page = await ask(browser, "replay selected", id=made[1], again="on")
        assert status == 200 and "This sends 1 request to crm.example.com" in page


async def test_who_may_read_only_is_offered_and_may_do_nothing_else() -> None:
    async with pages() as p:
        await p.browser()
        _, _, made = await story(p)
        await p.s.access.put("reader", "secret", ORG, platform=False, scopes="logs:read")
        signed = await p.s.sessions.by_credential("reader", "secret", "127.0.0.1")
        reader = Browser(p, signed.token)
        page = text(await reader.get("/console/o/7/deliveries"))
        assert made[0] in page and "Replay" not in page.replace("/console/o/7/replays", "")
        page = text(await reader.get(f"/console/o/7/deliveries/{made[0]}"))
        assert "/retry" not in page and "/cancel" not in page
        for path in (f"/{made[0]}/retry", f"/{made[5]}/cancel", "/many"):
            assert (await reader.post(f"/console/o/7/deliveries{path}")).status == 403
        await p.s.access.put("none", "secret", ORG, platform=False, scopes="events:write")
        signed = await p.s.sessions.by_credential("none", "secret", "127.0.0.1")
        nobody = Browser(p, signed.token)
        for path in ("", f"/{made[0]}"):
            assert (await nobody.get(f"/console/o/7/deliveries{path}")).status == 403


async def test_another_orgs_delivery_is_not_there() -> None:
    async with pages() as p:
        await p.browser()
        _, _, made = await story(p)
        other = await p.browser(8)
        assert await listed(other, "", 8) == []
        assert (await other.get(f"/console/o/8/deliveries/{made[0]}")).status == 404
        for verb in ("retry", "cancel"):
            assert (await other.post(f"/console/o/8/deliveries/{made[5]}/{verb}")).status == 404
        status, page = await ask(other, "replay selected", 8, id=[made[0]], step="start")
        assert status == 400 and "must be chosen" in page
        status, _ = await ask(other, "cancel selected", 8, id=[made[5]], step="start")
        assert status == 400


async def test_a_form_of_another_session_does_nothing() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, _, made = await story(p)
        reply = await browser.post(f"/console/o/7/deliveries/{made[5]}/cancel", {"csrf": "no"})
        assert reply.status == 403
        assert await listed(browser, "status=cancelled") == []
