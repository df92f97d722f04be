"""The fields that a filter can ask about, out of the schemas of event types: what a form offers.

A field that several types have stands once, with all that they say of it. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.schema import types_of
from tidings.core.event_path import read_path

FIELDS_MAX = 400  # what a form offers
LOOKED_MAX = 5_000  # fields of all types, before those of one path are put together
DEPTH_MAX = 12
ABOUT_MAX = 200  # characters of a description
VALUES_MAX = 20  # of an enumeration


class OfferedField(msgspec.Struct, frozen=True):
    """A field by its path. `types`: its JSON types without null, none where nothing is said of
    them; `found_in`: the types of events that have it."""

    path: str
    types: tuple[str, ...] = ()
    about: str = ""
    values: tuple[Any, ...] = ()  # of its enumerations
    is_personal: bool = False
    found_in: tuple[str, ...] = ()


def offer_fields(kinds: Sequence[EventType]) -> dict[str, OfferedField]:
    """Collect the fields of some types by their paths, at most `FIELDS_MAX`; those first that more
    of the types have."""
    found: dict[str, OfferedField] = {}
    looked = 0
    for kind in kinds:
        personal = frozenset(path.replace("[]", "[*]") for path in kind.pii_paths)
        for path, schema in _fields_of(kind.schema, "", 0):
            looked += 1
            if looked > LOOKED_MAX:
                break
            field = _field(path, schema, kind, personal)
            found[path] = field if path not in found else _merged(found[path], field)
    ordered = sorted(found.values(), key=lambda field: -len(field.found_in))
    return {field.path: field for field in ordered[:FIELDS_MAX]}


def is_personal(kinds: Sequence[EventType], path: str) -> bool:
    """Return whether one of the types says that personal data stands at a path, or around it, in
    whichever spelling."""
    paths = frozenset(
        path.replace("[]", "[*]").lower() for kind in kinds for path in kind.pii_paths
    )
    return _is_within(path.lower(), paths)


def _fields_of(schema: Json, path: str, depth: int) -> Iterator[tuple[str, Json]]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or depth >= DEPTH_MAX:
        return
    for name, schema_of_name in properties.items():
        own = f"{path}.{name}" if path else str(name)
        is_reached = len(read_path(str(name)) or ()) == 1 and read_path(own) is not None
        if not isinstance(schema_of_name, dict) or not is_reached or not own.isprintable():
            continue  # an own schema may say true; a name with a dot in it has no path
        yield own, schema_of_name
        inner = schema_of_name
        while isinstance(items := inner.get("items"), dict):
            own, inner = f"{own}[*]", items
            if "properties" not in items:
                yield own, items
        yield from _fields_of(inner, own, depth + 1)


def _field(path: str, schema: Json, kind: EventType, personal: frozenset[str]) -> OfferedField:
    about = schema.get("description")
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    scalars = [value for value in values if isinstance(value, str | int | float)]
    return OfferedField(
        path,
        types=tuple(type_ for type_ in types_of(schema) if type_ != "null"),
        about=_short(about) if isinstance(about, str) else "",
        values=tuple(scalars[:VALUES_MAX]),
        is_personal=bool(schema.get("x-pii")) or _is_within(path, personal),
        found_in=(kind.label,),
    )


def _merged(one: OfferedField, other: OfferedField) -> OfferedField:
    is_known = bool(one.types) and bool(other.types)
    values = dict.fromkeys((value.__class__, value) for value in (*one.values, *other.values))
    return OfferedField(
        one.path,
        types=tuple(dict.fromkeys((*one.types, *other.types))) if is_known else (),
        about=one.about or other.about,
        values=tuple(value for _, value in values)[:VALUES_MAX],
        is_personal=one.is_personal or other.is_personal,
        found_in=(*one.found_in, *other.found_in),
    )


def _is_within(path: str, paths: frozenset[str]) -> bool:
    """Return whether one of the paths is this one, or a block that it is in."""
    while path:
        if path in paths:
            return True
        path = path.removesuffix("[*]") if path.endswith("[*]") else path.rpartition(".")[0]
    return False


def _short(about: str) -> str:
    about = " ".join(about.split())
    return about if len(about) <= ABOUT_MAX else about[: ABOUT_MAX - 1] + "…"
