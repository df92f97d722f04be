"""The timeline of a webhook's trouble: from what is known of it to rows in their order. Pure.

What is known comes from several places, each with its own times: how its receiver does, what the
process has seen, what somebody has changed. A time that is not known has no row, and one that lies
ahead, by a clock that was set back, has none either.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tidings.core.delivery.receivers.health import does

ROWS_MAX = 50
BACK_MS = 86_400_000  # so long before the first failure is looked at what may have caused it


class TimelineKind(StrEnum):
    """The kinds of rows, in the order in which those of one moment stand."""

    FIRST_FAILURE = "firstFailure"
    LEFT_ALONE = "leftAlone"
    CHANGED_CAUSE = "changedCause"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    CHANGED = "changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    RECOVERED = "recovered"


class WebhookChange(msgspec.Struct, frozen=True):
    """A change of the webhook by somebody, as the audit log has it."""

    at_ms: int
    text: str  # in words, behind who did it: "changed the webhook"
    by: str
    status: str = ""  # what it was set to, where that was changed
    entry: int = 0  # its number in the log


class TroubleFacts(msgspec.Struct, frozen=True):
    """All that is known of a webhook's trouble. None: it has not happened, or nobody knows when."""

    first_failure_ms: int | None = None
    cause: str = ""  # of the last failure: a status, or a kind of fault
    cause_changes: int = 0  # how often it has changed, the last time at `cause_changed_ms`
    cause_changed_ms: int | None = None
    changed_cause: str = ""  # the one that it has changed to
    previous_cause: str = ""  # the one before that
    left_alone_ms: int | None = None  # its breaker opened
    notified_ms: int | None = None  # its owner was told that it fails
    disabled_ms: int | None = None  # where no change says so
    recovered_ms: int | None = None
    acknowledged_ms: int | None = None
    acknowledged_by: str = ""
    note: str = ""  # of the acknowledgement
    changes: Sequence[WebhookChange] = ()


class TimelineRow(msgspec.Struct, frozen=True):
    """One row."""

    at_ms: int
    kind: TimelineKind
    text: str  # a sentence without its point
    by: str = ""  # who did it, where somebody has
    entry: int = 0  # of the audit log


def build_timeline(
    facts: TroubleFacts, now_ms: int, rows_max: int = ROWS_MAX
) -> Sequence[TimelineRow]:
    """List what has happened, the oldest first; of too much, how it began and the newest."""
    first = _first_cause(facts)
    cause = f": the receiver {does(first)}" if first else ""
    other = f"The cause changed: the receiver {does(facts.changed_cause)}"
    dated = (
        (facts.first_failure_ms, TimelineKind.FIRST_FAILURE, f"The first attempt failed{cause}"),
        (facts.left_alone_ms, TimelineKind.LEFT_ALONE, "The breaker opened: only probes are sent"),
        (facts.cause_changed_ms, TimelineKind.CHANGED_CAUSE, other),
        (facts.notified_ms, TimelineKind.NOTIFIED, "Its owner was notified"),
        (facts.disabled_ms, TimelineKind.DISABLED, "The webhook was disabled"),
        (facts.recovered_ms, TimelineKind.RECOVERED, "An attempt succeeded; the breaker closed"),
    )
    rows = [TimelineRow(at_ms, kind, text) for at_ms, kind, text in dated if at_ms is not None]
    if facts.acknowledged_ms is not None:
        note = f": {facts.note}" if facts.note else ""
        text = f"acknowledged the incident{note}"
        rows.append(
            TimelineRow(
                at_ms=facts.acknowledged_ms,
                kind=TimelineKind.ACKNOWLEDGED,
                text=text,
                by=facts.acknowledged_by,
            )
        )
    rows += [
        TimelineRow(
            at_ms=change.at_ms,
            kind=_kind_of(change),
            text=change.text,
            by=change.by,
            entry=change.entry,
        )
        for change in facts.changes
        if facts.first_failure_ms is None or change.at_ms >= facts.first_failure_ms - BACK_MS
    ]
    order = list(TimelineKind)
    rows = [row for row in rows if row.at_ms <= now_ms]
    rows.sort(key=lambda row: (row.at_ms, order.index(row.kind), row.entry))
    if len(rows) <= rows_max:
        return rows
    began = [row for row in rows if row.kind is TimelineKind.FIRST_FAILURE][:rows_max]
    newest = [row for row in rows if row not in began]
    kept = [*began, *newest[len(newest) - (rows_max - len(began)) :]]
    return sorted(kept, key=rows.index)


def _first_cause(facts: TroubleFacts) -> str:
    """Return why the first attempt failed; empty where only later causes are known."""
    if facts.cause_changed_ms is None:
        return facts.cause
    return facts.previous_cause if facts.cause_changes == 1 else ""


def _kind_of(change: WebhookChange) -> TimelineKind:
    match change.status:
        case "disabled":
            return TimelineKind.DISABLED
        case "active":
            return TimelineKind.ENABLED
        case _:
            return TimelineKind.CHANGED


def missed_since_ms(now_ms: int, failing_since_ms: int | None) -> int:
    """Return since when what failed or was parked, and was not delivered since, counts as missed.

    A delivery counts at the time at which its event was accepted, and what was under way when a
    receiver began to fail had been accepted before: so a day is looked back from the first failure,
    and never less than the last day.
    """
    return min(now_ms, now_ms if failing_since_ms is None else failing_since_ms) - BACK_MS
