"""A whole number is one however JSON writes it: 17.0 is 17, in every body of the description."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.openapi.calls import headers_of
from tests.openapi.entries import SCOPES
from tests.openapi.record import BOSS, prepared
from tests.openapi.world import Reply, Things, World, world
from tidings.api.openapi.document import operations
from tidings.api.route import OPEN, PLATFORM

Json = dict[str, Any]
Place = tuple[str, ...]
DEPTH = 4  # of objects in objects


def _wholes(document: Json, schema: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """The places of whole numbers in a body, each with its schema."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = schema.get("type", ())
    if place and "integer" in ([kinds] if isinstance(kinds, str) else kinds):
        yield place, schema
    for branch in [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
        yield from _wholes(document, branch, place)
    if len(place) < DEPTH:
        for name, inner in schema.get("properties", {}).items():
            yield from _wholes(document, inner, (*place, name))


def _with(body: Json, place: Place, number: float) -> Json:
    found = inside = copy.deepcopy(body)
    for name in place[:-1]:
        if not isinstance(inside.get(name), dict):
            inside[name] = {}
        inside = inside[name]
    inside[place[-1]] = number
    return found


def _codes(reply: Reply) -> object:
    told = reply.json if reply.body else {}
    faults = told.get("errors") or [told.get("error")]
    return [fault and fault.get("code") for fault in faults]


async def _answers(
    w: World, things: Things, call: str, body: Json, place: Place, number: int
) -> tuple[Reply, Reply]:
    scope, method = SCOPES[call], call.partition(" ")[0]
    auth = None if scope == OPEN else BOSS if scope.startswith(PLATFORM) else things.auth
    path, headers = things.path(call), headers_of(call)
    first = await w.call(method, path, _with(body, place, number), auth, headers)
    return first, await w.call(method, path, _with(body, place, float(number)), auth, headers)


async def test_a_whole_number_with_a_point_is_read_as_the_same_number() -> None:
    tried = 0
    async with world() as w:
        document, things = await w.document(), await w.org(2001, "acme")
        for call, operation in operations(document):
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            if schema is None or call.startswith("DELETE "):
                continue
            body = await prepared(w, things, call)
            for place, whole in {**dict(_wholes(document, schema))}.items():
                least: int = whole.get("minimum", 1)
                first, second = await _answers(w, things, call, body or {}, place, least)
                seen = f"{call} {place}: {least} {first.body!r}, {least}.0 {second.body!r}"
                if first.status < 300:
                    assert second.status < 300 or second.status in (404, 409, 429), seen
                else:
                    assert (second.status, _codes(second)) == (first.status, _codes(first)), seen
                tried += 1
    assert tried > 20
