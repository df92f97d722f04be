"""What is shown of a delivery and of an event in the log: the declaration of their columns.

Answers of the API, their description and the facts on the console's page are made of it; the
command line prints what an answer holds. A column that the store does not have yet begins in
`store/port/delivery/rows.py`.

Add a column here; the rest follows.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason
from tidings.core.ids import show
from tidings.core.shaping.left_out import LeftOut
from tidings.core.shaping.left_out_words import code_of, describe_left_out
from tidings.core.times import iso
from tidings.engine.webhooks.records import WebhookState
from tidings.store.port import EventHead, StoredDelivery, StoredEvent

Row = TypeVar("Row")


class Column(msgspec.Struct, Generic[Row], frozen=True):
    """One column."""

    name: str
    shape: Any
    """Of its values, as `api/openapi/schema_shorthand.py` writes types down."""
    value: Callable[[Row], Any]
    label: str = ""
    """On the console's page of one delivery, where no other place shows it."""


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery with what is shown beside its row."""

    row: StoredDelivery
    webhook: WebhookState | None
    next_ms: int | None
    """When it is tried next."""
    unread: bool
    """Nobody fetches it, whose webhook is fetched from."""


class EventRow(msgspec.Struct, frozen=True):
    """An event with what its body says first."""

    event: StoredEvent
    head: EventHead | None


def show_left_out(left_out: LeftOut | None) -> dict[str, Any] | None:
    """Show that it was sent thin, which of the webhook's fields went without, why, and what to do;
    or that it was sent whole, which nobody may have wanted."""
    if left_out is None:
        return None
    return {
        "code": code_of(left_out),
        "message": describe_left_out(left_out),
        "leftOut": [*left_out.fields, *left_out.of_group],
    }


def show_waits(one: DeliveryRow) -> dict[str, Any] | None:
    """Show what a delivery waits for that is not to be done yet: until when, or on what; or that it
    waits for a reader."""
    waits = one.row.waits
    if waits is None:
        return {"reason": WaitReason.READER, "until": None, "on": None} if one.unread else None
    until_ms = one.row.due_ms if waits.on is None else None  # else it is looked at now and then
    return {"reason": waits.reason, "until": iso(until_ms), "on": waits.on}


def show_delivered_by(one: DeliveryRow) -> dict[str, Any] | None:
    """Show by which delivery of which replay, and when, the event has arrived since; null where
    none has delivered it, or it needed none."""
    by = one.row.delivered_by
    if by is None:
        return None
    return {
        "deliveryId": show("dlv", by.delivery),
        "replayId": show("rpl", by.replay),
        "at": iso(by.at_ms),
    }


DELIVERY: tuple[Column[DeliveryRow], ...] = (
    Column("id", "text", lambda one: show("dlv", one.row.id)),
    Column("webHookId", "text|null", lambda one: one.webhook and one.webhook.webhook.id),
    Column("webHookName", "text|null", lambda one: one.webhook and one.webhook.webhook.name),
    Column("webHookVersion", "whole|null", lambda one: one.row.version),
    Column("eventId", "text", lambda one: one.row.event_id),
    Column("eventName", "text", lambda one: one.row.event_name),
    Column("orgId", "whole", lambda one: one.row.org),
    Column("state", {state.word for state in State}, lambda one: State(one.row.state).word),
    Column("attempts", "whole", lambda one: one.row.attempts_made),
    Column("status", "whole|null", lambda one: one.row.status),
    Column("durationInMs", "whole|null", lambda one: one.row.duration_ms),
    Column("acceptedAt", "time", lambda one: iso(one.row.accepted_ms)),
    Column("doneAt", "time|null", lambda one: iso(one.row.done_ms)),
    Column("nextAttemptAt", "time|null", lambda one: iso(one.next_ms)),
    Column("waitsFor", "#WaitsFor|null", show_waits),
    Column(
        "replayId",
        "text|null",
        lambda one: None if one.row.replay is None else show("rpl", one.row.replay),
    ),
    Column("deliveredByReplay", "#DeliveredByReplay|null", show_delivered_by),
    Column("endedBy", "text|null", lambda one: one.row.ended_by, label="Ended by"),
    Column("warning", "#DeliveryWarning|null", lambda one: show_left_out(one.row.left_out)),
)
EVENT: tuple[Column[EventRow], ...] = (
    Column("eventId", "text", lambda one: one.event.id),
    Column("eventName", "text", lambda one: one.event.name),
    Column("orgId", "whole", lambda one: one.event.org),
    Column("acceptedAt", "time", lambda one: iso(one.event.at_ms)),
    Column("warning", "text|null", lambda one: one.event.warning),
    Column("refId", "text|null", lambda one: one.head and one.head.ref_id),
    Column("requestId", "text|null", lambda one: one.head and one.head.request_id),
    Column("customerId", "text|null", lambda one: one.head and one.head.customer_id),
)


def show_delivery(
    row: StoredDelivery, webhook: WebhookState | None, next_ms: int | None, *, unread: bool = False
) -> dict[str, Any]:
    """Show a delivery's row, and when it is tried next. `unread`: it waits for a reader."""
    seen = DeliveryRow(row, webhook, next_ms, unread=unread)
    return {column.name: column.value(seen) for column in DELIVERY}


def show_event(event: StoredEvent, head: EventHead | None) -> dict[str, Any]:
    """Show an event's row."""
    seen = EventRow(event, head)
    return {column.name: column.value(seen) for column in EVENT}


def facts_of(shown: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the columns of a shown delivery that have a label and a value, as label and value."""
    labelled = ((column.label, shown.get(column.name)) for column in DELIVERY if column.label)
    return [(label, value) for label, value in labelled if value is not None]


def shapes(columns: tuple[Column[Any], ...]) -> dict[str, Any]:
    """Return the types of columns by name, for the description of the API."""
    return {column.name: column.shape for column in columns}
