"""`/v1`: results of events and deliveries, and that nobody sees another org's."""

import base64
from typing import Any

import pytest

from tests.api.control_client import BASIC, START_MS, Service, event, service
from tidings.core.delivery.next_attempt import NextAttempt
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.store import port


async def webhook(s: Service, org: int = 1, **fields: Any) -> int:
    record, _, _ = await s.webhooks.create(OrgId(org), BASIC | fields, "boss")
    return record.webhook.number


async def accept(s: Service, id: str, *webhooks: int, org: int = 1) -> list[int]:
    """Commit an event; the ids of its deliveries."""
    fresh = event("pointsIssued", id, [port.NewDelivery(webhook, 1) for webhook in webhooks], org)
    receipt = await s.store.commit(port.Batch(s.registry.version, [fresh]))
    return list(range(receipt.firsts[0], receipt.firsts[0] + len(webhooks)))


def settled(delivery: int, webhook: int, state: State, **fields: Any) -> port.Settlement:
    return port.Settlement(
        **{
            "delivery": delivery,
            "webhook": webhook,
            "key": None,
            "state": int(state),
            "attempt": 1,
            "version": 1,
            "started_ms": START_MS,
            "duration_ms": 12,
            "status": 200,
        }
        | fields
    )


async def settle(s: Service, *outcomes: port.Settlement) -> None:
    await s.store.commit(port.Batch(s.registry.version, settled=outcomes))


async def test_an_event_shows_its_body_as_it_came_and_its_fate_everywhere() -> None:
    async with service() as s:
        crm, shop = await webhook(s), await webhook(s, name="shop")
        first, second = await accept(s, "e-1", crm, shop)
        s.clock.ms += 40
        await settle(s, settled(first, crm, State.DELIVERED))
        reply = await s.call("GET", "/v1/events/e-1")
        assert reply.status == 200
        assert b'"n":1.50' in reply.body  # not 1.5: the bytes that were accepted
        told = reply.json
        assert (told["eventId"], told["eventName"], told["orgId"]) == ("e-1", "pointsIssued", 1)
        assert told["acceptedAt"] == "2026-02-11T09:15:00.000Z" and told["warning"] is None
        fates = [(row["webHookName"], row["state"], row["id"]) for row in told["deliveries"]]
        assert fates == [
            ("crm", "delivered", show("dlv", first)),
            ("shop", "pending", show("dlv", second)),
        ]
        assert told["deliveries"][0]["doneAt"] == "2026-02-11T09:15:00.040Z"


async def test_a_first_success_has_an_attempt_although_no_row_of_it_is_kept() -> None:
    async with service() as s:
        crm = await webhook(s)
        [delivery] = await accept(s, "e-1", crm)
        s.clock.ms += 40
        await settle(s, settled(delivery, crm, State.DELIVERED, status=204))
        assert not await s.store.attempts_of(DeliveryId(delivery))
        told = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}")).json
        [attempt] = told["attemptList"]
        assert (attempt["number"], attempt["status"], attempt["durationInMs"]) == (1, 204, 12)
        assert attempt["startedAt"] == "2026-02-11T09:15:00.028Z"
        assert told["advice"] == "The receiver answered 204 No Content after 12 ms."
        assert told["state"] == "delivered" and told["nextAttemptAt"] is None


async def test_a_failed_attempt_shows_its_evidence_masked_and_what_to_do() -> None:
    async with service() as s:
        crm = await webhook(s)
        [delivery] = await accept(s, "e-1", crm)
        headers = [("set-cookie", "session=0123456789abcdef"), ("x-token", "short"), ("a", "b")]
        evidence = port.Evidence(None, "", headers, b"\xffoops", True)
        failed = settled(
            delivery, crm, State.RETRYING, status=503, delay_ms=5000, evidence=evidence
        )
        await settle(s, failed)
        told = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}")).json
        assert told["state"] == "retrying"
        assert told["nextAttemptAt"] == "2026-02-11T09:15:05.000Z"
        assert told["advice"] == (
            "The receiver answered 503 Service Unavailable after 12 ms. Next try 09:15:05Z "
            "(in 5 s). The receiver is overloaded or stopped: check that it runs."
        )
        [attempt] = told["attemptList"]
        assert attempt["answer"]["headers"] == [
            {"name": "set-cookie", "value": "…cdef"},
            {"name": "x-token", "value": "…"},
            {"name": "a", "value": "b"},
        ]
        assert attempt["answer"]["body"] == {
            "base64": base64.b64encode(b"\xffoops").decode(),
            "text": None,
            "bytes": 5,
            "truncated": True,
        }


