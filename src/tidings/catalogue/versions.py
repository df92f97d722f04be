"""Versions of an event type: how an event says of which one it is, and what may be one.

One rule for the catalogue's types and for those that an org declares itself
(`core/events/own_types.py`): what only adds stays in its version; what breaks is the next one,
beside the old one, and webhooks opt into it. An event that says nothing is of version 1, so that a
new version changes nothing for senders and receivers that are not touched.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol, TypeVar

from tidings.catalogue.event_type import EventType, Json, SchemaViolation
from tidings.values import IN_DATA, describe_value

VERSION_FIELD = "eventVersion"
FIRST = 1
_VERSION_ABOUT = "Version of the event type; 1 where it is absent."

Value = TypeVar("Value")


class ReadyVersion(Protocol):
    """One version of an event type, ready for its events. Nothing raises, whatever comes."""

    @property
    def kind(self) -> EventType: ...

    def check(self, event: Json, /) -> list[SchemaViolation]:
        """List what is wrong with a whole decoded event; empty means nothing. At most ten."""

    def key_of(self, event: Json, /) -> str | None:
        """Return the ordering key of the event as text, or None if the event holds none."""

    def search_values(self, event: Json, /) -> list[str]:
        """Return the distinct texts that the event is found by, at most 256."""


def version_field(version: int | None = None) -> Json:
    """Return the schema of the envelope's version field; with `version` it accepts that one
    alone."""
    node: Json = {"type": "integer", "description": _VERSION_ABOUT}
    return node if version is None else node | {"const": version}


def version_of(event: Json, known: Collection[int]) -> int | SchemaViolation:
    """Return the version that an event says it is of, 1 where it says nothing; a `SchemaViolation`
    if that is none of `known`."""
    value = event.get(VERSION_FIELD, FIRST)
    if value.__class__ is int and value in known:
        return int(value)
    listed = ", ".join(str(version) for version in sorted(known))
    expected = f"a version of the event type ({listed})"
    got = describe_value(value, IN_DATA)
    message = f"{VERSION_FIELD} must be {expected}; got {got}."
    return SchemaViolation(VERSION_FIELD, expected, got, message=message)


def pick(versions: Mapping[int, Value], event: Mapping[str, Any]) -> Value:
    """Return the version of an accepted event; the newest where its version is not there any
    more."""
    version = event.get(VERSION_FIELD, FIRST)
    found = versions.get(version) if version.__class__ is int else None
    return versions[max(versions)] if found is None else found
