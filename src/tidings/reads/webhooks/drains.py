"""A drain of a webhook, for every face alike: what one would begin with, and how it goes."""

from typing import Any

from tidings.core.delivery.drain import ProbeAnswer, estimate_s
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import show
from tidings.core.times import iso
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.retries.drains import Drains
from tidings.engine.delivery.retries.open_drains import Drain

NOT_ASKED_FOR = "none"  # the state where no drain was asked for since the start


async def look_at_drain(drains: Drains, webhook: Webhook) -> dict[str, Any]:
    """Show the drain of a webhook that goes on, or the last one since the start; where there is
    none, what one would begin with. StoreDown."""
    drain = drains.of(webhook)
    if drain is not None:
        return show_drain(webhook, drain)
    expected = await drains.expect(webhook)
    refusal = drains.refusal(webhook)
    queued = expected.expected
    return show_drain(webhook, expected) | {
        "state": NOT_ASKED_FOR,
        "begunAt": None,
        "by": None,
        "text": f"{queued[0].upper()}{queued[1:]}." if refusal is None else refusal.message,
    }


def show_drain(webhook: Webhook, drain: Drain) -> dict[str, Any]:
    """Show a drain: what it began with, how it goes, and the answer to its first attempt."""
    return {
        "webHookId": webhook.id,
        "state": drain.state.value,
        "queued": drain.total,
        "aboutSeconds": round(estimate_s(drain.total, drain.lane), 1),
        "expected": drain.expected,
        "delivered": drain.delivered,
        "failed": drain.failed,
        "left": drain.left,
        "text": drain.text,
        "probe": None if drain.answer is None else _show_answer(drain.answer),
        "begunAt": iso(drain.begun_ms),
        "endedAt": iso(drain.ended_ms),
        "by": drain.by or None,
    }


async def offer_drain(drains: Drains, webhook: Webhook, *, may: bool) -> dict[str, Any] | None:
    """Show a drain as above, with what a further one would send (`offers`, 0 where it cannot be
    asked for, `expects` in words); None where there is nothing to show and nothing to drain.
    StoreDown."""
    if webhook.status is WebhookStatus.DELETED:
        return None
    drain = drains.of(webhook)
    going = drain is not None and not drain.state.final
    can_begin = may and not going and drains.refusal(webhook) is None
    further = await drains.expect(webhook) if can_begin else None
    if drain is None and (further is None or not further.total):
        return None
    return await look_at_drain(drains, webhook) | {
        "going": going,
        "offers": 0 if further is None else further.total,
        "expects": "" if further is None else further.expected,
    }


def _show_answer(answer: ProbeAnswer) -> dict[str, Any]:
    return {
        "deliveryId": show("dlv", answer.delivery),
        "delivered": answer.delivered,
        "status": answer.status,
        "fault": answer.fault,
        "detail": answer.detail or None,
        "advice": answer.remedy or None,
        "body": answer.body or None,
        "durationInMs": round(answer.duration_ms, 1),
    }
