"""Test messages: signed like a delivery, shown with the answer, stored nowhere."""

import json
from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, service
from tests.core.shaping.signatures.signing import default_signer
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.core.ids import OrgId
from tidings.core.shaping.signatures.secrets import read_secret, show_secret


async def webhook(s: Service, **fields: Any) -> Any:
    record, _, _ = await s.webhooks.create(OrgId(1), BASIC | fields, "boss")
    return record.webhook


async def test_the_example_of_a_type_is_sent_signed_and_its_answer_shown() -> None:
    async with service() as s:
        hook = await webhook(s)
        s.outside.ending = ReceiverAnswer(503, (("set-cookie", "x" * 20),), b"busy", False, 41.7)
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
        made = default_signer(hook.secrets).sign(
            headers["webhook-id"], int(headers["webhook-timestamp"]), body
        )
        assert headers["webhook-signature"] == made
        assert headers["webhook-id"] == sent["eventId"] and headers["tidings-test"] == "true"
        assert headers["Authorization"] == BASIC["webHookHeaders"]["Authorization"]
        assert b"0123456789abcdef" not in reply.body, "configured values are masked"
        assert (await s.store.counts()).events == 0, "nothing is stored"


async def test_an_event_of_ones_own_is_sent_and_a_fault_is_told() -> None:
    async with service() as s:
        hook = await webhook(s)
        detail = "The receiver's address is blocked by policy."
        s.outside.ending = TransportFault(FaultKind.POLICY, False, detail, 0.1)
        body = {"eventName": "madeUp", "event": {"data": {"n": 1}}}
        told = (await s.call("POST", f"/v1/webHooks/{hook.id}/test", body)).json
        assert (told["status"], told["fault"], told["answer"]) == (None, "policy", None)
        sent = json.loads(s.outside.sent[0][2])
        assert (sent["eventName"], sent["data"]) == ("madeUp", {"n": 1})


async def test_an_unsaved_webhook_is_tested_with_a_secret_of_its_own() -> None:
    async with service() as s:
        body = BASIC | {"webHookUrl": "https://draft.example/", "eventName": "pointsIssued"}
        told = (await s.call("POST", "/v1/webHooks/test", body)).json
        assert s.outside.opened[0].host == "draft.example"
        _, headers, sent = s.outside.sent[0]
        signer = default_signer((read_secret(told["signingSecret"]),))
        at_s = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signer.sign(headers["webhook-id"], at_s, sent)
        s.clock.ms += 1000
        own = show_secret(b"o" * 32)
        told = (await s.call("POST", "/v1/webHooks/test", body | {"signingSecret": own})).json
        assert "signingSecret" not in told
        _, headers, sent = s.outside.sent[1]
        signer = default_signer((b"o" * 32,))
        at_s = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signer.sign(headers["webhook-id"], at_s, sent)
        assert (await s.call("GET", "/v3/webHooks")).json["data"] == []


async def test_changes_of_a_saved_one_are_tested_with_its_secret_at_its_url() -> None:
    async with service() as s:
        hook = await webhook(s)
        shown = (await s.call("GET", f"/v3/webHooks/{hook.id}")).json["data"]
        for body in (
            {"webHookId": hook.id, "slaInSeconds": 7},
            {"webHookId": hook.id, "webHookHeaders": shown["webHookHeaders"]},
            {"webHookId": hook.id, "webHookUrl": "https://CRM.example.com:443/hook"},
        ):
            s.clock.ms += 1000
            reply = await s.call("POST", "/v1/webHooks/test", body)
            assert reply.status == 200, reply.body
            assert reply.json["warnings"] == [] and "signingSecret" not in reply.json
            _, headers, sent = s.outside.sent[-1]
            at_s = int(headers["webhook-timestamp"])
            made = default_signer(hook.secrets).sign(headers["webhook-id"], at_s, sent)
            assert headers["webhook-signature"] == made
            assert headers["Authorization"] == BASIC["webHookHeaders"]["Authorization"]
            assert s.outside.opened[-1].host == "crm.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "https://draft.example/",
        "https://crm.example.com/",  # another path of the same host may be somebody else's
        "https://crm.example.com/hook?to=me",
        "https://crm.example.com:8443/hook",
        "https://crm.example.com.evil.example/hook",
    ],
)
@pytest.mark.parametrize("said", ["left out", "masked", "cut"])
async def test_what_is_stored_as_a_secret_goes_to_the_stored_url_alone(url: str, said: str) -> None:
    async with service() as s:
        hook = await webhook(s)
        body: dict[str, Any] = {"webHookId": hook.id, "webHookUrl": url}
        if said == "masked":
            body["webHookHeaders"] = {"authorization": "…cdef", "X-Own": "mine"}
        elif said == "cut":
            body["webHookHeaders"] = {"X-Own": "mine"}
        reply = await s.call("POST", "/v1/webHooks/test", body)
        assert reply.status == 200, reply.body
        told = reply.json
        _, headers, sent = s.outside.sent[0]
        assert "0123456789abcdef" not in repr(s.outside.sent)
        assert "authorization" not in {name.lower() for name in headers}
        assert headers.get("X-Own") == (None if said == "left out" else "mine")
        at_s = int(headers["webhook-timestamp"])
        made = default_signer(hook.secrets).sign(headers["webhook-id"], at_s, sent)
        assert headers["webhook-signature"] != made
        signer = default_signer((read_secret(told["signingSecret"]),))
        assert headers["webhook-signature"] == signer.sign(headers["webhook-id"], at_s, sent)
        codes = {row["code"] for row in told["warnings"]}
        assert codes == {"test_secret"} | (set() if said == "cut" else {"header_values_left_out"})
        assert s.webhooks.get(OrgId(1), hook.id).webhook == hook, "nothing is saved"


