"""Events for the tests of the cut: every declared field filled, each value told apart.

What must not leave begins with SECRET, as text or as digits; what must stay begins with OPEN.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from tidings.catalogue import EventType
from tidings.catalogue.schema import types_of

Json = dict[str, Any]
Way = tuple[str | int, ...]

SECRET, OPEN = "sec-", "open-"
SECRET_NUMBER, OPEN_NUMBER = 777_000_000, 555_000_000


def filled(kind: EventType) -> Json:
    """An event of the type in which every declared field has a value of its own."""
    event: Json = _value(kind.schema, count(), hidden=False)
    event["eventName"] = kind.name
    return event


def _value(node: Json, ids: Iterator[int], *, hidden: bool) -> Any:
    hidden = hidden or bool(node.get("x-pii"))
    types = types_of(node)
    if "properties" in node or "additionalProperties" in node or types[:1] == ("object",):
        block = {
            name: _value(inner, ids, hidden=hidden)
            for name, inner in node.get("properties", {}).items()
        }
        rest = node.get("additionalProperties")
        if isinstance(rest, dict):  # nobody has named what stands there
            block[f"{SECRET}name-{next(ids)}"] = _value(rest, ids, hidden=True)
        return block
    if "items" in node:
        return [_value(node["items"], ids, hidden=hidden) for _ in range(2)]
    number = next(ids)
    if not types or "string" in types:
        return f"{SECRET if hidden else OPEN}{number}"
    if "integer" in types or "number" in types:
        return (SECRET_NUMBER if hidden else OPEN_NUMBER) + number
    return "boolean" not in types or hidden


def leaves(value: Any, way: Way = ()) -> Iterator[tuple[Way, Any]]:
    """Every name and every scalar of a value, with the way to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*way, name), name
            yield from leaves(inner, (*way, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, (*way, at))
    else:
        yield way, value


def secrets(value: Any) -> list[Way]:
    """Where a value holds what must not leave."""
    return [way for way, leaf in leaves(value) if is_secret(leaf)]


def is_secret(leaf: Any) -> bool:
    """Whether a name or a scalar must not leave."""
    text = str(leaf)
    return SECRET in text or text.startswith(str(SECRET_NUMBER)[:3])


def opens(value: Any) -> set[str]:
    """The values that must stay."""
    texts = (str(leaf) for _, leaf in leaves(value))
    return {text for text in texts if text.startswith((OPEN, str(OPEN_NUMBER)[:3]))}
