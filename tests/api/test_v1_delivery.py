"""One delivery in full: every attempt as it was sent, and another try on request."""

from typing import Any

import pytest
from control_client import BASIC, START_MS, Service, event, run, service

from tidings.core.delivery import State
from tidings.core.exchange import Timings
from tidings.core.ids import show
from tidings.core.sign import Signer
from tidings.core.standing import Standing
from tidings.store import port


async def webhook(s: Service, **fields: Any) -> Any:
    record, _, _ = await s.webhooks.create(1, BASIC | fields, "boss")
    return record.webhook


async def accept(s: Service, id: str, hook: Any, key: int | None = None) -> int:
    fresh = event("pointsIssued", id, [port.NewDelivery(hook.number, 1, key)])
    return (await s.store.commit(port.Batch(s.registry.version, [fresh]))).firsts[0]


async def settle(s: Service, delivery: int, hook: Any, state: State, **more: Any) -> None:
    fields = {"key": None, "attempt": 1, "version": 1, "status": 200} | more
    outcome = port.Settled(
        delivery=delivery,
        webhook=hook.number,
        state=int(state),
        started_ms=START_MS + 5,
        duration_ms=12,
        **fields,
    )
    await s.store.commit(port.Batch(s.registry.version, settled=[outcome]))


async def shown(s: Service, delivery: int) -> Any:
    return (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}")).json


EVIDENCE = port.Evidence(
    None, "", [("retry-after", "1")], b"busy", False, timings=Timings(connect_ms=1.5)
)


def test_each_attempt_shows_its_request_by_the_version_that_sent_it() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            delivery = await accept(s, "e-1", hook)
            await settle(
                s, delivery, hook, State.RETRYING, status=503, delay_ms=5000, evidence=EVIDENCE
            )
            changed = {"webHookUrl": "https://new.example/", "webHookHeaders": {"X-Key": "k" * 20}}
            await s.webhooks.replace(1, hook.id, changed, "boss")
            await settle(s, delivery, hook, State.DELIVERED, attempt=2, version=2)
            told = await shown(s, delivery)
            first, second = [one["request"] for one in told["attemptList"]]
            assert (first["method"], first["url"]) == ("POST", "https://crm.example.com/hook")
            assert second["url"] == "https://new.example/"
            headers = {one["name"]: one["value"] for one in first["headers"]}
            assert headers["Authorization"] == "…cdef", "configured values are masked"
            assert {one["name"]: one["value"] for one in second["headers"]}["X-Key"] == "…kkkk"
            assert headers["tidings-delivery"] == show("dlv", delivery)
            assert headers["tidings-attempt"] == "1"
            assert first["body"]["text"] == (
                '{"eventName":"pointsIssued","eventId":"e-1","orgId":1,"data":{"n":1.50}}'
            )
            at_s = int(headers["webhook-timestamp"])
            assert at_s == (START_MS + 5) // 1000
            made = Signer(hook.secrets).sign(
                headers["webhook-id"], at_s, first["body"]["text"].encode()
            )
            assert headers["webhook-signature"] == made, "signatures are kept"
            assert told["attemptList"][0]["answer"]["body"]["text"] == "busy"
            assert told["attemptList"][0]["timings"] == {
                "dnsInMs": None,
                "connectInMs": 1.5,
                "tlsInMs": None,
                "headInMs": 12,
            }

    run(scenario())


def test_what_is_not_kept_is_not_made_up() -> None:
    async def scenario() -> None:
        async with service() as s:
            plain = await webhook(s)
            shaped = await webhook(s, name="shaped", fields={"drop": ["data.n"]})
            one, two = await accept(s, "e-1", plain), await accept(s, "e-2", shaped)
            await settle(s, one, plain, State.DELIVERED)
            await settle(s, two, shaped, State.DELIVERED)
            s.store.half.connection.execute("DELETE FROM body WHERE seq = 1").fetchall()
            [gone] = (await shown(s, one))["attemptList"]
            assert gone["request"]["body"] is None and "retention" in gone["request"]["note"]
            [unkept] = (await shown(s, two))["attemptList"]
            assert unkept["request"]["body"] is None and "shaping" in unkept["request"]["note"]
            names = {one["name"] for one in unkept["request"]["headers"]}
            assert "webhook-signature" not in names and "webhook-id" in names

    run(scenario())


def test_a_failed_delivery_is_tried_again_and_its_lane_is_told() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            delivery = await accept(s, "e-1", hook)
            await settle(s, delivery, hook, State.FAILED, status=400, evidence=EVIDENCE)
            path = f"/v1/deliveries/{show('dlv', delivery)}/retry"
            reply = await s.call("POST", path)
            assert reply.status == 202 and reply.json["outcome"] == "due"
            assert s.lanes.asked == [(hook.number, s.clock.ms)]
            assert (await shown(s, delivery))["state"] == "retrying"
            take = port.Batch(0, takes=[port.Take(hook.number, 5)])
            [job] = (await s.store.commit(take)).taken
            assert (job.delivery, job.attempt) == (delivery, 2)
            again = await s.call("POST", path)
            assert (again.status, again.json["error"]["code"]) == (409, "under_way")

    run(scenario())


def test_a_retry_that_comes_forward_keeps_its_promise() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            delivery = await accept(s, "e-1", hook)
            await settle(
                s, delivery, hook, State.RETRYING, status=503, delay_ms=60_000, evidence=EVIDENCE
            )
            reply = await s.call("POST", f"/v1/deliveries/{show('dlv', delivery)}/retry")
            assert "automatic" in reply.json["advice"]
            assert s.lanes.promises._due_ms == {delivery: START_MS + 60_000}

    run(scenario())


@pytest.mark.parametrize(
    ("prepare", "code"),
    [("pending", "waiting_already"), ("delivered", "delivered"), ("bodiless", "no_payload")],
)
def test_a_try_that_makes_no_sense_is_refused_with_the_reason(prepare: str, code: str) -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            delivery = await accept(s, "e-1", hook)
            if prepare == "delivered":
                await settle(s, delivery, hook, State.DELIVERED)
            elif prepare == "bodiless":
                await settle(s, delivery, hook, State.FAILED, status=400)
                s.store.half.connection.execute("DELETE FROM body").fetchall()
            reply = await s.call("POST", f"/v1/deliveries/{show('dlv', delivery)}/retry")
            assert (reply.status, reply.json["error"]["code"]) == (409, code)
            assert s.lanes.asked == []

    run(scenario())


def test_a_webhook_that_does_not_send_is_mended_first_and_others_know_nothing() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            delivery = await accept(s, "e-1", hook)
            other, lower = await s.add_org(2), await s.add_org(3, scopes="logs:read")
            path = f"/v1/deliveries/{show('dlv', delivery)}/retry"
            foreign = await s.call("POST", path, auth=other)
            unknown = await s.call("POST", f"/v1/deliveries/{show('dlv', 99)}/retry", auth=other)
            assert foreign.status == unknown.status == 404
            assert (await s.call("POST", path, auth=lower)).status == 403
            await s.webhooks.set_standing(hook.number, Standing.DISABLED, "gone")
            reply = await s.call("POST", path)
            assert (reply.status, reply.json["error"]["code"]) == (409, "webhook_does_not_send")
            assert (await shown(s, delivery))["state"] == "parked"

    run(scenario())
