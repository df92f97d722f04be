"""The fields of a resource as JSON Schema: of a body that makes it, that changes it, that patches
it."""

from collections.abc import Iterable, Mapping
from typing import Any

from tidings.core.declaration import DeclaredField, Json, or_null

CLOSED: Json = {"additionalProperties": False}
"""Of a body that has no other fields."""


def new_schema(fields: Iterable[DeclaredField], about: str) -> Json:
    """Of a body that makes one: what must be there, and what the rest is where it is left out."""
    fields = [field for field in fields if field.is_settable(new=True)]
    required = [field.name for field in fields if field.required]
    schema = _object({field.name: field.taken(new=True) for field in fields}, about)
    return schema | ({"required": required} if required else {})


def change_schema(fields: Iterable[DeclaredField], about: str) -> Json:
    """Of a body that changes one: nothing must be there, and what is left out stays as it is."""
    settable = [field for field in fields if field.is_settable(new=False)]
    return _object({field.name: field.taken(new=False) for field in settable}, about)


def patch_schema(
    fields: Iterable[DeclaredField], about: str, by_name: Mapping[str, Mapping[str, Any]]
) -> Json:
    """Of a patch: as `change_schema`; `by_name` are those that are set name by name."""
    schema = change_schema(fields, about)
    for name, taken in by_name.items():
        schema["properties"][name] |= or_null(dict(taken))
    return schema


def closed(schema: Json) -> Json:
    """The same without room for fields that it does not name, in what is inside of it neither: of a
    body whose misspelt fields are refused."""
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
