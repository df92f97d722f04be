"""A misspelt field of a body of `/v1` is refused, wherever in it: a new call is held to it too."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.control_client import basic
from tests.api.v1.full_bodies import MORE
from tests.openapi.calls import body_of, headers_of
from tests.openapi.entries import SCOPES
from tests.openapi.world import Things, world
from tidings.api.openapi.document import operations
from tidings.api.route import PLATFORM
from tools.api_promise import described

BOSS = basic("boss", "s3cret")
# Their fields are data of others: an event has any, and what is not kept of a record is told.
DATA = {"POST /v1/events", "POST /v1/reference/{kind}:load", "PUT /v1/reference/{kind}/{id}"}
WEBHOOKS = {"POST /v1/webHooks/preview", "POST /v1/webHooks/test"}  # bodies of webhooks
SLIP = "zzMisspelt"


def bodies() -> dict[str, Any]:
    """The JSON bodies of `/v1`: their schemas, by call."""
    found = {}
    for call, operation in operations(document := described()):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content and call.partition(" ")[2].startswith("/v1/") and call not in DATA | WEBHOOKS:
            schema = content["schema"]
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            found[call] = schema
    return found


BODIES = bodies()


def objects(schema: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each object of a schema whose fields it names, and where it is."""
    for row in (schema, *schema.get("anyOf", ())):
        if row.get("properties") and row.get("type") == "object":
            yield place, row
            for name, field in row["properties"].items():
                yield from objects(field, f"{place}.{name}".lstrip("."))


@pytest.mark.parametrize("call", BODIES)
def test_the_description_says_so(call: str) -> None:
    found = list(objects(BODIES[call]))
    assert found
    for place, row in found:
        assert row.get("additionalProperties") is False, f"{place or 'the body'} takes any field"


async def test_each_is_refused_by_its_name_and_nothing_is_done() -> None:
    async with world() as w:
        things: Things = await w.org(2001, "acme")
        for call, schema in BODIES.items():
            whole = copy.deepcopy(body_of(call, things) or {}) | MORE.get(call, {})
            auth = BOSS if SCOPES[call].startswith(PLATFORM) or "retention" in str(whole) else None
            for place, _ in objects(schema):
                inner = body = copy.deepcopy(whole)
                for step in filter(None, place.split(".")):
                    assert step in inner, f"{call}: MORE says nothing in {place}"
                    inner = inner[step]
                inner[SLIP] = 1
                method = call.partition(" ")[0]
                headers = headers_of(call) | ({"x-tidings-org": "2001"} if auth else {})
                path = things.path(call)
                told = await w.call(method, path, body, auth or things.auth, headers)
                assert told.status == 400, (call, place, told.body)
                said = told.json["error"]
                wanted = ("unknown_field", f"{place}.{SLIP}".lstrip("."))
                assert (said["code"], said["path"]) == wanted, call
