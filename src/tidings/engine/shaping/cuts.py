"""The cuts by which personal data is taken out, prepared for each event type and kept.

They are of all orgs, whose types may be large: what is kept is bounded by all their places, and
those give way that nobody has asked for the longest time.
"""

from collections import OrderedDict
from typing import Any

import msgspec

from tidings.catalogue import EventType, envelope
from tidings.catalogue.versions import VERSION_FIELD
from tidings.core.ids import OrgId
from tidings.core.shaping.personal_cut import PersonalCut
from tidings.engine.shaping.enricher import KindOf

PLACES_MAX = 200_000  # of all cuts that are kept: some 60 MB


class _Named(msgspec.Struct):
    eventName: Any = None  # noqa: N815  # as it is called there
    eventVersion: Any = msgspec.UNSET  # noqa: N815


_named = msgspec.json.Decoder(_Named)


class PersonalCuts:
    """Finds the cut for an event."""

    def __init__(self, kind_of: KindOf) -> None:
        self._kind_of = kind_of
        self._unknown = PersonalCut(envelope())
        # By which object the type is; what was asked for last stands last.
        self._kept: OrderedDict[int, tuple[EventType, PersonalCut]] = OrderedDict()
        self._places = 0

    def of(self, org: OrgId, body: bytes) -> PersonalCut:
        """That for an accepted event: of its type, or of none, where nobody knows its type."""
        said = _named.decode(body)
        event = {"eventName": said.eventName}
        if said.eventVersion is not msgspec.UNSET:
            event[VERSION_FIELD] = said.eventVersion
        kind = self._kind_of(org, event)
        if kind is None:
            return self._unknown
        kept = self._kept.get(id(kind))
        if kept is None or kept[0] is not kind:
            return self._keep(kind)
        self._kept.move_to_end(id(kind))
        return kept[1]

    def _keep(self, kind: EventType) -> PersonalCut:
        cut = PersonalCut(kind.schema)
        if (old := self._kept.pop(id(kind), None)) is not None:
            self._places -= old[1].size
        self._places += cut.size
        while self._kept and self._places > PLACES_MAX:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._places -= oldest.size
        self._kept[id(kind)] = kind, cut
        return cut
