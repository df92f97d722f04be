"""The fields that a form of filters offers are those that filters reach, by the schemas."""

from typing import Any

import msgspec

from tidings.catalogue import load
from tidings.core.event_path import read_path
from tidings.core.shaping.filters.offered_fields import (
    ABOUT_MAX,
    FIELDS_MAX,
    VALUES_MAX,
    is_personal,
    offer_fields,
)
from tidings.core.webhooks.known_paths import has_path

CATALOGUE = load()
POINTS = next(kind for kind in CATALOGUE.kinds() if kind.name == "pointsIssued")


def with_data(name: str, properties: dict[str, Any], **more: Any) -> Any:
    schema = {"type": "object", "properties": {"data": {"properties": properties}}}
    return msgspec.structs.replace(POINTS, name=name, schema=schema, **more)


def test_every_field_on_offer_is_a_path_that_an_event_of_the_type_has() -> None:
    for kind in CATALOGUE.kinds():
        fields = offer_fields([kind])
        assert {"eventName", "data"} <= fields.keys() and len(fields) <= FIELDS_MAX
        for path, field in fields.items():
            steps = read_path(path)
            assert steps is not None and has_path(kind, steps), (kind.name, path)
            assert field.path == path and "null" not in field.types
            assert len(field.about) <= ABOUT_MAX


def test_a_field_says_its_type_what_it_is_and_what_is_personal() -> None:
    fields = offer_fields([POINTS])
    points = fields["data.totalPointsIssued"]
    assert points.types == ("number",) and points.about
    assert fields["data.promotionalPointsIssued[*].promotionType"].types == ("string",)
    assert fields["data.customerIdentifiers.firstName"].is_personal
    assert not points.is_personal
    assert fields["eventName"].values == ("pointsIssued",)


def test_personal_data_is_known_under_a_block_and_in_every_spelling() -> None:
    assert is_personal([POINTS], "data.triggeringActivity.additionalAttributes.x.y")
    assert is_personal([POINTS], "data.customerIdentifiers.Instore.mobile")
    assert is_personal([POINTS], "data.customerIdentifiers.instore.cardNumbers[*]")
    assert not is_personal([POINTS], "data.totalPointsIssued")


def test_of_several_types_a_field_stands_once_and_those_that_more_have_stand_first() -> None:
    one = with_data("a", {"n": {"type": "integer", "enum": [1]}, "x": {"type": "string"}})
    other = with_data("b", {"n": {"type": ["string", "null"], "enum": [True, "1"]}})
    fields = offer_fields([one, other])
    assert list(fields) == ["data", "data.n", "data.x"]
    assert fields["data.n"].types == ("integer", "string")
    assert fields["data.n"].values == (1, True, "1") and fields["data.n"].found_in == ("a", "b")
    unknown = with_data("c", {"n": {}})
    assert offer_fields([one, unknown])["data.n"].types == (), "it may be anything"


def test_hostile_schemas_are_bounded_and_names_that_no_path_reaches_are_left_out() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        deep = {"properties": {"d": deep}}
    many: dict[str, Any] = {f"f{number}": {"type": "string"} for number in range(1000)}
    odd = {
        "a.b": {},
        "c[0]": {},
        "t": True,
        "e": {"enum": list(range(99)), "description": "x" * 999},
    }
    fields = offer_fields([with_data("a", {"deep": deep, **odd, **many})])
    assert len(fields) == FIELDS_MAX and "data.t" not in fields
    assert not any("a.b" in path or "c[0]" in path for path in fields)
    assert len(fields["data.e"].values) == VALUES_MAX
    assert len(fields["data.e"].about) == ABOUT_MAX