async def test_a_fault_tells_its_kind_and_a_retry_under_way_its_number() -> None:
    async with service() as s:
        crm = await webhook(s)
        [delivery] = await accept(s, "e-1", crm)
        detail = (
            "The receiver closed the connection after 312 ms without an answer. If it goes on, "
            "raise its idle time-out."
        )
        evidence = port.Evidence("reset", detail, [], b"", False)
        failed = settled(delivery, crm, State.RETRYING, status=None, delay_ms=0, evidence=evidence)
        await settle(s, failed)
        take = port.Batch(s.registry.version, claims=[port.RetryClaim(crm, 1)])
        assert len((await s.store.commit(take)).claimed) == 1
        s.next_attempts[delivery] = NextAttempt(begun=2)
        told = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}")).json
        first, second = told["attemptList"]
        assert (first["fault"], first["advice"], first["answer"]) == ("reset", detail, None)
        assert (second["number"], second["ended"]) == (2, False)
        what, do = detail.split(". ", 1)
        assert told["advice"] == f"{what}. The next try is under way. {do}"
        assert second["advice"] == "The attempt is under way."


async def test_another_orgs_ids_answer_like_unknown_ones() -> None:
    async with service() as s:
        other = await s.add_org(2)
        crm = await webhook(s)
        [delivery] = await accept(s, "e-1", crm)
        mine = show("dlv", delivery)
        for path, unknown in (
            ("/v1/events/e-1", "/v1/events/e-2"),
            (f"/v1/deliveries/{mine}", f"/v1/deliveries/{show('dlv', 99)}"),
        ):
            assert (await s.call("GET", path)).status == 200
            foreign = await s.call("GET", path, auth=other)
            nothing = await s.call("GET", unknown, auth=other)
            assert foreign.status == nothing.status == 404
            asked, not_there = path.split("/")[-1], unknown.split("/")[-1]
            assert foreign.body.replace(asked.encode(), not_there.encode()) == nothing.body
        for odd in ("x", "dlv_", "dlv_" + "z" * 13, "%ff", "1"):
            reply = await s.call("GET", f"/v1/deliveries/{odd}", auth=other)
            assert (reply.status, reply.json["error"]["code"]) == (404, "not_found")


async def test_a_delivery_belongs_to_the_webhooks_owner_not_to_the_child() -> None:
    async with service() as s:
        child = await s.add_org(7, parent=1)
        above = await webhook(s, listenToChildEvents=True)
        own = await webhook(s, 7)
        assert [webhook.number for webhook in s.registry.match(OrgId(7), "pointsIssued")] == [
            above,
            own,
        ]
        first, second = await accept(s, "e-1", above, own, org=7)
        told = (await s.call("GET", "/v1/events/e-1", auth=child)).json
        assert [row["id"] for row in told["deliveries"]] == [show("dlv", second)]
        path = f"/v1/deliveries/{show('dlv', first)}"
        assert (await s.call("GET", path, auth=child)).status == 404
        assert (await s.call("GET", path)).json["orgId"] == 7


async def test_refused_events_are_shown_newest_first_with_their_bytes() -> None:
    async with service() as s:
        other = await s.add_org(2)
        refused = [
            port.NewRejection(OrgId(1), "x", f"e-{n}", "bad", "It must be.", "data.n", b"{\xfe")
            for n in range(3)
        ]
        await s.store.commit(port.Batch(s.registry.version, rejections=refused))
        reply = await s.call("GET", "/v1/rejections?limit=2")
        told = reply.json["rejections"]
        assert [row["eventId"] for row in told] == ["e-2", "e-1"]
        assert told[0]["error"] == {"code": "bad", "message": "It must be.", "path": "data.n"}
        assert base64.b64decode(told[0]["body"]["base64"]) == b"{\xfe"
        assert told[0]["id"] == show("rej", 3)
        page = (await s.call("GET", f"/v1/rejections?cursor={reply.json['older']}")).json
        assert [row["eventId"] for row in page["rejections"]] == ["e-0"]
        assert page["older"] is None
        theirs = (await s.call("GET", "/v1/rejections", auth=other)).json
        paging = {"limit": 50, "next": None, "previous": None}
        assert theirs == {"rejections": [], "older": None, "newer": None, "paging": paging}
        for limit in ("0", "1001", "many"):
            wrong = await s.call("GET", f"/v1/rejections?limit={limit}")
            assert wrong.status == 400
            assert wrong.json["error"]["code"] in ("out_of_range", "bad_type")
            assert wrong.json["error"]["path"] == "limit"


