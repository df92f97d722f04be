"""`/v1/eventTypes`: the catalogue and the org's own types; versions; who may what."""

from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, service
from tidings.core.ids import OrgId

ORG = OrgId(1)

BODY: dict[str, Any] = {
    "description": "An order is packed.",
    "schema": {
        "type": "object",
        "required": ["orderId"],
        "properties": {"orderId": {"type": "string", "x-search": True}},
    },
    "key": "data.orderId",
    "example": {"orderId": "O-71"},
}
WIDER = {"properties": {"orderId": {"type": "string", "x-search": True}, "box": {}}}
BROKEN = {"properties": {"orderId": {"type": "integer", "x-search": True}}}


def schema(change: dict[str, Any]) -> dict[str, Any]:
    return BODY | {"schema": BODY["schema"] | change, "example": None}


async def put(s: Service, name: str = "orderPacked", body: Any = None, auth: str = "") -> Any:
    return await s.call("PUT", f"/v1/eventTypes/{name}", body or BODY, auth)


async def test_all_types_are_listed_the_catalogues_first() -> None:
    async with service() as s:
        await put(s)
        reply = await s.call("GET", "/v1/eventTypes")
        rows = reply.json["eventTypes"]
        assert reply.status == 200 and len(rows) >= 77
        names = [row["eventName"] for row in rows]
        assert names[-1] == "orderPacked" and "pointsIssued" in names
        assert [row["own"] for row in rows].count(True) == 1
        assert rows[-1] == {
            "eventName": "orderPacked",
            "family": "own",
            "trigger": "An order is packed.",
            "plainly": "An order is packed.",
            "product": "The org itself",
            "own": True,
            "version": 1,
        }


async def test_a_type_is_declared_shown_and_deleted() -> None:
    async with service() as s:
        made = await put(s)
        assert made.status == 201, made.body
        assert made.json["version"] == 1 and made.json["versions"] == [1]
        got = await s.call("GET", "/v1/eventTypes/orderPacked")
        assert got.status == 200
        assert got.json["dataSchema"] == BODY["schema"]
        assert got.json["schema"]["properties"]["data"] == BODY["schema"]
        assert got.json["schema"]["properties"]["eventName"]["const"] == "orderPacked"
        assert got.json["example"]["data"] == {"orderId": "O-71"}
        assert got.json["searchPaths"] == ["data.orderId"]
        gone = await s.call("DELETE", "/v1/eventTypes/orderPacked")
        assert gone.status == 200 and gone.json["deleted"] is True
        for method in ("GET", "DELETE"):
            assert (await s.call(method, "/v1/eventTypes/orderPacked")).status == 404


async def test_the_catalogues_types_are_shown_and_cannot_be_changed() -> None:
    async with service() as s:
        got = await s.call("GET", "/v1/eventTypes/pointsIssued")
        assert got.status == 200 and got.json["versions"] == [1] and not got.json["own"]
        assert got.json["example"]["eventName"] == "pointsIssued"
        refused = await put(s, "pointsIssued")
        assert refused.status == 409
        assert refused.json["error"]["code"] == "event_name_taken"
        gone = await s.call("DELETE", "/v1/eventTypes/pointsIssued")
        assert gone.status == 404


async def test_a_type_says_who_raises_it_what_it_may_lack_and_shows_both_forms() -> None:
    async with service() as s:
        got = (await s.call("GET", "/v1/eventTypes/pointsRedeemed")).json
        assert got["plainly"] == "A customer spends points"
        assert got["product"] == "Loyalty+: points"
        assert got["raisedBy"] == [
            {"kind": "Activity", "what": "`PointsRedemption` (`triggeringActivity.name`)"}
        ]
        assert any("USERGROUP2" in said for said in got["missing"])
        assert got["keyMeaning"].startswith("the customer:")
        assert "instore" in got["example"]["data"]["customerIdentifiers"]
        assert "instore" not in got["thinExample"]["data"]["customerIdentifiers"]
        silent = (await s.call("GET", "/v1/eventTypes/cartPromotionRevoked")).json
        assert silent["raisedBy"] == [] and silent["refIdMeaning"] == "not documented"
        await put(s)
        own = (await s.call("GET", "/v1/eventTypes/orderPacked")).json
        assert own["missing"] == [] and own["thinExample"]["data"] == {"orderId": "O-71"}


