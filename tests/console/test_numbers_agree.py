"""What is left to do, and the two rates, are the same numbers on every face."""

import asyncio
import re
from typing import Any

from tests.api.log_client import accept, settle
from tests.console.webhook_client import Pages, pages, text
from tidings.cli.webhooks.diagnosis import Findings, diagnose
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId, show

DAY_MS = 86_400_000
SHOWN = re.compile(
    r'<td data-label="(Attempts failed|Arrived|Waiting|Parked)" class="n">([^<]*)</td>'
)


def id_of(number: int) -> str:
    return f"0197f0c4-1111-7000-8000-{number:012}"


async def row(p: Pages, browser: Any) -> dict[str, str]:
    """What the list of webhooks says of the only one."""
    return dict(SHOWN.findall(text(await browser.get("/console/o/7/webhooks"))))


async def replayed(p: Pages, auth: str, webhook: str, number: int, deliveries: list[int]) -> None:
    """A replay of some deliveries, all of which arrive."""
    body = {"deliveryIds": [show("dlv", delivery) for delivery in deliveries], "webHookId": webhook}
    told = await p.s.call("POST", "/v1/replays", body | {"ratePerSecond": 1000}, auth)
    assert told.status == 201, told.body
    async with asyncio.timeout(60):
        while len(jobs := await p.s.store.page(number, 0, 10)) < len(deliveries):
            await asyncio.sleep(0.01)
    for job in jobs:
        await settle(p.s, job.delivery, number)


async def test_what_a_replay_has_delivered_waits_parked_no_more_on_any_face() -> None:
    async with pages() as p:
        browser = await p.browser()
        auth = await p.s.add_org(7)
        webhook, number = await p.webhook()
        parked = [(await accept(p.s, id_of(at), [number], org=7))[0] for at in range(5)]
        for count in parked:
            await settle(p.s, count, number, State.PARKED, status=None)
        assert (await row(p, browser))["Parked"] == "5"
        await replayed(p, auth, webhook, number, parked[:3])

        told = (await p.s.call("GET", f"/v1/webHooks/{webhook}/tally", None, auth)).json
        assert (told["parked"], told["replayed"], told["delivered"]) == (2, 3, 3)
        assert told["total"] == 8 and told["now"]["parked"] == 2
        assert (told["neverArrived"], told["neverArrivedPercent"]) == (2, 40.0)
        made = await p.s.call(
            "GET", f"/v1/deliveries?webHookId={webhook}&states=delivered", None, auth
        )
        sent_again = {view["id"] for view in made.json["deliveries"]}
        for delivery in parked:
            where = f"/deliveries/{show('dlv', delivery)}"
            view = (await p.s.call("GET", f"/v1{where}", None, auth)).json
            page = text(await browser.get(f"/console/o/7{where}"))
            by, is_replayed = view["deliveredByReplay"], delivery in parked[:3]
            assert view["state"] == "parked" and view["replayOf"] is None
            assert (by is not None) == is_replayed == ("Delivered by replay" in page)
            if by is not None:
                assert by["deliveryId"] in sent_again and by["at"]
                assert f"/deliveries/{by['deliveryId']}" in page
                again = f"/deliveries/{by['deliveryId']}"
                made_view = (await p.s.call("GET", f"/v1{again}", None, auth)).json
                assert made_view["replayOf"] == show("dlv", delivery)
                assert made_view["replayId"] == by["replayId"]
                assert where in text(await browser.get(f"/console/o/7{again}"))
        listing = text(
            await browser.get(f"/console/o/7/deliveries?webhook={webhook}&status=parked")
        )
        assert listing.count("delivered by a replay since") == 3
        listed = await row(p, browser)
        assert (listed["Parked"], listed["Arrived"]) == ("2", "60 %")
        overview = " ".join(text(await browser.get("/console/o/7?part=now")).split())
        assert "<b>2 deliveries are parked:</b>" in overview
        await p.s.webhooks.change_status(OrgId(7), webhook, "disable", "tests")
        page = text(await browser.get(f"/console/o/7/webhooks/{webhook}"))
        assert "2 parked." in page
        shown = (await p.s.call("GET", f"/v3/webHooks/{webhook}", None, auth)).json["data"]
        assert "; 2 wait parked for a replay;" in diagnose(Findings(shown, tally=told)).cause