async def test_the_count_is_flat_and_for_the_platform_alone() -> None:
    async with service() as s:
        crm = await webhook(s)
        [delivery] = await accept(s, "e-1", crm)
        await accept(s, "e-2", crm)
        await settle(s, settled(delivery, crm, State.DELIVERED))
        told = (await s.call("GET", "/v1/deliveries/count")).json
        assert (told["events"], told["delivered"], told["pending"], told["parked"]) == (
            2,
            1,
            1,
            0,
        )
        reply = await s.call("GET", "/v1/deliveries/count", auth=await s.add_org(2))
        assert (reply.status, reply.json["error"]["code"]) == (403, "forbidden")


async def test_orgs_are_made_and_listed_by_the_platform() -> None:
    async with service() as s:
        made = await s.call("POST", "/v1/orgs", {"id": 50, "name": "Acme", "parent": 1})
        assert made.status == 201
        assert made.json["id"] == 50 and made.json["parent"] == 1
        assert (await s.call("POST", "/v1/orgs", {"name": "Next"})).json["id"] == 51
        assert (await s.call("POST", "/v1/orgs", {"orgId": 60, "name": "B"})).json["id"] == 60
        listed = (await s.call("GET", "/v1/orgs")).json["orgs"]
        assert [row["id"] for row in listed] == [1, 50, 51, 60]
        again = await s.call("POST", "/v1/orgs", {"id": 50, "name": "Acme"})
        assert (again.status, again.json["error"]["code"]) == (409, "org_exists")
        for body in ({}, {"name": " "}, {"name": "x", "id": 0}, {"name": "x", "parent": 9}):
            assert (await s.call("POST", "/v1/orgs", body)).status == 400
        theirs = await s.call("GET", "/v1/orgs", auth=await s.add_org(2))
        assert theirs.status == 403


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v3/webHooks/", "/V1/events/x"])
async def test_an_unknown_call_is_refused_in_the_shape_of_its_path(path: str) -> None:
    async with service() as s:
        reply = await s.call("GET", path)
        assert reply.status == 404
        if path.startswith("/v3/"):
            assert reply.json["errors"][0]["code"] == "not_found"
        else:
            assert reply.json["error"].keys() == {"code", "message", "path"}


async def test_a_wrong_method_and_a_failure_inside_are_told_in_shape() -> None:
    async with service() as s:
        reply = await s.call("PATCH", "/v1/orgs")
        assert (reply.status, reply.json["error"]["code"]) == (405, "method_not_allowed")
        assert "GET" in reply.headers["allow"] or "POST" in reply.headers["allow"]

        def broken() -> list[str]:
            raise RuntimeError("not for the caller")

        s.health.problems = broken  # type: ignore[method-assign]  # a fault of ours
        failed = await s.call("GET", "/readyz")
        assert (failed.status, failed.json["error"]["code"]) == (500, "internal")
        assert failed.headers["x-cap-requestid"] in failed.json["error"]["message"]
        assert b"not for the caller" not in failed.body


async def test_health_needs_no_credential_and_figures_do() -> None:
    async with service() as s:
        assert (await s.call("GET", "/livez", auth=None)).status == 200
        assert (await s.call("GET", "/readyz", auth=None)).json == {
            "ready": True,
            "problems": [],
            "notices": [],
        }
        s.health.sentences = ["The store refuses writes."]
        unready = await s.call("GET", "/readyz", auth=None)
        assert unready.status == 503
        assert unready.json["problems"] == ["The store refuses writes."]
        assert (await s.call("GET", "/metrics", auth=None)).status == 401
        metrics = await s.call("GET", "/metrics")
        assert b"tidings_attempt_seconds_total 0.0" in metrics.body
        assert metrics.headers["content-type"].startswith("text/plain")


async def test_the_openapi_description_is_made() -> None:
    async with service() as s:
        document = (await s.call("GET", "/openapi.json", auth=None)).json
        paths = document["paths"]
        assert {"/v3/webHooks", "/v1/stream", "/v1/events/{event_id}"} <= paths.keys()
        body = paths["/v3/webHooks"]["post"]["requestBody"]["content"]["application/json"]
        made = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
        assert "maxAllowedConnections" in made["properties"]