async def test_adding_stays_and_breaking_needs_a_new_version() -> None:
    async with service() as s:
        await put(s)
        wider = await put(s, body=schema(WIDER))
        assert wider.status == 200 and wider.json["version"] == 1
        broken = await put(s, body=schema(BROKEN))
        assert broken.status == 409
        error = broken.json["error"]
        assert (error["code"], error["path"]) == ("breaking_change", "data.orderId")
        assert "data.orderId was string, is integer" in error["message"]
        assert '"newVersion": true' in error["message"]
        second = await put(s, body=schema(BROKEN) | {"newVersion": True})
        assert second.status == 201
        assert (second.json["version"], second.json["versions"]) == (2, [1, 2])
        first = await s.call("GET", "/v1/eventTypes/orderPacked?version=1")
        assert first.json["dataSchema"]["properties"].keys() == {"orderId", "box"}
        assert (await s.call("GET", "/v1/eventTypes/orderPacked?version=3")).status == 404


async def test_another_key_is_a_break_too() -> None:
    async with service() as s:
        await put(s)
        moved = await put(s, body=BODY | {"key": "data.boxId"})
        assert moved.status == 409 and moved.json["error"]["path"] == "key"


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("1st", BODY, "bad_event_name"),
        ("orderPacked", BODY | {"schema": {"$ref": "https://x.test/s.json"}}, "bad_schema"),
        ("orderPacked", BODY | {"example": {}}, "bad_example"),
        ("orderPacked", {}, "bad_description"),
    ],
)
async def test_a_declaration_is_refused_in_words(name: str, body: Any, code: str) -> None:
    async with service() as s:
        reply = await s.call("PUT", f"/v1/eventTypes/{name}", body)
        assert reply.status == 400
        assert reply.json["error"]["code"] == code
        assert (await s.call("GET", f"/v1/eventTypes/{name}")).status == 404


async def test_a_schema_is_refused_by_its_name_and_the_sentence_says_where_in_it() -> None:
    async with service() as s:
        for inner, where in (
            ({"$ref": "#/$defs/none"}, "data.lines[].sku.$ref"),
            ({"type": "word"}, "data.lines[].sku.type"),
            ({"contentEncoding": "base64"}, "data.lines[].sku.contentEncoding"),
        ):
            lines = {"type": "array", "items": {"properties": {"sku": inner}}}
            schema = {"type": "object", "properties": {"lines": lines}}
            reply = await s.call("PUT", "/v1/eventTypes/orderPacked", BODY | {"schema": schema})
            error = reply.json["error"]
            assert (reply.status, error["path"]) == (400, "schema")
            assert where in error["message"], error


async def test_what_belongs_to_another_org_does_not_exist() -> None:
    async with service() as s:
        two, three = await s.add_org(2), await s.add_org(3)
        assert (await put(s, auth=two)).status == 201
        mine = await s.call("GET", "/v1/eventTypes/orderPacked", auth=three)
        never = await s.call("GET", "/v1/eventTypes/neverThere", auth=three)
        assert (mine.status, never.status) == (404, 404)
        assert mine.body.replace(b"orderPacked", b"neverThere") == never.body
        assert (await s.call("DELETE", "/v1/eventTypes/orderPacked", auth=three)).status == 404
        listed = (await s.call("GET", "/v1/eventTypes", auth=three)).json["eventTypes"]
        assert not any(row["own"] for row in listed)
        assert (await put(s, auth=three)).status == 201


