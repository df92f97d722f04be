"""An event becomes bytes once, or is refused with what is wrong in it."""

import json
import math
import time
import uuid
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.events.envelope import NAME_MAX as SERVICE_NAME_MAX
from tidings.core.ids import EVENT_ID
from tidings_consumer.events import PointsIssued
from tidings_producer import EventError, Producer, event
from tidings_producer.envelope import EVENT_BYTES_MAX, NAME_MAX, encode, new_id
from tidings_producer.producer import BATCH_BYTES, BATCH_EVENTS

CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE
DEEP: Any = None
for _ in range(100_000):
    DEEP = [DEEP]


def test_a_new_event_is_whole_and_its_id_is_a_uuid_of_version_7() -> None:
    before = time.time_ns() // 1_000_000
    made = event("pointsIssued", {"totalPointsIssued": 5}, org_id=7)
    assert list(made) == ["eventName", "eventId", "createdAt", "data", "orgId"]
    id = uuid.UUID(made["eventId"])
    assert (id.version, id.variant) == (7, uuid.RFC_4122)
    assert before <= int(id) >> 80 <= made["createdAt"] <= time.time_ns() // 1_000_000
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_an_id_is_made_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for moment in (0, -(10**18), 1 << 80):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        assert EVENT_ID.fullmatch(new_id())


def test_what_is_given_stays_and_what_is_missing_is_added() -> None:
    made = encode({"eventName": "a", "eventId": "e-1", "createdAt": 5, "data": {}, "refId": "ü"})
    assert made.event_id == "e-1"
    whole = '{"eventName":"a","eventId":"e-1","createdAt":5,"data":{},"refId":"ü"}'
    assert made.body == whole.encode()
    found = json.loads(encode({"eventName": "a", "data": {}, "eventId": None}).body)
    assert EVENT_ID.fullmatch(found["eventId"]) and found["createdAt"] > 1.6e12


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"eventName": ""}, "event_name", "eventName"),
        ({"eventName": 5}, "event_name", "eventName"),
        ({"eventName": "a" * 129}, "event_name", "eventName"),
        ({"eventId": "a b"}, "event_id", "eventId"),
        ({"eventId": "e\n"}, "event_id", "eventId"),
        ({"orgId": "7"}, "org_id", "orgId"),
        ({"orgId": True}, "org_id", "orgId"),
        ({"createdAt": 5.5}, "bad_time", "createdAt"),
        ({"data": None}, "bad_data", "data"),
        ({"data": [1]}, "bad_data", "data"),
        ({"data": {"a": math.nan}}, "not_json", ""),
        ({"data": {"a": math.inf}}, "not_json", ""),
        ({"data": {math.nan: 1}}, "not_json", ""),
        ({"data": {"a": b"bytes"}}, "not_json", ""),
        ({"data": {"a": Decimal("1.5")}}, "not_json", ""),
        ({"data": {(1, 2): 1}}, "not_json", ""),
        ({"data": {"a": {1}}}, "not_json", ""),
        ({"data": {"a": "\ud800"}}, "not_json", ""),
        ({"data": {"a": 10**5000}}, "not_json", ""),
        ({"data": CIRCLE}, "not_json", ""),
        ({"data": {"a": DEEP}}, "not_json", ""),
        ({"data": {"a": "x" * EVENT_BYTES_MAX}}, "event_too_large", ""),
    ],
)
def test_what_cannot_be_an_event_is_refused(wrong: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(EventError) as refused:
        encode({"eventName": "a", "data": {}} | wrong)
    assert (refused.value.code, refused.value.field) == (code, field)
    text = str(refused.value)
    assert text.endswith(f"({code}, {f'field {field}' if field else 'event'})")
    assert "must" in text and "; got" in text and "object at 0x" not in text


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(EventError, match=r"must be a mapping; got list.* \(not_object, event\)"):
        encode([("eventName", "a")])  # type: ignore[arg-type]


def test_any_mapping_is_an_object() -> None:
    frozen = MappingProxyType({"a": MappingProxyType({"b": 1})})
    assert b'"data":{"a":{"b":1}}' in encode(event("a", frozen)).body


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text("ab"), JSON))
def test_what_is_read_is_what_was_sent(data: dict[str, Any]) -> None:
    assert json.loads(encode(event("a", data)).body)["data"] == data


def test_bounds_are_those_of_the_service() -> None:
    assert EVENT_BYTES_MAX == DEFAULT_LIMITS.event_bytes
    assert NAME_MAX == SERVICE_NAME_MAX
    assert BATCH_EVENTS <= DEFAULT_LIMITS.events
    assert BATCH_BYTES + EVENT_BYTES_MAX + BATCH_EVENTS < DEFAULT_LIMITS.body_bytes


def typed(producer: Producer, issued: PointsIssued) -> None:
    """For the type checker: the models of the catalogue can be sent."""
    producer.send(issued)
    producer.send(event("pointsIssued", issued["data"]))
