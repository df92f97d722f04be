"""`/v1/replays` and cancels in process: who may, what is refused, what is told."""

import asyncio

import msgspec
import pytest

from tests.api.control_client import event, service
from tests.api.v1.replay_calls import ORG, OTHER, events, hook, until
from tidings.core.delivery.states import State
from tidings.core.ids import show
from tidings.core.times import END_MS
from tidings.engine.replay import requests
from tidings.store import port


async def test_a_dry_run_counts_and_stores_nothing() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        await events(made, number, [State.FAILED] * 3 + [State.DELIVERED, None])
        body = {"webHookId": shown["webHookId"], "dryRun": True, "ratePerSecond": 0.5}
        told = await made.call("POST", "/v1/replays", body, auth)
        assert told.status == 200
        assert (told.json["matched"], told.json["skipped"], told.json["exact"]) == (3, 0, True)
        assert told.json["sentence"] == "This sends 3 requests to crm.example.com, about 6 s."
        missed = {"webHookId": shown["webHookId"], "missedSince": 0, "dryRun": True}
        assert (await made.call("POST", "/v1/replays", missed, auth)).json["matched"] == 4
        assert (await made.call("GET", "/v1/replays", None, auth)).json["replays"] == []


async def test_a_job_is_made_runs_and_is_told_of_when_it_has_ended() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        await events(made, number, [State.FAILED] * 3 + [State.DELIVERED])
        body = {"webHookId": shown["webHookId"], "ratePerSecond": 1000}
        told = await made.call("POST", "/v1/replays", body, auth)
        assert told.status == 201 and told.json["state"] == "counting"
        id = told.json["id"]
        while (await until(made, auth, id, "running"))["made"] < 3:
            await asyncio.sleep(0.01)
        jobs = await made.store.page(number, 0, 10)
        ends = [
            port.Settlement(job.delivery, number, None, State.DELIVERED, 1, 1, 0, 5, 200)
            for job in jobs
        ]
        await made.store.commit(port.Batch(0, settled=ends))
        ended = await until(made, auth, id, "finished")
        counts = [ended[name] for name in ("matched", "made", "delivered", "unfinished")]
        assert counts == [3, 3, 3, 0] and ended["createdBy"] == f"org{ORG}"
        while not made.told:
            await asyncio.sleep(0.01)
        [(kind, org, fact)] = made.told
        assert (kind, org) == ("tidings.replay.finished", ORG)
        assert (fact["replayId"], fact["delivered"]) == (id, 3)
        listed = (await made.call("GET", "/v1/replays", None, auth)).json["replays"]
        assert [row["id"] for row in listed] == [id]


LAST = "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (END_MS - 1, LAST),
        ("9999-12-31T23:59:59.999-12:00", LAST),
        ("0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00.000Z"),
    ],
)
async def test_the_first_and_last_times_are_told_by_every_call(said: int | str, told: str) -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        body = {"deliveryIds": [show("dlv", 7)], "to": said}
        job = await made.call("POST", "/v1/deliveries/cancel", body, auth)
        assert job.status == 201 and job.json["to"] == told
        listed = (await made.call("GET", "/v1/replays", None, auth)).json["replays"]
        assert [row["id"] for row in listed] == [job.json["id"]]
        later = await made.call("POST", "/v1/deliveries/cancel", body | {"to": END_MS}, auth)
        assert later.status == 400 and later.json["error"]["code"] == "bad_time"


@pytest.mark.parametrize("call", ["tally", "series"])
async def test_totals_of_a_time_far_ahead_are_refused_in_words(call: str) -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, _ = await hook(made, auth)
        path = f"/v1/webHooks/{shown['webHookId']}/{call}?from={10**15 - 1}"
        told = await made.call("GET", path, None, auth)
        assert told.status == 400 and told.json["error"]["code"] == "bad_range"


async def test_a_job_may_wait_for_its_start() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        await events(made, number, [State.FAILED])
        body = {"webHookId": shown["webHookId"], "start": False}
        id = (await made.call("POST", "/v1/replays", body, auth)).json["id"]
        ready = await until(made, auth, id, "ready")
        assert (ready["matched"], ready["made"]) == (1, 0)
        await made.call("POST", f"/v1/replays/{id}/resume", None, auth)
        await until(made, auth, id, "running")


async def test_a_job_waits_for_a_webhook_that_is_not_active_and_says_so() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        await events(made, number, [State.FAILED])
        path = f"/v3/webHooks/{shown['webHookId']}"
        await made.call("PUT", path, {"active": False}, auth)
        told = await made.call("POST", "/v1/replays", {"webHookId": shown["webHookId"]}, auth)
        while True:
            found = await until(made, auth, told.json["id"], "running")
            if found["reason"]:
                break
            await asyncio.sleep(0.01)
        assert "inactive" in found["reason"] and found["made"] == 0
        await made.call("PUT", path, {"active": True}, auth)
        made.replays.nudge()
        while (await until(made, auth, told.json["id"], "running"))["made"] < 1:
            await asyncio.sleep(0.01)


async def test_a_job_whose_webhook_is_deleted_fails_and_says_why() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        await events(made, number, [State.FAILED])
        made.lanes.room = 0
        told = await made.call("POST", "/v1/replays", {"webHookId": shown["webHookId"]}, auth)
        await until(made, auth, told.json["id"], "running")
        await made.call("DELETE", f"/v3/webHooks/{shown['webHookId']}", None, auth)
        failed = await until(made, auth, told.json["id"], "failed")
        assert "deleted" in failed["reason"]
        again = await made.call("POST", "/v1/replays", {"webHookId": shown["webHookId"]}, auth)
        assert again.status == 400 and again.json["error"]["code"] == "cannot_send"


