"""Every list of `/v1` is asked for and told alike; what no route declares is refused by all."""

from typing import Any

import pytest

from tests.api.control_client import basic
from tests.openapi.entries import OPERATION_IDS, SCOPES
from tests.openapi.world import World, world
from tidings.api.route import PLATFORM

BOSS = basic("boss", "s3cret")
GETS = [call for call in SCOPES if call.startswith("GET /v1/")]
LISTS = [call for call in GETS if OPERATION_IDS[call].startswith("list")]
PAGED = ["/v1/deliveries", "/v1/events", "/v1/replays", "/v1/reference/customers"]


async def asked(w: World, call: str, query: str, auth: str, path: str) -> Any:
    auth = BOSS if SCOPES[call].startswith(PLATFORM) else auth
    return await w.call("GET", f"{path}{query}", None, auth)


async def test_every_list_tells_where_its_page_stands() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        assert len(LISTS) > 10
        for call in LISTS:
            told = await asked(w, call, "", things.auth, things.path(call))
            assert told.status == 200, (call, told.body)
            assert told.json["paging"].keys() == {"limit", "next", "previous"}, call


async def test_a_parameter_that_no_route_declares_is_refused() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        for call in GETS:
            told = await asked(w, call, "?limitt=3", things.auth, things.path(call))
            assert told.status == 400, (call, told.body)
            error = told.json["error"]
            assert (error["code"], error["path"]) == ("unknown_parameter", "limitt"), call
            if call in LISTS and "limit," in error["message"]:
                assert "Did you mean limit?" in error["message"], call
        nobody = await w.call("GET", "/v1/events?limitt=3")
        assert nobody.status == 401, "who calls is asked first"


@pytest.mark.parametrize("path", PAGED)
async def test_limit_and_next_lead_through_a_list(path: str) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        for number in range(2):
            put = f"/v1/reference/customers/more-{number}"
            await w.call("PUT", put, {"mobile": f"1555010{number}"}, things.auth)
            body = {"webHookId": things.ids["webHookId"], "start": False}
            assert (await w.call("POST", "/v1/replays", body, things.auth)).status == 201
        whole = (await w.call("GET", path, None, things.auth)).json
        [field] = [name for name, value in whole.items() if isinstance(value, list)]
        found, cursor = [], ""
        for _ in range(20):
            page = await w.call("GET", f"{path}?limit=1{cursor}", None, things.auth)
            assert page.status == 200, page.body
            assert page.json["paging"]["limit"] == 1
            found += page.json[field]
            if page.json["paging"]["next"] is None:
                break
            cursor = f"&cursor={page.json['paging']['next']}"
        ids = [[row.get("id") or row["eventId"] for row in rows] for rows in (found, whole[field])]
        assert ids[0] == ids[1] and len(found) >= 1


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/replays", "before"), ("/v1/reference/customers", "after")]
)
async def test_an_old_name_is_read_with_a_warning(path: str, name: str) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        whole = (await w.call("GET", path, None, things.auth)).json
        [field] = [row for row, value in whole.items() if isinstance(value, list)]
        last = whole[field][-1]["id"]
        told = (await w.call("GET", f"{path}?{name}={last}", None, things.auth)).json
        assert told[field] == []
        assert [(row["code"], row["path"]) for row in told["warnings"]] == [
            ("parameter_alias", name)
        ]
        assert "warnings" not in whole
        both = await w.call("GET", f"{path}?{name}={last}&cursor=x", None, things.auth)
        assert (both.status, both.json["error"]["code"]) == (400, "given_twice")


@pytest.mark.parametrize("path", ["/v1/deliveries", "/v1/events"])
async def test_the_states_of_a_list_were_called_status_and_still_are_read_so(path: str) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        told = (await w.call("GET", f"{path}?states=failed", None, things.auth)).json
        former = (await w.call("GET", f"{path}?status=failed", None, things.auth)).json
        assert [(row["code"], row["path"]) for row in former.pop("warnings")] == [
            ("parameter_alias", "status")
        ]
        assert told == former
