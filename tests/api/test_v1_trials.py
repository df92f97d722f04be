"""Test messages: signed like a delivery, shown with the answer, stored nowhere."""

import json
from typing import Any

import pytest
from control_client import BASIC, Service, run, service

from tidings.core.exchange import Answer, Fault, FaultKind
from tidings.core.sign import Signer, read_secret, show_secret


async def webhook(s: Service, **fields: Any) -> Any:
    record, _, _ = await s.webhooks.create(1, BASIC | fields, "boss")
    return record.webhook


def test_the_example_of_a_type_is_sent_signed_and_its_answer_shown() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            s.outside.ending = Answer(503, (("set-cookie", "x" * 20),), b"busy", False, 41.7)
            reply = await s.call("POST", f"/v1/webHooks/{hook.id}/test")
            assert reply.status == 200, reply.body
            told = reply.json
            assert (told["delivered"], told["status"], told["durationInMs"]) == (False, 503, 41.7)
            assert told["advice"].startswith("The receiver answered 503 Service Unavailable")
            assert told["answer"]["body"]["text"] == "busy"
            assert told["answer"]["headers"] == [{"name": "set-cookie", "value": "…xxxx"}]
            [(method, headers, body)] = s.outside.sent
            sent = json.loads(body)
            assert method == "POST" and sent["eventName"] == "pointsIssued" and sent["orgId"] == 1
            assert sent["data"], "the catalogue's example"
            made = Signer(hook.secrets).sign(
                headers["webhook-id"], int(headers["webhook-timestamp"]), body
            )
            assert headers["webhook-signature"] == made
            assert headers["webhook-id"] == sent["eventId"] and headers["tidings-test"] == "true"
            assert headers["Authorization"] == BASIC["webHookHeaders"]["Authorization"]
            assert b"0123456789abcdef" not in reply.body, "configured values are masked"
            assert (await s.store.counts()).events == 0, "nothing is stored"

    run(scenario())


def test_an_event_of_ones_own_is_sent_and_a_fault_is_told() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            detail = "The receiver's address is blocked by policy."
            s.outside.ending = Fault(FaultKind.POLICY, False, detail, 0.1)
            body = {"eventName": "madeUp", "event": {"data": {"n": 1}}}
            told = (await s.call("POST", f"/v1/webHooks/{hook.id}/test", body)).json
            assert (told["status"], told["fault"], told["answer"]) == (None, "policy", None)
            sent = json.loads(s.outside.sent[0][2])
            assert (sent["eventName"], sent["data"]) == ("madeUp", {"n": 1})

    run(scenario())


def test_an_unsaved_webhook_is_tested_with_a_secret_of_its_own() -> None:
    async def scenario() -> None:
        async with service() as s:
            body = BASIC | {"webHookUrl": "https://draft.example/", "eventName": "pointsIssued"}
            told = (await s.call("POST", "/v1/webHooks/test", body)).json
            assert s.outside.opened[0].host == "draft.example"
            _, headers, sent = s.outside.sent[0]
            signer = Signer((read_secret(told["signingSecret"]),))
            at_s = int(headers["webhook-timestamp"])
            assert headers["webhook-signature"] == signer.sign(headers["webhook-id"], at_s, sent)
            s.clock.ms += 1000
            own = show_secret(b"o" * 32)
            told = (await s.call("POST", "/v1/webHooks/test", body | {"signingSecret": own})).json
            assert "signingSecret" not in told
            _, headers, sent = s.outside.sent[1]
            signer = Signer((b"o" * 32,))
            at_s = int(headers["webhook-timestamp"])
            assert headers["webhook-signature"] == signer.sign(headers["webhook-id"], at_s, sent)
            assert (await s.call("GET", "/v3/webHooks")).json["data"] == []

    run(scenario())


def test_changes_of_a_saved_one_are_tested_with_its_secret() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            body = {"webHookId": hook.id, "webHookUrl": "https://draft.example/"}
            assert (await s.call("POST", "/v1/webHooks/test", body)).status == 200
            _, headers, sent = s.outside.sent[0]
            at_s = int(headers["webhook-timestamp"])
            made = Signer(hook.secrets).sign(headers["webhook-id"], at_s, sent)
            assert headers["webhook-signature"] == made
            assert s.outside.opened[0].host == "draft.example"

    run(scenario())


def test_an_org_sends_one_a_second_and_another_org_is_not_held_up() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            path = f"/v1/webHooks/{hook.id}/test"
            assert (await s.call("POST", path)).status == 200
            soon = await s.call("POST", path)
            assert (soon.status, soon.json["error"]["code"]) == (429, "too_many_tests")
            assert soon.headers["retry-after"] == "1"
            other = await s.add_org(2)
            assert (await s.call("POST", "/v1/webHooks/test", BASIC, auth=other)).status == 200
            s.clock.ms += 1000
            assert (await s.call("POST", path)).status == 200

    run(scenario())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"eventName": "unheardOf"}, 400, "unknown_type"),
        ({"event": []}, 400, "bad_event"),
        ({"event": {"data": "x" * 270_000}}, 413, "event_too_large"),
    ],
)
def test_what_cannot_be_sent_is_refused(body: dict[str, Any], status: int, code: str) -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            reply = await s.call("POST", f"/v1/webHooks/{hook.id}/test", body)
            assert (reply.status, reply.json["error"]["code"]) == (status, code)

    run(scenario())


def test_a_url_that_policy_refuses_and_anothers_webhook_are_not_tested() -> None:
    async def scenario() -> None:
        async with service() as s:
            hook = await webhook(s)
            other, lower = await s.add_org(2), await s.add_org(3, scopes="webhooks:read")
            refused = BASIC | {"webHookUrl": "http://10.0.0.1/"}
            assert (await s.call("POST", "/v1/webHooks/test", refused)).status == 400
            for path, body in (
                (f"/v1/webHooks/{hook.id}/test", None),
                ("/v1/webHooks/test", {"webHookId": hook.id}),
            ):
                assert (await s.call("POST", path, body, auth=other)).status == 404
                assert (await s.call("POST", path, body, auth=lower)).status == 403
            assert s.outside.sent == []

    run(scenario())
