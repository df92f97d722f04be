"""The cuts by which personal data is taken out, prepared for each event type and kept.

They are of all orgs, whose types may be large: what is kept is bounded by all their places. Of the
org with most of them those give way that nobody has asked for the longest time.
"""

from typing import Any

import msgspec

from tidings.catalogue import EventType, envelope
from tidings.catalogue.versions import VERSION_FIELD
from tidings.core.events.own_types import FAMILY
from tidings.core.ids import OrgId
from tidings.core.shaping.personal_cut import PersonalCut
from tidings.core.shares.table import SharedTable
from tidings.engine.events.event_types import EventTypeSource

PLACES_MAX = 200_000  # of all cuts that are kept: some 60 MB
CATALOGUE = OrgId(0)  # whose types are everybody's


class _NameAndVersion(msgspec.Struct):
    eventName: Any = None  # noqa: N815  # as it is called there
    eventVersion: Any = msgspec.UNSET  # noqa: N815


_named = msgspec.json.Decoder(_NameAndVersion)


class PersonalCuts:
    """Finds the cut for an event."""

    def __init__(self, types: EventTypeSource) -> None:
        self._types = types
        self._unknown = PersonalCut(envelope())
        # By which object the type is; what was asked for last stands last.
        self._kept = SharedTable[OrgId, int, tuple[EventType, PersonalCut]](PLACES_MAX)

    def of(self, org: OrgId, body: bytes) -> PersonalCut:
        """Return the cut for an accepted event: of its type, or of none, where nobody knows its
        type."""
        named = _named.decode(body)
        event = {"eventName": named.eventName}
        if named.eventVersion is not msgspec.UNSET:
            event[VERSION_FIELD] = named.eventVersion
        kind = self._types.event_type_of(org, event)
        if kind is None:
            return self._unknown
        kept = self._kept.get(id(kind))
        if kept is None or kept[0] is not kind:
            return self._keep(org, kind)
        self._kept.touch(id(kind))
        return kept[1]

    def _keep(self, org: OrgId, kind: EventType) -> PersonalCut:
        cut = PersonalCut(kind.schema)
        owner = org if kind.family == FAMILY else CATALOGUE
        self._kept.put(owner, id(kind), (kind, cut), min(cut.size, PLACES_MAX))
        return cut
