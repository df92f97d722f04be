"""A delivery as the original's log calls show it; times are the org's, with milliseconds."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from tidings.core.delivery.sla import breach_ms
from tidings.core.delivery.states import State
from tidings.core.ids import show
from tidings.core.times import local_iso
from tidings.core.webhooks.webhook import Webhook
from tidings.reads.columns import show_left_out
from tidings.reads.events.log_pages import RowStore
from tidings.store.port import EventHead, FirstStart, StoredDelivery, StoredEvent

# The original's four words. What waits is tried again, in its words, as what failed is. Parked
# waits for its webhook to be mended, so it is pending; cancelled never arrived, so it failed. The
# sum of the four is the total.
STATUSES: dict[str, tuple[State, ...]] = {
    "Pending": (State.PENDING, State.HELD, State.PARKED),
    "Delivered": (State.DELIVERED,),
    "Retrying": (State.RETRYING, State.WAITING),
    "Failed": (State.FAILED, State.CANCELLED),
}
_WORD = {int(state): word for word, states in STATUSES.items() for state in states}


class RowDetails(msgspec.Struct, frozen=True):
    """Data that rows need beside the deliveries themselves."""

    heads: dict[int, EventHead]  # by event
    starts: dict[int, FirstStart]  # by delivery: when its first attempt began


async def complete(store: RowStore, rows: Sequence[StoredDelivery]) -> RowDetails:
    """Ask for it, at once for all rows."""
    heads = await store.event_heads(list(dict.fromkeys(row.event for row in rows)))
    starts = await store.first_starts([row.id for row in rows]) if rows else ()
    return RowDetails(
        {head.seq: head for head in heads},
        {start.delivery: start for start in starts},
    )


def show_event_log(
    row: StoredDelivery, webhook: Webhook, more: RowDetails, now_ms: int, zone: tzinfo
) -> dict[str, Any]:
    """Show a delivery with the original's ten fields."""
    head = more.heads.get(row.event)
    done = row.done_ms
    late = breach_ms(row.accepted_ms, webhook.sla_s, done, now_ms)
    return {
        "refId": None if head is None else head.ref_id,
        "requestId": None if head is None else head.request_id,
        "eventName": row.event_name,
        "eventId": row.event_id,
        "consumerGroupId": webhook.consumer_group,
        "eventIngestionTimestamp": local_iso(row.accepted_ms, zone),
        "eventStartTimestamp": _local(_started_ms(row, more), zone),
        "eventEndTimestamp": _local(done, zone),
        "slaBreachTimestamp": _local(late, zone),
        "consumerResponse": None
        if row.status is None
        else {"webhookHttpStatus": row.status, "time_taken": row.duration_ms},
    }


def show_log_row(
    row: StoredDelivery, webhook: Webhook, more: RowDetails, now_ms: int, zone: tzinfo
) -> dict[str, Any]:
    """Show a row of the log, with the fields that people filter and sort a webhook's log by."""
    warning = show_left_out(row.left_out)
    shown = show_event_log(row, webhook, more, now_ms, zone) | {
        "eventType": row.event_name,
        "deliveryId": show("dlv", row.id),
        "status": status_word(row.state),
        "state": _shown_state(row.state).word,
        "attempts": row.attempts + _looks(row, more),
        "webhookDuration": shown_duration_ms(row, waited=_looks(row, more) > 0),
    }
    return shown if warning is None else shown | {"warning": warning}


def show_unmatched(event: StoredEvent, head: EventHead | None, zone: tzinfo) -> dict[str, Any]:
    """Show an event that no webhook of the org wanted: accepted, and nothing to be done."""
    return {
        "refId": None if head is None else head.ref_id,
        "requestId": None if head is None else head.request_id,
        "eventName": event.name,
        "eventId": event.id,
        "consumerGroupId": None,
        "eventIngestionTimestamp": local_iso(event.at_ms, zone),
        "eventStartTimestamp": None,
        "eventEndTimestamp": None,
        "slaBreachTimestamp": None,
        "consumerResponse": None,
    }


def status_word(state: int) -> str:
    """Return the original's word for a state."""
    return _WORD[state]


def _shown_state(state: int) -> State:
    """The state that a row of the log shows: what waits is what was retried before it waited."""
    return State.RETRYING if state == State.WAITING else State(state)


def shown_duration_ms(row: StoredDelivery, *, waited: bool) -> int | None:
    """Return how long its last attempt took, in milliseconds; a look that found a wait took 0."""
    return 0 if row.duration_ms is None and waited else row.duration_ms


def _looks(row: StoredDelivery, more: RowDetails) -> int:
    """Count the looks that found it not to be done yet: in this log each of them is an attempt."""
    kept = more.starts.get(row.id)
    return 0 if kept is None else kept.looks


def _started_ms(row: StoredDelivery, more: RowDetails) -> int | None:
    if (kept := more.starts.get(row.id)) is not None:
        return kept.started_ms
    if not row.attempts or row.done_ms is None or row.duration_ms is None:
        return None
    return max(row.done_ms - row.duration_ms, row.accepted_ms)


def _local(ms: int | None, zone: tzinfo) -> str | None:
    return None if ms is None else local_iso(ms, zone)
