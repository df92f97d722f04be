"""A JSON Schema as a tree that can be read: name, kind, whether it must be there, what it says."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

DEPTH_MAX = 8
FIELDS_MAX = 400
VALUES_SHOWN = 8


class SchemaField(msgspec.Struct, frozen=True):
    """One field of a schema, with the fields in it."""

    name: str
    kind: str  # "text", "number or null", "list of objects", …
    required: bool
    said: str  # the schema's description
    values: str  # of an enumeration, the first ones
    pii: str = ""  # the kind of personal data that it is
    found_by: bool = False  # events are found by its value
    fields: tuple["SchemaField", ...] = ()


class SchemaTree(msgspec.Struct, frozen=True):
    """The fields of an object's schema in their order."""

    fields: tuple[SchemaField, ...]
    cut: bool  # there are more than are shown
    nullable: bool  # every optional field may be null; then the kinds do not say so one by one


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}


def schema_tree(schema: dict[str, Any]) -> SchemaTree:
    """Build the tree of a schema, of its first `FIELDS_MAX` fields: a page must stay one that can
    be read."""
    reading = _Reading(all_nullable=_all_nullable(schema))
    fields = tuple(reading.fields(schema, 0))
    return SchemaTree(fields, reading.cut, reading.all_nullable)


def _all_nullable(schema: dict[str, Any]) -> bool:
    """Return whether there are optional fields of a known type, and every one of them may be
    null."""
    kinds = list(_optional_kinds(schema, 0))
    return bool(kinds) and all("null" in kind for kind in kinds)


def _optional_kinds(schema: dict[str, Any], depth: int) -> Iterator[str | list[str]]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or depth >= DEPTH_MAX:
        return
    needed = set(required) if isinstance(required, list) else set()
    for name, field in properties.items():
        if isinstance(field, dict):
            if name not in needed and "type" in field:
                yield field["type"]
            items = field.get("items")
            yield from _optional_kinds(items if isinstance(items, dict) else field, depth + 1)


def describe_types(types: Sequence[str]) -> str:
    """Describe the JSON types of a field: `text or whole number`."""
    return _kind({"type": list(types)} if types else {})


class _Reading:
    def __init__(self, *, all_nullable: bool) -> None:
        self.left = FIELDS_MAX
        self.cut = False
        self.all_nullable = all_nullable

    def fields(self, schema: dict[str, Any], depth: int) -> Iterator[SchemaField]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return
        required = schema.get("required")
        needed = set(required) if isinstance(required, list) else set()
        for name, field in properties.items():
            if not self.left or depth >= DEPTH_MAX:
                self.cut = True
                return
            if isinstance(field, dict):
                self.left -= 1
                yield self._field(str(name), field, name in needed, depth)

    def _field(self, name: str, field: dict[str, Any], required: bool, depth: int) -> SchemaField:
        items = field.get("items")
        items = items if isinstance(items, dict) else None
        marked = field if items is None else field | items
        inner = field if items is None else items
        return SchemaField(
            name=name,
            kind=_kind(_without_null(field) if self.all_nullable and not required else field),
            required=required,
            said=str(field.get("description", "")),
            values=_values(field),
            pii=str(marked.get("x-pii") or ""),
            found_by=bool(marked.get("x-search")),
            fields=tuple(self.fields(inner, depth + 1)),
        )


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    kinds = field.get("type")
    if not isinstance(kinds, list):
        return field
    return {**field, "type": [kind for kind in kinds if kind != "null"]}


def _values(field: dict[str, Any]) -> str:
    values = field.get("enum")
    if not isinstance(values, list):
        return ""
    more = ", …" if len(values) > VALUES_SHOWN else ""
    return ", ".join(str(value) for value in values[:VALUES_SHOWN]) + more


def _kind(field: dict[str, Any]) -> str:
    kinds = field.get("type")
    if kinds is None:
        several = field.get("anyOf") or field.get("oneOf") or ()
        return " or ".join(dict.fromkeys(_kind(schema) for schema in several)) or "any value"
    named = kinds if isinstance(kinds, list) else [kinds]
    words = [_KINDS.get(str(name), str(name)) for name in named]
    items = field.get("items")
    if "list" in words and isinstance(items, dict):
        inner = _kind(items)
        words[words.index("list")] = f"list of {'objects' if inner == 'object' else inner}"
    return " or ".join(words)
