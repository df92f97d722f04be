"""Test inboxes: made by an org, open to whoever knows the address, and watched by its org alone."""

import asyncio
from typing import Any

import msgspec

from tests.api.control_client import BASIC, Service, basic, service
from tests.api.v1.events.listening import Listening
from tests.core.shaping.signatures.signing import default_signer
from tidings.api.v1.arrivals import _OF_THE_CALLER, METHODS, WAITING_MAX
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.ids import OrgId
from tidings.engine.inboxes import IDLE_MS, INBOXES_MAX
from tidings.store import port

ORG = OrgId(1)


async def make(s: Service, auth: str = "", **answer: Any) -> Any:
    reply = await s.call("POST", "/v1/inboxes", {"name": "shop", "answer": answer}, auth=auth)
    assert reply.status == 201, reply.body
    return reply.json


def path_of(inbox: Any) -> str:
    return str(inbox["url"]).removeprefix("https://tidings.example")


async def test_what_is_sent_to_its_address_is_listed_newest_first_with_its_bytes() -> None:
    async with service() as s:
        inbox = await make(s)
        assert inbox["id"].startswith("inb_") and inbox["id"] not in inbox["url"]
        for body in (b'{"n":1}', b"\xff"):
            reply = await s.call("POST", path_of(inbox), body, auth=None, X_Mine="yes")
            assert (reply.status, reply.body) == (200, b"")
        page = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals?limit=1")).json
        [newest] = page["arrivals"]
        assert (newest["bytes"], newest["verdict"], newest["status"]) == (1, "missing", 200)
        rest = f"/v1/inboxes/{inbox['id']}/arrivals?cursor={page['older']}"
        [first] = (await s.call("GET", rest)).json["arrivals"]
        one = await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals/{first['id']}")
        assert one.json["body"]["text"] == '{"n":1}' and one.json["body"]["truncated"] is False
        assert {"name": "x-mine", "value": "yes"} in one.json["headers"]


async def test_it_answers_as_told_also_after_a_change() -> None:
    async with service() as s:
        inbox = await make(s, status=503, body="busy", headers={"Retry-After": "7"}, delayMs=50)
        began = asyncio.get_running_loop().time()
        for method in ("POST", *METHODS):
            reply = await s.call(method, path_of(inbox), auth=None)
            assert (reply.status, reply.body) == (503, b"busy")
            assert reply.headers["retry-after"] == "7"
        assert asyncio.get_running_loop().time() - began >= 0.2
        listed = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")).json["arrivals"]
        assert [arrival["method"] for arrival in reversed(listed)] == ["POST", *METHODS]
        changed = {"answer": {"status": 200, "delayMs": 0}}
        reply = await s.call("PATCH", f"/v1/inboxes/{inbox['id']}", changed)
        assert reply.json["answer"]["body"] == "busy" and reply.json["url"] == inbox["url"]
        assert (await s.call("POST", path_of(inbox), auth=None)).status == 200


async def test_json_and_text_go_out_as_such_and_what_was_stored_before_as_text() -> None:
    async with service() as s:
        json = {"Content-Type": "application/json; charset=utf-8", "X-Test-Mine": "yes"}
        for headers, kind in ((json, "application/json"), ({}, "text/plain; charset=utf-8")):
            inbox = await make(s, body="{}", headers=headers)
            reply = await s.call("POST", path_of(inbox), auth=None)
            assert (reply.body, reply.headers["content-type"]) == (b"{}", kind)
            assert reply.headers.get("x-test-mine") == headers.get("X-Test-Mine")
        old = {"body": "<b>", "headers": [["Content-Type", "text/html"], ["Set-Cookie", "a=b"]]}
        [one] = [row for row in await s.store.load_inboxes() if inbox["url"].endswith(row.token)]
        await s.store.put_inbox(port.revise(one, answer=msgspec.json.encode(old)))
        await s.inboxes.load()
        reply = await s.call("GET", path_of(inbox), auth=None)
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert "set-cookie" not in reply.headers
        shown = (await s.call("GET", f"/v1/inboxes/{inbox['id']}")).json["answer"]
        assert (shown["body"], shown["headers"]) == ("<b>", {}), "what is shown is what is sent"
        for name, value in (("Set-Cookie", "a=b"), ("Content-Type", "text/html")):
            refused = await s.call("POST", "/v1/inboxes", {"answer": {"headers": {name: value}}})
            assert (refused.status, refused.json["error"]["code"]) == (400, "bad_header")


