"""What a new schema may change under one version: a table of changes, each with its path."""

import copy
from typing import Any

import pytest

from tidings.catalogue.compat import CHANGES_MAX, SchemaChange, breaking, shape

OLD: dict[str, Any] = {
    "type": "object",
    "description": "An order.",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer", "description": "Its number."},
        "note": {"type": ["string", "null"], "x-pii": "text"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {"sku": {"type": "string", "maxLength": 20}},
            },
        },
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": {},
    },
}


def changed(**at: Any) -> dict[str, Any]:
    """OLD with values put at `a__b` paths; None removes."""
    new = copy.deepcopy(OLD)
    for path, value in at.items():
        *way, last = path.replace("ref_", "$").split("__")
        node = new
        for step in way:
            node = node[step]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return new


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed(properties__fresh={"type": "string"}),
        changed(properties__fresh={"type": "object", "required": ["x"], "properties": {"x": {}}}),
        changed(description="Another text.", properties__id__examples=[7]),
        changed(properties__note__type=["null", "string"]),
        changed(properties__id={"type": ["integer"], "x-search": True, "default": 1}),
    ],
)
def test_what_only_adds_is_no_break(new: dict[str, Any]) -> None:
    assert breaking(OLD, new) == []


@pytest.mark.parametrize(
    ("new", "path", "what"),
    [
        (changed(properties__note=None), "note", "was declared, is gone"),
        (
            changed(properties__id__type="number"),
            "id",
            "was integer, is number",
        ),
        (changed(properties__note__type="string"), "note", "was null or string, is string"),
        (changed(properties__any={"type": "string"}), "any", "was of any type, is string"),
        (changed(required=["id", "note"]), "note", "was optional, is required"),
        (changed(required=[]), "id", "was required, is optional"),
        (
            changed(properties__lines__items__required=["sku", "price"]),
            "lines[].price",
            "was optional, is required",
        ),
        (
            changed(properties__lines__items__properties__sku={"type": "string"}),
            "lines[].sku",
            "maxLength is gone",
        ),
        (changed(properties__id__minimum=1), "id", "minimum was added"),
        (changed(properties__id__enum=[1, 2]), "id", "enum was added"),
        (changed(properties__lines__items=None), "lines[]", "items is another"),
        (
            changed(properties__tags__additionalProperties={"type": "integer"}),
            "tags.*",
            "was string, is integer",
        ),
        (changed(additionalProperties=False), ".*", "additionalProperties was added"),
        (changed(type="array"), "", "was object, is array"),
    ],
)
def test_a_break_is_named_by_its_path(new: dict[str, Any], path: str, what: str) -> None:
    assert breaking(OLD, new) == [SchemaChange(path.lstrip("."), what)] or breaking(OLD, new) == [
        SchemaChange(path, what)
    ]


def test_no_more_changes_than_can_be_read() -> None:
    old = {"properties": {f"f{n}": {"type": "string"} for n in range(100)}}
    assert len(breaking(old, {"properties": {}})) == CHANGES_MAX


def test_a_shape_holds_rules_alone_and_compares_like_the_schema() -> None:
    assert shape(OLD)["properties"]["note"] == {"type": ["null", "string"]}
    assert "description" not in shape(OLD)
    assert breaking(shape(OLD), OLD) == [] == breaking(OLD, shape(OLD))
    assert shape(shape(OLD)) == shape(OLD)
