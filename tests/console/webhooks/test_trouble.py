"""A webhook's page in an incident: the last failed answer, what waits by its age, what was missed,
and how it went. The API says the same."""

from typing import Any

import pytest

from tests.api.log_client import accept, settle
from tests.console.webhook_client import Pages, pages, text
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId, WebhookId, show
from tidings.core.incidents.incident import Incident, IncidentKind
from tidings.store import port

ORG = OrgId(7)
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def api(p: Pages, auth: str, webhook: WebhookId) -> dict[str, Any]:
    """The same by the API."""
    reply = await p.s.call("GET", f"/v1/webHooks/{webhook}/trouble", None, auth)
    assert reply.status == 200, reply.body
    shown: dict[str, Any] = reply.json
    return shown


async def page_of(browser: Any, webhook: WebhookId) -> str:
    return " ".join(text(await browser.get(f"/console/o/7/webhooks/{webhook}")).split())


async def failed(p: Pages, number: int, count: int, first: int = 0) -> list[int]:
    """Events that a webhook was sent and refused for good."""
    made = [(await accept(p.s, id_of(first + at), [number], org=7))[0] for at in range(count)]
    for delivery in made:
        await settle(p.s, delivery, number, State.FAILED, status=400)
    return made


def fails(p: Pages, number: int, **more: Any) -> None:
    """It is judged to fail, since now."""
    p.healths[number] = port.StoredHealth(number, p.s.clock.ms, 5, "503", **more)


async def test_a_webhook_that_is_well_shows_no_trouble() -> None:
    async with pages() as p:
        browser, auth = await p.browser(), await p.s.add_org(7)
        webhook, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        await settle(p.s, delivery, number)
        assert "What is wrong" not in await page_of(browser, webhook)
        shown = await api(p, auth, webhook)
        assert shown["lastFailure"] is None and shown["missed"]["events"] == 0
        assert [row["deliveries"] for row in shown["waiting"]] == [0] * 5


async def test_the_last_failed_answer_is_shown_as_text_with_what_to_do() -> None:
    hostile = "<script>alert(1)</script>" + "é" * 5_000
    async with pages() as p:
        browser, auth = await p.browser(), await p.s.add_org(7)
        webhook, number = await p.webhook()
        (delivery,) = await accept(p.s, id_of(1), [number], org=7)
        evidence = port.Evidence(None, "", (), hostile.encode(), truncated=False)
        await p.s.store.commit(
            port.Batch(
                p.s.registry.version,
                [],
                [
                    port.Settlement(
                        DeliveryId(delivery),
                        number,
                        None,
                        State.RETRYING,
                        1,
                        1,
                        p.s.clock.ms,
                        20,
                        503,
                        delay_ms=HOUR_MS,
                        evidence=evidence,
                    )
                ],
            )
        )
        fails(p, number)
        page = await page_of(browser, webhook)
        assert "The receiver answered 503" in page
        assert "The receiver is overloaded or stopped: check that it runs." in page
        assert f"/deliveries/{show('dlv', delivery)}?attempt=1" in page
        assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page
        assert page.count("é") <= 1_024
        last = (await api(p, auth, webhook))["lastFailure"]
        assert (last["status"], last["attempt"]) == (503, 1)
        assert last["deliveryId"] == show("dlv", delivery)
        assert last["happened"] in page and last["advice"] in page
        assert len(last["body"]) == 1_024


async def test_what_waits_is_shown_by_its_age() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        webhook, number = await p.webhook()
        at = 0
        for age_ms, count in ((2 * DAY_MS, 1), (2 * HOUR_MS, 2), (MINUTE_MS * 20, 3)):
            for _ in range(count):
                await accept(p.s, id_of(at := at + 1), [number], org=7)
            p.s.clock.ms += age_ms
        for _ in range(4):
            await accept(p.s, id_of(at := at + 1), [number], org=7)
        fails(p, number)
        shown = await api(p, auth, webhook)
        found = {row["age"]: row["deliveries"] for row in shown["waiting"]}
        assert found == {
            "under 1 min": 4,
            "1 to 15 min": 0,
            "15 min to 1 h": 3,
            "1 h to 1 day": 2,
            "older than 1 day": 1,
        }
        page = await page_of(await p.browser(), webhook)
        for age, count in found.items():
            assert f'<td>{age}</td><td class="n">{count}</td>' in page


