"""A delivery and its attempts as they are shown."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from tidings.core.delivery.advice import PastAttempt, advise, what_happened, what_to_do
from tidings.core.delivery.exchange import FaultKind, Timings
from tidings.core.delivery.next_attempt import NextAttempt
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.core.delivery.sla import breach_ms
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.times import iso
from tidings.core.webhooks.masks import masked_by_name
from tidings.engine.webhooks.records import WebhookState
from tidings.reads.messages import show_bytes, show_headers
from tidings.store.port import Evidence, StoredAttempt, StoredDelivery

_DOUBT = (
    "Nothing is known of the end of this attempt: its delivery was ended while it waited for its "
    "turn, or Tidings stopped meanwhile. Let the receiver drop duplicates by webhook-id."
)


def all_attempts(
    delivery: StoredDelivery, kept: Sequence[StoredAttempt], begun: int
) -> list[StoredAttempt]:
    """Return every attempt that was made; `begun` is the number of the one that is under way, or 0.

    A retry has its row before it begins. A plain first success is kept in the delivery's row alone.
    """
    attempts = [
        attempt if attempt.ended or attempt.number == begun else _doubtful(attempt)
        for attempt in kept
        if attempt.ended or attempt.number <= delivery.attempts
    ]
    numbers = {attempt.number for attempt in attempts}
    if delivery.attempts and delivery.attempts not in numbers and delivery.duration_ms is not None:
        started = (delivery.done_ms or delivery.accepted_ms) - delivery.duration_ms
        attempts.append(
            StoredAttempt(
                number=delivery.attempts,
                started_ms=max(started, delivery.accepted_ms),
                ended=True,
                duration_ms=delivery.duration_ms,
                status=delivery.status,
                version=delivery.version,
                evidence=None,
            )
        )
    return sorted(attempts, key=lambda attempt: attempt.number)


def was_wait(attempt: StoredAttempt, delivery: StoredDelivery) -> bool:
    """Return whether a row of an attempt is of none: until waits were a state, each was such a row.
    The one by which a delivery has failed that waited to its end is shown, for it says so. The
    others keep their numbers: their requests were sent with them."""
    if attempt.evidence is None or attempt.evidence.kind != FaultKind.WAITS:
        return False
    return delivery.state != State.FAILED or attempt.number != delivery.attempts


def _doubtful(attempt: StoredAttempt) -> StoredAttempt:
    evidence = Evidence("lost", _DOUBT, (), body=b"", truncated=False)
    return msgspec.structs.replace(attempt, ended=True, evidence=evidence)


def sla_of(delivery: StoredDelivery, record: WebhookState, now_ms: int) -> dict[str, Any]:
    """Return when the delivery outlived what its owner wishes; null while it is, or was, in
    time."""
    late = breach_ms(delivery.accepted_ms, record.webhook.sla_s, delivery.done_ms, now_ms)
    return {"slaBreachedAt": iso(late)}


def show_attempts(
    attempts: Sequence[StoredAttempt], webhook: WebhookState | None
) -> list[dict[str, Any]]:
    """Show each attempt with its evidence and what it means."""
    return [_show_attempt(attempt, webhook) for attempt in attempts]


def advice_for(
    delivery: StoredDelivery,
    attempts: Sequence[StoredAttempt],
    webhook: WebhookState | None,
    now_ms: int,
    zone: tzinfo,
    next_attempt: NextAttempt,
) -> str:
    """Describe the delivery in words, by the last attempt that has ended and what the next one
    waits for."""
    ended = [attempt for attempt in attempts if attempt.ended]
    return advise(
        State(delivery.state),
        _tried(ended[-1], webhook) if ended else None,
        due_ms=delivery.due_ms,
        now_ms=now_ms,
        zone=zone,
        status=WebhookStatus.ACTIVE if webhook is None else webhook.webhook.status,
        policy=DEFAULT_POLICY if webhook is None else webhook.webhook.retry,
        next_attempt=next_attempt,
        ended_by=delivery.ended_by,
        of_action=_why_disabled(webhook),
        lasted_ms=None if delivery.done_ms is None else delivery.done_ms - delivery.accepted_ms,
        waits=delivery.waits,
    )


def _why_disabled(of: WebhookState | None) -> str | None:
    """Of an action; None of any other webhook."""
    return None if of is None or not of.webhook.type.acts else of.config.reason or ""


def _tried(attempt: StoredAttempt, of: WebhookState | None) -> PastAttempt:
    evidence = attempt.evidence
    return PastAttempt(
        status=attempt.status,
        kind=None if evidence is None else evidence.kind,
        detail="" if evidence is None else evidence.detail,
        duration_ms=attempt.duration_ms,
        ended=attempt.ended,
        http=of is None or of.webhook.type.answers_status,
        acts=of is not None and of.webhook.type.acts,
    )


def _show_attempt(attempt: StoredAttempt, of: WebhookState | None) -> dict[str, Any]:
    tried = _tried(attempt, of)
    return {
        "number": attempt.number,
        "startedAt": iso(attempt.started_ms),
        "ended": attempt.ended,
        "durationInMs": attempt.duration_ms,
        "status": attempt.status,
        "fault": tried.kind,
        "detail": tried.detail or None,
        "webHookVersion": attempt.version,
        "answer": _show_answer(attempt.evidence),
        "timings": show_timings(
            attempt.duration_ms, None if attempt.evidence is None else attempt.evidence.timings
        ),
        "advice": " ".join(filter(None, (what_happened(tried), what_to_do(tried)))),
    }


def show_timings(head_ms: int | None, timings: Timings | None) -> dict[str, float | None]:
    """Show where the time went, in ms; null for what was not needed, as on a kept connection."""
    spent = timings or Timings()
    return {
        "dnsInMs": _tenths(spent.dns_ms),
        "connectInMs": _tenths(spent.connect_ms),
        "tlsInMs": _tenths(spent.tls_ms),
        "headInMs": head_ms,
    }


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _show_answer(evidence: Evidence | None) -> dict[str, Any] | None:
    if evidence is None or evidence.kind is not None:
        return None
    if evidence.expired:
        return {"headers": [], "body": None, "expired": True}
    return {
        "headers": show_headers(masked_by_name(evidence.headers)),
        "body": show_bytes(evidence.body) | {"truncated": evidence.truncated},
        "expired": False,
    }
