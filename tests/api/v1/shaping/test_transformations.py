"""`/v1/transformations` and `POST /v1/webHooks/preview`, over the real store."""

import json
from typing import Any

from tests.api.control_client import BASIC, Service, event, service
from tidings.core.ids import OrgId
from tidings.store import port

TEMPLATE = '{"id": {{ event.eventId }}, "n": {{ data.n }}}'
PATH = "/v1/transformations"


async def make(s: Service, name: str = "crm", template: str = TEMPLATE, **more: Any) -> Any:
    reply = await s.call("POST", PATH, {"name": name, "template": template}, **more)
    assert reply.status == 201, reply.body
    return reply.json


async def hook(s: Service, **fields: Any) -> Any:
    reply = await s.call("POST", "/v3/webHooks", BASIC | fields)
    assert reply.status == 200, reply.body
    return reply.json["data"]


async def test_a_transformation_is_made_replaced_listed_and_deleted() -> None:
    async with service() as s:
        made = await make(s)
        assert made == {
            "name": "crm",
            "version": 1,
            "createdAt": "2026-02-11T09:15:00.000Z",
            "createdBy": made["createdBy"],
            "template": TEMPLATE,
            "usedBy": [],
        }
        assert (await s.call("GET", f"{PATH}/crm")).json == made
        same = await s.call("PUT", f"{PATH}/crm", {"template": TEMPLATE})
        assert same.json["version"] == 1
        other = await s.call("PUT", f"{PATH}/crm", {"template": "{}"})
        assert (other.json["version"], other.json["template"]) == (2, "{}")
        await make(s, "a.b-c_1")
        listed = (await s.call("GET", PATH)).json["transformations"]
        assert [(row["name"], row["version"]) for row in listed] == [("a.b-c_1", 1), ("crm", 2)]
        assert "template" not in listed[0]
        gone = await s.call("DELETE", f"{PATH}/crm")
        assert gone.status == 200 and gone.json == {"name": "crm", "deleted": True}
        assert (await s.call("GET", f"{PATH}/crm")).status == 404
        again = await make(s)
        assert again["version"] == 4
        versions = (await s.call("GET", f"{PATH}/crm/versions")).json["versions"]
        assert [(version["version"], version["template"]) for version in versions] == [
            (4, TEMPLATE),
            (3, None),
            (2, "{}"),
            (1, TEMPLATE),
        ]


async def test_a_restart_keeps_them() -> None:
    async with service() as s:
        made = await make(s)
        await make(s, "old")
        await s.call("DELETE", f"{PATH}/old")
        fresh = Service(s.store, s.clock)
        await fresh.start()
        assert (await fresh.call("GET", f"{PATH}/crm")).json == made
        assert (await fresh.call("GET", f"{PATH}/old")).status == 404
        await fresh.webhooks.close()


async def test_what_is_refused_says_why() -> None:
    async with service() as s:
        await make(s)
        for body, status, code, path in (
            ({"name": "a b", "template": "{}"}, 400, "bad_name", "name"),
            ({"template": "{}"}, 400, "bad_name", "name"),
            ({"name": "x"}, 400, "bad_template", "template"),
            ({"name": "x", "template": ""}, 400, "bad_template", "template"),
            ({"name": "x", "template": "{% for %}"}, 400, "bad_template", "template"),
            ({"name": "x", "template": "x" * 40_000}, 400, "bad_template", "template"),
            ({"name": "crm", "template": "{}"}, 409, "name_taken", "name"),
        ):
            reply = await s.call("POST", PATH, body)
            assert reply.status == status, body
            error = reply.json["error"]
            assert (error["code"], error["path"]) == (code, path), error
            assert error["message"].endswith(f"({code}, field {path})")
        reply = await s.call("PUT", f"{PATH}/crm", {"template": 5})
        assert reply.status == 400
        for method, path in (("PUT", "no"), ("DELETE", "no"), ("GET", "no/versions")):
            reply = await s.call(method, f"{PATH}/{path}", {"template": "{}"})
            assert reply.status == 404 and reply.json["error"]["code"] == "not_found"


