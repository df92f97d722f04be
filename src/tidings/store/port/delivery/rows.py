"""Deliveries and their attempts: what is written of them, and what is read."""

from collections.abc import Sequence

import msgspec

from tidings.core.delivery.exchange import Timings
from tidings.core.delivery.waits import WaitsFor
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.shaping.left_out import LeftOut


class NewDelivery(msgspec.Struct, frozen=True, array_like=True):
    """A delivery to be stored with its event."""

    webhook: int
    version: int
    key: int | None = None  # hash of the ordering key; None where nothing is ordered
    parked: bool = False


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """The kept record of an attempt that was not a plain success."""

    kind: str | None  # a FaultKind, None for an answer
    detail: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    truncated: bool
    expired: bool = False  # headers and body were there, and are dropped after their retention
    timings: Timings | None = None


class Settlement(msgspec.Struct, frozen=True, array_like=True):
    """The result of one attempt. `state` is DELIVERED, FAILED, CANCELLED or RETRYING; or WAITING,
    where none was made."""

    delivery: DeliveryId
    webhook: int
    key: int | None
    state: int
    attempt: int  # its number, 1 for the first
    version: int  # of the webhook under which it was sent
    started_ms: int
    duration_ms: int
    status: int | None
    delay_ms: int | None = None  # RETRYING, WAITING: from now to the next attempt
    evidence: Evidence | None = None
    sent: bytes | None = None  # shaped bytes of an attempt that did not deliver: retries send them
    left_out: LeftOut | None = None  # what was sent lacks this; the first one of a delivery stays
    disable: str | None = None  # the reason, where its webhook is disabled for this outcome
    keeps_sent: bool = False  # what was shaped stays also when it is delivered; the newest does
    cut: bool = False  # `sent` was made without personal data, and replaces what was not
    waits: WaitsFor | None = None  # WAITING: for what; `attempt` is not counted


class DeliveredByReplay(msgspec.Struct, frozen=True, array_like=True):
    """The delivery of a replay by which the event of an earlier one has arrived."""

    delivery: DeliveryId
    replay: int  # the job that made it
    at_ms: int


class StoredDelivery(msgspec.Struct, frozen=True, array_like=True):
    """A delivery's row."""

    id: DeliveryId
    event: EventNumber
    webhook: int
    version: int
    state: int
    attempts: int
    due_ms: int | None
    done_ms: int | None
    duration_ms: int | None
    status: int | None
    org: OrgId
    event_name: str
    event_id: str
    accepted_ms: int
    replay: int | None = None  # the job that made it
    left_out: LeftOut | None = None  # what every attempt lacked that has sent something
    ended_by: str | None = None  # who has cancelled it, or has taken it as delivered
    waits: WaitsFor | None = None  # WAITING: for what
    waited: int = 0  # of its attempts those that were none: waits, from before they were a state
    delivered_by: DeliveredByReplay | None = None  # FAILED, PARKED: what has delivered it since

    @property
    def attempts_made(self) -> int:
        """Count the attempts that were made, or have begun."""
        return self.attempts - self.waited


class StoredAttempt(msgspec.Struct, frozen=True, array_like=True):
    """One attempt. Without `ended` it is in flight."""

    number: int
    started_ms: int
    ended: bool
    duration_ms: int | None
    status: int | None
    version: int
    evidence: Evidence | None
