"""The declared fields of a resource on a page: what each is asked by, holds, and says.

Only fields that have a label are asked so; others have a place of their own on the page.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from tidings.core.declaration import DeclaredField
from tidings.core.field_types import BooleanType, Choice
from tidings.core.form import number_of

Widget = Literal["text", "choice", "tick"]


def widget(one: DeclaredField) -> Widget:
    """Choose the widget of a field."""
    kind = one.field.kind
    if isinstance(kind, Choice):
        return "choice"
    return (
        "tick" if isinstance(kind, BooleanType) or kind.shown() == {"type": "boolean"} else "text"
    )


def asked(fields: Iterable[DeclaredField]) -> tuple[DeclaredField, ...]:
    """List the fields that a page asks for by their label."""
    return tuple(field for field in fields if field.field.label)


def choices(one: DeclaredField) -> list[tuple[str, str]]:
    """List the words of a choice, each with its label on a page; empty for other fields."""
    kind = one.field.kind
    if not isinstance(kind, Choice):
        return []
    return list(zip(kind.words, kind.labels or kind.words, strict=True))


def text_of(value: Any) -> str:
    """Return a value as the text that a page holds."""
    if isinstance(value, bool | str) or value is None:
        return str(value or "")
    return f"{value:.12g}"


def is_ticked(value: Any) -> bool:
    """Return whether a flag is set; it may be kept as JSON."""
    return (msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value) is True


def value_of(one: DeclaredField, text: str) -> Any:
    """Return what a body says where a page holds this text; nothing where it is empty."""
    return (text or None) if widget(one) == "choice" else number_in(text)


def number_in(text: str) -> float | int | str | None:
    """Return the number in a text, the text itself if it is none, so that a refusal shows what was
    written, and None if it is empty."""
    if not text:
        return None
    number = number_of(text)
    if number is None:
        return text
    return int(number) if number.is_integer() else number
