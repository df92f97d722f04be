"""What a refusal of an own type's event repeats: nothing of what its schema marks as personal."""

import json
from typing import Any

import pytest

from tidings import catalogue
from tidings.catalogue import envelope
from tidings.core.events.own_types import Declaration, OwnType

Json = dict[str, Any]
MARKER = "Jane.Marker@acme"
NAME: Json = {"type": "string", "maxLength": 3, "x-pii": "name"}
NUMBER: Json = {"type": "number", "x-pii": "mobile"}
WRONG: dict[str, tuple[Json, Json]] = {
    "a field": ({"properties": {"n": NAME}}, {"n": MARKER}),
    "a number's text": ({"properties": {"n": NUMBER}}, {"n": MARKER}),
    "a nested field": ({"properties": {"a": {"properties": {"n": NAME}}}}, {"a": {"n": MARKER}}),
    "items": ({"properties": {"l": {"type": "array", "items": NAME}}}, {"l": ["a", MARKER]}),
    "fields of items": (
        {"properties": {"l": {"items": {"properties": {"n": NAME}}}}},
        {"l": [{}, {"n": MARKER}]},
    ),
    "values of a map": (
        {"properties": {"m": {"additionalProperties": NAME}}},
        {"m": {"k": MARKER}},
    ),
    "fields of a map's values": (
        {"properties": {"m": {"additionalProperties": {"properties": {"n": NAME}}}}},
        {"m": {"k": {"n": MARKER}}},
    ),
    "keys of a map of it": (
        {"properties": {"m": {"additionalProperties": NUMBER}}},
        {"m": {MARKER: "x"}},
    ),
    "keys of a marked map": (
        {"properties": {"m": {"x-pii": "name", "additionalProperties": {"type": "number"}}}},
        {"m": {MARKER: "x"}},
    ),
    "values of a marked map": (
        {"properties": {"m": {"x-pii": "name", "additionalProperties": {"type": "number"}}}},
        {"m": {"k": MARKER}},
    ),
    "an undeclared key of a marked block": (
        {"properties": {"b": {"x-pii": "name", "additionalProperties": False}}},
        {"b": {MARKER: 1}},
    ),
    "what is below a mark": (
        {"properties": {"b": {"x-pii": "name", "properties": {"n": {"type": "number"}}}}},
        {"b": {"n": MARKER}},
    ),
    "a text where a block must be": (
        {"properties": {"b": {"type": "object", "properties": {"n": NAME}}}},
        {"b": MARKER},
    ),
    "a text where a list must be": (
        {"properties": {"l": {"type": "array", "items": NAME}}},
        {"l": MARKER},
    ),
    "behind a reference": (
        {"$defs": {"n": NAME}, "properties": {"n": {"$ref": "#/$defs/n"}}},
        {"n": MARKER},
    ),
    "marked beside a reference": (
        {
            "$defs": {"n": {"type": "number"}},
            "properties": {"n": {"$ref": "#/$defs/n", "x-pii": "name"}},
        },
        {"n": MARKER},
    ),
    "in anyOf": ({"properties": {"n": {"anyOf": [NAME, {"type": "null"}]}}}, {"n": MARKER}),
    "in oneOf": ({"properties": {"n": {"oneOf": [NAME, NUMBER]}}}, {"n": MARKER}),
    "in allOf": ({"properties": {"n": {"allOf": [NAME]}}}, {"n": MARKER}),
    "in not": (
        {"properties": {"n": {"not": {"type": "string", "x-pii": "name"}}}},
        {"n": MARKER},
    ),
    "marked in one branch, refused by another": (
        {
            "allOf": [{"properties": {"n": {"x-pii": "name"}}}],
            "properties": {"n": {"maxLength": 3}},
        },
        {"n": MARKER},
    ),
    "declared in one branch, of a marked map in another": (
        {
            "allOf": [{"additionalProperties": {"x-pii": "name"}}],
            "properties": {"n": {"maxLength": 3}},
        },
        {"n": MARKER},
    ),
    "by a pattern": ({"properties": {"n": {"pattern": "^x$", "x-pii": "name"}}}, {"n": MARKER}),
    "by an enum": ({"properties": {"n": {"enum": ["a"], "x-pii": "name"}}}, {"n": MARKER}),
    "by a const": ({"properties": {"n": {"const": "a", "x-pii": "name"}}}, {"n": MARKER}),
    "all of data": ({"x-pii": "name", "properties": {"n": {"type": "number"}}}, {"n": MARKER}),
    "all of data, with a key": (
        {"x-pii": "name", "additionalProperties": False},
        {MARKER: "x"},
    ),
    "in a long list": (
        {"properties": {"l": {"items": NAME}}},
        {"l": ["a"] * 500 + [MARKER]},
    ),
}  # fmt: skip


def own(schema: Json) -> OwnType:
    return OwnType("visited", 1, Declaration("Visited.", schema), envelope())


def event(data: Any) -> Json:
    return {"eventName": "visited", "orgId": 1, "data": data}


@pytest.mark.parametrize("where", WRONG)
def test_a_refusal_says_where_and_repeats_no_personal_data(where: str) -> None:
    schema, data = WRONG[where]
    problems = own(schema).check(event(data))
    assert problems and all(problem.path.startswith("data") for problem in problems)
    assert MARKER[:12] not in repr(problems)


@pytest.mark.parametrize("where", WRONG)
def test_without_the_mark_it_is_repeated(where: str) -> None:
    """So that the cases above show what the mark does."""
    schema, data = WRONG[where]
    plain = json.loads(json.dumps(schema).replace('"x-pii"', '"title"'))
    assert MARKER[:12] in repr(own(plain).check(event(data)))


def test_names_that_the_schema_declares_are_told_below_a_mark() -> None:
    schema = {"x-pii": "name", "properties": {"m": {"properties": {"first": {"type": "number"}}}}}
    (problem,) = own(schema).check(event({"m": {"first": "x"}}))
    assert problem.path == "data.m.first"


def test_a_map_of_personal_values_is_told_without_its_key() -> None:
    schema = {"properties": {"m": {"additionalProperties": NUMBER}}}
    (problem,) = own(schema).check(event({"m": {MARKER: "x"}}))
    assert problem.path == "data.m.*"
    assert problem.message == "data.m.* must be a number; got text."


def test_marked_places_are_listed_whichever_branch_marks_them() -> None:
    schema: Json = {
        "properties": {
            "a": NAME,
            "l": {"items": {"anyOf": [NAME, {"properties": {"n": NAME}}]}},
            "m": {"additionalProperties": {"allOf": [NUMBER]}},
        }
    }
    paths = ("data.a", "data.l[]", "data.l[].n", "data.m.*")
    assert own(schema).kind.pii_paths == paths


def test_a_text_where_the_catalogue_wants_a_block_of_personal_data_is_not_repeated() -> None:
    known, seen = catalogue.load(), 0
    for kind in known.kinds():
        blocks = {path.split(".")[1] for path in kind.pii_paths if path.count(".") > 1}
        for block in blocks:
            sent = json.loads(json.dumps(kind.examples[0]))
            name = block.removesuffix("[]")
            if name not in sent["data"]:
                continue
            sent["data"][name] = MARKER
            problems = known.check(kind.name, sent)
            assert problems and MARKER[:12] not in repr(problems), (kind.name, block)
            seen += 1
    assert seen > 5
