"""Whatever stands in a field of a body, a call does its work or refuses it; what was taken breaks
no call that reads."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.control_client import basic
from tests.api.v1.full_bodies import MORE
from tests.depth import share
from tests.openapi.calls import body_of, headers_of
from tests.openapi.entries import SCOPES
from tests.openapi.world import Things, World, world
from tidings.api.openapi.document import operations
from tidings.api.route import OPEN, PLATFORM
from tools.api_promise import described

BOSS = basic("boss", "s3cret")
VALUES: list[Any] = [
    *(None, True, 0, -1, 3.5, (1 << 53) - 1, 253_402_300_799_999, 10**30, 1e308),
    *("", "x", " ", "\x00", "\ud800", "\u202ex", "{{ 7 * 7 }}", "x" * 5_000, "9" * 40),
    *("9999-12-31T23:59:59.999-12:00", "0001-01-01T00:00:00+14:00", "https://[::1", "../.."),
    *([], [None], ["x"], [[]], {}, {"": None}, {"x": {"x": {}}}),
]


def _bodies() -> dict[str, dict[str, Any]]:
    """The schemas of JSON bodies, by call."""
    document, found = described(), {}
    for call, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            schema = content["schema"]
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            found[call] = schema
    return found


BODIES = _bodies()


READS = [call for call in SCOPES if call.startswith("GET ") and "stream" not in call]


def _names(schema: dict[str, Any], depth: int = 2) -> Iterator[tuple[str, ...]]:
    """The places of fields, those of objects inside of it too."""
    for row in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        for name, field in row.get("properties", {}).items():
            yield (name,)
            if depth > 1 and isinstance(field, dict):
                yield from ((name, *below) for below in _names(field, depth - 1))


def _put(body: Any, place: tuple[str, ...], value: object) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(body) if isinstance(body, dict) else {}
    at = made
    for name in place[:-1]:
        if not isinstance(at.get(name), dict):
            at[name] = {}
        at = at[name]
    at[place[-1]] = value
    return made


async def _fails(w: World, things: Things, call: str, body: Any) -> str:
    """How a call failed, or nothing."""
    method, path = call.partition(" ")[0], things.path(call)
    platform = SCOPES[call].startswith(PLATFORM)
    auth = None if SCOPES[call] == OPEN else BOSS if platform else things.auth
    w.s.clock.ms += 1_000  # the quota of calls fills up again
    told = await w.call(method, path, body, auth, headers_of(call))
    return "" if told.status < 500 else f"{call} {str(body)[:300]}: {told.status}"


@pytest.mark.parametrize("call", BODIES)
async def test_no_value_of_a_field_makes_a_call_fail_nor_one_that_reads(call: str) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        w.s.parts.delivery.pulls.end_waits()
        good = body_of(call, things)
        good = (good if isinstance(good, dict) else {}) | MORE.get(call, {})
        failed = [await _fails(w, things, call, value) for value in VALUES]
        for at, place in enumerate(dict.fromkeys(_names(BODIES[call]))):
            for value in share(VALUES, at, 6):
                failed.append(await _fails(w, things, call, _put(good, place, value)))
        for other in share(READS, [*BODIES].index(call), 4):
            failed.append(await _fails(w, things, other, None))
        assert not [text for text in failed if text]