async def test_a_webhook_subscribes_to_own_types_and_holds_them() -> None:
    async with service() as s:
        wanted = BASIC | {"eventNames": ["orderPacked"]}
        assert (await s.call("POST", "/v3/webHooks", wanted)).status == 400
        await put(s)
        made = await s.call("POST", "/v3/webHooks", wanted)
        assert made.status == 200, made.body
        held = await s.call("DELETE", "/v1/eventTypes/orderPacked")
        assert held.status == 409 and held.json["error"]["code"] == "type_in_use"
        assert "got 1: crm" in held.json["error"]["message"]
        await s.call("DELETE", f"/v3/webHooks/{made.json['data']['webHookId']}")
        assert (await s.call("DELETE", "/v1/eventTypes/orderPacked")).status == 200


async def test_a_parent_hears_the_own_types_of_its_children() -> None:
    async with service() as s:
        await s.add_org(2)
        child = await s.add_org(3, parent=2)
        parent = await s.add_org(2)
        await put(s, auth=child)
        wanted = BASIC | {"eventNames": ["orderPacked"], "listenToChildEvents": True}
        made = await s.call("POST", "/v3/webHooks", wanted, auth=parent)
        assert made.status == 200, made.body
        assert [hook.name for hook in s.registry.match(OrgId(3), "orderPacked")] == ["crm"]
        assert (await s.call("DELETE", "/v1/eventTypes/orderPacked", auth=child)).status == 409


async def test_webhooks_choose_a_version() -> None:
    async with service() as s:
        await put(s)
        await put(s, body=schema(BROKEN) | {"newVersion": True})
        base = BASIC | {"eventNames": ["orderPacked", "pointsIssued"]}
        assert (await s.call("POST", "/v3/webHooks", base)).status == 200
        later = base | {"name": "later", "eventVersions": {"orderPacked": 2}}
        made = await s.call("POST", "/v3/webHooks", later)
        assert made.status == 200, made.body
        assert made.json["data"]["eventVersions"] == {"orderPacked": 2}

        def names(version: int) -> list[str]:
            return [hook.name for hook in s.registry.match(ORG, "orderPacked", version)]

        assert (names(1), names(2)) == (["crm"], ["later"])
        assert len(s.registry.match(ORG, "pointsIssued")) == 2
        path = f"/v3/webHooks/{made.json['data']['webHookId']}"
        kept = await s.call("PUT", path, {"slaInSeconds": 9})
        assert kept.json["data"]["eventVersions"] == {"orderPacked": 2}
        back = await s.call("PUT", path, {"eventVersions": {}})
        assert back.json["data"]["eventVersions"] == {}


@pytest.mark.parametrize(
    "wanted", [{"orderPacked": 3}, {"orderPacked": 0}, {"orderPacked": "2"}, {"badgeEarned": 1}, 7]
)
async def test_a_version_that_is_not_there_is_refused(wanted: Any) -> None:
    async with service() as s:
        await put(s)
        body = BASIC | {"eventNames": ["orderPacked"], "eventVersions": wanted}
        reply = await s.call("POST", "/v3/webHooks", body)
        assert reply.status == 400
        assert [error["field"] for error in reply.json["errors"]] == ["eventVersions"]


async def test_scopes_are_asked_for() -> None:
    async with service() as s:
        reader = await s.add_org(2, scopes="webhooks:read")
        assert (await s.call("GET", "/v1/eventTypes", auth=reader)).status == 200
        assert (await put(s, auth=reader)).status == 403
        gone = await s.call("DELETE", "/v1/eventTypes/orderPacked", auth=reader)
        assert gone.status == 403
        assert (await s.call("GET", "/v1/eventTypes", auth=None)).status == 401


async def test_types_are_there_after_a_restart() -> None:
    async with service() as s:
        await put(s)
        await put(s, body=schema(BROKEN) | {"newVersion": True})
        again = Service(s.store, s.clock)
        await again.start()
        assert again.event_types.versions(ORG, "orderPacked") == [1, 2]
        assert again.event_types.names(ORG)["orderPacked"] == 2


async def test_a_full_org_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service() as s:
        monkeypatch.setattr("tidings.engine.events.event_types.TYPES_MAX", 1)
        await put(s)
        reply = await put(s, "orderSent")
        assert reply.status == 400 and reply.json["error"]["code"] == "too_many_types"
