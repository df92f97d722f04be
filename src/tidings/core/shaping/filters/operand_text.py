"""What an operator of a filter is given, as one line of text that a form can hold, and back.

Like JSON, but that a text needs no quotes where nobody can take it for anything else: `300` is a
number, `"300"` and `gold` are texts. The parts of a list stand between commas. So a text says by
itself what it means, whatever the schema of its field. Pure.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from tidings.core.shaping.filters.operator_list import FILTER_OPERATORS, OperandKind
from tidings.core.shaping.filters.operators import is_number
from tidings.errors import FieldRefusal, Invalid

TEXT_LENGTH_MAX = 4096  # of a list as one line

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNQUOTED_KINDS = (OperandKind.TEXT, OperandKind.PATTERN)


def read_operand(operator: str, text: str) -> Any:
    """Parse what a form holds for an operator. Raise Invalid where nothing stands there; whether an
    operator takes it is for the compiler to say."""
    text, kind = text.strip(), FILTER_OPERATORS[operator].operand
    if not text:
        raise Invalid(
            FieldRefusal.build(
                "bad_operand",
                f'{operator} must be given a value; got none. Write "" for an empty text.',
                field="filter",
            )
        )
    if kind is OperandKind.LIST:
        return [_read_scalar(part) for part in _parts_of(text)]
    return _read_text(text) if kind in _UNQUOTED_KINDS else _read_scalar(text)


def write_operand(operator: str, operand: Any) -> str | None:
    """Write what an operator is given as a form holds it; None where no line says it exactly."""
    kind = FILTER_OPERATORS[operator].operand
    if kind is OperandKind.LIST:
        if not isinstance(operand, list) or not operand:
            return None
        text = ", ".join(_write_scalar(value, within_list=True) for value in operand)
    elif kind in _UNQUOTED_KINDS:
        text = _write_text(operand) if isinstance(operand, str) else ""
    else:
        text = _write_scalar(operand)
    if not text or len(text) > TEXT_LENGTH_MAX or text != text.strip():
        return None
    return text if _is_same(read_operand(operator, text), operand) else None


def quote(text: str) -> str:
    """Write a text as JSON in which every sign that is not seen is escaped."""
    return escape_unseen(json.dumps(text, ensure_ascii=False), but="")


def escape_unseen(text: str, but: str = "\n") -> str:
    """Escape the signs of JSON that are not seen, `but` for some: they can only stand in texts."""
    return "".join(
        sign if sign.isprintable() or sign in but else json.dumps(sign)[1:-1] for sign in text
    )


def _read_scalar(text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    if isinstance(value, str | bool) or value is None or is_number(value):
        return value
    return text


def _read_text(text: str) -> str:
    if not text.startswith('"'):
        return text
    value = _read_scalar(text)
    return value if isinstance(value, str) else text


def _parts_of(text: str) -> Iterator[str]:
    """Yield what stands between commas; in quotes they are part of a text. What is empty is left
    out: a comma at the end says nothing."""
    at = 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        end = text.find(",", at if quoted is None else quoted.end())
        part = text[at : end if end >= 0 else len(text)].strip()
        if part:
            yield part
        at = end + 1 if end >= 0 else len(text)
        while at < len(text) and text[at].isspace():
            at += 1


def _write_scalar(value: Any, *, within_list: bool = False) -> str:
    if isinstance(value, str):
        reads_as_text = isinstance(_read_scalar(value), str) and _write_text(value) == value
        needs_quotes = not reads_as_text or (within_list and "," in value)
        return quote(value) if needs_quotes else value
    return json.dumps(value)


def _write_text(text: str) -> str:
    is_plain = text == text.strip() and text.isprintable() and text[:1] not in ("", '"')
    return text if is_plain else quote(text)


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal and of one type: 1, 1.0 and true are three."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return one.__class__ is other.__class__ and bool(one == other)
