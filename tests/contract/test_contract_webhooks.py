"""The contract's webhook calls: each documented request with its documented answer."""

import re
from typing import Any

import pytest

from tests.api.control_client import Reply, Service, service
from tests.contract.contract_client import (
    ANSWER,
    ATTRIBUTION,
    ID_MAX,
    NEW_BODY,
    OLD_BODY,
    PERSON,
    WEBHOOK,
    till,
)
from tidings.core.webhooks.masks import mask

LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
HEX_24 = re.compile(r"[0-9a-f]{24}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_person(person: Any) -> None:
    assert person.keys() == PERSON.keys()
    for field, kind in PERSON.items():
        assert type(person[field]) is kind, field
    assert 0 < person["id"] <= ID_MAX


def is_webhook(data: Any) -> None:
    """Every documented field is there, of its documented type."""
    for field, kind in WEBHOOK.items():
        assert isinstance(data[field], kind), field
        if kind is int:
            assert not isinstance(data[field], bool), field
    assert all(isinstance(value, str) for value in data["webHookHeaders"].values())
    assert HEX_24.fullmatch(data["webHookId"]) and UUID.fullmatch(data["consumerGroupId"])
    attribution = data["attribution"]
    assert attribution.keys() == set(ATTRIBUTION)
    for field in ("createdOn", "lastUpdatedOn"):
        assert LOCAL.fullmatch(attribution[field]) and UTC.fullmatch(attribution[field + "ISO"])
    for field in ("createdBy", "lastUpdatedBy"):
        is_person(attribution[field])
        assert attribution[field]["type"] in ("TILL", "ADMIN_USER")


async def create(s: Service, body: dict[str, Any], auth: str = "") -> Any:
    reply = await s.call("POST", "/v3/webHooks", body, auth)
    assert reply.status == 200, reply.body
    assert reply.json.keys() == ANSWER and reply.json["errors"] is None
    return reply.json["data"]


@pytest.mark.parametrize("body", [OLD_BODY, NEW_BODY], ids=["2022", "2026"])
async def test_create(body: dict[str, Any]) -> None:
    async with service() as s:
        data = await create(s, body)
        is_webhook(data)
        sent = {
            field: value
            for field, value in body.items()
            if field not in ("consumerGroupId", "neoEnrichment", "maxAllowedConnections")
        }
        sent["webHookHeaders"] = {
            name: mask(value) for name, value in body["webHookHeaders"].items()
        }
        assert sent.items() <= data.items()
        assert data["maxAllowedConnections"] == int(body["maxAllowedConnections"])
        assert data["noOfRetryAttempts"] == 0


async def test_create_without_what_is_optional() -> None:
    async with service() as s:
        body = {field: value for field, value in OLD_BODY.items() if field != "slaInSeconds"}
        del body["active"]
        data = await create(s, body)
        is_webhook(data)
        assert data["active"] is True and data["customerIdentifiersToBeEnriched"] == []


async def test_list_holds_every_kind_of_webhook() -> None:
    async with service() as s:
        empty = await s.call("GET", "/v3/webHooks")
        assert empty.json == {"data": [], "errors": None, "warnings": None}
        first = await create(s, OLD_BODY)
        queue = {
            "name": "queue",
            "webHookType": "QUEUE_INT",
            "webHookUrl": " ",
            "slaInSeconds": 0,
        }
        await create(s, OLD_BODY | queue)
        await create(s, OLD_BODY | {"name": "off", "active": False})
        await create(s, OLD_BODY | {"name": "blank", "webHookHeaders": {"": ""}})
        await s.call("DELETE", f"/v3/webHooks/{first['webHookId']}")
        reply = await s.call("GET", "/v3/webHooks")
        assert reply.status == 200 and reply.json.keys() == ANSWER
        for row in reply.json["data"]:
            is_webhook(row)
            assert row["neoEnrichment"]["possibleValues"] == []
        rows = [(row["name"], row["webHookType"], row["active"]) for row in reply.json["data"]]
        assert rows == [
            ("DemoWebhook1", "HTTP", False),
            ("queue", "QUEUE_INT", True),
            ("off", "HTTP", False),
            ("blank", "HTTP", True),
        ]


async def test_put_drops_events_left_out_and_keeps_the_name() -> None:
    async with service() as s:
        old = await create(s, OLD_BODY)
        body = OLD_BODY | {
            "name": "test10",
            "eventNames": ["pointsRedeemed"],
            "noOfRetryAttempts": 10,
            "methodType": "PUT",
        }
        s.clock.ms += 1
        reply = await s.call("PUT", f"/v3/webHooks/{old['webHookId']}", body)
        assert reply.status == 200
        data = reply.json["data"]
        is_webhook(data)
        assert data["name"] == "DemoWebhook1" and data["eventNames"] == ["pointsRedeemed"]
        assert data["noOfRetryAttempts"] == 0 and data["methodType"] == "PUT"
        assert [row["code"] for row in reply.json["warnings"]] == ["name_kept"]
        for field in ("webHookId", "consumerGroupId"):
            assert data[field] == old[field]
        times = data["attribution"]
        assert times["createdOn"] == old["attribution"]["createdOn"] != times["lastUpdatedOn"]


async def test_put_with_nothing_mandatory_keeps_what_is_left_out() -> None:
    async with service() as s:
        old = await create(s, NEW_BODY)
        path = f"/v3/webHooks/{old['webHookId']}"
        reply = await s.call("PUT", path, {"slaInSeconds": 60})
        for field in WEBHOOK.keys() - {"slaInSeconds", "attribution"}:
            assert reply.json["data"][field] == old[field]
        off = await s.call("PUT", path, {"active": False})
        assert off.json["data"]["active"] is False


async def test_delete_answers_the_whole_webhook_inactive_and_keeps_it_listed() -> None:
    async with service() as s:
        old = await create(s, NEW_BODY)
        reply = await s.call("DELETE", f"/v3/webHooks/{old['webHookId']}")
        assert reply.status == 200 and reply.json.keys() == ANSWER
        data = reply.json["data"]
        is_webhook(data)
        assert data["active"] is False and data["name"] == old["name"]
        [listed] = (await s.call("GET", "/v3/webHooks")).json["data"]
        assert listed["webHookId"] == old["webHookId"] and listed["active"] is False


async def test_event_metadata() -> None:
    async with service() as s:
        names = (await s.call("GET", "/v3/webHooks/eventMetaData")).json["data"]
        assert len(names) >= 65
        for name in names:
            assert name.keys() == {"active", "eventName"} and name["active"] is True
        path = "/v3/webHooks/eventMetaData/transactionAdded"
        name = (await s.call("GET", path)).json["data"]
        assert name.keys() == {"active", "eventName", "schema"}
        assert name["eventName"] == "transactionAdded" and name["schema"]["type"] == "object"


async def test_a_till_is_shown_as_such() -> None:
    async with service() as s:
        header = await till(s, 1, "demo.till", webhooks="write")
        data = await create(s, OLD_BODY, header)
        person = data["attribution"]["createdBy"]
        assert (person["type"], person["code"]) == ("TILL", "demo.till")
        assert person["description"] == ""


async def test_the_number_of_who_did_it_stays_and_is_another_for_another() -> None:
    """Whoever is shown: the credential itself, another one, and a till or store of the headers."""
    async with service() as s:
        header = await till(s, 1, "demo.till", webhooks="write")
        made = await create(s, OLD_BODY, header)
        again = await create(s, OLD_BODY | {"name": "again"}, header)
        boss = await create(s, OLD_BODY | {"name": "boss"})
        named = await s.call(
            "POST",
            "/v3/webHooks",
            OLD_BODY | {"name": "named"},
            x_cap_api_attribution_entity_code="1704",
        )
        people = [
            row["attribution"]["createdBy"] for row in (made, again, boss, named.json["data"])
        ]
        for person in people:
            is_person(person)
        assert people[0] == people[1]
        assert len({person["id"] for person in people}) == 3
        assert [person["code"] for person in people[1:]] == ["demo.till", "boss", "1704"]
        listed = (await s.call("GET", "/v3/webHooks")).json["data"]
        assert [row["attribution"]["createdBy"] for row in listed] == people


async def test_times_are_those_of_the_org() -> None:
    async with service() as s:
        await s.call("PATCH", "/v1/orgs/1", {"timeZone": "Asia/Kolkata"})
        times = (await create(s, OLD_BODY))["attribution"]
        assert times["createdOn"] == "2026-02-11T14:45:00.000+0530"
        assert times["createdOnISO"] == "2026-02-11T09:15:00Z"


def has_request_id(reply: Reply) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", reply.headers["x-cap-requestid"]))


async def test_every_status_carries_a_request_id() -> None:
    async with service() as s:
        calls = [
            (await s.call("POST", "/v3/webHooks", OLD_BODY), 200),
            (await s.call("POST", "/v3/webHooks", {}), 400),
            (await s.call("GET", "/v3/webHooks", auth=None), 401),
            (await s.call("GET", "/v3/nowhere"), 404),
            (await s.call("PATCH", "/v3/webHooks", {}), 405),
            (await s.call("POST", "/v3/webHooks", OLD_BODY), 409),
        ]
        for reply, status in calls:
            assert reply.status == status and has_request_id(reply)
            assert reply.json.keys() == ANSWER