async def test_what_belongs_to_another_org_is_not_there() -> None:
    async with service() as s:
        other = await s.add_org(2)
        await make(s)
        for method, path in (
            ("GET", "/crm"), ("GET", "/crm/versions"), ("PUT", "/crm"), ("DELETE", "/crm"),
        ):  # fmt: skip
            reply = await s.call(method, PATH + path, {"template": "{}"}, auth=other)
            ours = await s.call(method, PATH + path.replace("crm", "no"), {"template": "{}"})
            assert reply.status == 404
            assert reply.body.replace(b"crm", b"no") == ours.body
        paging = {"limit": None, "next": None, "previous": None}
        listed = (await s.call("GET", PATH, auth=other)).json
        assert listed == {"transformations": [], "paging": paging}
        await make(s, template='{"theirs": 1}', auth=other)
        assert (await s.call("GET", f"{PATH}/crm")).json["template"] == TEMPLATE
        reply = await s.call("POST", "/v3/webHooks", BASIC | {"transformation": "no"})
        assert reply.status == 400
        reader = await s.add_org(3, scopes="webhooks:read")
        assert (await s.call("POST", PATH, {}, auth=reader)).status == 403


async def test_one_that_a_webhook_uses_cannot_be_deleted() -> None:
    async with service() as s:
        await make(s)
        by_name = await hook(s, transformation="crm")
        assert by_name["transformation"] == "crm"
        by_neo = await hook(s, name="b", neoEnrichment={"label": "x", "value": "crm"})
        assert (await s.call("GET", f"{PATH}/crm")).json["usedBy"] == ["crm", "b"]
        for webhook, change in (
            (by_name, {"transformation": None}),
            (by_neo, {"neoEnrichment": None}),
        ):
            reply = await s.call("DELETE", f"{PATH}/crm")
            assert reply.status == 409 and reply.json["error"]["code"] == "in_use"
            path = f"/v3/webHooks/{webhook['webHookId']}"
            assert (await s.call("PUT", path, change)).status == 200
        assert (await s.call("DELETE", f"{PATH}/crm")).status == 200


async def test_a_webhook_shows_and_keeps_how_it_is_shaped() -> None:
    async with service() as s:
        fields = {
            "filter": {"all": [{"path": "data.n", "gte": 1.5}]},
            "fields": {"keep": ["data.n"]},
            "rename": {"data.n": "points"},
        }
        made = await hook(s, **fields)
        assert fields.items() <= made.items() and made["transformation"] is None
        path = f"/v3/webHooks/{made['webHookId']}"
        assert fields.items() <= (await s.call("GET", path)).json["data"].items()
        fresh = Service(s.store, s.clock)
        await fresh.start()
        assert fields.items() <= (await fresh.call("GET", path)).json["data"].items()
        [webhook] = fresh.registry.match(OrgId(1), "pointsIssued")
        assert webhook.filter is not None and not webhook.plain
        assert webhook.filter.accepts({"data": {"n": 2}})
        assert not webhook.filter.accepts({"data": {"n": 1}})
        await fresh.call("PUT", path, {"filter": None, "fields": None, "rename": None})
        [webhook] = fresh.registry.match(OrgId(1), "pointsIssued")
        assert webhook.filter is None and webhook.plain
        await fresh.webhooks.close()


async def test_a_wrong_filter_is_refused_with_its_place() -> None:
    async with service() as s:
        wrong = {"filter": {"all": [{"path": "data.n", "equals": 1}]}}
        reply = await s.call("POST", "/v3/webHooks", BASIC | wrong)
        assert reply.status == 400
        [error] = reply.json["errors"]
        assert (error["code"], error["field"]) == ("bad_operator", "filter.all[0].equals")


# -- preview --------------------------------------------------------------------------------------


async def seed(s: Service, *events: port.NewEvent) -> None:
    version = (await s.store.load()).registry_version
    await s.store.commit(port.Batch(version, events))


async def preview(s: Service, body: dict[str, Any], auth: str | None = "") -> Any:
    reply = await s.call("POST", "/v1/webHooks/preview", body, auth)
    assert reply.status == 200, reply.body
    return reply.json