async def test_what_lets_a_caller_in_is_not_kept_for_who_reads_the_arrivals() -> None:
    async with service() as s:
        inbox = await make(s)
        secrets = {
            "cookie": "__Host-tidings=tsn_5e55ion",
            "authorization": basic("boss", "s3cret"),
            "proxy_authorization": "Bearer pr0xy",
            "x_cap_api_oauth_token": "t0ken",
        }
        assert {name.replace("_", "-") for name in secrets} == _OF_THE_CALLER
        await s.call("GET", path_of(inbox), auth=None, X_Mine="kept", **secrets)
        [one] = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")).json["arrivals"]
        told = await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals/{one['id']}")
        kept = {head["name"]: head["value"] for head in told.json["headers"]}
        assert kept == {"x-mine": "kept"} | {name.replace("_", "-"): "…" for name in secrets}
        stored = await s.inboxes.arrival(s.inboxes.list(ORG)[0], 1)
        assert stored is not None and not [v for v in secrets.values() if v in str(stored)]


async def test_the_signature_of_a_webhook_that_points_here_is_checked() -> None:
    async with service() as s:
        inbox = await make(s)
        record, _, _ = await s.webhooks.create(ORG, BASIC | {"webHookUrl": inbox["url"]}, "boss")
        now_s = s.clock.ms // 1000
        headers: dict[str, str] = {}
        for secret, verdict in (
            (record.webhook.secrets[0], "valid"),
            (b"another" * 5, "wrong"),
        ):
            headers = {
                "webhook_id": "evt_1",
                "webhook_timestamp": str(now_s),
                "webhook_signature": default_signer((secret,)).sign("evt_1", now_s, b"{}"),
            }
            await s.call("POST", path_of(inbox), b"{}", auth=None, **headers)
            page = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")).json
            assert page["arrivals"][0]["verdict"] == verdict
        other = await make(s)
        await s.call("POST", path_of(other), b"{}", auth=None, **headers)
        page = (await s.call("GET", f"/v1/inboxes/{other['id']}/arrivals")).json
        assert page["arrivals"][0]["verdict"] == "unknown"


async def test_a_test_message_to_an_own_inbox_is_handed_over_without_dialling() -> None:
    async with service() as s:
        inbox = await make(s, status=202, body="thanks")
        record, _, _ = await s.webhooks.create(ORG, BASIC | {"webHookUrl": inbox["url"]}, "boss")
        told = (await s.call("POST", f"/v1/webHooks/{record.webhook.id}/test")).json
        assert told["status"] == 202 and told["answer"]["body"]["text"] == "thanks"
        assert s.outside.opened == [], "nothing is dialled"
        [one] = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")).json["arrivals"]
        assert one["verdict"] == "valid"
        await s.call("DELETE", f"/v1/inboxes/{inbox['id']}")
        s.clock.ms += 1000
        told = (await s.call("POST", f"/v1/webHooks/{record.webhook.id}/test")).json
        assert told["status"] == 404 and s.outside.opened == []


async def test_another_orgs_inbox_answers_like_one_that_is_not_there() -> None:
    async with service() as s:
        inbox = await make(s)
        await s.call("POST", path_of(inbox), b"{}", auth=None)
        other = await s.add_org(2)
        path = f"/v1/inboxes/{inbox['id']}"
        for method, at in (
            ("GET", path),
            ("PATCH", path),
            ("DELETE", path),
            ("GET", f"{path}/arrivals"),
            ("GET", f"{path}/arrivals/arr_0000000000001"),
            ("GET", f"{path}/stream"),
        ):
            body: dict[str, Any] | None = {} if method == "PATCH" else None
            foreign = await s.call(method, at, body, auth=other)
            nothing = await s.call(method, at.replace("1/", "9/"), body, auth=other)
            assert foreign.status == 404, at
            assert foreign.status == nothing.status
        assert (await s.call("GET", "/v1/inboxes", auth=other)).json["inboxes"] == []
        assert (await s.call("GET", path)).status == 200
        second = await make(s)
        arrivals = f"/v1/inboxes/{second['id']}/arrivals/arr_0000000000001"
        assert (await s.call("GET", arrivals)).status == 404, "of another inbox of the org"


