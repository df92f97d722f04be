"""Finds, among events whose id is known with other bytes, those that are other events.

The committer tells bytes apart, and no more. Here the event that is stored is read, and compared by
content: a repeat that was written otherwise is a duplicate, and so is an event that comes back from
where we have sent it. What is left bears the id of another event, and is set aside with both
places.
"""

from collections.abc import Sequence

import msgspec

from tidings.core.events.passage import Doors, stored_door, stored_place
from tidings.core.sources.other_content import ID_CONFLICT, first_difference
from tidings.core.times import iso
from tidings.engine.events.committer import DIFFERS
from tidings.engine.events.intake import Acceptance, Draft
from tidings.errors import FieldRefusal
from tidings.store import port


class IdConflict(msgspec.Struct, frozen=True):
    """An event with the id of another one. `field`: where it differs, empty if nobody can tell."""

    event_id: str
    field: str
    place: str
    first_place: str
    first_at_ms: int | None

    def refusal(self) -> FieldRefusal:
        """Say why its message is set aside."""
        if self.first_at_ms is None:
            before = "an event that is not kept any more"
        else:
            from_where = self.first_place or "a call of the API"
            before = f"the event of {iso(self.first_at_ms)} from {from_where}"
        where = f"{self.field} differs" if self.field else "its content cannot be compared any more"
        return FieldRefusal.build(
            ID_CONFLICT,
            "An eventId must identify one event; this message, from "
            f"{self.place or 'no place of its own'}, has {self.event_id}, which belongs to "
            f"{before}, and {where}. Map mapping.eventId to something that differs between the two "
            "senders, or leave it out, and retry the message.",
            field=self.field or "eventId",
        )


class ConflictFinder:
    """Over the store's events."""

    def __init__(self, store: port.EventStore, doors: Doors) -> None:
        self._store = store
        self._doors = doors

    async def find(
        self, drafts: Sequence[Draft], verdicts: Sequence[Acceptance]
    ) -> list[IdConflict | None]:
        """Return for each draft what its id conflicts with; None for what is accepted or a repeat.
        StoreDown."""
        found: list[IdConflict | None] = []
        for draft, verdict in zip(drafts, verdicts, strict=True):
            differs = verdict.warning == DIFFERS
            found.append(await self._compare(draft) if differs else None)
        return found

    async def _compare(self, draft: Draft) -> IdConflict | None:
        first = await self._store.event(draft.org, draft.event_id)
        if first is None or first.body is None:
            at_ms = None if first is None else first.at_ms
            place = "" if first is None else stored_place(first.passage)
            return IdConflict(draft.event_id, "", draft.place, first_place=place, first_at_ms=at_ms)
        field = first_difference(first.body, draft.body)
        if field is None or self._comes_back(draft, first):
            return None
        place = stored_place(first.passage)
        return IdConflict(
            draft.event_id, field, draft.place, first_place=place, first_at_ms=first.at_ms
        )

    def _comes_back(self, draft: Draft, first: port.StoredEvent) -> bool:
        """Tell whether a message has been through the door by which the event has come in first."""
        if draft.passage is None:
            return False
        passage_text = first.passage
        door = self._doors.of_org(draft.org) if passage_text is None else stored_door(passage_text)
        # The door by which it comes in now stands behind all that it says.
        return bool(door) and door in draft.passage.via[:-1]