async def test_preview_tells_of_each_event_whether_it_would_come_and_as_what() -> None:
    async with service() as s:
        await make(s)
        names = {"e-1": "pointsIssued", "e-2": "customerAdded", "e-3": "pointsIssued"}
        theirs = event("pointsIssued", "x", [], org=2)
        await seed(s, *(event(name, id, []) for id, name in names.items()), theirs)
        seen = await preview(
            s,
            {
                "eventNames": ["pointsIssued"],
                "filter": {"path": "eventId", "eq": "e-1"},
                "fields": {"keep": ["data.n"]},
            },
        )
        assert (seen["looked"], seen["received"]) == (2, 1)
        third, first = seen["events"]
        assert (third["eventId"], third["received"]) == ("e-3", False)
        assert (third["node"], third["body"]) == ("filter", None)
        assert third["why"] == 'eventId must be "e-1"; got text "e-3".'
        assert first["received"] and first["why"] is None
        assert first["body"]["text"] == (
            '{"eventName":"pointsIssued","eventId":"e-1","orgId":1,"data":{"n":1.50}}'
        )
        assert first["acceptedAt"].endswith("Z")
        plain = await preview(s, {"eventNames": ["pointsIssued"], "last": 1})
        assert [row["eventId"] for row in plain["events"]] == ["e-3"]
        assert json.loads(plain["events"][0]["body"]["text"])["data"] == {"n": 1.5}
        assert '"n":1.50' in plain["events"][0]["body"]["text"]


async def test_preview_looks_behind_any_number_of_events_of_other_types() -> None:
    async with service() as s:
        shown = await hook(s, eventNames=["pointsIssued"])
        wanted = [event("pointsIssued", f"e-{n}", []) for n in range(3)]
        await seed(s, *wanted, *(event("customerAdded", f"c-{n}", []) for n in range(300)))
        body = {"eventNames": ["pointsIssued", "pointsRedeemed"], "last": 2}
        for asked in (body, {"webHookId": shown["webHookId"], "last": 2}):
            seen = await preview(s, asked)
            assert [row["eventId"] for row in seen["events"]] == ["e-2", "e-1"]
            assert (seen["looked"], seen["received"]) == (2, 2)
        none = await preview(s, {"eventNames": ["pointsRedeemed"]})
        assert (none["looked"], none["events"]) == (0, [])


async def test_preview_of_a_transformation_and_of_one_that_fails() -> None:
    async with service() as s:
        await make(s)
        await make(s, "bad", "{{ data.nope + 1 }}")
        await seed(s, event("pointsIssued", "e-1", []))
        names = {"eventNames": ["pointsIssued"]}
        [row] = (await preview(s, names | {"transformation": "crm"}))["events"]
        assert row["body"]["text"] == '{"id":"e-1","n":1.50}'
        [row] = (await preview(s, names | {"transformation": "bad"}))["events"]
        assert not row["received"] and row["body"] is None
        assert row["why"].startswith("The delivery would fail: The template cannot be run")


async def test_preview_of_a_change_of_a_webhook_leaves_it_as_it_is() -> None:
    async with service() as s:
        made = await hook(s, rename={"data.n": "points"})
        await seed(s, event("pointsIssued", "e-1", []))
        ask = {"webHookId": made["webHookId"]}
        [row] = (await preview(s, ask))["events"]
        assert json.loads(row["body"]["text"])["data"] == {"points": 1.5}
        changed = ask | {"rename": {"data.n": "p"}, "filter": {"path": "a", "exists": False}}
        [row] = (await preview(s, changed))["events"]
        assert json.loads(row["body"]["text"])["data"] == {"p": 1.5}
        after = (await s.call("GET", f"/v3/webHooks/{made['webHookId']}")).json["data"]
        assert after["version"] == 1 and after["rename"] == {"data.n": "points"}
        assert len((await s.call("GET", "/v3/webHooks")).json["data"]) == 1


