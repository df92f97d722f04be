"""Events that come back: judged as they are accepted, and how many messages of one have come back.

The bounds of hops and doors (`core/events/passage.py`) end every loop; but with ten webhooks on
each of ten sources seven hops make ten million events. So each org has a count of what came back to
it of one event. It is kept in memory, and of the newest alone: what is forgotten is counted from 0,
and the other two bounds stay.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from tidings.core.events.passage import FAMILY_MAX, Doors, Passage, stop_for
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Acceptance, Draft

FAMILIES_MAX = 200  # of an org, the newest
ORGS_MAX = 1000  # that something came back to, the newest

log = structlog.get_logger(__name__)


class Entered(NamedTuple):
    """A draft that has a passage, and its place among those that are accepted with it."""

    place: int
    draft: Draft
    counted: bool  # its message was counted as one that came back


class LoopGuard:
    """Counts what comes back, and stops what has come back too often."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.stopped = 0  # events that were kept and are sent to nobody
        self._orgs: OrderedDict[OrgId, OrderedDict[str, int]] = OrderedDict()
        self._notified: set[OrgId] = set()

    def enter(self, drafts: Sequence[Draft]) -> list[Entered]:
        """Judge drafts that have a passage, each by the door that it comes in by, and mark those
        that are sent to nobody. Returns what `leave` asks for."""
        entered: list[Entered] = []
        judged: dict[tuple[OrgId, int], tuple[Passage, str]] = {}
        for place, draft in enumerate(drafts):
            if draft.passage is None:
                continue
            if draft.stopped:  # it is offered once more
                entered.append(Entered(place, draft, counted=False))
                continue
            counted = False
            key = draft.org, id(draft.passage)  # the events of one message share it
            if key not in judged:
                passage = draft.passage
                if not draft.entered:
                    passage = passage.entered(draft.door or self.doors.of_org(draft.org))
                stop = passage.stop
                if counted := bool(passage.of and not stop):
                    stop = self._count(draft.org, passage.of)
                judged[key] = passage, stop
            draft.passage, stop = judged[key]
            draft.entered = True
            if stop:
                draft.stopped = True
                draft.warning = stop if draft.warning is None else f"{stop} {draft.warning}"
            entered.append(Entered(place, draft, counted))
        return entered

    def leave(
        self, entered: Sequence[Entered], verdicts: Sequence[Acceptance] | None = None
    ) -> None:
        """Hear what became of drafts: one that was known before, or not kept, has not come back.
        None: nothing was kept."""
        for place, draft, counted in entered:
            new = verdicts is not None and verdicts[place].status == "accepted"
            if counted and not new and draft.passage is not None:
                self._uncount(draft.org, draft.passage.of)
            if new and draft.stopped:
                self._tell(draft)

    def _count(self, org: OrgId, family: str) -> str:
        """Count a message; returns why its events are sent to nobody, empty if they may be."""
        families = self._orgs.setdefault(org, OrderedDict())
        self._orgs.move_to_end(org)
        count = families[family] = families.get(family, 0) + 1
        families.move_to_end(family)
        if len(families) > FAMILIES_MAX:
            families.popitem(last=False)
        if len(self._orgs) > ORGS_MAX:
            self._orgs.popitem(last=False)
        if count <= FAMILY_MAX:
            return ""
        return stop_for(
            f"at most {FAMILY_MAX} messages that were made of one event may come "
            "back to an org; this is one more. Look for a webhook or an action whose messages come "
            "back as events."
        )

    def _uncount(self, org: OrgId, family: str) -> None:
        families = self._orgs.get(org)
        if families is not None and (count := families.get(family)):
            families[family] = count - 1

    def _tell(self, draft: Draft) -> None:
        """Count it; the log has a line for each org, once."""
        self.stopped += 1
        if draft.org not in self._notified and len(self._notified) < ORGS_MAX:
            self._notified.add(draft.org)
            log.warning(
                "events of an org come back to it",
                org=draft.org,
                event_id=draft.event_id,
                reason=draft.warning,
            )