async def test_another_org_sees_and_changes_nothing() -> None:
    async with service() as made:
        auth, theirs = await made.add_org(ORG), await made.add_org(OTHER)
        shown, number = await hook(made, auth)
        await events(made, number, [State.PENDING])
        body = {"webHookId": shown["webHookId"], "start": False}
        id = (await made.call("POST", "/v1/replays", body, auth)).json["id"]
        nobody = await made.call("GET", "/v1/replays/rpl_000000000000z", None, theirs)
        for method, path in (("GET", ""), ("POST", "/pause"), ("POST", "/cancel")):
            got = await made.call(method, f"/v1/replays/{id}{path}", None, theirs)
            assert got.status == 404
            assert got.json["error"]["code"] == nobody.json["error"]["code"]
        assert (await made.call("GET", "/v1/replays", None, theirs)).json["replays"] == []
        assert (await made.call("POST", "/v1/replays", body, theirs)).status == 404
        [job] = await made.store.page(number, 0, 10)
        path = f"/v1/deliveries/{show('dlv', job.delivery)}/cancel"
        assert (await made.call("POST", path, None, theirs)).status == 404
        stolen = {"deliveryIds": [show("dlv", job.delivery)], "dryRun": True}
        told = await made.call("POST", "/v1/deliveries/cancel", stolen, theirs)
        assert (told.json["matched"], told.json["unknownIds"]) == (0, 1)
        for switch in ("stop", "start"):
            got = await made.call("POST", f"/v1/orgs/{ORG}/{switch}", None, theirs)
            assert got.status == 404
        assert (await made.call("POST", path, None, auth)).json["state"] == "cancelled"


async def test_scopes_are_asked_for() -> None:
    async with service() as made:
        reader = await made.add_org(ORG, "replay:read admin:read")
        nobody = await made.add_org(OTHER, "webhooks:write")
        assert (await made.call("GET", "/v1/replays", None, reader)).status == 200
        assert (await made.call("GET", "/v1/replays", None, nobody)).status == 403
        for path in (
            "/v1/replays",
            "/v1/replays/rpl_0000000000001/pause",
            "/v1/deliveries/cancel",
            "/v1/deliveries/dlv_0000000000001/cancel",
            "/v1/stop",
            "/v1/start",
            f"/v1/orgs/{ORG}/stop",
        ):
            assert (await made.call("POST", path, {}, reader)).status == 403, path
        assert (await made.call("GET", f"/v1/orgs/{ORG}/stop", None, reader)).status == 200
        assert (await made.call("GET", "/v1/stop", None, reader)).status == 403


async def test_a_search_value_finds_the_events_of_a_replay() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        found = event("pointsIssued", "a", [port.NewDelivery(number, 1, None, True)], ORG)
        marked = msgspec.structs.replace(found, terms=made.terms.of(ORG, "41200777"))
        plain = msgspec.structs.replace(found, id="b")
        await made.store.commit(port.Batch(made.registry.version, [marked, plain]))
        for said in ("41200777", "+41200777", "+41 200-777"):
            body = {"webHookId": shown["webHookId"], "search": said, "dryRun": True}
            assert (await made.call("POST", "/v1/replays", body, auth)).json["matched"] == 1


@pytest.mark.parametrize(("most", "status"), [(3, 200), (2, 400)])
async def test_a_search_value_finds_so_many_events_and_no_more(
    monkeypatch: pytest.MonkeyPatch, most: int, status: int
) -> None:
    monkeypatch.setattr(requests, "IDS_MAX", most)
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, number = await hook(made, auth)
        deliveries = [port.NewDelivery(number, 1, None, True)]
        marked = [
            msgspec.structs.replace(
                event("pointsIssued", name, deliveries, ORG), terms=made.terms.of(ORG, "41200777")
            )
            for name in "abc"
        ]
        await made.store.commit(port.Batch(made.registry.version, marked))
        body = {"webHookId": shown["webHookId"], "search": "41200777", "dryRun": True}
        reply = await made.call("POST", "/v1/replays", body, auth)
        assert reply.status == status
        if status == 200:
            assert reply.json["matched"] == 3
        else:
            assert reply.json["error"]["code"] == "too_many"


async def test_an_org_may_have_so_many_jobs_and_no_more() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, _ = await hook(made, auth)
        body = {"webHookId": shown["webHookId"], "start": False}
        for _ in range(20):
            assert (await made.call("POST", "/v1/replays", body, auth)).status == 201
        more = await made.call("POST", "/v1/replays", body, auth)
        assert more.status == 409 and more.json["error"]["code"] == "too_many"


async def test_what_is_wrong_is_told_in_words() -> None:
    async with service() as made:
        auth = await made.add_org(ORG)
        shown, _ = await hook(made, auth)
        for body, code in (
            ({}, "missing"),
            ({"webHookId": shown["webHookId"], "states": ["delivered"]}, "again_needed"),
            (
                {
                    "webHookId": shown["webHookId"],
                    "missedSince": 0,
                    "eventNames": ["customerAdded"],
                },
                "bad_names",
            ),
        ):
            got = await made.call("POST", "/v1/replays", body, auth)
            assert (got.status, got.json["error"]["code"]) == (400, code)
            assert f"({code}, field" in got.json["error"]["message"]


async def test_while_the_store_is_down_a_stop_holds_all_the_same() -> None:
    async with service() as made:
        made.store.down = True
        assert (await made.call("POST", "/v1/stop")).status == 503
        assert made.stops.is_stopped(ORG)
        made.store.down = False
        assert (await made.call("GET", "/v1/stop")).json["stopped"] is True
        assert (await made.call("POST", "/v1/start")).json["stopped"] is False
        assert not made.stops.is_stopped(ORG)
