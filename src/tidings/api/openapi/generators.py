"""What common generators of clients need of the description, beyond its being right.

`tests/openapi/test_generated.py` has openapi-python-client and openapi-typescript make clients of
it. What they trip over is written another way here, of the same meaning.
"""

import json
from typing import Any

from tidings.api.openapi.words import Json

_VALUES = ("example", "examples", "enum", "const")  # data, not schemas
_FIELDS = ("properties", "schemas")  # whose keys are names


def one_body(operation: Json) -> Json:
    """The schema of a body that is the same in several media types, by the name that it is given.

    A class is made of each place where a schema is written out: two would be of one name.
    """
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    schema = contents[0]["schema"] if len(contents) > 1 else {}
    if not schema or any(one["schema"] != schema for one in contents):
        return {}
    name = operation["operationId"]
    name = f"{name[0].upper()}{name[1:]}Body"
    for content in contents:
        content["schema"] = {"$ref": f"#/components/schemas/{name}"}
    return {name: schema}


def readable(node: Any) -> Any:
    """A part of the document as generators read it."""
    if isinstance(node, list):
        return [readable(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: one
        if key in _VALUES
        else {name: readable(field) for name, field in one.items()}
        if key in _FIELDS and isinstance(one, dict)
        else readable(one)
        for key, one in _plain(node).items()
    }


def _plain(schema: Json) -> Json:
    said = dict(schema)
    kinds = said.get("type")
    if "default" in said:
        _plain_default(said)
    if "const" in said and isinstance(kinds, str):
        said["enum"] = [said.pop("const")]  # a text of another branch of `allOf` can be narrowed
    if "array" in (kinds, *_several(kinds)) and "prefixItems" not in said:
        said.setdefault("items", {})
    if "object" in (kinds, *_several(kinds)) and not _says_its_fields(said):
        said["additionalProperties"] = True  # without it a program may give no field at all
    return said


def _several(kinds: Any) -> list[str]:
    return kinds if isinstance(kinds, list) else []


def _says_its_fields(schema: Json) -> bool:
    words = ("properties", "additionalProperties", "patternProperties")
    return any(word in schema for word in words)


def _plain_default(schema: Json) -> None:
    """Text, a number, true or false stay; a list or an object is told in words. null is none: it
    is the same as absent, and that a field may be null is in its type."""
    default = schema["default"]
    if default is not None and not isinstance(default, list | dict):
        return
    del schema["default"]
    if default:
        said = f"{schema.get('description', '')} Usually {json.dumps(default)}."
        schema["description"] = said.strip()