async def test_what_cannot_be_previewed() -> None:
    async with service() as s:
        other = await s.add_org(2)
        made = await hook(s)
        for body, status, code in (
            ({"eventNames": []}, 400, "51003"),
            ({"eventNames": ["pointsIssued"], "last": 0}, 400, "bad_last"),
            ({"eventNames": ["pointsIssued"], "last": 201}, 400, "bad_last"),
            ({"eventNames": ["pointsIssued"], "last": True}, 400, "bad_last"),
            ({"eventNames": ["pointsIssued"], "filter": []}, 400, "bad_filter"),
            ({"webHookId": "nope"}, 404, "not_found"),
        ):
            reply = await s.call("POST", "/v1/webHooks/preview", body)
            assert reply.status == status, reply.body
            assert reply.json["error"]["code"] == code
        for scopes in ("webhooks:write", "logs:read"):
            lesser = await s.add_org(3, scopes=scopes)
            ask = {"eventNames": ["pointsIssued"]}
            assert (await s.call("POST", "/v1/webHooks/preview", ask, lesser)).status == 403
        theirs = {"webHookId": made["webHookId"]}
        reply = await s.call("POST", "/v1/webHooks/preview", theirs, auth=other)
        assert reply.status == 404


# -- paths that lead nowhere ----------------------------------------------------------------------

LOST = {
    "filter": {
        "all": [{"path": "data.totalPointsIssued", "gte": 1}, {"not": {"path": "data.t", "eq": 1}}]
    },
    "fields": {"drop": ["refId", "data.totalPointIssued"]},
    "rename": {"data.customerIdentifiers.customerID": "customer"},
}
PLACES = ["filter.all[1].not.path", "fields.drop[1]", "rename.data.customerIdentifiers.customerID"]


def lost(warnings: list[dict[str, Any]] | None) -> list[str]:
    return [warning["field"] for warning in warnings or [] if warning["code"] == "unknown_path"]


async def test_paths_that_no_subscribed_type_has_draw_a_warning_at_every_save() -> None:
    async with service() as s:
        made = await s.call("POST", "/v3/webHooks", BASIC | LOST)
        assert made.status == 200 and lost(made.json["warnings"]) == PLACES
        said = made.json["warnings"][0]["message"]
        assert "(pointsIssued)" in said and '"data.t"' in said
        at = f"/v3/webHooks/{made.json['data']['webHookId']}"
        put = await s.call("PUT", at, BASIC | LOST)
        assert put.status == 200 and lost(put.json["warnings"]) == PLACES
        patched = await s.call("PATCH", at, {"fields": None, "rename": None})
        assert lost(patched.json["warnings"]) == PLACES[:1]
        dry = await s.call("POST", "/v3/webHooks?dryRun=true", BASIC | LOST | {"name": "b"})
        assert lost(dry.json["warnings"]) == PLACES
        tried = await preview(s, {"eventNames": ["pointsIssued"], **LOST})
        assert lost(tried["warnings"]) == PLACES
        mended = await s.call("PATCH", at, {"filter": {"path": "data.loyaltyProgramId", "eq": 1}})
        assert lost(mended.json.get("warnings", [])) == []


async def test_a_path_of_one_of_the_types_draws_no_warning_nor_does_an_open_type() -> None:
    async with service() as s:
        several = {"eventNames": ["pointsIssued", "tierUpgraded"], "name": "several"}
        upgraded = {"filter": {"path": "data.upgradedTierNumber", "gte": 2}}
        made = await s.call("POST", "/v3/webHooks", BASIC | several | upgraded)
        assert lost(made.json.get("warnings", [])) == []
        for name, closed in (("orderPacked", False), ("orderSent", True)):
            schema: dict[str, Any] = {
                "type": "object",
                "properties": {"id": {"type": "string"}},
            }
            schema |= {"additionalProperties": False} if closed else {}
            body = {"description": "An order.", "schema": schema, "key": "data.id"}
            assert (await s.call("PUT", f"/v1/eventTypes/{name}", body)).status in (200, 201)
            wish = {"eventNames": [name], "name": name, "filter": {"path": "data.x", "eq": 1}}
            made = await s.call("POST", "/v3/webHooks", BASIC | wish)
            assert lost(made.json.get("warnings", [])) == (["filter.path"] if closed else [])


async def test_so_many_slips_are_told_as_people_read() -> None:
    async with service() as s:
        body = BASIC | {"fields": {"drop": [f"data.x{n}" for n in range(200)]}}
        made = await s.call("POST", "/v3/webHooks", body)
        assert len(lost(made.json["warnings"])) == 10
