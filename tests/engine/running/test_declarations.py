"""A large declaration of an event type is read beside the event loop, and compiled nowhere here."""

import threading
from typing import Any

import pytest

from tests.api.control_client import service
from tidings.core.events.own_types import read_own_type
from tidings.core.events.own_validator import compile_own
from tidings.core.ids import OrgId

ORG = OrgId(7)
FIELDS = {f"field{number}": {"type": "integer"} for number in range(400)}
SMALL = {"type": "object", "properties": {"a": {"type": "integer"}}}
LARGE = {"type": "object", "properties": FIELDS}
PATTERN = {"type": "object", "properties": {"a": {"type": "string", "pattern": r"\p{L}{20}"}}}


@pytest.mark.parametrize(("schema", "beside"), [(SMALL, False), (LARGE, True), (PATTERN, True)])
async def test_what_takes_long_to_read_is_read_in_a_thread(
    schema: dict[str, Any], beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []
    made: list[dict[str, Any]] = []

    def noted(*given: Any, **named: Any) -> Any:
        threads.append(threading.current_thread() is not threading.main_thread())
        return read_own_type(*given, **named)

    def noted_schema(expanded: Any) -> Any:
        made.append(expanded)
        return compile_own(expanded)

    monkeypatch.setattr("tidings.engine.events.event_types.read_own_type", noted)
    monkeypatch.setattr("tidings.core.events.own_types.compile_own", noted_schema)
    async with service() as s:
        auth = await s.add_org(ORG)
        body = {"description": "An order was packed.", "schema": schema}
        answer = await s.call("PUT", "/v1/eventTypes/orderPacked", body, auth)
        assert answer.status in (200, 201), answer
        wrong = body | {"schema": schema | {"properties": schema["properties"] | {"b": 7}}}
        refused = await s.call("PUT", "/v1/eventTypes/orderShipped", wrong, auth)
        assert refused.status == 400 and "bad_schema" in str(refused.json)
    assert threads == [beside, beside]
    assert made == [], "without an example nothing is compiled"


async def test_an_example_is_checked_as_before() -> None:
    async with service() as s:
        auth = await s.add_org(ORG)
        body = {"description": "An order was packed.", "schema": SMALL, "example": {"a": 1}}
        answer = await s.call("PUT", "/v1/eventTypes/orderPacked", body, auth)
        assert answer.status in (200, 201), answer
        answer = await s.call(
            "PUT", "/v1/eventTypes/orderPacked", body | {"example": {"a": "no"}}, auth
        )
        assert answer.status == 400 and "bad_example" in str(answer.json)
