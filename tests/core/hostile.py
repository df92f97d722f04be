"""Schemas and events that are made to hurt whoever checks them, within all bounds."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

Json = dict[str, Any]
EVENT_BYTES = 256 << 10
PATTERNS = (
    r"^[A-Z]{2}-[0-9]{1,9}$", r"(a|b)*a(a|b){100}c", r"^\w{1,50}$", r"(x{200}){50}", r"[^a]{200}",
    r"^(a+)+$", r"(.*a){20}$", r"((a{0,30}){0,30})c", r"\p{L}+", r"(a?){200}b", r"(x+x+)+y",
    r"(\p{L}*)" * 20 + "1", ".*" * 100 + "z", r"^[\p{L} .'-]+$", "(?i)" + "(.*k.*s)" * 10 + "z",
)  # fmt: skip
LEAVES: tuple[Any, ...] = (
    1, 0.1, 1e300, 1e-300, 10**4000, -(10**40), "x", "a" * 3000, "xx" * 4000, "ab" * 2000,
    "é" * 500, [], {}, True, None, [[[1]]], {"a": 1}, {"a": {"a": {"a": 1}}}, [1] * 99, 2.0,
    {"k": -1}, "x" * 200, ["x"] * 50,
)  # fmt: skip


def nested(levels: int, width: int, leaf: Json, keyword: str = "anyOf") -> Json:
    """Alternatives inside alternatives: `width` to the power of `levels` leaves."""
    if levels == 0:
        return leaf
    return {keyword: [nested(levels - 1, width, leaf, keyword) for _ in range(width)]}


def shared(levels: int, keyword: str = "anyOf") -> Json:
    """The same, written in a few lines: each definition names the next one twice."""
    definitions: Json = {"d0": {"type": "string"}}
    for level in range(1, levels):
        ref = {"$ref": f"#/$defs/d{level - 1}"}
        definitions[f"d{level}"] = {keyword: [ref, ref], "items": ref}
    return {
        "$defs": definitions,
        "type": "object",
        "properties": {"v": {"items": {"$ref": f"#/$defs/d{levels - 1}"}}},
    }


def of_items(items: Json) -> Json:
    """The schema of `data` whose list `v` holds such items."""
    return {"type": "object", "properties": {"v": {"type": "array", "items": items}}}


SCHEMAS: dict[str, Json] = {
    "whole numbers": of_items({"type": "integer"}),
    "texts": of_items({"type": "string", "minLength": 2}),
    "alternatives 10 deep": of_items(nested(9, 2, {"type": "null"})),
    "alternatives 16 wide": of_items(nested(2, 16, {"type": "null"})),
    "one of one of": of_items(nested(7, 3, {"type": "null"}, "oneOf")[("oneOf")][0]),
    "all of all of": of_items(nested(2, 16, {"minLength": 3}, "allOf")),
    "not not": of_items({"not": {"not": nested(6, 3, {"type": "null"})}}),
    "shared alternatives": shared(9),
    "shared one of": shared(9, "oneOf"),
    "nested lists": of_items({"items": {"items": {"items": {"type": "integer"}}}}),
    "a thousand fields": of_items(
        {"properties": {f"p{i}": {"type": "integer"} for i in range(900)}}
    ),
    "many required": of_items({"required": [f"p{i}" for i in range(2000)]}),
    "values": of_items({"enum": [f"{'x' * 200}{i}" for i in range(199)]}),
    "numbers": of_items({"enum": list(range(200))}),
    "fractions": of_items({"enum": [i + 0.5 for i in range(200)]}),
    "lists as values": of_items({"enum": [[1] * 99 + [i] for i in range(100)]}),
    "multiples": of_items({"multipleOf": 0.01}),
    "odd multiples": of_items({"multipleOf": 1e-300}),
    "limits": of_items({"allOf": [{"minimum": 0, "maximum": 10**300}] * 16}),
    "a constant number": of_items({"const": 10**300}),
    "one long list of values, named 900 times": {
        "$defs": {"big": {"enum": [f"{'x' * 180}{i}" for i in range(190)]}},
        "properties": {f"p{i}": {"$ref": "#/$defs/big"} for i in range(700)},
    },
    "one long description, named 900 times": {
        "$defs": {"big": {"description": "x" * 30_000}},
        "properties": {f"p{i}": {"$ref": "#/$defs/big"} for i in range(900)},
    },
    "closed": of_items({"additionalProperties": False, "properties": {"q": {}}}),
    "map": {"additionalProperties": {"anyOf": [{"type": "object"}, {"maximum": 3}]}},
    **{f"pattern {pattern}": of_items({"pattern": pattern}) for pattern in PATTERNS},
    "patterns": of_items({"anyOf": [{"pattern": pattern} for pattern in PATTERNS[:3]]}),
}


def _fill(make: Callable[[int], Any], size: int) -> Any:
    """What `make` makes, as large as it gets within `size` bytes."""
    count = max(1, size // (len(msgspec.json.encode(make(8))) // 8 + 1))
    while len(msgspec.json.encode(value := make(count))) > size and count > 1:
        count = count * 9 // 10
    return value


def events(size: int) -> Iterator[Json]:
    """`data` of about so many bytes: long lists and objects of everything that is dear."""
    for leaf in (*LEAVES, list(LEAVES)):
        yield from _many(leaf, size)


def _many(leaf: Any, size: int) -> Iterator[Json]:
    yield {"v": _fill(lambda n: [leaf] * n, size)}
    yield {"v": _fill(lambda n: [{"p0": leaf, "a": leaf}] * n, size)}
    yield _fill(lambda n: {str(i): leaf for i in range(n)}, size)


def random_schema(chance: random.Random, depth: int) -> Json:
    """Any mixture of the keywords that may be used."""
    kind = chance.random()
    if depth == 0 or kind < 0.15:
        count = chance.choice([2, 10, 200])
        kinds: tuple[list[Any], ...] = list(range(count)), [str(i) for i in range(count)]
        mixed = [chance.choice([i, str(i), i + 0.5, [i], {"k": i}]) for i in range(count)]
        return chance.choice(
            [
                {"type": chance.choice(["integer", "string", "number", "object"])},
                {"pattern": chance.choice(PATTERNS)},
                {"enum": chance.choice([*kinds, mixed])},
                {"multipleOf": chance.choice([0.01, 1, 3e-9, 7, 1e-300])},
                {"minimum": 0, "maximum": chance.choice([10, 1e308, 10**30])},
                {"const": chance.choice([1, 1.5, "x", [1] * 100, 10**100])},
                {"minLength": 1, "maxLength": 5},
            ]
        )
    inner = depth - 1
    if kind < 0.5:
        wide = chance.choice([2, 3, 16])
        keyword = chance.choice(["anyOf", "oneOf", "allOf"])
        return {keyword: [random_schema(chance, inner) for _ in range(wide)]}
    if kind < 0.6:
        return {"not": random_schema(chance, inner)}
    if kind < 0.75:
        return {"items": random_schema(chance, inner)}
    if kind < 0.9:
        names = chance.sample("abcdefgh", chance.choice([1, 3, 8]))
        return {"properties": {name: random_schema(chance, inner) for name in names}}
    return {"additionalProperties": random_schema(chance, inner)}
