"""`/v3/webHooks/eventMetaData`."""

import jsonschema_rs
import pytest

from tests.api.control_client import service
from tidings import catalogue


async def test_the_list_holds_every_name_with_its_flag() -> None:
    async with service() as s:
        reply = await s.call("GET", "/v3/webHooks/eventMetaData")
        assert reply.status == 200
        assert reply.json["errors"] is None and reply.json["warnings"] is None
        rows = reply.json["data"]
        assert [row["eventName"] for row in rows] == catalogue.load().names()
        assert all(row == {"active": True, "eventName": row["eventName"]} for row in rows)


@pytest.mark.parametrize("name", ["pointsIssued", "CouponIssue", "customerAdded"])
async def test_a_schema_is_that_by_which_events_are_judged(name: str) -> None:
    async with service() as s:
        reply = await s.call("GET", f"/v3/webHooks/eventMetaData/{name}")
        data = reply.json["data"]
        assert data.keys() == {"active", "eventName", "schema"}
        assert (data["active"], data["eventName"]) == (True, name)
        kind = catalogue.load().get(name)
        assert kind is not None
        fits = jsonschema_rs.Draft202012Validator(data["schema"]).is_valid
        assert fits(kind.example) and not fits(kind.example | {"eventName": "other"})


async def test_an_unknown_name_is_refused_in_the_envelope() -> None:
    async with service() as s:
        reply = await s.call("GET", "/v3/webHooks/eventMetaData/pointsissued")
        assert reply.status == 400 and reply.json["data"] is None
        [error] = reply.json["errors"]
        assert (error["code"], error["field"]) == ("unknown_event_name", "eventName")


async def test_it_takes_the_right_to_read_webhooks() -> None:
    async with service() as s:
        other = await s.add_org(2, "events:write")
        for tail in ("", "/pointsIssued"):
            path = "/v3/webHooks/eventMetaData" + tail
            assert (await s.call("GET", path, auth=other)).status == 403
            assert (await s.call("GET", path, auth=None)).status == 401
