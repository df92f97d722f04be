"""The fields of a resource as JSON Schema: of a body that makes it, that changes it, that patches
it."""

from collections.abc import Iterable, Mapping
from typing import Any

from tidings.core.declaration import DeclaredField, Json, or_null

CLOSED: Json = {"additionalProperties": False}
"""Of a body that has no other fields."""


def new_schema(fields: Iterable[DeclaredField], about: str) -> Json:
    """Build the schema of a body that creates a resource: its required fields, and the defaults of
    the others."""
    fields = [field for field in fields if field.is_settable(new=True)]
    required = [field.name for field in fields if field.required]
    schema = _object({field.name: field.taken(new=True) for field in fields}, about)
    return schema | ({"required": required} if required else {})


def change_schema(fields: Iterable[DeclaredField], about: str) -> Json:
    """Build the schema of a body that changes a resource: nothing is required, and what is left out
    stays as it is."""
    settable = [field for field in fields if field.is_settable(new=False)]
    return _object({field.name: field.taken(new=False) for field in settable}, about)


def patch_schema(
    fields: Iterable[DeclaredField], about: str, by_name: Mapping[str, Mapping[str, Any]]
) -> Json:
    """Build the schema of a patch, as `change_schema` does; the fields `by_name` are set name by
    name."""
    schema = change_schema(fields, about)
    for name, taken in by_name.items():
        schema["properties"][name] |= or_null(dict(taken))
    return schema


def closed(schema: Json) -> Json:
    """Return the schema without room for fields that it does not name, at any depth: for a body
    whose misspelt fields are refused."""
    made: Json = _closed(schema)
    return made


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(child) for child in schema]
    if not isinstance(schema, dict):
        return schema
    given = ("default", "example")
    made = {name: _closed(child) for name, child in schema.items() if name not in given}
    more = {name: schema[name] for name in ("default", "example") if name in schema}
    if "properties" in made and made.get("type") == "object":
        more |= {} if "additionalProperties" in made else CLOSED
    return made | more


def _object(properties: Json, about: str) -> Json:
    return {"type": "object", "description": about, "properties": properties}
