"""A webhook's `filter` as JSON Schema: the grammar of `core/shaping/filters/compiler.py`."""

from typing import Any

from tidings.core.event_path import PATH_MAX, PATH_PATTERN
from tidings.core.shaping.filters.compiler import LIST_MAX, PATTERN_MAX, TEXT_MAX
from tidings.core.shaping.filters.operator_list import FILTER_OPERATORS, OperandKind

NAME = "Filter"
REFERENCE: dict[str, Any] = {"$ref": f"#/components/schemas/{NAME}"}

_TEXT: dict[str, Any] = {"type": "string", "maxLength": TEXT_MAX}
_NUMBER: dict[str, Any] = {"type": "number"}
_SCALAR: dict[str, Any] = {"anyOf": [_TEXT, _NUMBER, {"type": ["boolean", "null"]}]}
_OPERANDS: dict[OperandKind, dict[str, Any]] = {
    OperandKind.SCALAR: _SCALAR,
    OperandKind.LIST: {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": LIST_MAX},
    OperandKind.BOUND: {"anyOf": [_TEXT, _NUMBER]},
    OperandKind.TEXT: _TEXT | {"minLength": 1},
    OperandKind.PATTERN: {"type": "string", "minLength": 1, "maxLength": PATTERN_MAX},
    OperandKind.FLAG: {"type": "boolean"},
}
_OPERATORS = {name: _OPERANDS[operator.operand] for name, operator in FILTER_OPERATORS.items()}


_SEVERAL: dict[str, Any] = {"type": "array", "items": REFERENCE, "minItems": 1}
_BRANCHES: dict[str, Any] = {"all": _SEVERAL, "any": _SEVERAL, "not": REFERENCE}
# One object whose fields exclude each other, not `anyOf` of five: generators of clients make a
# class of an object that names itself, and nothing of a choice that does.
SCHEMA: dict[str, Any] = {
    "description": "A test of the value at a path, or all, any or not of further nodes.",
    "type": "object",
    "properties": {
        "path": {"type": "string", "pattern": PATH_PATTERN, "maxLength": PATH_MAX},
        **_OPERATORS,
        **_BRANCHES,
    },
    "additionalProperties": False,
    "minProperties": 1,
    "if": {"required": ["path"]},
    "then": {
        "minProperties": 2,
        "propertyNames": {"not": {"enum": list(_BRANCHES)}},
        "if": {"required": ["exists"]},
        "then": {"maxProperties": 2},
    },
    "else": {"maxProperties": 1, "propertyNames": {"enum": list(_BRANCHES)}},
}
