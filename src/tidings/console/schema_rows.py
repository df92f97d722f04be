"""A JSON Schema as rows that can be read: path, kind, whether it must be there, what it says."""

from collections.abc import Iterator
from typing import Any

import msgspec

DEPTH_MAX = 8
ROWS_MAX = 400
VALUES_SHOWN = 8


class SchemaRow(msgspec.Struct, frozen=True):
    """One field of a schema."""

    depth: int  # 0 at the top
    name: str
    kind: str  # "text", "number or null", "list of objects", …
    required: bool
    said: str  # the schema's description
    values: str  # of an enumeration, the first ones
    pii: str = ""  # the kind of personal data that it is
    found_by: bool = False  # events are found by its value


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}


def schema_rows(schema: dict[str, Any]) -> list[SchemaRow]:
    """The fields of an object's schema in their order, up to `ROWS_MAX`."""
    rows = []
    for row in _walk(schema, 0):
        rows.append(row)
        if len(rows) >= ROWS_MAX:
            break
    return rows


def _walk(schema: dict[str, Any], depth: int) -> Iterator[SchemaRow]:
    required = schema.get("required")
    needed = set(required) if isinstance(required, list) else set()
    properties = schema.get("properties")
    if depth >= DEPTH_MAX or not isinstance(properties, dict):
        return
    for name, field in properties.items():
        if not isinstance(field, dict):
            continue
        values = field.get("enum")
        shown = ""
        if isinstance(values, list):
            shown = ", ".join(str(one) for one in values[:VALUES_SHOWN])
            shown += ", …" if len(values) > VALUES_SHOWN else ""
        said = str(field.get("description", ""))
        items = field.get("items")
        marked = field | items if isinstance(items, dict) else field
        pii, found_by = str(marked.get("x-pii") or ""), bool(marked.get("x-search"))
        yield SchemaRow(depth, str(name), _kind(field), name in needed, said, shown, pii, found_by)
        yield from _walk(items if isinstance(items, dict) else field, depth + 1)


def _kind(field: dict[str, Any]) -> str:
    kinds = field.get("type")
    if kinds is None:
        several = field.get("anyOf") or field.get("oneOf") or ()
        return " or ".join(dict.fromkeys(_kind(one) for one in several)) or "any value"
    named = kinds if isinstance(kinds, list) else [kinds]
    words = [_KINDS.get(str(one), str(one)) for one in named]
    items = field.get("items")
    if "list" in words and isinstance(items, dict):
        words[words.index("list")] = f"list of {_kind(items)}"
    return " or ".join(words)
