"""One delivery, whole: its state, every attempt as it was sent and answered, and what to do."""

from datetime import tzinfo
from typing import Any, Protocol

from tidings.core.ids import OrgId, read_delivery, show
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import not_found
from tidings.reads.columns import show_delivery
from tidings.reads.delivery.delivery_view import (
    advice_for,
    all_attempts,
    show_attempts,
    sla_of,
    was_wait,
)
from tidings.reads.delivery.next_attempts import NextAttemptParts, look
from tidings.reads.delivery.request_view import RequestParts, requests_of
from tidings.reads.delivery.runs import RunParts, show_run
from tidings.store import port
from tidings.store.port import StoredDelivery


class DeliveryParts(NextAttemptParts, RequestParts, RunParts, Protocol):
    """Services that show a delivery."""

    def zone(self, org: OrgId) -> tzinfo:
        """Return the time zone of an org."""


async def own_delivery(
    store: port.DeliveryStore, webhooks: Webhooks, org: OrgId, delivery_id: str
) -> tuple[StoredDelivery, WebhookState]:
    """Return a delivery of a webhook of the org, with the webhook. Raise NotFound for anything
    else."""
    number = read_delivery(delivery_id)
    found = None if number is None else await store.delivery(number)
    record = None if found is None else webhooks.by_number(found.webhook)
    if found is None or record is None or record.org != org:
        raise not_found("id", "the id of a delivery of this org, as dlv_…", delivery_id)
    return found, record


async def show_whole(
    parts: DeliveryParts, org: OrgId, found: StoredDelivery, record: WebhookState
) -> dict[str, Any]:
    """Show a delivery with every attempt as it was sent and answered, and what to do."""
    seen, kept = await look(parts, found, record)
    found = seen.row
    attempts = all_attempts(found, kept, seen.next_attempt.begun)
    now_ms = parts.clock.now_ms()
    shown = show_attempts(attempts, record)
    for attempt, sent in zip(shown, await requests_of(parts, found, attempts), strict=True):
        attempt["request"] = sent
    run = await show_run(parts, found, record, shown, attempts)
    return (
        show_delivery(found, record, seen.next_ms, unread=seen.unread)
        | sla_of(found, record, now_ms)
        | {
            "advice": advice_for(
                found, attempts, record, now_ms, parts.zone(org), seen.next_attempt
            ),
            "replayOf": await _replayed_by(parts.store, found),
            "attemptList": [
                view
                for view, attempt in zip(shown, attempts, strict=True)
                if not was_wait(attempt, found)
            ],
        }
        | ({} if run is None else {"run": run})
    )


async def _replayed_by(store: port.DeliveryStore, found: StoredDelivery) -> str | None:
    """Return the id of the delivery before it, of the same event to the same webhook, that a
    replay's delivery sends again. None where it is no replay's, or the first one."""
    if found.replay is None:
        return None
    earlier = [
        delivery.id
        for delivery in await store.deliveries_of(found.event)
        if delivery.webhook == found.webhook and delivery.id < found.id
    ]
    return show("dlv", max(earlier)) if earlier else None
