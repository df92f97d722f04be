"""What the catalogue's tests share: an event that has every declared field, and wrong values."""

import copy
from collections.abc import Iterator
from typing import Any

from tidings.catalogue.schema import types_of

Json = dict[str, Any]
Place = tuple[str | int, ...]
GOOD: dict[str, Any] = {
    "string": "text",
    "integer": 7,
    "number": 7.5,
    "boolean": True,
    "null": None,
}
# One value of every JSON type; what a field does not allow is a wrong value for it.
SAMPLES: list[tuple[str, Any]] = [
    ("string", "12"),
    ("integer", 12),
    ("number", 12.5),
    ("boolean", True),
    ("null", None),
    ("object", {"some": "thing"}),  # an empty one is taken for an empty list
    ("array", []),
]


def full(node: Json) -> Any:
    """A value with every declared field, one item in each list and one entry in each map."""
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][0]
    kinds = types_of(node)
    if not kinds:
        return "anything"
    if kinds[0] == "object":
        value = {name: full(inner) for name, inner in node.get("properties", {}).items()}
        if "additionalProperties" in node:
            value["someKey"] = full(node["additionalProperties"])
        return value
    if kinds[0] == "array":
        return [full(node["items"])] if "items" in node else []
    return GOOD[kinds[0]]


def places(node: Json, at: Place = ()) -> Iterator[tuple[Place, Json]]:
    """Every declared schema below `node`, with the place of its value in `full(node)`."""
    yield at, node
    for name, inner in node.get("properties", {}).items():
        yield from places(inner, (*at, name))
    if "items" in node:
        yield from places(node["items"], (*at, 0))
    if "additionalProperties" in node:
        yield from places(node["additionalProperties"], (*at, "someKey"))


def dotted(place: Place) -> str:
    """The place as `Problem.path` writes it."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in place).lstrip(".")


def put(event: Json, place: Place, value: Any) -> Json:
    """A copy of `event` with `value` at `place`; only the way there is copied."""
    out: Any = copy.copy(event)
    inner = out
    for step in place[:-1]:
        inner[step] = copy.copy(inner[step])
        inner = inner[step]
    inner[place[-1]] = value
    return out  # type: ignore[no-any-return]  # it is what came in, a dict


def with_empty_lists(value: Any, node: Json) -> Any:
    """Return a copy of `value` in which empty maps are lists where `node` declares lists."""
    if value == {} and isinstance(value, dict) and "array" in types_of(node):
        return []
    if isinstance(value, dict):
        declared, rest = node.get("properties", {}), node.get("additionalProperties", {})
        return {
            name: with_empty_lists(inner, declared.get(name, rest)) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [with_empty_lists(row, node.get("items", {})) for row in value]
    return value


def wrong_for(node: Json) -> list[Any]:
    """Values that `node` refuses."""
    allowed = set(types_of(node))
    if "number" in allowed:
        allowed.add("integer")
    return [value for kind, value in SAMPLES if kind not in allowed]
