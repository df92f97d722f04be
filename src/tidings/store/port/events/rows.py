"""What is stored of events and deliveries, as the API reads it."""

import msgspec

from tidings.core.shaping.left_out import LeftOut
from tidings.core.webhooks.hearing import wire_name


class StoredEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event as it was accepted."""

    seq: int
    org: int
    kept_name: str  # and as what else it is heard (core/webhooks/hearing.py)
    id: str
    at_ms: int
    warning: str | None
    body: bytes | None  # None after its retention
    first_delivery: int
    deliveries: int

    @property
    def name(self) -> str:
        """The name that it bears."""
        return wire_name(self.kept_name)


class StoredDelivery(msgspec.Struct, frozen=True, array_like=True):
    """A delivery's row."""

    id: int
    event: int
    webhook: int
    version: int
    state: int
    attempts: int
    due_ms: int | None
    done_ms: int | None
    duration_ms: int | None
    status: int | None
    org: int
    event_name: str
    event_id: str
    accepted_ms: int
    replay: int | None = None  # the job that made it
    left_out: LeftOut | None = None  # what every attempt lacked that has sent something
    ended_by: str | None = None  # who has cancelled it, or has taken it as delivered


class Rejection(msgspec.Struct, frozen=True, array_like=True):
    """A refused event."""

    id: int
    org: int
    at_ms: int
    name: str
    event_id: str
    code: str
    message: str
    path: str
    body: bytes
