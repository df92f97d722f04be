"""What common generators of clients need of the description, beyond its being right.

`tests/openapi/test_generated.py` has openapi-python-client and openapi-typescript make clients of
it. What they trip over is written another way here, of the same meaning.
"""

import json
from typing import Any

from tidings.api.openapi.schema_shorthand import Json

_VALUES = ("example", "examples", "enum", "const")  # data, not schemas
_FIELDS = ("properties", "schemas")  # whose keys are names


def name_body(operation: Json, known: Json) -> None:
    """Put the schema of the operation's body among those that are `known`, by a name that says
    what it is: a class is made of each place where a schema is written out, named by the place."""
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    schema = contents[0]["schema"] if contents else {}
    if "properties" not in schema or any(content["schema"] != schema for content in contents):
        return
    name = schema.get("title") or _name_of_body(operation["operationId"])
    made = _body(schema)
    if known.setdefault(name, made) != made:
        name = _name_of_body(operation["operationId"])
        known[name] = made
    for content in contents:
        content["schema"] = {"$ref": f"#/components/schemas/{name}"}


def _name_of_body(operation_id: str) -> str:
    """NewWebhook of createWebhook, UpdateWebhookBody of updateWebhook."""
    if operation_id.startswith("create"):
        return f"New{operation_id.removeprefix('create')}"
    return f"{operation_id[0].upper()}{operation_id[1:]}Body"


def _body(schema: Json) -> Json:
    """A body's schema so that one class is made of it, with all of its fields. Of `anyOf` beside
    fields several would be, each with what stands in its branch alone."""
    made = _field(schema)
    if either := made.pop("anyOf", None):
        made["allOf"] = [{"anyOf": either}]
    return made


def _field(schema: Json) -> Json:
    """A schema without defaults, which are told in words: openapi-typescript demands a field that
    has one, for it takes a schema with a name for that of an answer."""
    made = dict(schema)
    if "default" in made:
        _tell_default(made)
    if "properties" in made:
        made["properties"] = {
            name: _titled(_field(schema), name) for name, schema in made["properties"].items()
        }
    if "anyOf" in made and "properties" not in made:
        made["anyOf"] = [_field(branch) for branch in made["anyOf"]]
    return made


def _titled(schema: Json, name: str) -> Json:
    """A field whose one object or choice of words is called as the field is, and not by its place
    among what else may come."""
    either = schema.get("anyOf", [])
    classes = [branch for branch in either if _is_class(branch)]
    if len(classes) != 1 or "title" in classes[0]:
        return schema
    title = {"title": f"{name[0].upper()}{name[1:]}"}
    return schema | {
        "anyOf": [branch | title if branch is classes[0] else branch for branch in either]
    }


def _is_class(schema: Json) -> bool:
    return any(word in schema for word in ("properties", "additionalProperties", "enum"))


def readable(node: Any) -> Any:
    """Return a part of the document as generators read it."""
    if isinstance(node, list):
        return [readable(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: child
        if key in _VALUES
        else {name: readable(field) for name, field in child.items()}
        if key in _FIELDS and isinstance(child, dict)
        else readable(child)
        for key, child in _plain(node).items()
    }


def _plain(schema: Json) -> Json:
    plain_schema = dict(schema)
    kinds = plain_schema.get("type")
    if "default" in plain_schema and isinstance(plain_schema["default"], list | dict | None):
        _tell_default(plain_schema)
    if "const" in plain_schema and isinstance(kinds, str):
        plain_schema["enum"] = [
            plain_schema.pop("const")
        ]  # a text of another branch of `allOf` can be narrowed
    if "array" in (kinds, *_several(kinds)) and "prefixItems" not in plain_schema:
        plain_schema.setdefault("items", {})
    if "object" in (kinds, *_several(kinds)) and not _says_its_fields(plain_schema):
        plain_schema["additionalProperties"] = True  # without it a program may give no field at all
    return plain_schema


def _several(kinds: Any) -> list[str]:
    return kinds if isinstance(kinds, list) else []


def _says_its_fields(schema: Json) -> bool:
    words = ("properties", "additionalProperties", "patternProperties")
    return any(word in schema for word in words)


def _tell_default(schema: Json) -> None:
    """Tell it in words. null is none: it is the same as absent, and that a field may be null is in
    its type."""
    if default := schema.pop("default"):
        description = f"{schema.get('description', '')} Usually {json.dumps(default)}."
        schema["description"] = description.strip()
