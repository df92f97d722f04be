"""Selection and renaming: what stays, in which bytes, under which names."""

import json
import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tidings.core.exact_json import read_exactly, value_of, write_exactly
from tidings.core.shaping.shape import ALWAYS, Fields, shape_of

EVENT = (
    b'{"eventName":"pointsIssued","eventId":"e-1","orgId":7,"refId":"7_1","data":{'
    b'"points":"300.000","price":1.10,"big":123456789012345678901234567890,"exp":9.80E+2,'
    b'"customer":{"id":5,"mobile":"91","mail":null},'
    b'"items":[{"sku":"A","price":1.50},{"sku":"B"},"odd"],"tags":["x","y"]}}'
)


def shaped(
    keep: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    rename: dict[str, str] | None = None,
    event: bytes = EVENT,
) -> bytes:
    shape = shape_of(Fields(keep, drop) if keep or drop else None, rename or {})
    assert shape is not None
    return write_exactly(shape.apply(read_exactly(event)))


def data(**more: Any) -> Any:
    return json.loads(shaped(**more))["data"]


def test_what_is_only_read_and_written_keeps_every_number_as_it_was() -> None:
    assert write_exactly(read_exactly(EVENT)) == EVENT


@pytest.mark.parametrize(
    "number",
    ["0", "-1", "1.10", "0.10", "-0.0", "9.80e2", "1E5", "1e-7", "12345678901234567890123456",
     "0.1234567890123456789012345", "300.000", "1e308", "4.9e-324", "100000000000000000000.0"],
)  # fmt: skip
def test_a_number_keeps_its_characters(number: str) -> None:
    raw = b'{"a":[%b]}' % number.encode()
    assert write_exactly(read_exactly(raw)) == raw


def test_a_number_that_is_read_exactly_is_its_characters_and_has_a_value() -> None:
    price = read_exactly(EVENT)["data"]["price"]
    assert bytes(price) == b"1.10" and value_of(price) == 1.1
    assert value_of(read_exactly(b"1e400")) == math.inf


def test_what_is_json_still_is_read_where_a_path_goes_on_into_it() -> None:
    mail = {"at": msgspec.Raw(b'{"mail":"m","n":1.10}'), "list": [msgspec.Raw(b'{"a":1,"b":2}')]}
    cases: list[tuple[Fields, dict[str, str], bytes]] = [
        (Fields(keep=("at.n", "list[*].a")), {}, b'{"at":{"n":1.10},"list":[{"a":1}]}'),
        (Fields(drop=("at.mail", "list[*].b")), {}, b'{"at":{"n":1.10},"list":[{"a":1}]}'),
        (Fields(keep=("at",)), {"at.n": "m"}, b'{"at":{"mail":"m","m":1.10}}'),
        (Fields(keep=("at.n.deeper", "list")), {}, b'{"at":{},"list":[{"a":1,"b":2}]}'),
    ]
    for fields, rename, made in cases:
        shape = shape_of(fields, rename)
        assert shape is not None
        assert write_exactly(shape.apply(mail)) == made


def test_an_added_decimal_is_written_as_a_number() -> None:
    assert write_exactly({"a": Decimal("1.10")}) == b'{"a":1.10}'


def test_keep_leaves_what_is_named_and_the_envelope() -> None:
    assert shaped(keep=("data.price", "data.customer.id", "data.items[*].sku", "data.nope")) == (
        b'{"eventName":"pointsIssued","eventId":"e-1","orgId":7,"data":{"price":1.10,'
        b'"customer":{"id":5},"items":[{"sku":"A"},{"sku":"B"}]}}'
    )


def test_keep_of_a_whole_block_or_list() -> None:
    kept = data(keep=("data.customer", "data.customer.id", "data.tags[*]"))
    assert kept == {"customer": {"id": 5, "mobile": "91", "mail": None}, "tags": ["x", "y"]}


def test_keep_of_what_is_inside_a_scalar_keeps_nothing() -> None:
    assert data(keep=("data.points.deeper", "data.tags.name", "data.price")) == {"price": 1.1}


def test_drop_takes_what_is_named_and_nothing_else() -> None:
    assert shaped(drop=("data.customer.mobile", "data.items[*].price", "data.big", "no.pe")) == (
        b'{"eventName":"pointsIssued","eventId":"e-1","orgId":7,"refId":"7_1","data":{'
        b'"points":"300.000","price":1.10,"exp":9.80E+2,"customer":{"id":5,"mail":null},'
        b'"items":[{"sku":"A"},{"sku":"B"},"odd"],"tags":["x","y"]}}'
    )
    assert data(drop=("data.tags[*]", "data.items"))["tags"] == []
    assert "data" not in json.loads(shaped(drop=("data", "data.price")))


