"""What an event is ordered by: the value at its type's key path, else its owner.

Points may belong to a group. Such an event has no customer: `data.entityInformation` says whose it
is. A group's number is no customer's, so its key begins with the kind of entity; the key of an
entity that is a customer is that customer's.
"""

from collections.abc import Callable
from typing import Any

from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.paths import getter, text_of, value_getter

CUSTOMERS = frozenset({"USER", "CUSTOMER"})  # kinds of entities whose id is a customer's
TYPE_MAX = 64  # characters


def key_getter(kind: EventType) -> Callable[[Json], str | None]:
    """Return a function that gives the ordering key of an event as text; None where it holds
    none."""
    first = getter(kind.key)
    if not kind.key_else:
        return first
    others = tuple(
        _entity_key(path) if path == kind.owner else getter(path) for path in kind.key_else
    )

    def get(event: Json) -> str | None:
        key = first(event)
        if key is None:
            for other in others:
                if (key := other(event)) is not None:
                    break
        return key

    return get


def group_getter(path: str) -> Callable[[Json], bool]:
    """Return a function that tells whether the entity there is a group: no customer owns the
    event."""
    value = value_getter(path)

    def get(event: Json) -> bool:
        type_ = _type(value(event))
        return type_ is not None and type_ not in CUSTOMERS

    return get


def _entity_key(path: str) -> Callable[[Json], str | None]:
    value = value_getter(path)

    def get(event: Json) -> str | None:
        entity = value(event)
        if (type_ := _type(entity)) is None or (id := text_of(entity.get("entityId"))) is None:
            return None
        return id if type_ in CUSTOMERS else f"{type_} {id}"

    return get


def _type(entity: Any) -> str | None:
    entity_type = entity.get("entityType") if type(entity) is dict else None
    return (
        entity_type.upper()
        if type(entity_type) is str and 0 < len(entity_type) <= TYPE_MAX
        else None
    )