async def test_values_that_are_given_again_go_to_another_url() -> None:
    async with service() as s:
        hook = await webhook(s)
        own = show_secret(b"o" * 32)
        body = {
            "webHookId": hook.id,
            "webHookUrl": "https://draft.example/",
            "webHookHeaders": {"Authorization": "Bearer of-the-draft"},
            "signingSecret": own,
        }
        told = (await s.call("POST", "/v1/webHooks/test", body)).json
        assert told["warnings"] == [] and "signingSecret" not in told
        _, headers, sent = s.outside.sent[0]
        assert headers["Authorization"] == "Bearer of-the-draft"
        made = default_signer((b"o" * 32,)).sign(
            headers["webhook-id"], int(headers["webhook-timestamp"]), sent
        )
        assert headers["webhook-signature"] == made


async def test_a_receiver_that_sends_back_what_it_got_shows_no_secret() -> None:
    async with service() as s:
        hook = await webhook(s)
        echoed = b'{"headers": {"authorization": "Bearer 0123456789abcdef"}}'
        header = ("x-you-sent", "0123456789abcdef")
        s.outside.ending = ReceiverAnswer(200, (header,), echoed, False, 1.0)
        reply = await s.call("POST", f"/v1/webHooks/{hook.id}/test")
        assert b"0123456789ab" not in reply.body
        assert reply.json["answer"]["body"]["text"].endswith('"…cdef"}}')
        assert reply.json["answer"]["headers"] == [{"name": "x-you-sent", "value": "…cdef"}]


@pytest.mark.parametrize("url", ["", " ", None, "http:/intouch-api-v3.default", "http://10.0.0.1/"])
async def test_a_webhook_that_makes_no_call_is_not_tested(url: str | None) -> None:
    async with service() as s:
        queue = {"webHookType": "QUEUE_INT", "webHookUrl": url}
        hook = await webhook(s, **queue)
        for path, body in (
            (f"/v1/webHooks/{hook.id}/test", {}),
            ("/v1/webHooks/test", {"webHookId": hook.id}),
            ("/v1/webHooks/test", BASIC | queue),
            ("/v1/webHooks/test", BASIC | queue | {"webHookType": "queue"}),
        ):
            reply = await s.call("POST", path, body)
            assert (reply.status, reply.json["error"]["code"]) == (409, "not_dialled")
            assert "which nothing is sent to" in reply.json["error"]["message"]
            s.clock.ms += 1000
        assert s.outside.opened == [] and s.outside.sent == []


async def test_an_org_sends_one_a_second_and_another_org_is_not_held_up() -> None:
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


async def test_a_deleted_webhook_is_not_tested() -> None:
    async with service() as s:
        hook = await webhook(s)
        assert (await s.call("DELETE", f"/v3/webHooks/{hook.id}")).status == 200
        for path, body in (
            (f"/v1/webHooks/{hook.id}/test", {}),
            ("/v1/webHooks/test", {"webHookId": hook.id}),
        ):
            reply = await s.call("POST", path, body)
            assert (reply.status, reply.json["error"]["code"]) == (404, "not_found"), path
            s.clock.ms += 1000
        assert s.outside.opened == [] and s.outside.sent == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"eventName": "unheardOf"}, 400, "unknown_type"),
        ({"event": []}, 400, "bad_event"),
        ({"event": {"data": "x" * 270_000}}, 413, "event_too_large"),
    ],
)
async def test_what_cannot_be_sent_is_refused(body: dict[str, Any], status: int, code: str) -> None:
    async with service() as s:
        hook = await webhook(s)
        reply = await s.call("POST", f"/v1/webHooks/{hook.id}/test", body)
        assert (reply.status, reply.json["error"]["code"]) == (status, code)


async def test_a_url_that_policy_refuses_and_anothers_webhook_are_not_tested() -> None:
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
