"""The trouble of a webhook, for every face alike: its last failed answer, what waits by its age,
what it has missed with the body of the replay that sends it, and the timeline."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from tidings.core.audit.audit_actions import summarize_action
from tidings.core.audit.entries import AuditEntry
from tidings.core.delivery.drain import BODY_SHOWN, ProbeAnswer
from tidings.core.delivery.receivers.judgement import HealthState
from tidings.core.delivery.receivers.timeline import (
    BACK_MS,
    TimelineRow,
    TroubleFacts,
    WebhookChange,
    build_timeline,
    missed_since_ms,
)
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, show
from tidings.core.incidents.incident import Incident, IncidentKind
from tidings.core.replay import RATE_DEFAULT, ReplayKind, announcement
from tidings.core.replay_rules import UNMATCHED
from tidings.core.times import iso
from tidings.engine.clock import Clock
from tidings.engine.delivery.failure_runs import FailureRun
from tidings.engine.webhooks.judgements import WebhookJudgement
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import RequestRefused, Throttled
from tidings.reads.audit import AuditParts
from tidings.reads.replay import ReplayCalls, ReplayParts, effective_rate
from tidings.reads.webhooks.backlog import arrivals_of
from tidings.reads.webhooks.health import left_out_since
from tidings.store import port

AGES_MS = (60_000, 900_000, 3_600_000, 86_400_000)
AGE_WORDS = ("under 1 min", "1 to 15 min", "15 min to 1 h", "1 h to 1 day", "older than 1 day")
LOOKED_AT = 3  # deliveries whose attempts are looked at for the last failed one
CHANGES_MAX = 50
AUDIT_SCOPE = "admin:read"  # that a reader of changes has
COUNT_S = 0.02  # what a webhook was not asked about is counted for so long: at least so many
INCIDENTS_MAX = 5  # among the newest the one of its receiver is looked for
_OF_RECEIVER = (IncidentKind.FAILING, IncidentKind.DEGRADED)
_TROUBLED = (HealthState.FAILING, HealthState.DEGRADED)


class TroubleStore(
    port.DeliveryStore, port.TotalsStore, port.AuditStore, port.IncidentStore, Protocol
):
    """The store of deliveries, of their totals, of incidents and of the audit log."""


class TroubleParts(AuditParts, ReplayParts, Protocol):
    """Services that know a webhook's trouble."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def store(self) -> TroubleStore:
        """Return the store of all that is asked."""


class FailedAnswer(msgspec.Struct, frozen=True):
    """An attempt that failed, with what was answered."""

    answer: ProbeAnswer
    attempt: int
    at_ms: int  # when it ended


class MissedEvents(msgspec.Struct, frozen=True):
    """The events that a webhook has missed, and the body to post to `/v1/replays` for them."""

    since_ms: int
    never_arrived: int
    not_asked: int  # while it was disabled or inactive; at least so many without `exact`
    exact: bool
    sentence: str
    replay: Mapping[str, Any]

    @property
    def count(self) -> int:
        """Count all of them."""
        return self.never_arrived + self.not_asked


class WebhookTrouble(msgspec.Struct, frozen=True):
    """All that helps to end the trouble of a webhook."""

    last_failure: FailedAnswer | None
    ages: port.WaitingAges
    missed: MissedEvents
    timeline: Sequence[TimelineRow]
    is_shown: bool  # it fails, in part or wholly, is disabled, or was any of that within a day

    @property
    def waiting(self) -> Sequence[tuple[str, int]]:
        """List how much waits, by its age in words, the youngest first."""
        return list(zip(AGE_WORDS, self.ages.counts, strict=True))


async def find_trouble(
    parts: TroubleParts, record: WebhookState, *, with_changes: bool
) -> WebhookTrouble:
    """Find the trouble of a webhook; of one that is well there is little. `with_changes`: the
    asker may see the audit log. StoreDown."""
    webhook, now_ms = record.webhook, parts.clock.now_ms()
    judged, run = parts.delivery.judgements.of(webhook), _run_of(parts, record, now_ms)
    health = judged.health
    left_out_ms = await left_out_since(parts.webhooks, health, record, now_ms - BACK_MS)
    incident = await _incident(parts, record, now_ms)
    failing_ms = None if health is None else health.failing_since_ms
    if incident is not None:  # kept over restarts, pauses and edits
        failing_ms = min(incident.since_ms, failing_ms or incident.since_ms)
    elif failing_ms is None and run is not None:
        failing_ms = run.first_ms
    last, ages, missed, changes = await asyncio.gather(
        _last_failure(parts, record, run),
        parts.store.waiting_by_age(webhook.number, [now_ms - age_ms for age_ms in AGES_MS]),
        _missed(parts, record, failing_ms, left_out_ms, now_ms),
        _changes(parts, record, failing_ms, now_ms) if with_changes else _no_changes(),
    )
    facts = _facts(record, judged, run, failing_ms, changes, with_changes=with_changes)
    facts = _with_incident(facts, incident)
    was_left_out = left_out_ms is not None and webhook.status is WebhookStatus.ACTIVE
    is_shown = (
        judged.state in _TROUBLED
        or webhook.status is WebhookStatus.DISABLED
        or facts.recovered_ms is not None
        or (was_left_out and missed.count > 0)
    )
    timeline = build_timeline(facts, now_ms)
    return WebhookTrouble(
        last_failure=last, ages=ages, missed=missed, timeline=timeline, is_shown=is_shown
    )


