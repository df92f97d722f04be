"""`/v3/webHooks`: the contract's calls, shapes and statuses."""

import re
from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, service
from tidings.api.context import BODY_BYTES_MAX, BODY_DEPTH_MAX
from tidings.core.ids import OrgId
from tidings.core.shaping.signatures.secrets import read_secret

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def make(s: Service, **fields: Any) -> Any:
    reply = await s.call("POST", "/v3/webHooks", BASIC | fields)
    assert reply.status == 200, reply.body
    return reply.json["data"]


async def test_create_answers_every_field_in_the_contracts_envelope() -> None:
    async with service() as s:
        reply = await s.call("POST", "/v3/webHooks", BASIC | {"maxAllowedConnections": 10.99})
        assert reply.status == 200
        assert reply.json["errors"] is None and reply.json["warnings"] is None
        data = reply.json["data"]
        assert re.fullmatch("[0-9a-f]{24}", data["webHookId"])
        assert UUID.fullmatch(data["consumerGroupId"])
        shown = {"webHookHeaders": {"Authorization": "…cdef"}}
        assert (BASIC | shown).items() <= (data | {"maxAllowedConnections": 10}).items()
        assert data["maxAllowedConnections"] == 10
        assert data["noOfRetryAttempts"] == 0
        assert len(read_secret(data["signingSecret"])) == 32
        assert data["signingSecretHint"] == "…" + data["signingSecret"][-4:]
        assert data["tillDetailsEnrichmentEnabled"] is False and data["neoEnrichment"] is None
        assert data["attribution"] == {
            "createdOn": "2026-02-11T09:15:00.000+0000",
            "lastUpdatedOn": "2026-02-11T09:15:00.000+0000",
            "createdOnISO": "2026-02-11T09:15:00Z",
            "lastUpdatedOnISO": "2026-02-11T09:15:00Z",
            "createdBy": (boss := data["attribution"]["createdBy"]),
            "lastUpdatedBy": boss,
        }
        assert boss.keys() == {"id", "code", "description", "name", "type"}
        assert boss["type"] == "ADMIN_USER" and boss["name"] == "boss"


async def test_the_secret_is_shown_once() -> None:
    async with service() as s:
        data = await make(s)
        path = f"/v3/webHooks/{data['webHookId']}"
        for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
            reply = await s.call(method, path, body)
            assert "signingSecret" not in reply.json["data"]
            assert data["signingSecret"].encode() not in reply.body


async def test_an_answer_can_be_sent_back_unchanged() -> None:
    async with service() as s:
        policy = {"delaysInSeconds": [1, 2.5], "windowInHours": 24, "failStatuses": [404]}
        await s.call("POST", "/v1/transformations", {"name": "tier", "template": "{}"})
        neo = {"label": "x", "value": "tier"}
        data = await make(s, retryPolicy=policy, neoEnrichment=neo)
        path = f"/v3/webHooks/{data['webHookId']}"
        before = (await s.call("GET", path)).json["data"]
        s.clock.ms += 60_123
        reply = await s.call("PUT", path, before)
        assert reply.json["warnings"] is None
        after = (await s.call("GET", path)).json["data"]
        assert after["attribution"]["lastUpdatedOn"] == "2026-02-11T09:16:00.123+0000"
        changing = ("version", "attribution")
        for field in changing:
            before.pop(field), after.pop(field)
        assert after == before
        assert after["retryPolicy"] == policy | {"retryStatuses": []}


