"""What became of one message of a source."""

from collections.abc import Iterator

import msgspec

from tidings.core.events.call_items import RejectedEvent
from tidings.core.ids import derived_event_id
from tidings.core.sources.message import ForeignMessage
from tidings.engine.events.intake import Acceptance, Draft
from tidings.engine.sources.activity import ACCEPTED, DEAD_LETTER, DUPLICATE, PASSED
from tidings.engine.sources.conflicts import IdConflict
from tidings.engine.sources.message_reader import ReadMessage
from tidings.engine.sources.passed_events import PassedVerdict
from tidings.errors import FieldRefusal

PLACE_REUSED = (
    "A message's position must be unique; another message with the same position and other bytes "
    "was accepted already. A topic that was created anew counts from 0 again: then delete the "
    "source and create it again."
)


class IntakeResult(msgspec.Struct, frozen=True):
    """The result for one message: the events accepted and known of it, or why it is set aside."""

    message: ForeignMessage
    accepted: int = 0
    duplicates: int = 0
    passed_over: int = 0
    first: tuple[str, str] = ("", "")  # id and name of its first event
    code: str = ""
    reason: str = ""
    field: str = ""
    alone: str = ""  # the id of the one event of the message, where it conflicts

    @property
    def outcome(self) -> str:
        """Return the outcome in one word."""
        if self.code:
            return DEAD_LETTER
        if self.accepted:
            return ACCEPTED
        return DUPLICATE if self.duplicates else PASSED


def fate_of(
    read: ReadMessage, judged: Iterator[tuple[Acceptance, IdConflict | None]]
) -> IntakeResult:
    """Sum up a message, of whose events some are accepted, and some refused."""
    accepted = duplicates = 0
    alone = ""
    first, why = ("", ""), read.fault
    for index, draft in read.items:
        if isinstance(draft, RejectedEvent):
            why = why or FieldRefusal(draft.code, draft.message, draft.path)
            continue
        if isinstance(draft, PassedVerdict):
            accepted += draft.status == ACCEPTED
            duplicates += draft.status == DUPLICATE
            if draft.status and not first[0]:
                first = draft.event_id, draft.name
            if draft.conflicts and len(read.items) + read.passed_over == 1:
                alone = draft.event_id
            why = why or draft.refusal
            continue
        verdict, conflict = next(judged)
        accepted += verdict.status == ACCEPTED
        duplicates += verdict.status == DUPLICATE and conflict is None
        first = first if first[0] else (draft.event_id, draft.name)
        if conflict is None:
            continue
        alone = draft.event_id if len(read.items) + read.passed_over == 1 else ""
        why = why or conflict_refusal(conflict, draft, read.key, index)
    return IntakeResult(
        message=read.message,
        accepted=accepted,
        duplicates=duplicates,
        passed_over=read.passed_over,
        first=first,
        code="" if why is None else str(why.code),
        reason="" if why is None else why.message,
        field="" if why is None else why.field,
        alone=alone,
    )


def unwritable_refusal() -> FieldRefusal:
    """Say why a message is set aside whose events alone the store does not take."""
    return FieldRefusal.build(
        "not_kept",
        "The events of a message must be writable; these are not, though others are. See the "
        "server log for the cause, and retry the message once it is fixed.",
    )


def conflict_refusal(conflict: IdConflict, draft: Draft, key: str, index: int) -> FieldRefusal:
    """Say why the message of an event is set aside whose id another one has. `key`, `index`: what
    an id is derived from where the message gives none."""
    if draft.event_id == derived_event_id(draft.org, key, index):
        return FieldRefusal.build("place_reused", PLACE_REUSED, place="message")
    return conflict.refusal()