def _run_of(parts: TroubleParts, record: WebhookState, now_ms: int) -> FailureRun | None:
    """Return the run of failures that goes on, or has ended within a day."""
    run = parts.delivery.failure_runs.of(record.webhook.number)
    if run is not None and run.recovered_ms is not None and now_ms - run.recovered_ms > BACK_MS:
        return None
    return run


def _facts(
    record: WebhookState,
    judged: WebhookJudgement,
    run: FailureRun | None,
    failing_ms: int | None,
    changes: Sequence[WebhookChange],
    *,
    with_changes: bool,
) -> TroubleFacts:
    """Collect what the timeline is made of, by what this process has seen."""
    health = judged.health
    cause = "" if health is None else health.cause
    if not cause and run is not None:
        status = run.answer.status
        cause = str(status) if status is not None else run.answer.fault or ""
    is_disabled = record.webhook.status is WebhookStatus.DISABLED
    return TroubleFacts(
        first_failure_ms=failing_ms,
        cause=cause,
        left_alone_ms=None if run is None else run.left_alone_ms,
        notified_ms=None if run is None else run.notified_ms,
        disabled_ms=record.updated_ms if is_disabled and not with_changes else None,
        recovered_ms=None if run is None else run.recovered_ms,
        changes=changes,
    )


async def _incident(parts: TroubleParts, record: WebhookState, now_ms: int) -> Incident | None:
    """Return the incident of its receiver that is open, or has ended within a day."""
    for incident in parts.delivery.incidents.of(record.webhook.number):
        if incident.kind in _OF_RECEIVER:
            return incident
    query = port.IncidentQuery(org=record.org, webhook=record.webhook.number, limit=INCIDENTS_MAX)
    for row in await parts.store.incidents(query):
        incident = parts.delivery.incidents.newest(row)
        if incident.kind in _OF_RECEIVER:
            is_long_over = incident.ended_ms is not None and incident.ended_ms < now_ms - BACK_MS
            return None if is_long_over else incident
    return None


def _with_incident(facts: TroubleFacts, incident: Incident | None) -> TroubleFacts:
    """Take from an incident when it has ended, where this process has not seen it, its cause where
    nothing fails any more, how that has changed, and who has acknowledged it."""
    if incident is None:
        return facts
    return msgspec.structs.replace(
        facts,
        cause=facts.cause or incident.cause,
        cause_changes=incident.cause_changes,
        cause_changed_ms=incident.cause_changed_ms,
        changed_cause=incident.cause,
        previous_cause=incident.previous_cause,
        recovered_ms=facts.recovered_ms or incident.ended_ms,
        acknowledged_ms=incident.acknowledged_ms,
        acknowledged_by=incident.acknowledged_by,
        note=incident.note,
    )


# -- what it has missed ---------------------------------------------------------------------------


async def _missed(
    parts: TroubleParts,
    record: WebhookState,
    failing_ms: int | None,
    left_out_ms: int | None,
    now_ms: int,
) -> MissedEvents:
    """Count what it has missed: by the tally that every face has, and by a count of the replay
    where it was not asked about events at all."""
    webhook = record.webhook
    since_ms = left_out_ms
    if since_ms is None:
        since_ms = max(missed_since_ms(now_ms, failing_ms), record.created_ms)
    tally = await parts.store.tally(webhook.number, since_ms, now_ms + 1)
    never_arrived, not_asked, exact = arrivals_of([tally]).never_arrived, 0, not tally.behind
    since = iso(since_ms)
    replay: dict[str, Any] = {"webHookId": webhook.id}
    if left_out_ms is None:
        replay |= {"from": since, "states": [State.FAILED.word, State.PARKED.word]}
    else:
        replay |= {"missedSince": since}
        not_asked, all_counted = await _count_not_asked(parts, record, replay)
        exact = exact and all_counted
    host = urlsplit(webhook.url).hostname or webhook.name
    rate = effective_rate(RATE_DEFAULT, webhook)
    sentence = announcement(never_arrived + not_asked, exact, host, rate)
    return MissedEvents(
        since_ms=since_ms,
        never_arrived=never_arrived,
        not_asked=not_asked,
        exact=exact,
        sentence=sentence,
        replay=replay,
    )