def test_rename_changes_names_where_they_stand() -> None:
    renamed = shaped(
        rename={
            "refId": "reference",
            "data.customer": "who",
            "data.customer.id": "number",
            "data.items[*].sku": "code",
            "data.nope": "x",
        }
    )
    assert renamed == (
        b'{"eventName":"pointsIssued","eventId":"e-1","orgId":7,"reference":"7_1","data":{'
        b'"points":"300.000","price":1.10,"big":123456789012345678901234567890,"exp":9.80E+2,'
        b'"who":{"number":5,"mobile":"91","mail":null},'
        b'"items":[{"code":"A","price":1.50},{"code":"B"},"odd"],"tags":["x","y"]}}'
    )


@pytest.mark.parametrize("event", [{"a": 1, "b": 2}, {"b": 2, "a": 1}])
def test_a_new_name_wins_over_a_field_that_had_it(event: dict[str, int]) -> None:
    raw = json.dumps(event).encode()
    assert json.loads(shaped(rename={"a": "b"}, event=raw)) == {"b": 1}
    assert json.loads(shaped(rename={"a": "b", "b": "a"}, event=raw)) == {"a": 2, "b": 1}


def test_a_field_keeps_its_name_where_nothing_takes_it() -> None:
    assert json.loads(shaped(rename={"a": "b"}, event=b'{"b":2,"c":3}')) == {"b": 2, "c": 3}
    assert json.loads(shaped(rename={"x.a": "b"}, event=b'{"x":{"b":2}}')) == {"x": {"b": 2}}


def test_renaming_comes_after_selection_by_the_first_names() -> None:
    assert data(keep=("data.price",), rename={"data.price": "cost"}) == {"cost": 1.1}


def test_what_is_shaped_is_not_changed() -> None:
    event = read_exactly(EVENT)
    before = read_exactly(EVENT)
    for fields, rename in (
        (Fields(keep=("data.customer.id",)), {"data.customer.id": "n"}),
        (Fields(drop=("data.customer.id", "data.items[*].sku")), {}),
    ):
        shape = shape_of(fields, rename)
        assert shape is not None
        shape.apply(event)
        assert event == before


def test_nothing_asked_is_no_shape() -> None:
    assert shape_of(None, {}) is None


names = st.sampled_from(["a", "b", "data", "eventId", "é"])
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=15,
)
paths = st.lists(
    st.sampled_from(["a", "a.b", "data.a", "data.a[*].b", "data.b[*]", "b[*][*].a", "data"]),
    min_size=1,
    max_size=4,
    unique=True,
)


@settings(max_examples=depth(100, 300), deadline=None)
@given(event=st.dictionaries(names, jsons, max_size=4), wanted=paths)
def test_what_is_kept_and_what_is_dropped_do_not_overlap(
    event: dict[str, Any], wanted: list[str]
) -> None:
    keep, drop = shape_of(Fields(keep=tuple(wanted)), {}), shape_of(Fields(drop=tuple(wanted)), {})
    assert keep is not None and drop is not None
    kept, left = keep.apply(event), drop.apply(event)
    for name in ALWAYS:
        assert (name in kept) is (name in event)
    again = drop.apply(left)
    assert again == left  # nothing of it is left to drop
    assert keep.apply(kept) == kept
    for path in wanted:
        first, _, rest = path.partition(".")
        if not rest and "[" not in path:
            assert first not in left
            assert kept.get(first, None) == event.get(first, None)


@settings(max_examples=depth(100, 300), deadline=None)
@given(event=st.dictionaries(names, jsons, max_size=4), wanted=paths)
def test_renaming_loses_no_value(event: dict[str, Any], wanted: list[str]) -> None:
    rename = {path: f"new{i}" for i, path in enumerate(wanted) if not path.endswith("[*]")}
    shape = shape_of(None, rename)
    if shape is not None:
        assert _values(shape.apply(event)) == _values(event)


def _values(value: Any) -> list[str]:
    if isinstance(value, dict):
        return sorted(text for row in value.values() for text in _values(row))
    if isinstance(value, list):
        return sorted(text for row in value for text in _values(row))
    return [repr(value)]
