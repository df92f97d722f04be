"""The operators of filters: what each is given, which values it suits, and how it is said.

Declared once: the compiler, the schema of the API, sentences and the console's form follow. Pure.
"""

from enum import StrEnum

import msgspec


class OperandKind(StrEnum):
    """The kinds of values that operators are given."""

    SCALAR = "scalar"  # a text, a number, true, false or null
    LIST = "list"  # of such values
    BOUND = "bound"  # a number or a text
    TEXT = "text"
    PATTERN = "pattern"
    FLAG = "flag"  # true or false


ANY_TYPE = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})
_ORDERED = frozenset({"string", "number", "integer"})
_TEXTS = frozenset({"string"})


class FilterOperator(msgspec.Struct, frozen=True):
    """An operator. `suits`: the JSON types of a field, of which one must fit."""

    name: str
    operand: OperandKind
    suits: frozenset[str]
    holds: str  # of a value that passes: "is at least"
    fails: str  # of one that does not: "is not at least"
    must: str  # behind "must": "be at least"


_DECLARED = (
    ("eq", OperandKind.SCALAR, _SCALARS, "is", "is not", "be"),
    ("in", OperandKind.LIST, _SCALARS - {"boolean"}, "is one of", "is none of", "be one of"),
    ("gt", OperandKind.BOUND, _ORDERED, "is above", "is not above", "be above"),
    ("gte", OperandKind.BOUND, _ORDERED, "is at least", "is not at least", "be at least"),
    ("lt", OperandKind.BOUND, _ORDERED, "is below", "is not below", "be below"),
    ("lte", OperandKind.BOUND, _ORDERED, "is at most", "is not at most", "be at most"),
    ("prefix", OperandKind.TEXT, _TEXTS, "begins with", "does not begin with", "begin with"),
    ("suffix", OperandKind.TEXT, _TEXTS, "ends with", "does not end with", "end with"),
    ("contains", OperandKind.TEXT, _TEXTS, "contains", "does not contain", "contain"),
    ("matches", OperandKind.PATTERN, _TEXTS, "matches", "does not match", "match"),
    ("exists", OperandKind.FLAG, ANY_TYPE, "is there", "is not there", "be there:"),
)
FILTER_OPERATORS = {
    name: FilterOperator(name, operand, suits, holds=holds, fails=fails, must=must)
    for name, operand, suits, holds, fails, must in _DECLARED
}
OPERATORS = tuple(FILTER_OPERATORS)


def _taking(kind: OperandKind) -> tuple[str, ...]:
    return tuple(name for name, operator in FILTER_OPERATORS.items() if operator.operand is kind)


COMPARISONS = _taking(OperandKind.BOUND)
TEXTUAL = _taking(OperandKind.TEXT)
