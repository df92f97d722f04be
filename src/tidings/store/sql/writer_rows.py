"""Rows of the log's tables, as they are written: events, their bodies, deliveries and what is kept
of these. The statements that write them follow from the fields (`row_mapping.py`).
"""

from typing import NamedTuple

from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.store.sql.row_mapping import insert_into, tuple_maker


class EventInsert(NamedTuple):
    """A row of `event`."""

    seq: EventNumber
    org: OrgId
    name: str
    id: str
    at_ms: int
    warning: str | None
    first_delivery: int
    deliveries: int
    terms: bytes
    passage: str | None


class BodyInsert(NamedTuple):
    """A row of `body`."""

    seq: EventNumber
    bytes: bytes


class EventIdInsert(NamedTuple):
    """A row of `event_id`."""

    hash: bytes
    seq: EventNumber
    digest: bytes


class DeliveryInsert(NamedTuple):
    """A new row of `delivery`: no attempt has been made."""

    id: int
    event: EventNumber
    webhook: int
    version: int
    state: int
    key: int | None


class OwedDeliveryInsert(NamedTuple):
    """A new row of `delivery` that was owed: it may have ended meanwhile."""

    id: DeliveryId
    event: EventNumber
    webhook: int
    version: int
    state: int
    done_ms: int | None
    key: int | None


class SettleUpdate(NamedTuple):
    """Changes the row of `delivery` that has the `id` to what a settlement says."""

    state: int
    attempts: int
    due_ms: int | None
    done_ms: int | None
    duration_ms: int
    status: int | None
    version: int
    id: DeliveryId


class SentInsert(NamedTuple):
    """A row of `sent`."""

    delivery: DeliveryId
    bytes: bytes
    without_personal_data: bool


class ReplayDeliveryInsert(NamedTuple):
    """A new row of `delivery_replay`: nobody has counted what became of it."""

    delivery: int
    replay: int
    event: EventNumber
    webhook: int
    again: bool
    at_ms: int


class AttemptIntent(NamedTuple):
    """A new row of `attempt` that has not ended; its version is that of its delivery."""

    delivery: DeliveryId
    started_ms: int


class LostAttempt(NamedTuple):
    """A new row of `attempt` whose outcome died with its process."""

    delivery: DeliveryId
    number: int
    started_ms: int


class WaitingInsert(NamedTuple):
    """A new row of `waiting`: it has been looked at once."""

    delivery: DeliveryId
    reason: str
    detail: str
    needed: str | None
    since_ms: int


class LeftOutRow(NamedTuple):
    """A row of `left_out`: what a delivery lacks, as JSON."""

    delivery: DeliveryId
    content: bytes


class DisablingRow(NamedTuple):
    """A row of `disabling`. `reason`: of the outcome that disables; none once it is disabled."""

    webhook: int
    version: int
    reason: str = ""


class CancelledBy(NamedTuple):
    """A row of `delivery_cancel`."""

    delivery: DeliveryId
    by: str
    replay: int | None


INSERT_DELIVERY = insert_into("delivery", DeliveryInsert, attempts="0")
bind_event = tuple_maker(EventInsert)
bind_delivery = tuple_maker(DeliveryInsert)
bind_owed_delivery = tuple_maker(OwedDeliveryInsert)
bind_settlement = tuple_maker(SettleUpdate)
bind_waiting = tuple_maker(WaitingInsert)
bind_left_out = tuple_maker(LeftOutRow)
bind_sent = tuple_maker(SentInsert)
