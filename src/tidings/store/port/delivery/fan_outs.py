"""Events that match more webhooks than one transaction makes deliveries for."""

from collections.abc import Sequence

import msgspec

from tidings.core.ids import DeliveryId, OrgId

DELIVERIES_MAX = 10_000  # of a batch, made in its own transaction; the rest is owed
PER_EVENT_MAX = 250  # of one event: each is another lane that begins to send
FAN_OUT_ROWS = 100  # owed deliveries that one later commit makes beside what else it writes


class FanOut(msgspec.Struct, frozen=True, array_like=True):
    """The deliveries that a commit has made of those that one event was owed.

    Only those that may be sent now. Their ids were given when the event was accepted, so they may
    be lower than others that their lanes have seen.
    """

    org: OrgId
    event_id: str
    accepted_ms: int
    body: bytes
    deliveries: Sequence[tuple[DeliveryId, int, int | None]]  # id, webhook, ordering key
    passage: str | None = None  # of the event
