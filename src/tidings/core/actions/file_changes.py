"""What another file of actions would change, thing by thing and field by field. Pure.

Secrets are compared and never shown.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidings.core.actions.action import (
    Each,
    OperatorSecret,
    PathValue,
    Plain,
    ServiceAccount,
    TemplatedText,
    TokenCall,
)
from tidings.core.actions.file.reading import ActionsFile
from tidings.core.connections.connection import Connection
from tidings.values import describe_value

NOT_SHOWN = "not shown"
SHOWN_MAX = 60
_SECRET = (OperatorSecret, TokenCall, ServiceAccount, Connection)
_SECTIONS = ("types", "connections", "lookups", "actions")


class FileChange(msgspec.Struct, frozen=True):
    """One thing that is other. `before`, `after`: what is said; None where nothing is."""

    place: str  # as actions.welcome.after_s
    before: str | None
    after: str | None


def changes_of(before: ActionsFile, after: ActionsFile) -> list[FileChange]:
    """List what is other in a file, in the order of the sections: what is new or gone as a whole,
    and the fields of what has changed."""
    found: list[FileChange] = []
    if before.org != after.org:
        found.append(FileChange("org", str(before.org), str(after.org)))
    found += _changed("source", before.source, after.source)
    for section in _SECTIONS:
        old: Mapping[str, Any] = getattr(before, section)
        new: Mapping[str, Any] = getattr(after, section)
        for name in dict.fromkeys((*old, *new)):
            found += _changed(f"{section}.{name}", old.get(name), new.get(name))
    return found


def _changed(place: str, before: Any, after: Any) -> list[FileChange]:
    if before is None or after is None:
        if before is after:
            return []
        there = "declared"
        return [
            FileChange(place, None if before is None else there, None if after is None else there)
        ]
    old, new = dict(_leaves(before, place)), dict(_leaves(after, place))
    return [
        FileChange(at, _shown(old.get(at)), _shown(new.get(at)))
        for at in dict.fromkeys((*old, *new))
        if old.get(at) != new.get(at)
    ]


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield all that a value holds, with its place; a secret is hidden."""
    if isinstance(value, _SECRET) or _is_credential(place):
        yield place, _Hidden(value)
    elif isinstance(value, TemplatedText):
        yield place, value.template
    elif isinstance(value, Plain | PathValue):
        yield from _leaves(value.value if isinstance(value, Plain) else value.path, place)
    elif isinstance(value, Each):
        yield from _leaves(value.parts, place)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _leaves(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}" if name else place)
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{at}]")
    elif value is not None:
        yield place, value


def _is_credential(place: str) -> bool:
    return place.endswith((".credential", ".url", ".verification"))


class _Hidden:
    """A value that is compared and not shown."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden) and other._value == self._value

    __hash__ = None  # type: ignore[assignment]


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, _Hidden):
        return NOT_SHOWN
    if isinstance(value, str):
        return value if len(value) <= SHOWN_MAX else f"{value[:SHOWN_MAX]}…"
    if isinstance(value, bool | int | float):
        return f"{value:g}" if isinstance(value, float) else str(value).lower()
    return describe_value(value)
