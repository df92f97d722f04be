"""What an incident is: a webhook does badly, from a first failure until its rule of recovery holds.

It has an identity of its own, which outlives pauses, edits and restarts. Pure.
"""

from enum import StrEnum

import msgspec

from tidings.core.ids import OrgId


class IncidentKind(StrEnum):
    """Name the kinds of incidents. Of each a webhook has one open at most."""

    FAILING = "failing"
    DEGRADED = "degraded"
    UNREAD = "unread"
    BACKLOG = "backlog"


class IncidentChange(StrEnum):
    """Name what happens to an incident, as a listener hears of it."""

    OPENED = "opened"
    GREW = "grew"
    CHANGED_CAUSE = "changed cause"
    ENDED = "ended"


class EndReason(StrEnum):
    """Name why an incident has ended."""

    RECOVERED = "recovered"
    DELETED = "deleted"  # the webhook was


class Incident(msgspec.Struct, frozen=True, array_like=True):
    """One incident of a webhook. Times are milliseconds since the epoch."""

    webhook: int
    number: int  # shown as `inc_…`; a later incident of a cell has a greater one
    org: OrgId
    kind: str
    cause: str = ""  # a status or the kind of a fault; empty where nothing is known of it
    opened_ms: int = 0
    since_ms: int = 0  # the first failure, or when the oldest waiting delivery was due
    waiting: int = 0  # deliveries, when it opened or last grew
    step: int = 0  # per cent of the way to being disabled, when it last grew
    grew: int = 0  # how often
    grew_ms: int | None = None
    cause_changes: int = 0
    cause_changed_ms: int | None = None
    previous_cause: str = ""
    acknowledged_ms: int | None = None
    acknowledged_by: str = ""
    note: str = ""
    ended_ms: int | None = None
    end_reason: str = ""
    # What listeners have heard: the opening, so many growths and other causes, and the end.
    notified_opened: bool = False
    notified_grew: int = 0
    notified_causes: int = 0
    notified_ended: bool = False

    @property
    def is_open(self) -> bool:
        """Return whether it has not ended."""
        return self.ended_ms is None
