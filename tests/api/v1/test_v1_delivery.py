"""One delivery in full: every attempt as it was sent, and another try on request."""

from typing import Any

import msgspec
import pytest

from tests.api.control_client import BASIC, START_MS, Service, event, service
from tests.core.shaping.signatures.signing import default_signer
from tidings.core.delivery.exchange import Timings
from tidings.core.delivery.next_attempt import NextAttempt, Wait
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.times import iso
from tidings.store import port


async def webhook(s: Service, **fields: Any) -> Any:
    record, _, _ = await s.webhooks.create(OrgId(1), BASIC | fields, "boss")
    return record.webhook


async def accept(s: Service, id: str, hook: Any, key: int | None = None) -> int:
    fresh = event("pointsIssued", id, [port.NewDelivery(hook.number, 1, key)])
    receipt = await s.store.commit(port.Batch(s.registry.version, [fresh]))
    return int(receipt.firsts[0])


async def settle(s: Service, delivery: int, hook: Any, state: State, **more: Any) -> None:
    fields = {"key": None, "attempt": 1, "version": 1, "status": 200} | more
    outcome = port.Settlement(
        delivery=DeliveryId(delivery),
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


async def test_each_attempt_shows_its_request_by_the_version_that_sent_it() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await accept(s, "e-1", hook)
        await settle(
            s, delivery, hook, State.RETRYING, status=503, delay_ms=5000, evidence=EVIDENCE
        )
        changed = {"webHookUrl": "https://new.example/", "webHookHeaders": {"X-Key": "k" * 20}}
        await s.webhooks.replace(OrgId(1), hook.id, changed, "boss")
        await settle(s, delivery, hook, State.DELIVERED, attempt=2, version=2)
        told = await shown(s, delivery)
        first, second = [row["request"] for row in told["attemptList"]]
        assert (first["method"], first["url"]) == ("POST", "https://crm.example.com/hook")
        assert second["url"] == "https://new.example/"
        headers = {row["name"]: row["value"] for row in first["headers"]}
        assert headers["Authorization"] == "…cdef", "configured values are masked"
        assert {row["name"]: row["value"] for row in second["headers"]}["X-Key"] == "…kkkk"
        assert headers["tidings-delivery"] == show("dlv", delivery)
        assert headers["tidings-attempt"] == "1"
        assert first["body"]["text"] == (
            '{"eventName":"pointsIssued","eventId":"e-1","orgId":1,"data":{"n":1.50}}'
        )
        at_s = int(headers["webhook-timestamp"])
        assert at_s == (START_MS + 5) // 1000
        made = default_signer(hook.secrets).sign(
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


async def test_what_is_not_kept_is_not_made_up() -> None:
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
        names = {row["name"] for row in unkept["request"]["headers"]}
        assert "webhook-signature" not in names and "webhook-id" in names


async def test_a_failed_delivery_is_tried_again_and_its_lane_is_told() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await accept(s, "e-1", hook)
        await settle(s, delivery, hook, State.FAILED, status=400, evidence=EVIDENCE)
        path = f"/v1/deliveries/{show('dlv', delivery)}/retry"
        reply = await s.call("POST", path)
        assert reply.status == 202 and reply.json["outcome"] == "due"
        assert s.lanes.asked == [(hook.number, s.clock.ms)]
        assert (await shown(s, delivery))["state"] == "retrying"
        take = port.Batch(0, claims=[port.RetryClaim(hook.number, 5)])
        [job] = (await s.store.commit(take)).claimed
        assert (job.delivery, job.attempt) == (delivery, 2)
        s.next_attempts[delivery] = NextAttempt(begun=2)
        again = await s.call("POST", path)
        assert (again.status, again.json["error"]["code"]) == (409, "under_way")


async def test_a_retry_that_comes_forward_keeps_its_promise() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await accept(s, "e-1", hook)
        await settle(
            s, delivery, hook, State.RETRYING, status=503, delay_ms=60_000, evidence=EVIDENCE
        )
        reply = await s.call("POST", f"/v1/deliveries/{show('dlv', delivery)}/retry")
        assert "automatic" in reply.json["advice"]
        promised = s.lanes.promised_retries._due_ms
        assert {key: promised[key] for key in promised} == {delivery: START_MS + 60_000}


FULL = NextAttempt(why=Wait.CONNECTIONS, most=10)
AWAY_MS = START_MS + 41_000
AWAY = NextAttempt(why=Wait.BREAKER, until_ms=AWAY_MS)


async def failing(s: Service, hook: Any, *, taken: bool = False) -> int:
    """A delivery that failed once and is due again; or that its lane has taken."""
    delivery = await accept(s, "e-1", hook)
    more = {"status": 503, "evidence": EVIDENCE, "delay_ms": 0 if taken else 5_000}
    await settle(s, delivery, hook, State.RETRYING, **more)
    if taken:
        take = port.Batch(0, claims=[port.RetryClaim(hook.number, 5)])
        assert len((await s.store.commit(take)).claimed) == 1
    return delivery


async def everywhere(s: Service, delivery: int) -> list[Any]:
    """The delivery by itself, in the list and with its event."""
    [listed] = (await s.call("GET", "/v1/deliveries")).json["deliveries"]
    [fate] = (await s.call("GET", "/v1/events/e-1")).json["deliveries"]
    return [await shown(s, delivery), listed, fate]


async def test_behind_an_open_breaker_the_next_attempt_is_not_before_its_probe() -> None:
    async with service() as s:
        delivery = await failing(s, await webhook(s))
        s.next_attempts[delivery] = AWAY
        for told in await everywhere(s, delivery):
            assert told["nextAttemptAt"] == iso(AWAY_MS)
        told = await shown(s, delivery)
        assert "Next try 09:15:41Z at the earliest (in 41 s)." in told["advice"]
        s.next_attempts[delivery] = NextAttempt(why=Wait.BREAKER, until_ms=START_MS + 2_000)
        for told in await everywhere(s, delivery):
            assert told["nextAttemptAt"] == iso(START_MS + 5_000), "its own time is later"


async def test_a_retry_that_waits_in_its_lane_is_not_shown_as_an_attempt() -> None:
    async with service() as s:
        delivery = await failing(s, await webhook(s), taken=True)
        for next_attempt, next_ms in ((AWAY, AWAY_MS), (FULL, None)):
            s.next_attempts[delivery] = msgspec.structs.replace(next_attempt, claimed=True)
            for told in await everywhere(s, delivery):
                assert (told["attempts"], told["nextAttemptAt"]) == (1, iso(next_ms))
            told = await shown(s, delivery)
            assert [row["number"] for row in told["attemptList"]] == [1]
            assert "The next try is under way." not in told["advice"]
        s.next_attempts[delivery] = NextAttempt(begun=2)
        for told in await everywhere(s, delivery):
            assert (told["attempts"], told["nextAttemptAt"]) == (2, None)
        begun = (await shown(s, delivery))["attemptList"][1]
        assert (begun["number"], begun["ended"]) == (2, False)


async def test_an_attempt_that_ends_while_it_is_looked_at_is_shown_with_what_came_of_it() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await failing(s, hook, taken=True)
        s.next_attempts[delivery] = NextAttempt(begun=2)
        read = s.store.attempts_of

        async def attempts_of(delivery: DeliveryId) -> Any:
            s.store.attempts_of = read  # type: ignore[method-assign]
            more = {"status": 400, "evidence": EVIDENCE, "delay_ms": 9_000, "attempt": 2}
            await settle(s, delivery, hook, State.RETRYING, **more)
            del s.next_attempts[delivery]
            return await read(delivery)

        s.store.attempts_of = attempts_of  # type: ignore[method-assign]
        told = await shown(s, delivery)
        assert (told["attempts"], told["nextAttemptAt"]) == (2, iso(START_MS + 9_000))
        assert [row["status"] for row in told["attemptList"]] == [503, 400]


async def test_what_was_cancelled_while_it_waited_has_no_attempt_that_goes_on_for_ever() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await failing(s, hook, taken=True)
        await s.store.retire(hook.number, int(State.CANCELLED), 10)
        told = (await shown(s, delivery))["attemptList"][1]
        assert (told["ended"], told["fault"]) == (True, "lost")
        assert "Nothing is known of the end of this attempt" in told["advice"]
        s.next_attempts[delivery] = NextAttempt(begun=2)
        told = (await shown(s, delivery))["attemptList"][1]
        assert (told["ended"], told["advice"]) == (False, "The attempt is under way.")


async def test_a_pause_and_a_stop_switch_leave_no_next_time_and_say_why() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await failing(s, hook)
        s.next_attempts[delivery] = AWAY
        await s.webhooks.set_status(hook.number, WebhookStatus.PAUSED, "")
        for told in await everywhere(s, delivery):
            assert told["nextAttemptAt"] is None
        assert "The webhook is paused" in (await shown(s, delivery))["advice"]
        for org, words in ((1, "stopped for this org"), (0, "stopped for all orgs")):
            await s.stops.stop(OrgId(org), "boss")
            for told in await everywhere(s, delivery):
                assert told["nextAttemptAt"] is None
            assert words in (await shown(s, delivery))["advice"]


async def test_a_first_attempt_says_what_it_waits_for() -> None:
    async with service() as s:
        hook = await webhook(s, ordering="strict")
        first, second = await accept(s, "e-1", hook, 7), await accept(s, "e-2", hook, 7)
        assert (await shown(s, first))["advice"] == "It waits for its attempt."
        s.next_attempts[first] = NextAttempt(begun=1)
        assert (await shown(s, first))["advice"] == "Its attempt is under way."
        s.next_attempts[first] = NextAttempt(why=Wait.OLDER)
        assert "Older deliveries" in (await shown(s, first))["advice"]
        s.next_attempts[first] = AWAY
        told = await shown(s, first)
        assert told["nextAttemptAt"] == iso(AWAY_MS) and "First try" in told["advice"]
        held = (await shown(s, second))["advice"]
        assert held == f"It waits for delivery {show('dlv', first)} with the same ordering key."


async def test_a_try_that_cannot_be_made_now_says_when_or_why_not() -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await failing(s, hook)
        path = f"/v1/deliveries/{show('dlv', delivery)}/retry"
        s.next_attempts[delivery] = AWAY
        told = (await s.call("POST", path)).json
        assert (told["outcome"], told["nextAttemptAt"]) == ("due", iso(AWAY_MS))
        assert told["advice"].startswith("Next try 09:15:41Z at the earliest (in 41 s). The")
        s.next_attempts[delivery] = FULL
        told = (await s.call("POST", path)).json
        assert told["nextAttemptAt"] is None
        assert told["advice"].startswith("It is due now. As many attempts of the webhook")
        await s.webhooks.set_status(hook.number, WebhookStatus.PAUSED, "")
        told = (await s.call("POST", path)).json
        assert told["nextAttemptAt"] is None
        assert told["advice"].startswith("It is due. The webhook is paused: nothing is sent")


async def test_a_try_of_what_waits_already_is_refused_with_what_it_waits_for() -> None:
    async with service() as s:
        delivery = await failing(s, await webhook(s), taken=True)
        s.next_attempts[delivery] = AWAY
        reply = await s.call("POST", f"/v1/deliveries/{show('dlv', delivery)}/retry")
        assert (reply.status, reply.json["error"]["code"]) == (409, "waiting_already")
        assert "Next try 09:15:41Z at the earliest" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("prepare", "code"),
    [("pending", "waiting_already"), ("delivered", "delivered"), ("bodiless", "no_payload")],
)
async def test_a_try_that_makes_no_sense_is_refused_with_the_reason(
    prepare: str, code: str
) -> None:
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


@pytest.mark.parametrize(
    ("status", "then"), [(WebhookStatus.INACTIVE, "pending"), (WebhookStatus.DISABLED, "parked")]
)
async def test_a_webhook_that_does_not_send_is_mended_first_and_others_know_nothing(
    status: WebhookStatus, then: str
) -> None:
    async with service() as s:
        hook = await webhook(s)
        delivery = await accept(s, "e-1", hook)
        other, lower = await s.add_org(2), await s.add_org(3, scopes="logs:read")
        path = f"/v1/deliveries/{show('dlv', delivery)}/retry"
        foreign = await s.call("POST", path, auth=other)
        unknown = await s.call("POST", f"/v1/deliveries/{show('dlv', 99)}/retry", auth=other)
        assert foreign.status == unknown.status == 404
        assert (await s.call("POST", path, auth=lower)).status == 403
        await s.webhooks.set_status(hook.number, status, "gone")
        reply = await s.call("POST", path)
        assert (reply.status, reply.json["error"]["code"]) == (409, "webhook_does_not_send")
        assert (await shown(s, delivery))["state"] == then
