"""The catalogue, the search for anything, and the live tail."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.control_client import scope_of
from tests.api.log_client import accept
from tests.catalogue import versioned
from tests.console.webhook_client import Browser, Pages, pages, text
from tidings import catalogue
from tidings.catalogue.facts import CAUTIONS, NOTHING_ADDED, UNDOCUMENTED
from tidings.core.ids import OrgId, show

ORG = OrgId(7)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def with_scopes(p: Pages, scopes: str) -> Browser:
    await p.s.access.put("some", "secret", ORG, platform=False, scopes=scopes)
    signed = await p.s.sessions.by_credential("some", "secret", "127.0.0.1")
    return Browser(p, signed.token)


async def test_every_type_is_listed_by_family_and_found_by_its_words() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get("/console/o/7/catalogue"))
        for name in catalogue.load().names():
            assert f'href="/console/o/7/catalogue/{name}"' in page
        page = text(await browser.get("/console/o/7/catalogue?q=POINTSISSUED"))
        assert re.findall(r"data-row href=\"/console/o/7/catalogue/(\w+)", page)[:1]
        assert "customerAdded" not in page
        page = text(await browser.get(f"/console/o/7/catalogue?q={'%3Cscript%3E'}"))
        assert "<script>" not in page.replace("<script src", "") and "&lt;script&gt;" in page


async def test_a_type_is_found_by_what_has_happened_and_the_list_says_what_raises_nothing() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get("/console/o/7/catalogue?q=spends%20points"))
        assert re.findall(r"data-row href=\"/console/o/7/catalogue/(\w+)", page) == [
            "pointsRedeemed"
        ]
        for caution in CAUTIONS.values():
            assert caution.split("`")[0] in page


async def test_a_types_page_says_when_it_fires_and_what_may_be_missing() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get("/console/o/7/catalogue/pointsIssued"))
        for said in (
            "<code>TransactionAdd</code>",
            "reconciles with the ledger API",
            "Loyalty+: points",
            "USERGROUP2",
            "events about one customer go out in order",
        ):
            assert said in page, said
        page = text(await browser.get("/console/o/7/catalogue/cartPromotionRevoked"))
        assert UNDOCUMENTED in page
        page = text(await browser.get("/console/o/7/catalogue/rewardCreated"))
        assert NOTHING_ADDED in page


async def test_every_type_has_a_page_with_its_schema_and_example() -> None:
    async with pages() as p:
        browser = await p.browser()
        for name in catalogue.load().names():
            reply = await browser.get(f"/console/o/7/catalogue/{name}")
            assert reply.status == 200, name
            assert len(reply.body) < 400_000


async def test_each_version_of_a_type_has_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = catalogue.read(versioned.both(tmp_path / "catalogue"))
    monkeypatch.setattr(catalogue, "load", lambda: found)
    async with pages() as p:
        browser = await p.browser()
        path = f"/console/o/7/catalogue/{versioned.NAME}"
        newest, first = (
            text(await browser.get(path)),
            text(await browser.get(f"{path}?version=1")),
        )
        assert "data.group.id" in newest and '<a href="?version=1">1</a> · 2, shown here' in newest
        assert "data.groupId" in first and '1, shown here · <a href="?version=2">2</a>' in first
        assert versioned.GROUP in newest and versioned.GROUP not in first
        assert (await browser.get(f"{path}?version=3")).status == 404
        single = text(await browser.get("/console/o/7/catalogue/pointsIssued"))
        assert "shown here" not in single


async def test_a_type_says_what_is_personal_who_subscribes_and_how_many_come() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        await accept(p.s, id_of(1), [number], org=7)
        await accept(p.s, id_of(2), [number], org=8)
        thin = text(await browser.get("/console/o/7/catalogue/pointsIssued"))
        assert "personal: " in thin and "found by" in thin and ">always<" in thin
        assert f"/console/o/7/webhooks/{webhook}" in thin
        assert "1 came" in thin and "/console/o/7/events/new?type=pointsIssued" in thin
        assert "<h3>As the platform sends it</h3>" in thin and "<h3>Enriched</h3>" in thin
        small, rich = thin.split("<h3>Enriched</h3>")
        assert "&#34;instore&#34;" in rich and "&#34;instore&#34;" not in small
        assert (await browser.get("/console/o/7/catalogue/nothing")).status == 404


async def test_an_orgs_own_type_is_its_own() -> None:
    async with pages() as p:
        browser = await p.browser()
        body = {
            "description": f"When {HOSTILE}",
            "schema": {"type": "object", "properties": {"n": {"description": HOSTILE}}},
        }
        await p.s.event_types.put(ORG, "shopVisited", body)
        for path in ("", "/shopVisited"):
            page = text(await browser.get(f"/console/o/7/catalogue{path}"))
            assert "shopVisited" in page and "<script>alert" not in page
            assert "<img src=x" not in page
        other = await p.browser(8)
        assert "shopVisited" not in text(await other.get("/console/o/8/catalogue"))
        assert (await other.get("/console/o/8/catalogue/shopVisited")).status == 404


async def test_any_id_opens_its_thing() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        inbox = await p.s.inboxes.create(ORG, {"name": "shop"})
        record = p.s.webhooks.get(ORG, webhook)
        delivery_id = show("dlv", delivery)
        for wanted, path in {
            delivery_id: f"/console/o/7/deliveries/{delivery_id}",
            f"%20{delivery_id}%20": f"/console/o/7/deliveries/{delivery_id}",
            id_of(1): f"/console/o/7/events/{id_of(1)}",
            webhook: f"/console/o/7/webhooks/{webhook}",
            webhook.upper(): f"/console/o/7/webhooks/{webhook}",
            record.webhook.consumer_group: f"/console/o/7/webhooks/{webhook}",
            "Acme%20CRM": f"/console/o/7/webhooks/{webhook}",
            inbox.id: f"/console/o/7/inboxes/{inbox.id}",
            "pointsIssued": "/console/o/7/catalogue/pointsIssued",
        }.items():
            reply = await browser.get(f"/console/o/7/find?q={wanted}")
            assert (reply.status, reply.headers.get("location")) == (303, path), wanted
        other = await p.browser(8)
        for wanted in (delivery_id, id_of(1), webhook, inbox.id):
            reply = await other.get(f"/console/o/8/find?q={wanted}")
            assert reply.status == 200 and "Nothing was found" in text(reply), wanted


async def test_a_part_of_their_name_finds_webhooks() -> None:
    async with pages() as p:
        browser, other = await p.browser(), await p.browser(8)
        webhook, _ = await p.webhook()  # "Acme CRM"
        hostile, _ = await p.webhook(name="shop <i9>", webHookUrl="https://shop.example.com")
        for wanted in ("acme", "CRM", "me c", "%20Acme%20", "acme%20crm"):
            page = text(await browser.get(f"/console/o/7/find?q={wanted}"))
            assert f"/console/o/7/webhooks/{webhook}" in page, wanted
            assert hostile not in page
            assert webhook not in text(await other.get(f"/console/o/8/find?q={wanted}"))
        page = text(await browser.get("/console/o/7/find?q=%3Ci9"))
        assert hostile in page and "<i9>" not in page
        page = text(await browser.get("/console/o/7/find?q=acmes"))
        assert "Nothing was found" in page and "webhooks with it in their name or host" in page
        reader = await with_scopes(p, "logs:read")
        assert webhook not in text(await reader.get("/console/o/7/find?q=acme"))


async def test_a_value_finds_deliveries_and_events_and_nothing_says_what_was_tried() -> None:
    async with pages() as p:
        browser = await p.browser()
        _, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7, customer="4711", request="r-1")
        for wanted in ("4711", "r-1"):
            page = text(await browser.get(f"/console/o/7/find?q={wanted}"))
            assert show("dlv", delivery) in page and id_of(1) in page
            assert f"/console/o/7/deliveries?q={wanted}" in page
        page = text(await browser.get("/console/o/7/find?q=4712"))
        assert "Nothing was found" in page and "a webhook of this id" in page
        assert "deliveries and events that contain it as a value" in page
        page = text(await browser.get("/console/o/7/find?q=dlv_0000000000zzz"))
        assert "a delivery of this id" in page
        assert "Paste anything" in text(await browser.get("/console/o/7/find"))
        assert (await browser.get(f"/console/o/7/find?q={'9' * 300}")).status == 400
        page = text(await browser.get("/console/o/7/find?q=%3Cscript%3Ealert(1)%3C/script%3E"))
        assert "<script>alert" not in page
        writer = await with_scopes(p, "events:write")
        page = text(await writer.get("/console/o/7/find?q=4711"))
        assert show("dlv", delivery) not in page and "contain it as a value" not in page


async def test_the_tail_streams_what_happens_in_the_org_to_who_is_signed_in() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "needs JavaScript" in text(await browser.get("/console/o/7/tail?kind=delivery"))
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        gone = asyncio.Event()

        async def receive() -> dict[str, object]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 200
                names = dict(message["headers"])
                assert names[b"content-type"].startswith(b"text/event-stream")
            else:
                await heard.put(bytes(message.get("body", b"")))

        scope = scope_of("GET", "/console/o/7/tail/stream", {"cookie": browser.cookie})
        listening = asyncio.ensure_future(p.app(scope, receive, send))  # type: ignore[arg-type]
        assert b"listening" in await heard.get()
        p.s.feed.tell(8, "event", {"eventId": "not-ours"})
        p.s.feed.tell(7, "event", {"eventId": "ours"})
        assert await heard.get() == b'event: event\ndata: {"eventId":"ours"}\n\n'
        gone.set()
        await listening
        assert not p.s.feed.listening, "who has gone is not told"
        writer = await with_scopes(p, "events:write")
        for path in ("/console/o/7/tail", "/console/o/7/tail/stream"):
            assert (await writer.get(path)).status == 403


@pytest.mark.parametrize(
    "path", ["/deliveries", "/events", "/rejections", "/catalogue", "/tail", "/find?q=1"]
)
async def test_who_is_not_signed_in_signs_in_first(path: str) -> None:
    async with pages() as p:
        nobody = Browser(p, "")
        reply = await nobody.get(f"/console/o/7{path}")
        assert reply.status == 303
        assert reply.headers["location"].startswith("/console/sign-in?to=%2Fconsole%2F")
