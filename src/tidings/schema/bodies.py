"""The fields of a resource as JSON Schema: of a body that makes it, that changes it, that patches
it."""

from collections.abc import Iterable, Mapping
from typing import Any

from tidings.core.declaration import Declared, Json

NULL: Json = {"type": "null"}


def new_schema(fields: Iterable[Declared], about: str) -> Json:
    """Of a body that makes one: what must be there, and what the rest is where it is left out."""
    fields = tuple(fields)
    required = [one.name for one in fields if one.required]
    return _object({one.name: _property(one, new=True) for one in fields}, about) | {
        "required": required
    }


def change_schema(fields: Iterable[Declared], about: str) -> Json:
    """Of a body that changes one: nothing must be there, and what is left out stays as it is. So it
    has no defaults: a program that fills them in would undo what others have set."""
    return _object({one.name: _property(one, new=False) for one in fields}, about)


def patch_schema(
    fields: Iterable[Declared], about: str, by_name: Mapping[str, Mapping[str, Any]]
) -> Json:
    """Of a patch: as `change_schema`; `by_name` are those that are set name by name."""
    schema = change_schema(fields, about)
    for name, taken in by_name.items():
        schema["properties"][name] |= or_null(dict(taken))
    return schema


def or_null(schema: Json) -> Json:
    """What may be null besides."""
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], NULL]}
    return {"anyOf": [schema, NULL]}


def _object(properties: Json, about: str) -> Json:
    return {"type": "object", "description": about, "properties": properties}


def _property(one: Declared, *, new: bool) -> Json:
    taken = one.field.kind.taken(new=new)
    schema = taken if one.required else or_null(taken)
    if one.field.about:
        schema = schema | {"description": one.field.about}
    if new and not one.required and (usual := one.usual()) is not None:
        schema = schema | {"default": usual}
    return schema
