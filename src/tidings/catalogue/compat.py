"""Whether a new schema of an event type keeps what the old one promised, and where it does not.

A schema is a promise to two sides. Receivers count on the declared fields, their types, and that
what is required is there; senders count on being accepted. So only this may change under one
version: a field that is new and not required, and everything that is not a rule (descriptions,
examples, marks). All else is a new version. A field that nobody had declared may have come already
with another type (unknown fields are accepted and kept); that is the price of declaring it at all.
"""

from typing import Any

import msgspec

from tidings.catalogue.event_type import Json
from tidings.catalogue.schema import types_of

# Keywords that are walked. Of others that rule (`enum`, `pattern`, `anyOf` …) any change breaks.
WALKED = frozenset({"type", "required", "properties", "items", "additionalProperties"})
FREE = frozenset(
    {"title", "description", "examples", "default", "deprecated", "$comment", "$schema", "$defs"}
)
CHANGES_MAX = 20


class SchemaChange(msgspec.Struct, frozen=True):
    """One thing that the new schema does not keep."""

    path: str  # dotted, list items end in `[]`, map values in `.*`; empty for the whole
    what: str  # "was a number, is text or null"


def breaking(old: Json, new: Json) -> list[SchemaChange]:
    """List what of `old` the schema `new` does not keep; empty where it only adds. Both without
    $ref."""
    found: list[SchemaChange] = []
    _compare(old, new, "", found)
    return found[:CHANGES_MAX]


def shape(node: Json) -> Json:
    """Cut a schema down to its rules, sorted and without descriptions and marks: what a snapshot
    keeps to be compared with later."""
    out: Json = {}
    for key in sorted(node):
        if key in FREE or key.startswith("x-"):
            continue
        value = node[key]
        if key == "properties":
            value = {name: shape(inner) for name, inner in sorted(value.items())}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            value = shape(value)
        elif key in ("required", "type") and isinstance(value, list | tuple):
            value = sorted(value)
        out[key] = value
    return out


def _compare(old: Json, new: Json, path: str, found: list[SchemaChange]) -> None:
    if len(found) >= CHANGES_MAX:
        return
    before, after = set(types_of(old)), set(types_of(new))
    if before != after:
        found.append(SchemaChange(path, f"was {_types(before)}, is {_types(after)}"))
        return  # what is inside has no counterpart
    _compare_required(old, new, path, found)
    _compare_properties(old, new, path, found)
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        _compare_inner(old.get(key), new.get(key), f"{path}{suffix}".lstrip("."), key, found)
    for key in sorted((old.keys() | new.keys()) - WALKED - FREE):
        if not key.startswith("x-") and old.get(key) != new.get(key):
            found.append(SchemaChange(path, f"{key} {_verb(old, new, key)}"))


def _compare_required(old: Json, new: Json, path: str, found: list[SchemaChange]) -> None:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(after - before):
        found.append(SchemaChange(_join(path, name), "was optional, is required"))
    for name in sorted(before - after):
        found.append(SchemaChange(_join(path, name), "was required, is optional"))


def _compare_properties(old: Json, new: Json, path: str, found: list[SchemaChange]) -> None:
    after: Json = new.get("properties", {})
    for name, inner in old.get("properties", {}).items():
        if name in after:
            _compare(inner, after[name], _join(path, name), found)
        else:
            found.append(SchemaChange(_join(path, name), "was declared, is gone"))


def _compare_inner(old: Any, new: Any, path: str, key: str, found: list[SchemaChange]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _compare(old, new, path, found)
    elif old != new:
        found.append(SchemaChange(path, f"{key} {'was added' if old is None else 'is another'}"))


def _verb(old: Json, new: Json, key: str) -> str:
    if key not in old:
        return "was added"
    return "is gone" if key not in new else "is another"


def _types(names: set[str]) -> str:
    return " or ".join(sorted(names)) or "of any type"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