async def _count_not_asked(
    parts: TroubleParts, record: WebhookState, replay: Mapping[str, Any]
) -> tuple[int, bool]:
    """Count the events of its types that a webhook had no delivery of, for a moment; and whether
    that is all."""
    asked, calls = {**replay, "states": [UNMATCHED]}, ReplayCalls(parts)
    try:
        _, resolved = await calls.look_up(record.org, ReplayKind.REPLAY, asked)
    except RequestRefused:
        return 0, True  # nothing can be sent to it at all
    try:
        counted = await calls.count(resolved, COUNT_S)
    except Throttled:
        return 0, False
    return counted.count - counted.skipped, counted.ended


# -- its last failed answer -----------------------------------------------------------------------


async def _last_failure(
    parts: TroubleParts, record: WebhookState, run: FailureRun | None
) -> FailedAnswer | None:
    """Return the last failed answer of this process; else the newest among the attempts of the
    newest deliveries that the log has as failed."""
    if run is not None:
        return FailedAnswer(run.answer, run.attempt, run.at_ms)
    query = port.DeliveryQuery(
        (record.webhook.number,), (State.RETRYING, State.FAILED, State.PARKED), limit=LOOKED_AT
    )
    page = await parts.store.log_deliveries(query)
    found = [
        _as_answer(record, delivery.id, attempt)
        for delivery in page.deliveries
        for attempt in await parts.store.attempts_of(delivery.id)
        if attempt.ended
    ]
    return max(found, key=lambda failed: failed.at_ms, default=None)


def _as_answer(
    record: WebhookState, delivery: DeliveryId, attempt: port.StoredAttempt
) -> FailedAnswer:
    evidence, kind = attempt.evidence, record.webhook.type
    body = b"" if evidence is None else evidence.body[: 4 * BODY_SHOWN]
    answer = ProbeAnswer(
        delivery=delivery,
        delivered=False,
        status=attempt.status,
        fault=None if evidence is None else evidence.kind,
        detail="" if evidence is None else evidence.detail,
        body=bytes(body).decode(errors="replace")[:BODY_SHOWN],
        duration_ms=attempt.duration_ms or 0,
        http=kind.answers_status,
        acts=kind.acts,
    )
    return FailedAnswer(answer, attempt.number, attempt.started_ms + (attempt.duration_ms or 0))


# -- what somebody has changed --------------------------------------------------------------------


async def _changes(
    parts: TroubleParts, record: WebhookState, failing_ms: int | None, now_ms: int
) -> Sequence[WebhookChange]:
    """Read what was done to it since a day before it began to fail; nothing where the audit log
    cannot be read now."""
    since_ms = min(now_ms, now_ms if failing_ms is None else failing_ms) - BACK_MS
    query = port.AuditQuery(
        record.org,
        since_ms=since_ms,
        object_kind="webhook",
        object=record.webhook.id,
        limit=CHANGES_MAX,
    )
    try:
        page = await parts.store.audit_page(query)
    except (port.StoreDown, port.StoreUnanswered):
        return ()
    recorded = (found for found in page.entries if found.action != "payload.viewed")
    return list(map(_change, recorded))


async def _no_changes() -> Sequence[WebhookChange]:
    return ()


def _change(entry: AuditEntry) -> WebhookChange:
    after = b"{}" if entry.after is None else entry.after
    status = msgspec.json.decode(after, type=dict[str, Any]).get("status", "")
    is_set = entry.before is not None and isinstance(status, str) and status != ""
    text = f"set the webhook {status}" if is_set else summarize_action(entry.action)
    return WebhookChange(
        at_ms=entry.at_ms,
        text=text,
        by=entry.actor_name or entry.actor,
        status=str(status) if is_set else "",
        entry=entry.number,
    )


# -- as the API shows it --------------------------------------------------------------------------


def show_trouble(record: WebhookState, trouble: WebhookTrouble) -> dict[str, Any]:
    """Show the trouble of a webhook as the API answers it."""
    last, missed = trouble.last_failure, trouble.missed
    return {
        "webHookId": record.webhook.id,
        "lastFailure": None if last is None else show_failure(last),
        "waiting": [{"age": age, "deliveries": count} for age, count in trouble.waiting],
        "oldestWaitingSince": iso(trouble.ages.oldest_ms),
        "missed": {
            "events": missed.count,
            "neverArrived": missed.never_arrived,
            "notAsked": missed.not_asked,
            "exact": missed.exact,
            "since": iso(missed.since_ms),
            "sentence": missed.sentence,
            "replay": missed.replay,
        },
        "timeline": [
            {
                "at": iso(row.at_ms),
                "kind": row.kind.value,
                "text": row.text,
                "by": row.by or None,
                "auditEntry": row.entry or None,
            }
            for row in trouble.timeline
        ],
    }


def show_failure(failed: FailedAnswer) -> dict[str, Any]:
    """Show a failed answer: when, which attempt of which delivery, what happened, what to do."""
    answer = failed.answer
    return {
        "at": iso(failed.at_ms),
        "deliveryId": show("dlv", answer.delivery),
        "attempt": failed.attempt,
        "status": answer.status,
        "fault": answer.fault,
        "happened": answer.happened,
        "advice": answer.remedy or None,
        "body": answer.body or None,
        "durationInMs": round(answer.duration_ms, 1),
    }