async def test_list_holds_the_inactive_and_the_deleted_of_this_org_only() -> None:
    async with service() as s:
        other = await s.add_org(2)
        await make(s, name="a")
        await make(s, name="b", active=False)
        gone = await make(s, name="c")
        await make(s, name="q", webHookType="QUEUE_INT", webHookUrl=" ")
        await s.call("POST", "/v3/webHooks", BASIC, auth=other)
        await s.call("DELETE", f"/v3/webHooks/{gone['webHookId']}")
        listed = (await s.call("GET", "/v3/webHooks")).json["data"]
        assert [(row["name"], row["active"]) for row in listed] == [
            ("a", True),
            ("b", False),
            ("c", False),
            ("q", True),
        ]
        for asked, names in {
            "C": ["c"],
            "%20Q": ["q"],
            "": ["a", "b", "c", "q"],
            "x": [],
        }.items():
            some = (await s.call("GET", f"/v3/webHooks?name={asked}")).json["data"]
            assert [row["name"] for row in some] == names
        theirs = (await s.call("GET", "/v3/webHooks", auth=other)).json["data"]
        assert [row["name"] for row in theirs] == ["crm"]
        acted = await s.call("GET", "/v3/webHooks", x_tidings_org="2")
        assert acted.json["data"] == theirs


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"eventNames": None}, 51003, "eventNames"),
        ({"eventNames": []}, 51003, "eventNames"),
        ({"maxAllowedConnections": 0}, 51007, "maxAllowedConnections"),
        ({"maxAllowedConnections": -3}, 51007, "maxAllowedConnections"),
        ({"maxAllowedConnections": None}, 300004, "maxAllowedConnections"),
        ({"eventNames": ["pointsissued"]}, "unknown_event_name", "eventNames"),
        ({"webHookUrl": "http://x"}, "url_refused", "webHookUrl"),
    ],
)
async def test_a_refused_body_says_code_field_and_sentence(
    fields: dict[str, Any], code: int | str, field: str
) -> None:
    async with service() as s:
        reply = await s.call("POST", "/v3/webHooks", BASIC | fields)
        assert reply.status == 400
        assert reply.json["data"] is None
        [error] = reply.json["errors"]
        assert error.keys() == {"code", "message", "field"}
        assert (error["code"], error["field"]) == (code, field)
        assert error["message"].endswith(f" ({code}, field {field})")
        assert (await s.call("GET", "/v3/webHooks")).json["data"] == []


async def test_a_used_name_is_refused_until_its_webhook_is_deleted() -> None:
    async with service() as s:
        data = await make(s)
        reply = await s.call("POST", "/v3/webHooks", BASIC)
        assert reply.status == 409
        assert reply.json["errors"][0]["code"] == "name_taken"
        await s.call("DELETE", f"/v3/webHooks/{data['webHookId']}")
        assert (await make(s))["webHookId"] != data["webHookId"]


async def test_replace_keeps_the_name_with_a_warning_and_drops_events_left_out() -> None:
    async with service() as s:
        data = await make(s, eventNames=["pointsIssued", "customerAdded"])
        body = BASIC | {"name": "new", "eventNames": ["pointsRedeemed"], "methodType": "put"}
        reply = await s.call("PUT", f"/v3/webHooks/{data['webHookId']}", body)
        assert reply.status == 200
        changed = reply.json["data"]
        assert changed["name"] == "crm"
        assert changed["eventNames"] == ["pointsRedeemed"]
        assert changed["methodType"] == "PUT" and changed["version"] == 2
        assert [row["code"] for row in reply.json["warnings"]] == ["name_kept"]
        assert not s.registry.match(OrgId(1), "pointsIssued")
        [webhook] = s.registry.match(OrgId(1), "pointsRedeemed")
        assert webhook.version == 2 and s.changed[-1] is webhook


async def test_an_unknown_deleted_or_foreign_id_answers_the_same() -> None:
    async with service() as s:
        other = await s.add_org(2)
        mine = (await make(s))["webHookId"]
        gone = (await make(s, name="gone"))["webHookId"]
        await s.call("DELETE", f"/v3/webHooks/{gone}")
        for method, body in (("GET", None), ("PUT", BASIC), ("DELETE", None)):
            foreign = await s.call(method, f"/v3/webHooks/{mine}", body, auth=other)
            unknown = await s.call(method, f"/v3/webHooks/{'f' * 24}", body, auth=other)
            assert foreign.status == unknown.status == 400
            assert foreign.json["errors"][0]["code"] == 400
            assert foreign.body.replace(mine.encode(), b"f" * 24) == unknown.body
        for method, body in (("PUT", BASIC), ("DELETE", None)):
            assert (await s.call(method, f"/v3/webHooks/{gone}", body)).status == 400
        assert (await s.call("GET", f"/v3/webHooks/{gone}")).json["data"]["active"] is False


