"""Event types by a function."""

from collections.abc import Callable
from typing import Any

from tidings.catalogue import EventType
from tidings.core.ids import OrgId


class TypesBy:
    """See `EventTypeSource`."""

    def __init__(self, find: Callable[[OrgId, Any], EventType | None]) -> None:
        self._find = find

    def event_type_of(self, org: OrgId, event: dict[str, Any]) -> EventType | None:
        return self._find(org, event)
