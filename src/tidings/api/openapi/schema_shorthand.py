"""A short way to write JSON Schema down: one line for one field.

A text names a type ("text", "whole", "number", "yes", "time", "any"), with `|null` where it may be
null, or a component ("#Delivery"); a list of one stands for a list of that, a dict for an object. A
field whose name ends in `?` may be absent. A set of texts is an enumeration. What is declared needs
no short form: `of_resource`.
"""

from typing import Any

import msgspec

from tidings.core.declaration import declared

Json = dict[str, Any]

_TYPES: dict[str, Json] = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "yes": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "object": {"type": "object"},
    "any": {},
}


class RawSchema(dict[str, Any]):
    """A schema as it is, in the place of a short form."""


def of_resource(resource: type[msgspec.Struct]) -> dict[str, RawSchema]:
    """Return the schemas of a resource's fields as answers show them, by name."""
    return {field.name: RawSchema(field.shown()) for field in declared(resource)}


def schema(short_form: Any) -> Json:
    """Return the schema that a short form stands for. Raise KeyError for a word that is none."""
    if isinstance(short_form, RawSchema):
        return dict(short_form)
    if isinstance(short_form, dict):
        return _object(short_form)
    if isinstance(short_form, list):
        return {"type": "array", "items": schema(short_form[0])}
    if isinstance(short_form, set):
        return {"type": "string", "enum": sorted(short_form)}
    word, _, null = short_form.partition("|")
    if word.startswith("#"):
        reference = {"$ref": f"#/components/schemas/{word[1:]}"}
        return {"anyOf": [reference, {"type": "null"}]} if null else reference
    known = _TYPES[word]
    return known | {"type": [known["type"], "null"]} if null else dict(known)


def _object(fields: dict[str, Any]) -> Json:
    made: Json = {
        "type": "object",
        "properties": {name.removesuffix("?"): schema(field) for name, field in fields.items()},
    }
    required = [name for name in fields if not name.endswith("?")]
    return made | ({"required": required} if required else {})
