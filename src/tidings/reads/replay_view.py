"""A replay, or a cancel by filter, as it is shown."""

from collections.abc import Callable
from typing import Any

from tidings.core.delivery.states import State
from tidings.core.ids import show
from tidings.core.replay import JobState, Kind, progress
from tidings.core.replay_rules import UNMATCHED
from tidings.core.webhooks.hearing import heard_as
from tidings.core.webhooks.webhook import Webhook
from tidings.reads.times import iso
from tidings.store.port import ReplayJob


def show_job(
    job: ReplayJob, webhook: Callable[[int | None], Webhook | None], waiting: str, rate: float
) -> dict[str, Any]:
    """A job: what it is about, how far it is, and what has come of it."""
    spec = job.spec
    source, target = webhook(spec.source), webhook(spec.target)
    is_replay = job.kind == Kind.REPLAY
    skipped = job.under_way + job.had + job.no_body
    rate_max = effective_rate(job.rate, target)
    how_far = progress(JobState(job.state), job.made + skipped, job.total, rate_max)
    ends = {
        "delivered": job.delivered,
        "failed": job.failed,
        "parked": job.parked,
        "cancelled": job.cancelled,
    }
    words = [State(state).word for state in spec.states]
    shown: dict[str, Any] = {
        "id": show("rpl", job.number),
        "kind": job.kind,
        "state": job.state,
        "reason": job.reason or waiting or None,
        "webHookId": None if source is None else source.id,
        "toWebHookId": None if target is None else target.id,
        "eventNames": [heard_as(name)[-1] for name in spec.names] or None,
        "from": iso(spec.from_ms),
        "to": iso(spec.to_ms),
        "states": [*words, UNMATCHED] if spec.unmatched else words,
        "listed": spec.listed,
        "matched": job.total,
        "counted": job.counted,
        "made": job.made,
        "progress": round(how_far.share, 4),
        "createdBy": job.by,
        "createdAt": iso(job.created_ms),
        "startedAt": iso(job.started_ms),
        "endedAt": iso(job.ended_ms),
    }
    if is_replay:
        shown |= {
            "again": spec.again,
            "ratePerSecond": job.rate,
            "rateNow": round(rate, 1),
            "secondsLeft": None if how_far.left_s is None else round(how_far.left_s),
            "skipped": {
                "underWay": job.under_way,
                "delivered": job.had,
                "noPayload": job.no_body,
            },
            **ends,
            "unfinished": max(0, job.made - sum(ends.values())),
        }
    return shown


def effective_rate(rate: float, target: Webhook | None) -> float:
    """Deliveries a second: the job's rate, or less where the webhook admits less."""
    limit = None if target is None else target.rate_per_s
    return rate if limit is None else min(rate, limit)