async def test_refusals_of_access_have_the_contracts_codes() -> None:
    async with service() as s:
        reader = await s.add_org(3, "webhooks:read logs:write")
        none = await s.call("GET", "/v3/webHooks", auth=None)
        assert none.status == 401 and none.json["errors"][0]["code"] == 401
        assert none.headers["www-authenticate"].startswith("Basic ")
        assert (await s.call("GET", "/v3/webHooks", auth=reader)).status == 200
        denied = await s.call("POST", "/v3/webHooks", BASIC, auth=reader)
        assert denied.status == 403 and denied.json["errors"][0]["code"] == 4000
        foreign = await s.call("GET", "/v3/webHooks", auth=reader, x_tidings_org="1")
        assert foreign.status == 403


async def test_a_body_that_is_no_object_is_refused() -> None:
    async with service() as s:
        for body in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"name": "x",}'):
            reply = await s.call("POST", "/v3/webHooks", body)
            assert reply.status == 400
            assert reply.json["errors"][0]["code"] == "bad_json"
        reply = await s.call("POST", "/v3/webHooks", b" " * 300_000)
        assert reply.status == 413


async def test_a_body_may_hold_as_many_bytes_and_levels_as_is_said_and_no_more() -> None:
    async with service() as s:
        path = f"/v3/webHooks/{(await make(s))['webHookId']}"
        for size, status in ((BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)):
            body = b'{"slaInSeconds":9}'.ljust(size)
            reply = await s.call("PUT", path, body)
            assert reply.status == status, size
            assert (reply.headers.get("connection") == "close") is (status == 413)
        for inner, deep in ((BODY_DEPTH_MAX - 1, False), (BODY_DEPTH_MAX, True)):
            body = b'{"webHookHeaders":' + b"[" * inner + b"1" + b"]" * inner + b"}"
            told = (await s.call("PUT", path, body)).json["errors"][0]["code"]
            assert (told == "too_deep") is deep, (inner, told)


async def test_every_answer_carries_its_request_id() -> None:
    async with service() as s:
        seen = set()
        for path in ("/v3/webHooks", "/v3/webHooks/x", "/nowhere", "/livez", "/v1/events/x"):
            seen.add((await s.call("GET", path)).headers["x-cap-requestid"])
        assert len(seen) == 5
        own = await s.call("GET", "/livez", x_cap_requestid="abc-1")
        assert own.headers["x-cap-requestid"] == "abc-1"


async def test_a_store_that_is_down_answers_503_and_changes_nothing() -> None:
    async with service() as s:
        s.store.down = True
        reply = await s.call("POST", "/v3/webHooks", BASIC)
        assert reply.status == 503 and reply.headers["retry-after"] == "1"
        assert reply.json["errors"][0]["code"] == 4001
        s.store.down = False
        assert len(s.registry) == 0
        await make(s)


async def test_the_original_can_read_what_it_is_not_told() -> None:
    """A field that nobody knows is ignored with a warning; the form's blank header silently."""
    async with service() as s:
        body = BASIC | {"retryPolcy": {}, "noOfRetryAttempts": 10, "webHookHeaders": {"": ""}}
        reply = await s.call("POST", "/v3/webHooks", body)
        assert reply.json["data"]["webHookHeaders"] == {}
        assert reply.json["data"]["noOfRetryAttempts"] == 0
        [warning] = reply.json["warnings"]
        assert (warning["code"], warning["field"]) == ("unknown_field", "retryPolcy")


async def test_the_filters_of_an_org_together_are_bounded_and_ordinary_ones_are_taken() -> None:
    def dear(needle: str) -> dict[str, Any]:
        return {"any": [{"path": "data.t", "contains": f"{needle}{i}"} for i in range(50)]}

    async with service() as s:
        first = await make(s, name="first", filter=dear("a"))
        await make(s, name="second", filter=dear("b"))
        reply = await s.call("POST", "/v3/webHooks", BASIC | {"name": "third", "filter": dear("c")})
        assert reply.status == 400 and reply.json["errors"][0]["message"].startswith(
            "The filters of an org's webhooks must together take at most 20 ms"
        )
        for number in range(30):
            gold = {"path": "data.tier", "in": ["gold", f"tier {number}"]}
            await make(s, name=f"ordinary {number}", filter=gold)
        path = f"/v3/webHooks/{first['webHookId']}"
        assert (await s.call("PUT", path, {"filter": dear("d")})).status == 200, "in its place"
        assert (await s.call("PUT", path, {"filter": None})).status == 200
        await make(s, name="third", filter=dear("c"))
