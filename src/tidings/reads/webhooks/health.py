"""How the receiver of a webhook does, and what the webhook has missed while it was not active."""

from typing import Any

from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.times import iso
from tidings.engine.webhooks.judgements import WebhookJudgement
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.store import port

LEFT_OUT = (WebhookStatus.DISABLED, WebhookStatus.INACTIVE)
"""In these states a webhook is given no events."""
VERSIONS_MAX = 100  # that are looked back
_NOTHING = port.StoredHealth(0)


def show_judgement(judged: WebhookJudgement) -> dict[str, Any]:
    """Show how a webhook does: the fields that every answer about a webhook or an action has of
    it."""
    return {
        "condition": judged.condition.on_wire,
        "health": show_health(judged),
        "activity": None if judged.activity is None else judged.activity.value,
    }


def show_health(judged: WebhookJudgement) -> dict[str, Any] | None:
    """Show what is wrong with it, and why it is left alone; null where nothing is. Attempts are
    those of the last five minutes, or the last 80, where some succeed or enough were made."""
    if judged.state is None:
        return None
    health = judged.health or _NOTHING
    share = health.share
    return {
        "state": judged.state.value,
        "since": iso(judged.since_ms),
        "failingSince": iso(health.failing_since_ms),
        "failures": health.failures,
        "cause": health.cause or None,
        "leftAlone": health.left_alone,
        "nextTryAt": iso(health.until_ms) if health.left_alone else None,
        "attempts": None if share is None else share.attempts,
        "failedAttempts": None if share is None else share.failed,
        "failedPercent": None if share is None else share.percent,
    }


async def missed_by(
    webhooks: Webhooks, health: port.StoredHealth | None, record: WebhookState
) -> dict[str, Any] | None:
    """Build the body to post to `/v1/replays` for all that a webhook has missed while it was not
    active; None of one that is."""
    if record.webhook.status not in LEFT_OUT:
        return None
    since_ms = await left_out_since(webhooks, health, record)
    return {"webHookId": record.webhook.id, "missedSince": iso(since_ms)}


async def left_out_since(
    webhooks: Webhooks,
    health: port.StoredHealth | None,
    record: WebhookState,
    enabled_after_ms: int | None = None,
) -> int | None:
    """Return since when what a webhook got no delivery of counts as missed, as it is, or was until
    `enabled_after_ms` or later, disabled or inactive; None where it was not.

    From when it has only failed, at the latest from the oldest event that was parked unfinished
    when it was disabled: a delivery is tried for 168 hours.
    """
    webhook = record.webhook
    status = webhook.status.value if webhook.status in LEFT_OUT else ""
    since_ms = record.updated_ms
    for version in range(webhook.version - 1, max(0, webhook.version - 1 - VERSIONS_MAX), -1):
        if not status and (enabled_after_ms is None or since_ms < enabled_after_ms):
            return None  # it was active by then
        found = await webhooks.version(webhook.number, version)
        if found is None or (status and found[0].status != status):
            break
        if found[0].status in LEFT_OUT:
            status = found[0].status
        since_ms = min(since_ms, found[0].updated_ms)
    if not status:
        return None
    if status == WebhookStatus.DISABLED:
        since_ms -= int(WINDOW_S * 1000)
        if health is not None and health.failing_since_ms is not None:
            since_ms = min(since_ms, health.failing_since_ms)
    return max(since_ms, record.created_ms)
