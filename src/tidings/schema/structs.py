"""JSON Schema of plain structs, whose annotations alone say what a record may hold."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tidings.core.declaration import Json


def struct_schema(structs: Iterable[type[msgspec.Struct]], about: str) -> Json:
    """Build the schema of an object that may have the fields of each struct; none is required."""
    structs = tuple(structs)
    _, known = msgspec.json.schema_components(structs, ref_template="{name}")
    properties: Json = {}
    for struct in structs:
        properties |= _whole(known[struct.__name__], known)["properties"]
    return {"type": "object", "description": about, "properties": properties}


def _whole(node: Any, known: Json) -> Any:
    """Return a schema with those of its parts in it, and without what only msgspec says."""
    if isinstance(node, list):
        return [_whole(child, known) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _whole(known[node["$ref"]], known)
    if node.get("required") == []:
        node = {key: child for key, child in node.items() if key != "required"}
    if "properties" in node:
        fields = {name: _whole(child, known) for name, child in node["properties"].items()}
        node = {key: child for key, child in node.items() if key != "title"} | {
            "properties": fields
        }
        return node
    kept = {key: child for key, child in node.items() if key != "default" or child is not None}
    return {key: _whole(child, known) for key, child in kept.items()}