async def test_what_was_missed_is_counted_as_the_tile_does_and_replayed_by_its_button() -> None:
    async with pages() as p:
        browser, auth = await p.browser(), await p.s.add_org(7)
        webhook, number = await p.webhook()
        await failed(p, number, 3)
        fails(p, number)
        page = await page_of(browser, webhook)
        assert "Replay 3 that were missed" in page
        assert "This sends 3 requests to crm.example.com, about 1 s." in page
        assert "<span>Never arrived</span><b>3</b>" in page
        missed = (await api(p, auth, webhook))["missed"]
        assert (missed["events"], missed["neverArrived"], missed["exact"]) == (3, 3, True)
        begun = await p.s.call("POST", "/v1/replays", missed["replay"] | {"dryRun": True}, auth)
        assert (begun.json["matched"], begun.json["skipped"]) == (3, 0)
        fields = {"webhook": webhook, "from": missed["since"], "states": ["failed", "parked"]}
        for name in fields:
            assert f'name="{name}"' in page
        gone = await browser.post("/console/o/7/replays/new", fields)
        assert gone.status == 303 and "/replays/rpl_" in gone.headers["location"]


async def test_what_was_not_sent_while_it_was_disabled_is_offered_after_enabling() -> None:
    async with pages() as p:
        browser, auth = await p.browser(), await p.s.add_org(7)
        webhook, number = await p.webhook()
        await failed(p, number, 2)
        await p.s.webhooks.change_status(ORG, webhook, "disable", "tests")
        for at in range(4):
            await accept(p.s, id_of(100 + at), [], org=7)
        page = await page_of(browser, webhook)
        assert "2 failed or parked, 4 from a time when it received none" in page
        assert "They can be replayed when it is active." in page and "Replay 6" not in page
        await p.s.webhooks.change_status(ORG, webhook, "enable", "tests")
        page = await page_of(browser, webhook)
        assert "Replay 6 that were missed" in page
        missed = (await api(p, auth, webhook))["missed"]
        assert (missed["events"], missed["neverArrived"], missed["notAsked"]) == (6, 2, 4)
        begun = await p.s.call("POST", "/v1/replays", missed["replay"] | {"dryRun": True}, auth)
        assert begun.json["matched"] == 6
        p.s.clock.ms += 2 * DAY_MS
        page = await page_of(await p.browser(), webhook)
        assert "Newest deliveries" in page and "What is wrong" not in page, "only within a day"


async def test_the_timeline_has_who_did_what_for_those_who_may_see_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        p.s.clock.ms += 10
        fails(p, number)
        p.s.clock.ms += 10
        await browser.post(f"/console/o/7/webhooks/{webhook}/say", {"verb": "pause"})
        page = await page_of(browser, webhook)
        order = [
            page.index("The first attempt failed: the receiver answers 503"),
            page.index("set the webhook paused</a>"),
        ]
        assert order == sorted(order)
        reader = await p.browser(scopes="webhooks:read logs:read")
        page = await page_of(reader, webhook)
        assert "The first attempt failed" in page and "set the webhook paused" not in page
        assert "Replay" not in page.partition('id="trouble"')[2].partition("</section>")[0]


async def test_an_incident_that_ended_before_a_restart_is_shown_for_a_day() -> None:
    async with pages() as p:
        auth = await p.s.add_org(7)
        webhook, number = await p.webhook()
        p.s.clock.ms += HOUR_MS
        ended_ms = p.s.clock.ms
        incident = Incident(
            number,
            1,
            ORG,
            IncidentKind.FAILING,
            cause="503",
            opened_ms=ended_ms - 30 * MINUTE_MS,
            since_ms=ended_ms - 31 * MINUTE_MS,
            cause_changes=1,
            cause_changed_ms=ended_ms - 20 * MINUTE_MS,
            previous_cause="refused",
            acknowledged_ms=ended_ms - 10 * MINUTE_MS,
            acknowledged_by="asha",
            note="<b>their deploy</b>",
            ended_ms=ended_ms,
            end_reason="recovered",
        )
        await p.s.store.put_incidents([incident])
        page = await page_of(await p.browser(), webhook)
        assert "The first attempt failed: the receiver refuses connections" in page
        assert "The cause changed: the receiver answers 503" in page
        note = "&lt;b&gt;their deploy&lt;/b&gt;"
        assert f"<b>asha</b> acknowledged the incident: {note}" in page
        assert "An attempt succeeded; the breaker closed" in page
        kinds = [row["kind"] for row in (await api(p, auth, webhook))["timeline"]]
        assert kinds[-4:] == ["firstFailure", "changedCause", "acknowledged", "recovered"]
        p.s.clock.ms += DAY_MS + 1
        page = await page_of(await p.browser(), webhook)
        assert "Newest deliveries" in page or "Nothing was delivered yet" in page
        assert "What is wrong" not in page


@pytest.mark.parametrize("org", [7, 8])
async def test_trouble_of_another_org_or_of_a_deleted_webhook_is_that_of_none(org: int) -> None:
    async with pages() as p:
        auth = await p.s.add_org(org)
        webhook, _ = await p.webhook()
        if org == 7:
            await p.s.webhooks.delete(ORG, webhook, "tests")
        reply = await p.s.call("GET", f"/v1/webHooks/{webhook}/trouble", None, auth)
        assert reply.status == 404, reply.body
