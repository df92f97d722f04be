"""Which events have to be handled one after the other: those of one key, as the sender has it.

Most often the customer's id. Points may belong to a group; such an event has no customer, and
`data.entityInformation` says whose it is: a group's number is no customer's.
"""

from __future__ import annotations

import re
from typing import Any

from tidings_consumer.event import Event
from tidings_consumer.events.keys import KEYS

_CUSTOMERS = ("USER", "CUSTOMER")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_WAYS = {
    name: tuple(
        tuple(int(index) if index else step for step, index in _STEP.findall(path))
        for path in paths
    )
    for name, paths in KEYS.items()
}


def ordering_key(event: Event[Any]) -> str | None:
    """Return the ordering key of an event; None if it has none, or the catalogue lacks its type."""
    for way in _WAYS.get(event.name, ()):
        value: Any = event.payload
        try:
            for step in way:
                value = value[step]
        except (LookupError, TypeError):
            continue
        if isinstance(value, dict):
            value = _of_entity(value)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return f"{event.payload.get('orgId', '')}:{value}"
    return None


def _of_entity(entity: dict[str, Any]) -> str | None:
    kind, id = entity.get("entityType"), entity.get("entityId")
    if not isinstance(kind, str) or not isinstance(id, (str, int)):
        return None
    return str(id) if kind.upper() in _CUSTOMERS else f"{kind.upper()} {id}"
