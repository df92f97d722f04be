"""When an incident opens, grows, changes its cause and ends. Pure.

    (nothing) ──► open ──(grew, changed cause, acknowledged)──► open ──► ended

A review looks at a webhook now and then, and compares what it sees with what is open:

failing    opens once nothing gets through and that is no accident: three attempts failed in a row,
           or the receiver is left alone. Ends with the first success.
degraded   opens and ends by the share of attempts that fail (`attempt_share.py`). While more than
           a share fails it stays open beside the other one: it has not recovered.
unread     opens where messages for a reader wait, and nobody has fetched for 15 minutes; ends with
           a fetch, or where nothing waits any more.
backlog    opens where the oldest delivery of an active webhook that was never tried is older than
           15 minutes though its receiver does not fail. Ends once that is younger again, or nothing
           waits.

Nothing ends for want of attempts: what is paused, disabled or inactive is tried by nobody and stays
as it is, and what is judged well by less than ten attempts stays open for a whole window of the
attempts' share, in which it was sent to. Edits change nothing. An incident of a deleted webhook
ends with it.

Its number is made of the time, so that the newest of all cells has the greatest, and of the cell
that gives it, so that no two cells ever give one: 43 bits of milliseconds, 6 of those in one of
them, 14 of the cell. Where more open in a millisecond, the next ones are used too.

It grows when twice as many deliveries wait as when it opened or last grew, 100 at least, and when
its webhook is half, 70 and 90 % of the way to being disabled.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from tidings.core.delivery.receivers.health import STEPS
from tidings.core.incidents.incident import EndReason, Incident, IncidentChange, IncidentKind
from tidings.core.incidents.observation import OLD_MS, Observation

FAILURES_MIN = 3  # in a row, before what only fails is an incident
CELL_BITS = 14
TURN_BITS = 6  # numbers that a cell gives in one millisecond
GREW_MIN = 100  # waiting deliveries below which no incident grows


class Decision(NamedTuple):
    """An incident as it is now, and what has happened to it."""

    incident: Incident
    changes: Sequence[IncidentChange]


def number_after(last: int, now_ms: int, cell: int) -> int:
    """Return the number of the next incident of a cell: above `last`, the greatest that it has or
    has given, and given by no other cell. The first cell is 1; beyond 16,383 they share numbers."""
    turn = max(now_ms << TURN_BITS, (last >> CELL_BITS) + 1)
    return turn << CELL_BITS | cell % (1 << CELL_BITS)


def decide(
    open_incidents: Mapping[str, Incident], seen: Observation, next_number: int
) -> list[Decision]:
    """Decide what a review changes of a webhook's incidents. `open_incidents`: by kind;
    `next_number`: of the first one that is opened, the following ones of its cell take the next."""
    decisions: list[Decision] = []
    for kind in IncidentKind:
        known = open_incidents.get(kind)
        if known is None:
            if (since_ms := _opens(kind, seen)) is not None:
                opened = _open(kind, seen, since_ms, next_number)
                next_number += 1 << CELL_BITS
                decisions.append(Decision(opened, [IncidentChange.OPENED]))
        elif _ends(known, seen):
            ended = end(known, seen.now_ms, EndReason.RECOVERED)
            decisions.append(Decision(ended, [IncidentChange.ENDED]))
        elif (decision := _follow(known, seen)) is not None:
            decisions.append(decision)
    return decisions


def end(incident: Incident, now_ms: int, reason: EndReason) -> Incident:
    """Return an incident that has ended, not before it was opened."""
    ended_ms = max(now_ms, incident.opened_ms)
    return msgspec.structs.replace(incident, ended_ms=ended_ms, end_reason=reason.value)


def acknowledge(incident: Incident, at_ms: int | None, by: str, note: str) -> Incident:
    """Return an incident that somebody has acknowledged; the newest word counts. `at_ms` None:
    nobody has."""
    return msgspec.structs.replace(incident, acknowledged_ms=at_ms, acknowledged_by=by, note=note)


def unnotified_changes(incident: Incident) -> list[IncidentChange]:
    """List what listeners have not heard of an incident, in the order in which it happened. Of one
    that has ended before its opening was heard of, nothing is told."""
    if not incident.is_open and not incident.notified_opened:
        return []
    changes = []
    if not incident.notified_opened:
        changes.append(IncidentChange.OPENED)
    elif incident.is_open:
        if incident.grew > incident.notified_grew:
            changes.append(IncidentChange.GREW)
        if incident.cause_changes > incident.notified_causes:
            changes.append(IncidentChange.CHANGED_CAUSE)
    if not incident.is_open and not incident.notified_ended:
        changes.append(IncidentChange.ENDED)
    return changes


def mark_notified(incident: Incident) -> Incident:
    """Return an incident of which listeners have heard everything."""
    return msgspec.structs.replace(
        incident,
        notified_opened=True,
        notified_grew=incident.grew,
        notified_causes=incident.cause_changes,
        notified_ended=not incident.is_open,
    )


def _opens(kind: IncidentKind, seen: Observation) -> int | None:
    """Return since when an incident is that opens now; None where none does."""
    if not seen.sends:
        return None  # what opened before stays; nobody tries what is paused
    if kind is IncidentKind.BACKLOG:
        is_ours = seen.state is None and seen.has_reader
        return seen.oldest_due_ms if _is_old(seen) and is_ours else None
    if seen.state is not kind or seen.since_ms is None:
        return None
    if kind is IncidentKind.FAILING and not (seen.is_left_alone or seen.failures >= FAILURES_MIN):
        return None
    return seen.since_ms


def _open(kind: IncidentKind, seen: Observation, since_ms: int, number: int) -> Incident:
    return Incident(
        webhook=seen.webhook,
        number=number,
        org=seen.org,
        kind=kind.value,
        cause=seen.cause,
        opened_ms=seen.now_ms,
        since_ms=min(since_ms, seen.now_ms),
        waiting=seen.waiting or 0,
        step=_step(seen),
    )


def _ends(known: Incident, seen: Observation) -> bool:
    if not seen.sends:
        return False
    match IncidentKind(known.kind):
        case IncidentKind.FAILING:
            run_ms = seen.run_since_ms
            has_succeeded = run_ms is None or run_ms > known.since_ms
            return seen.state is not IncidentKind.FAILING and has_succeeded
        case IncidentKind.DEGRADED:
            return seen.state is None and seen.is_proven
        case IncidentKind.UNREAD:
            is_read = seen.has_reader and seen.state is not IncidentKind.UNREAD
            return is_read or seen.waiting == 0
        case IncidentKind.BACKLOG:
            return seen.waiting is not None and not _is_old(seen)


def _follow(known: Incident, seen: Observation) -> Decision | None:
    """Decide whether one that stays open has grown, or has another cause."""
    changes: list[IncidentChange] = []
    fields: dict[str, object] = {}
    of_state = known.kind == seen.state
    if of_state and seen.since_ms is not None and seen.since_ms < known.since_ms:
        fields["since_ms"] = seen.since_ms
    step = _step(seen) if of_state else known.step
    waiting = seen.waiting or 0
    if step > known.step or waiting >= max(GREW_MIN, 2 * known.waiting):
        fields |= {
            "step": max(step, known.step),
            "waiting": max(waiting, known.waiting),
            "grew": known.grew + 1,
            "grew_ms": seen.now_ms,
        }
        changes.append(IncidentChange.GREW)
    if of_state and seen.cause and seen.cause != known.cause:
        fields |= {"cause": seen.cause}
        if known.cause:
            fields |= {
                "previous_cause": known.cause,
                "cause_changes": known.cause_changes + 1,
                "cause_changed_ms": seen.now_ms,
            }
            changes.append(IncidentChange.CHANGED_CAUSE)
    if not fields:
        return None
    return Decision(msgspec.structs.replace(known, **fields), changes)


def _is_old(seen: Observation) -> bool:
    return seen.oldest_due_ms is not None and seen.now_ms - seen.oldest_due_ms > OLD_MS


def _step(seen: Observation) -> int:
    """Return the last step of the way to being disabled that was reached; the first word to its
    owner is none."""
    return max((step for step in STEPS if seen.step >= step), default=0)
