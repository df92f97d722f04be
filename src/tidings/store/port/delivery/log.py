"""The log of deliveries: which fit a filter, newest first, and all that is kept of one.

Its pages are those of `events/log.py`. The time of a delivery is that at which its event was
accepted, or its replay has made it.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import DeliveryId, EventNumber
from tidings.store.port.delivery.rows import StoredAttempt, StoredDelivery


class DeliveryQuery(msgspec.Struct, frozen=True, array_like=True):
    """A selection of deliveries. They belong to the owner of their webhook, not to the event's
    org."""

    webhooks: Sequence[int]  # whose: all that the org owns, or those of them that are asked for
    states: Sequence[int] = ()
    event_names: Sequence[str] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    terms: Sequence[bytes] = ()  # all must match; several in one: any of them
    before: int | None = None
    after: int | None = None
    limit: int = 50
    events: Sequence[EventNumber] = ()  # of these alone, by their sequence numbers


class DeliveryPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first. `older` is the next question's `before`, `newer` its `after`."""

    deliveries: Sequence[StoredDelivery]
    older: int | None = None
    newer: int | None = None


class SentBody(msgspec.Struct, frozen=True, array_like=True):
    """The kept bytes of a delivery."""

    shaped: bytes | None = None  # made by an attempt, kept for the retries
    accepted: bytes | None = None  # those of the event, until their retention
    again: bool = False  # it is a replay's of what was delivered before
    key: int | None = None  # the hash that it was ordered by
    cut: bool = False  # `shaped` was made without personal data
    passage: str | None = None  # how its event came
    hops_since_ms: int = 0  # since when messages say so


class FirstStart(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a delivery's first attempt; or where it has waited before that, of the first
    look at it."""

    delivery: DeliveryId
    started_ms: int
    looks: int = 0  # that found it not to be done yet


class DeliveryStore(Protocol):
    """The store of deliveries, one by one and by pages."""

    def log_deliveries(self, query: DeliveryQuery) -> Awaitable[DeliveryPage]:
        """Return a page of deliveries."""

    def delivery(self, delivery: DeliveryId) -> Awaitable[StoredDelivery | None]:
        """Return a delivery by its id; None where there is none."""

    def next_due(self, webhook: int, limit: int) -> Awaitable[Sequence[StoredDelivery]]:
        """List the deliveries of a webhook that are tried, or looked at, again at a known time: the
        next ones first. What was taken for that already is not among them."""

    def deliveries_of(self, event: EventNumber) -> Awaitable[Sequence[StoredDelivery]]:
        """Return all deliveries of an event."""

    def attempts_of(self, delivery: DeliveryId) -> Awaitable[Sequence[StoredAttempt]]:
        """Return the attempts that are kept as rows; a plain first success has none."""

    def first_starts(self, deliveries: Sequence[DeliveryId]) -> Awaitable[Sequence[FirstStart]]:
        """Return the first starts of deliveries whose first attempt is kept as a row, which a plain
        first success has not; and of those that have waited."""

    def goes_first(self, delivery: DeliveryId) -> Awaitable[DeliveryId | None]:
        """Return the delivery that a HELD one waits for; None where it is not HELD, and where that
        one is not made yet or stands behind very many that are held too."""

    def sent_body(self, delivery: DeliveryId) -> Awaitable[SentBody]:
        """Return what a delivery has sent, as far as it is kept."""