async def test_what_has_waited_for_more_than_a_day_is_counted_on_every_face() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        webhook, number = await p.webhook()
        for at in range(3):
            await accept(p.s, id_of(at), [number], org=7)
        await p.s.webhooks.change_status(OrgId(7), webhook, "pause", "tests")
        p.s.clock.ms += 40 * DAY_MS
        browser = await p.browser()
        told = (await p.s.call("GET", f"/v1/webHooks/{webhook}/tally", None, auth)).json
        assert (told["pending"], told["now"]["pending"]) == (0, 3)
        assert (await row(p, browser))["Waiting"] == "3"
        shown = (await p.s.call("GET", f"/v3/webHooks/{webhook}", None, auth)).json["data"]
        assert "is paused: 3 deliveries wait." in diagnose(Findings(shown, tally=told)).cause


async def test_the_share_that_succeeds_is_one_of_attempts_on_every_face() -> None:
    """85 deliveries, 15 of which needed a second attempt: all arrived, 85 of 100 attempts did."""
    async with pages() as p:
        browser = await p.browser()
        auth = await p.s.add_org(7)
        webhook, number = await p.webhook()
        for at in range(85):
            (one,) = await accept(p.s, id_of(at), [number], org=7)
            if at < 15:
                await settle(p.s, one, number, State.RETRYING, status=503)
            await settle(p.s, one, number, attempt=2 if at < 15 else 1)
        told = (await p.s.call("GET", f"/v1/webHooks/{webhook}/tally", None, auth)).json
        assert (told["delivered"], told["attempts"], told["failedAttempts"]) == (85, 100, 15)
        assert told["successPercent"] == 85.0
        assert (told["failedAttemptsPercent"], told["neverArrived"]) == (15.0, 0)
        assert (told["neverArrivedPercent"], told["arrivedPercent"]) == (0.0, 100.0)
        shown_row = await row(p, browser)
        assert (shown_row["Attempts failed"], shown_row["Arrived"]) == ("15 %", "100 %")
        page = " ".join(text(await browser.get(f"/console/o/7/webhooks/{webhook}")).split())
        assert "15 % of its attempts in 24 hours failed" in page
        series = (await p.s.call("GET", f"/v1/webHooks/{webhook}/series", None, auth)).json
        assert sum(row["failedAttempts"] for row in series["points"]) == 15
        found = Findings(
            (await p.s.call("GET", f"/v3/webHooks/{webhook}", None, auth)).json["data"],
            tally=told,
            newest=[{"state": "delivered", "attempts": 1}],
        )
        assert "15 % of 100 attempts failed" in diagnose(found).cause


async def test_what_is_older_than_24_hours_counts_on_no_face_though_its_hour_is_charted() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        webhook, number = await p.webhook()
        hour_ms = DAY_MS // 24
        p.s.clock.ms += hour_ms - p.s.clock.ms % hour_ms + 60_000
        (old,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, old, number, State.FAILED, status=400)
        p.s.clock.ms += DAY_MS + 60_000
        (one,) = await accept(p.s, id_of(2), [number], org=7)
        await settle(p.s, one, number)
        browser = await p.browser()
        told = (await p.s.call("GET", f"/v1/webHooks/{webhook}/tally", None, auth)).json
        assert (told["delivered"], told["failed"], told["neverArrived"]) == (1, 0, 0)
        shown_row = await row(p, browser)
        assert (shown_row["Attempts failed"], shown_row["Arrived"]) == ("0 %", "100 %")