async def test_a_flood_a_long_body_and_an_unknown_token_are_refused() -> None:
    async with service() as s:
        inbox = await make(s)
        long = await s.call("POST", path_of(inbox), b"x" * (256 * 1024 + 1), auth=None)
        assert long.status == 413
        unknown = await s.call("POST", "/inbox/" + "t" * 32, b"{}", auth=None)
        assert (unknown.status, unknown.json["error"]["code"]) == (404, "no_inbox")
        statuses = [
            (await s.call("POST", path_of(inbox), b"{}", auth=None)).status for _ in range(60)
        ]
        assert statuses.count(200) == 50 and statuses.count(429) == 10
        s.clock.ms += 1000
        assert (await s.call("POST", path_of(inbox), b"{}", auth=None)).status == 200


async def test_an_arrival_that_was_refused_or_broke_off_takes_no_ones_turn() -> None:
    async with service() as s:
        inbox = await make(s)
        for _ in range(WAITING_MAX):
            long = await s.call("POST", path_of(inbox), b"x" * (256 * 1024 + 1), auth=None)
            assert long.status == 413
        assert (await s.call("POST", path_of(inbox), b"{}", auth=None)).status == 200


async def test_arrivals_that_wait_at_one_orgs_inbox_leave_room_for_those_of_another() -> None:
    async with service() as s:
        slow = [await make(s, delayMs=60_000) for _ in range(4)]
        auth = await s.add_org(2)
        other = await make(s, auth)
        waiting = [
            asyncio.ensure_future(s.call("POST", path_of(inbox), b"{}", auth=None))
            for inbox in slow
            for _ in range(40)
        ]
        async with asyncio.timeout(60):
            while len(refused := [call for call in waiting if call.done()]) < 10:
                await asyncio.sleep(0.01)
        assert len(refused) == 160 - WAITING_MAX // 2
        assert {(await call).status for call in refused} == {429}
        assert (await s.call("POST", path_of(other), b"{}", auth=None)).status == 200
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_org_has_so_many_inboxes_and_idle_ones_go() -> None:
    async with service() as s:
        first = await make(s)
        for _ in range(INBOXES_MAX - 1):
            await s.call("POST", "/v1/inboxes")
        reply = await s.call("POST", "/v1/inboxes")
        assert (reply.status, reply.json["error"]["code"]) == (409, "too_many_inboxes")
        assert (await s.call("POST", "/v1/inboxes", auth=await s.add_org(2))).status == 201
        s.clock.ms += IDLE_MS - 1000
        await s.call("POST", path_of(first), b"{}", auth=None)
        s.clock.ms += 2000
        await s.inboxes.drop_idle()
        listed = (await s.call("GET", "/v1/inboxes")).json["inboxes"]
        assert [row["id"] for row in listed] == [first["id"]]


async def test_arrivals_are_streamed_once_they_are_kept() -> None:
    async with service() as s:
        inbox = await make(s)
        stream = Listening(s, basic("boss", "s3cret"), f"/v1/inboxes/{inbox['id']}/stream")
        await stream.next()
        await stream.next()
        await s.call("POST", path_of(inbox), b"{}", auth=None)
        told = (await stream.next())["body"]
        assert told.startswith(b'event: arrival\ndata: {"id":"arr_')
        page = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")).json
        assert page["arrivals"][0]["id"].encode() in told, "it can be asked for at once"
        await stream.leave()


async def test_arrivals_wait_for_a_store_that_refuses_and_are_written_then() -> None:
    async with service() as s:
        inbox = await make(s)
        operations = s.store.operations
        add = operations["add_arrivals"]

        def refuse(*_: Any) -> None:
            raise port.StoreDown("full")

        operations["add_arrivals"] = refuse
        assert (await s.call("POST", path_of(inbox), b"{}", auth=None)).status == 200
        reply = await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")
        assert reply.status == 503
        operations["add_arrivals"] = add
        page = (await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")).json
        assert len(page["arrivals"]) == 1
        assert isinstance(s.outside.ending, ReceiverAnswer)


async def test_bodies_of_inboxes_are_read_strictly() -> None:
    async with service() as s:
        reply = await s.call("POST", "/v1/inboxes", {"answer": {"status": 99}})
        assert (reply.status, reply.json["error"]["path"]) == (400, "answer.status")
        reply = await s.call("POST", "/v1/inboxes", {"nam": "x"})
        assert reply.status == 400 and reply.json["error"]["code"] == "unknown_field"
        lower = await s.add_org(3, scopes="logs:read")
        assert (await s.call("POST", "/v1/inboxes", auth=lower)).status == 403
