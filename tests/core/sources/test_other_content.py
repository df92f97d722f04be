"""Two events of one id: where they differ, and what is no difference."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.sources.other_content import first_difference

EVENT = {
    "eventName": "shop.paid", "eventId": "1001", "orgId": 1, "createdAt": 1, "apiRequestId": "a",
    "refId": "r", "data": {"total": 10.5, "lines": [{"sku": "a"}, {"sku": "b"}], "paid": True},
}  # fmt: skip


def changed(path: str, value: object) -> bytes:
    event = msgspec.json.decode(msgspec.json.encode(EVENT))
    *way, last = path.split(".")
    here = event
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here[step]
    here[int(last) if isinstance(here, list) else last] = value
    return msgspec.json.encode(event)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("eventName", "shop.sent", "eventName"),
        ("refId", "s", "refId"),
        ("more", 1, "more"),
        ("data.total", 10.51, "data.total"),
        ("data.total", "10.5", "data.total"),
        ("data.total", None, "data.total"),
        ("data.paid", 1, "data.paid"),
        ("data.lines", [], "data.lines"),
        ("data.lines.1.sku", "c", "data.lines[1].sku"),
        ("data.lines.1", 5, "data.lines[1]"),
        ("data.new", None, "data.new"),
        ("data", [], "data"),
    ],
)
def test_the_first_field_that_differs_is_named(path: str, value: object, field: str) -> None:
    assert first_difference(msgspec.json.encode(EVENT), changed(path, value)) == field
    assert first_difference(changed(path, value), msgspec.json.encode(EVENT)) == field


@pytest.mark.parametrize(
    "repeated",
    [
        msgspec.json.encode(EVENT),
        changed("createdAt", 999),
        changed("apiRequestId", "b"),
        msgspec.json.encode(EVENT).replace(b"10.5", b"10.50"),
        msgspec.json.encode(EVENT).replace(b"10.5", b"1.05e1"),
        msgspec.json.encode(dict(reversed(EVENT.items()))),
        b" " + msgspec.json.encode(EVENT).replace(b'":', b'" : '),
    ],
)
def test_a_repeat_that_is_written_otherwise_does_not_differ(repeated: bytes) -> None:
    assert first_difference(msgspec.json.encode(EVENT), repeated) is None


def test_numbers_beyond_a_double_are_told_apart() -> None:
    first, other = b'{"data":{"n":0.1000000000000000055511}}', b'{"data":{"n":0.1}}'
    assert first_difference(first, other) == "data.n"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(json_values, json_values)
def test_a_difference_is_found_where_there_is_one(before: object, now: object) -> None:
    first, other = msgspec.json.encode({"data": before}), msgspec.json.encode({"data": now})
    assert (first_difference(first, other) is None) == (first == other or same(before, now))


def same(before: object, now: object) -> bool:
    if isinstance(before, bool) or isinstance(now, bool):
        return before is now
    if isinstance(before, dict) and isinstance(now, dict):
        return before.keys() == now.keys() and all(same(before[k], now[k]) for k in before)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(same, before, now))
    return before == now
