"""Schemas that orgs write: what is taken, what is refused in words, and that nothing is fetched."""

from typing import Any

import pytest

from tests.pace import reference_s
from tidings.core.events import own_schema
from tidings.core.events.own_schema import SchemaRefused, read_schema
from tidings.core.events.own_validator import compile_own

Json = dict[str, Any]


def nested(levels: int) -> Json:
    node: Json = {"type": "string"}
    for _ in range(levels):
        node = {"type": "object", "properties": {"a": node}}
    return node


def doubling(levels: int) -> Json:
    """Each definition names the next one twice: small as text, huge when replaced."""
    definitions: Json = {"d0": {"type": "string"}}
    for level in range(1, levels):
        ref = {"$ref": f"#/$defs/d{level - 1}"}
        definitions[f"d{level}"] = {"properties": {"a": ref, "b": ref}}
    return {"$defs": definitions, "$ref": f"#/$defs/d{levels - 1}"}


def test_local_references_are_replaced() -> None:
    schema: Json = {
        "$defs": {"money": {"type": "number", "description": "An amount."}},
        "type": "object",
        "properties": {
            "total": {"$ref": "#/$defs/money", "description": "All of it.", "x-search": True},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/money"}},
        },
    }
    made = read_schema(schema)
    assert made == {
        "type": "object",
        "properties": {
            "total": {"type": "number", "description": "All of it.", "x-search": True},
            "parts": {"type": "array", "items": {"type": "number", "description": "An amount."}},
        },
    }
    assert "$defs" in schema, "what came is not changed"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "https://example.test/x.json"}, "must be #/$defs/"),
        ({"$ref": "file:///etc/passwd"}, "must be #/$defs/"),
        ({"properties": {"a": {"x-pii": ""}}}, "data.properties.a.x-pii must be what kind of"),
        ({"items": {"x-pii": None}}, "data.items.x-pii must be what kind of"),
        (
            {"$defs": {"p": {"x-pii": 0}}, "items": {"$ref": "#/$defs/p"}},
            "data.items.x-pii must be what kind of",
        ),
        ({"$ref": "#"}, "must be #/$defs/"),
        ({"$ref": "#/$defs/none"}, "must be #/$defs/"),
        ({"properties": {"a": {"$ref": 7}}}, "data.a.$ref must be #/$defs/"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "one through a"),
        (
            {
                "$defs": {
                    "a": {"properties": {"b": {"$ref": "#/$defs/b"}}},
                    "b": {"items": {"$ref": "#/$defs/a"}},
                },
            },
            "one through",
        ),
        ({"$defs": {"a": {}}, "$ref": "#/$defs/a", "maxLength": 3}, "description and marks only"),
        ({"$dynamicRef": "#x"}, 'got "$dynamicRef"'),
        ({"$id": "https://example.test/"}, 'got "$id"'),
        ({"patternProperties": {"(a+)+$": {}}}, 'got "patternProperties"'),
        ({"uniqueItems": True}, 'got "uniqueItems"'),
        ({"unevaluatedProperties": False}, 'got "unevaluatedProperties"'),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "draft/2020-12"),
        ({"type": "record"}, "one or more of array, boolean"),
        ({"type": ["string", 1]}, "one or more of"),
        ({"required": "id"}, "a value that its keyword does not take at required"),
        ({"properties": []}, "data.properties must be an object"),
        ({"properties": {"a": True}}, "data.a must be an object"),
        ({"anyOf": []}, "a list of 1 to 16 schemas"),
        ({"anyOf": [{}] * 17}, "a list of 1 to 16 schemas"),
        ({"enum": list(range(201))}, "at most 200 values"),
        ({"pattern": "a" * 257}, "at most 256 characters"),
        ({"pattern": "a{1,201}"}, "at most 200 repeats"),
        ({"pattern": "(a{200}){200}{200}"}, "small when compiled"),
        ({"pattern": "("}, "must be a regular expression"),
        ({"pattern": r"(?=a)b"}, "without look-around"),
        ({"minimum": "1"}, "keyword does not take at minimum"),
        (nested(20), "at most 20 levels deep"),
        (doubling(15), "at most 20"),
        ({"$defs": [1]}, "$defs must be an object"),
    ],
)
def test_what_could_hurt_is_refused_in_words(schema: Json, said: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        read_schema(schema)
    assert said in refused.value.sentence
    assert refused.value.sentence.endswith(".")


def test_a_doubling_schema_is_refused_soon() -> None:
    def refuse() -> None:
        with pytest.raises(SchemaRefused):
            read_schema(doubling(18))

    assert reference_s(refuse, 0.4e-3) < 0.4e-3


def test_patterns_take_linear_time() -> None:
    validator = compile_own(read_schema({"type": "string", "pattern": "^(a+)+$"}))
    text = "a" * 20_000 + "b"
    assert not validator.is_valid(text)
    assert reference_s(lambda: validator.is_valid(text), 0.1e-3) < 0.1e-3


def test_every_keyword_that_is_taken_can_be_used() -> None:
    schema: Json = {
        "$schema": own_schema.DIALECTS[0],
        "$comment": "x",
        "$defs": {"sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{1,9}$"}},
        "title": "Order",
        "description": "An order.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 50,
        "required": ["id"],
        "additionalProperties": {"type": "string"},
        "properties": {
            "id": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "x-search": True},
            "kind": {"enum": ["a", "b"], "default": "a", "examples": ["b"]},
            "fixed": {"const": 3},
            "half": {"type": "number", "multipleOf": 0.5, "maximum": 9, "exclusiveMinimum": 0},
            "name": {"type": "string", "minLength": 1, "maxLength": 9, "x-pii": "name"},
            "when": {"type": "string", "format": "date-time", "deprecated": True},
            "lines": {
                "type": "array",
                "minItems": 1,
                "maxItems": 9,
                "items": {"anyOf": [{"$ref": "#/$defs/sku"}, {"type": "null"}]},
            },
            "one": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "all": {"allOf": [{"type": "string"}, {"not": {"const": "x"}}]},
        },
    }
    validator = compile_own(read_schema(schema))
    good: Json = {
        "id": 1,
        "kind": "a",
        "fixed": 3,
        "half": 1.5,
        "name": "n",
        "when": "not checked",
        "lines": ["AB-1", None],
        "one": 1,
        "all": "y",
        "more": "z",
    }
    assert validator.is_valid(good)
    bad = {"id": 10, "kind": "c", "fixed": 4, "half": 1.3, "name": "", "lines": ["ab"], "one": []}
    for name, value in {**bad, "all": "x", "more": 1}.items():
        assert not validator.is_valid({**good, name: value}), name
