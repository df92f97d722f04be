"""A webhook's `filter` as JSON Schema: the grammar that `core/shaping/filter.py` compiles."""

from typing import Any

from tidings.core.event_path import PATH_MAX, PATH_PATTERN
from tidings.core.shaping.filter import COMPARISONS, LIST_MAX, PATTERN_MAX, TEXT_MAX, TEXTUAL

NAME = "Filter"
REFERENCE: dict[str, Any] = {"$ref": f"#/components/schemas/{NAME}"}

_TEXT: dict[str, Any] = {"type": "string", "maxLength": TEXT_MAX}
_NUMBER: dict[str, Any] = {"type": "number"}
_SCALAR: dict[str, Any] = {"anyOf": [_TEXT, _NUMBER, {"type": ["boolean", "null"]}]}
_OPERATORS: dict[str, Any] = {
    "eq": _SCALAR,
    "in": {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": LIST_MAX},
    **{name: _TEXT | {"minLength": 1} for name in TEXTUAL},
    **{name: {"anyOf": [_TEXT, _NUMBER]} for name in COMPARISONS},
    "matches": {"type": "string", "minLength": 1, "maxLength": PATTERN_MAX},
}


def _node(fields: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": [next(iter(fields))],
        "minProperties": least,
        "additionalProperties": False,
    }


_PLACE = {"path": {"type": "string", "pattern": PATH_PATTERN, "maxLength": PATH_MAX}}
_SEVERAL = {"type": "array", "items": REFERENCE, "minItems": 1}
SCHEMA: dict[str, Any] = {
    "description": "A test of the value at a path, or all, any or not of further nodes.",
    "anyOf": [
        _node(_PLACE | _OPERATORS, 2),
        _node(_PLACE | {"exists": {"type": "boolean"}}, 2),
        _node({"all": _SEVERAL}),
        _node({"any": _SEVERAL}),
        _node({"not": REFERENCE}),
    ],
}
