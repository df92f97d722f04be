"""Sources over the API: messages of others become events, or are set aside and tried again."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.api.control_client import START_MS, Service, service
from tests.api.v1.source_calls import SECRET, SIGNED, STATIC, accepted, admit, make, send
from tests.core.shaping.signatures.signing import default_signer
from tidings.api.v1.inbound import BODY_BYTES_MAX
from tidings.engine.sources import live_source, sources
from tidings.errors import Unavailable
from tidings.store import port

pytestmark = pytest.mark.usefixtures("way")
ORDER = {
    "eventName": {"path": "topic", "names": {"paid": "shop.paid", "ping": None}},
    "data": {"path": "order"},
    "fields": {"data.total": {"path": "amounts.total", "as": "number"}},
}


async def test_a_message_becomes_an_event_by_its_mapping() -> None:
    async with service() as s:
        await admit(s)
        source = await make(s, mapping=ORDER, messageId={"path": "id"})
        assert source["url"].startswith("http") and source["url"].endswith("/in/1/shop")
        body = b'{"id":"m1","topic":"paid","order":{"no":7},"amounts":{"total":"10.50"}}'
        reply = await send(s, body)
        assert (reply.status, reply.json["accepted"], reply.json["aside"]) == (202, 1, False)
        [event] = await accepted(s)
        assert event["eventName"] == "shop.paid"
        assert event["data"] == {"no": 7, "total": 10.5} and event["orgId"] == 1
        assert (await send(s, b'{"id":"m2","topic":"ping"}')).json["passedOver"] == 1
        assert len(await accepted(s)) == 1
        shown = (await s.call("GET", f"/v1/sources/{source['id']}")).json
        assert shown["lastHour"] == {
            "accepted": 1, "duplicate": 0, "passedOver": 1, "aside": 0, "refused": 0,
        }  # fmt: skip
        assert [row["outcome"] for row in shown["newest"]] == ["passedOver", "accepted"]


async def test_an_event_of_another_tidings_is_taken_once_whichever_org_it_names() -> None:
    async with service() as s:
        await make(s, verification=SIGNED)
        event = {
            "eventName": "customerAdded", "eventId": "e-1", "orgId": 50952,
            "createdAt": START_MS, "data": {},
        }  # fmt: skip
        await s.call("PATCH", "/v1/orgs/1", {"settings": {"validation": "off"}})
        body = json.dumps(event).encode()
        at = str(START_MS // 1000)
        proof = {
            "webhook_id": "msg_1",
            "webhook_timestamp": at,
            "webhook_signature": default_signer((SECRET,)).sign("msg_1", int(at), body),
        }
        first = await s.call("POST", "/in/1/shop", body, auth=None, **proof)
        assert (first.status, first.json["accepted"]) == (202, 1)
        again = await s.call("POST", "/in/1/shop", body, auth=None, **proof)
        assert (again.status, again.json["duplicates"]) == (202, 1)
        [kept] = await accepted(s)
        assert kept == event  # byte for byte: its receivers see what the sender said


async def test_a_message_without_an_event_id_is_accepted_once_by_its_place() -> None:
    async with service() as s:
        await admit(s)
        await make(s)
        body = b'{"eventName":"shop.paid","data":{"n":1}}'
        assert (await send(s, body, webhook_id="m1")).json["accepted"] == 1
        assert (await send(s, body, webhook_id="m1")).json["duplicates"] == 1
        assert (await send(s, body, webhook_id="m2")).json["accepted"] == 1
        other = await send(s, b'{"eventName":"shop.paid","data":{"n":2}}', webhook_id="m1")
        assert other.json["aside"] is True and "place" in other.json["reason"]
        [aside] = (await s.call("GET", "/v1/sources/shop/aside")).json["messages"]
        assert (aside["place"], aside["error"]["code"]) == ("m1", "place_reused")
        # without any id each one is an event of its own
        for _ in range(2):
            assert (await send(s, body)).json["accepted"] == 1


async def test_what_cannot_become_an_event_waits_for_another_mapping() -> None:
    async with service() as s:
        await admit(s)
        source = await make(s, mapping={"eventName": {"path": "kind"}})
        path = f"/v1/sources/{source['id']}"
        for n in range(3):
            body = json.dumps({"type": "shop.paid", "n": n}).encode()
            reply = await send(s, body, webhook_id=f"m{n}")
            assert reply.status == 202 and reply.json["aside"] is True
        listed = (await s.call("GET", f"{path}/aside")).json["messages"]
        assert [row["place"] for row in listed] == ["m2", "m1", "m0"]
        assert {row["error"]["code"] for row in listed} == {"no_value"}
        whole = (await s.call("GET", f"{path}/aside/{listed[0]['id']}")).json
        assert json.loads(whole["body"]["text"]) == {"type": "shop.paid", "n": 2}
        assert {"name": "x-key", "value": "…long"} in whole["headers"]
        assert "a value that is long" not in str(whole)
        redriven = (await s.call("POST", f"{path}/redrive")).json
        assert redriven == {
            "messages": 3, "accepted": 0, "duplicates": 0, "aside": 3, "left": 3,
        }  # fmt: skip
        changed = {"mapping": {"eventName": {"path": "type"}}}
        assert (await s.call("PATCH", path, changed)).json["asideMessages"] == 3
        one = await s.call("POST", f"{path}/aside/{listed[0]['id']}/redrive")
        assert (one.json["accepted"], one.json["left"]) == (1, 2)
        rest = (await s.call("POST", f"{path}/redrive")).json
        assert (rest["accepted"], rest["left"]) == (2, 0)
        assert sorted(row["data"]["n"] for row in await accepted(s)) == [0, 1, 2]
        # what was accepted before is known when its sender sends it again
        late = await send(s, json.dumps({"type": "shop.paid", "n": 0}).encode(), webhook_id="m0")
        assert late.json["duplicates"] == 1


async def test_of_a_list_of_which_one_item_is_wrong_the_others_are_accepted_once() -> None:
    async with service() as s:
        await admit(s)
        await make(s, mapping={"each": "rows", "eventName": {"path": "type"}})
        rows = [{"type": "a.b", "n": 1}, {"type": 7}, {"type": "a.b", "n": 3}]
        reply = await send(s, json.dumps({"rows": rows}).encode(), webhook_id="m1")
        assert (reply.json["accepted"], reply.json["aside"]) == (2, True)
        patch = {"mapping": {"each": "rows", "eventName": {"constant": "a.b"}}}
        await s.call("PATCH", "/v1/sources/shop", patch)
        redriven = (await s.call("POST", "/v1/sources/shop/redrive")).json
        assert (redriven["accepted"], redriven["duplicates"], redriven["left"]) == (1, 2, 0)
        assert len(await accepted(s)) == 3


@pytest.mark.parametrize(
    ("verification", "headers"),
    [
        (STATIC, {"X_Key": "another value, long"}),
        (STATIC, {}),
        (SIGNED, {"webhook_id": "1", "webhook_timestamp": "1", "webhook_signature": "v1,x"}),
        ({"type": "hmac", "header": "X-Sig", "secret": "0" * 16}, {"X_Sig": "00"}),
    ],
)
async def test_who_does_not_prove_who_it_is_is_refused_and_nothing_is_kept(
    verification: Any, headers: dict[str, str]
) -> None:
    async with service() as s:
        await make(s, verification=verification)
        reply = await s.call("POST", "/in/1/shop", b"{}", auth=None, **headers)
        assert (reply.status, reply.json["error"]["code"]) == (401, "not_verified")
        assert not (await s.call("GET", "/v1/sources/shop/aside")).json["messages"]
        assert not await accepted(s)
        shown = (await s.call("GET", "/v1/sources/shop")).json
        assert shown["lastHour"]["refused"] == 1


async def test_an_hmac_is_known_in_hex_and_base64_with_a_prefix_and_a_time() -> None:
    async with service() as s:
        await admit(s)
        key, body = "k" * 16, b'{"eventName":"a.b","data":{}}'
        at = str(START_MS // 1000)
        digest = hmac.digest(key.encode(), body, hashlib.sha256)
        timed = hmac.digest(key.encode(), f"{at}.".encode() + body, hashlib.sha512)
        scheme = {"type": "hmac", "header": "X-Sig", "secret": key}
        ways: list[tuple[dict[str, str], dict[str, str]]] = [
            ({}, {"X_Sig": digest.hex()}),
            ({"prefix": "sha256="}, {"X_Sig": "sha256=" + digest.hex().upper()}),
            ({"encoding": "base64"}, {"X_Sig": base64.b64encode(digest).decode()}),
            (
                {"hash": "sha512", "timestampHeader": "X-At"},
                {"X_Sig": timed.hex(), "X_At": at},
            ),
        ]
        for n, (more, headers) in enumerate(ways):
            await make(s, name=f"s{n}", verification=scheme | more)
            reply = await s.call("POST", f"/in/1/s{n}", body, auth=None, **headers)
            assert (reply.status, reply.json.get("accepted")) == (202, 1), more
        late = {"X_Sig": timed.hex(), "X_At": at}
        s.clock.ms += 301_000
        assert (await s.call("POST", "/in/1/s3", body, auth=None, **late)).status == 401


async def test_a_secret_can_be_changed_while_the_former_one_is_still_taken() -> None:
    async with service() as s:
        await admit(s)
        await make(s)
        new = STATIC | {"value": "another value, long", "previousValue": STATIC["value"]}
        assert (await s.call("PATCH", "/v1/sources/shop", {"verification": new})).status == 200
        body = b'{"eventName":"a.b","data":{}}'
        for value in (STATIC["value"], "another value, long"):
            assert (await send(s, body, X_Key=value)).status == 202
        # a mask means what is stored; the former secret is taken away
        masked = STATIC | {"value": "…long"}
        assert (await s.call("PATCH", "/v1/sources/shop", {"verification": masked})).status == 200
        assert (await send(s, body, X_Key="another value, long")).status == 202
        assert (await send(s, body)).status == 401


async def test_a_paused_source_tells_its_senders_to_come_again() -> None:
    async with service() as s:
        await make(s)
        await s.call("POST", "/v1/sources/shop/pause")
        reply = await send(s, b"{}")
        assert (reply.status, reply.headers["retry-after"]) == (503, "60")
        await s.call("POST", "/v1/sources/shop/resume")
        assert (await send(s, b"{}")).status == 202


async def test_sources_outlive_a_restart_and_their_secrets_are_not_in_the_store() -> None:
    async with service() as s:
        await make(s, mapping=ORDER)
        await send(s, b"not json")
        [stored] = await s.store.load_sources()
        assert b"a value" not in stored.sealed
        again = Service(s.store, s.clock)
        await again.start()
        shown = (await again.call("GET", "/v1/sources/shop")).json
        assert shown["mapping"]["eventName"] == ORDER["eventName"]
        assert shown["asideMessages"] == 1 and shown["asideBytes"] == len("not json")
        assert (await send(again, b"x")).status == 202


async def test_sources_are_their_orgs_and_take_their_scope() -> None:
    async with service() as s:
        other = await s.add_org(2)
        source = await make(s)
        for path in ("shop", source["id"]):
            assert (await s.call("GET", f"/v1/sources/{path}", auth=other)).status == 404
        assert (await s.call("GET", "/v1/sources", auth=other)).json["sources"] == []
        mine = await make(s, auth=other)
        assert mine["url"].endswith("/in/2/shop")
        reader = await s.add_org(3, scopes="webhooks:write sources:read")
        refused = await s.call("POST", "/v1/sources", {"name": "x"}, auth=reader)
        assert refused.status == 403
        named = {"name": "all", "verification": STATIC, "orgs": "named"}
        refused = await s.call("POST", "/v1/sources", named, auth=other)
        assert (refused.status, refused.json["error"]["code"]) == (403, "platform_only")


async def test_a_source_of_the_platform_brings_events_of_the_orgs_that_they_name() -> None:
    async with service() as s:
        auth = await s.add_org(2)
        await s.call("PATCH", "/v1/orgs/2", {"settings": {"unknownTypes": "admitted"}}, auth=auth)
        await make(s, orgs="named", mapping={
            "eventName": {"constant": "a.b"}, "orgId": {"path": "tenant", "as": "number"},
        })  # fmt: skip
        assert (await send(s, b'{"tenant":"2"}')).json["accepted"] == 1
        assert (await send(s, b'{"tenant":9}')).json["aside"] is True
        assert len((await s.call("GET", "/v1/events", auth=auth)).json["events"]) == 1
        assert not await accepted(s)


async def test_a_dry_run_shows_the_events_and_accepts_nothing() -> None:
    async with service() as s:
        await admit(s)
        await make(s, mapping=ORDER)
        sample: dict[str, Any] = {
            "headers": {"X-Key": "a value that is long"},
            "body": {"topic": "paid", "order": {}, "amounts": {"total": "x"}},
        }
        shown = (await s.call("POST", "/v1/sources/shop/preview", {"message": sample})).json
        assert shown["verified"] is True and shown["events"] == []
        assert shown["error"]["code"] == "not_convertible"
        assert shown["error"]["path"] == "data.total"
        better = {"mapping": {"eventName": {"constant": "a.b"}}}
        both = {"message": sample | {"headers": {}}, "source": better}
        shown = (await s.call("POST", "/v1/sources/shop/preview", both)).json
        assert shown["verified"] is False and "X-Key" in shown["notVerified"]
        [one] = shown["events"]
        assert one["event"]["eventName"] == "a.b" and one["error"] is None
        fresh = {"name": "new", "verification": STATIC} | better
        shown = (
            await s.call("POST", "/v1/sources/preview", {"message": sample, "source": fresh})
        ).json
        assert len(shown["events"]) == 1
        assert not await accepted(s)
        assert len((await s.call("GET", "/v1/sources")).json["sources"]) == 1


@pytest.mark.parametrize("headers", [False, 0, "", [], {"X-Key": 7}])
async def test_a_dry_run_refuses_headers_that_are_none(headers: object) -> None:
    async with service() as s:
        await make(s)
        said = {"message": {"body": {}, "headers": headers}}
        told = await s.call("POST", "/v1/sources/shop/preview", said)
        assert told.status == 400 and told.json["error"]["path"] == "message.headers"
        left_out: dict[str, Any] = {"message": {"body": {}, "headers": None}}
        assert (await s.call("POST", "/v1/sources/shop/preview", left_out)).status == 200


async def test_a_source_puts_aside_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_source, "DEAD_LETTERS_MAX", 2)
    monkeypatch.setattr(sources, "SOURCES_MAX", 2)
    async with service() as s:
        await make(s)
        for _ in range(2):
            assert (await send(s, b"no event")).status == 202
        reply = await send(s, b"no event")
        assert (reply.status, reply.json["error"]["code"]) == (503, "aside_full")
        [newest, _] = (await s.call("GET", "/v1/sources/shop/aside")).json["messages"]
        await s.call("DELETE", f"/v1/sources/shop/aside/{newest['id']}")
        assert (await send(s, b"no event")).status == 202
        await make(s, name="two")
        third = await s.call("POST", "/v1/sources", {"name": "three", "verification": STATIC})
        assert (third.status, third.json["error"]["code"]) == (409, "too_many_sources")
        twin = await s.call("POST", "/v1/sources", {"name": "two", "verification": STATIC})
        assert (twin.status, twin.json["error"]["code"]) == (409, "name_taken")


async def test_the_limit_of_the_org_holds_its_sources_too() -> None:
    async with service() as s:
        auth = await s.add_org(2)
        limits = {"unknownTypes": "admitted", "limits": {"eventsPerSecond": 2}}
        told = await s.call("PATCH", "/v1/orgs/2", {"settings": limits})
        assert told.status == 200, told.body
        await make(s, auth=auth, mapping={"each": "rows", "eventName": {"path": "t"}})
        two = json.dumps({"rows": [{"t": "a.b"}] * 2}).encode()
        assert (await send(s, two, "/in/2/shop")).json["accepted"] == 2
        reply = await send(s, two, "/in/2/shop")
        assert (reply.status, reply.json["error"]["code"]) == (429, "too_many_events")
        assert int(reply.headers["retry-after"]) >= 1


async def test_who_proves_nothing_drives_no_message_out_of_sight() -> None:
    async with service() as s:
        await admit(s)
        await make(s)
        await send(s, b'{"eventName":"a.b","data":{}}')
        for _ in range(60):
            assert (await send(s, b"{}", X_Key="another value, long")).status == 401
        shown = (await s.call("GET", "/v1/sources/shop")).json
        outcomes = [row["outcome"] for row in shown["newest"]]
        assert outcomes.count("accepted") == 1 and outcomes.count("refused") == 10
        assert shown["lastHour"]["refused"] == 60


async def test_a_message_is_answered_as_kept_only_once_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as s:
        await admit(s)
        await make(s)

        async def down(*_: Any) -> None:
            raise port.StoreDown("no disk")

        monkeypatch.setattr(s.store, "put_dead_letters", down)
        reply = await send(s, b"no event")
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert (await s.call("GET", "/v1/sources/shop")).json["asideMessages"] == 0
        assert issubclass(port.StoreDown, Unavailable)


@pytest.mark.parametrize(
    "path", ["/in/1/other", "/in/2/shop", "/in/x/shop", "/in/99999999999999999999/shop", "/in/-1/s"]
)
async def test_no_other_address_takes_anything(path: str) -> None:
    async with service() as s:
        await make(s)
        assert (await send(s, b"{}", path)).status == 401


async def test_a_body_that_is_too_large_or_packed_is_refused() -> None:
    async with service() as s:
        await make(s)
        assert (await send(s, b"x" * (BODY_BYTES_MAX + 1))).status == 413
        for coding in ("gzip", "identity, gzip", "IDENTITY,br"):
            assert (await send(s, b"x", content_encoding=coding)).status == 415, coding
        for coding in ("identity", "Identity", ""):
            assert (await send(s, b"x", content_encoding=coding)).status == 202, coding


async def test_a_deleted_source_is_gone_with_what_it_put_aside() -> None:
    async with service() as s:
        source = await make(s)
        await send(s, b"no event")
        assert (await s.call("DELETE", f"/v1/sources/{source['id']}")).status == 204
        assert (await send(s, b"{}")).status == 401
        assert not await s.store.dead_letter_sums()
        anew = await make(s)
        assert anew["id"] != source["id"] and anew["asideMessages"] == 0


async def test_a_wrong_body_is_told_by_its_places() -> None:
    async with service() as s:
        wrong = {
            "name": "Shop!",
            "verification": {"type": "hmac", "header": "X Sig", "secret": "short"},
            "mapping": {
                "eventName": {"path": "a", "header": "b"},
                "fields": {"eventName": {"path": "a"}, "data.x": {"path": "a", "as": "date"}},
                "each": "[",
            },
            "messageId": {"pth": "a"},
        }
        reply = await s.call("POST", "/v1/sources", wrong)
        assert (reply.status, reply.json["error"]["path"]) == (400, "name")
        assert await s.store.load_sources() == []
