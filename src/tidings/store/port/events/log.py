"""The log of events: which fit a filter, newest first, what each says, and how many there were.

Pages. Filters combine, an empty one asks for nothing. A page holds at most `limit` rows, newest
first, below `before` or above `after` (ids; at most one of the two). It may hold fewer, and even
none, while there are more: what one question may examine is bounded, so that the worst filter
costs what the others cost. Who asks goes on with the page's cursor until that is None.

Ranges of time are `from_ms` ≤ time < `to_ms`.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.webhooks.name_matching import wire_name

ROWS_MAX = 200  # of a page
POINTS_MAX = 400  # of a series
STEP_MS = 300_000  # the shortest time that a point of a series covers
LOOKUP_MAX = 1000  # ids of one look-up: a page asks for what its rows lack, for all at once


class StoredEvent(msgspec.Struct, frozen=True, array_like=True):
    """An event as it was accepted."""

    seq: EventNumber
    org: OrgId
    stored_name: str  # and as what else it is heard (core/webhooks/name_matching.py)
    id: str
    at_ms: int
    warning: str | None
    body: bytes | None  # None after its retention
    first_delivery: DeliveryId
    deliveries: int
    passage: str | None = None  # how it came; asked for by its id alone

    @property
    def name(self) -> str:
        """The name that it bears."""
        return wire_name(self.stored_name)


class EventQuery(msgspec.Struct, frozen=True, array_like=True):
    """A selection of an org's events. With `webhooks`: those that have a delivery at one of them;
    with `states` beside, the same delivery is in one of these."""

    org: OrgId
    event_names: Sequence[str] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    terms: Sequence[bytes] = ()  # all must match; several in one: any of them
    matched: bool | None = None  # False: those that matched no webhook
    before: int | None = None
    after: int | None = None
    limit: int = 50
    events: Sequence[EventNumber] = ()  # these alone, by their sequence numbers
    webhooks: Sequence[int] = ()  # replays count as well as what the event itself has made
    states: Sequence[int] = ()  # of deliveries at `webhooks`


class EventPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first, by sequence number, without their bodies."""

    events: Sequence[StoredEvent]
    older: int | None = None
    newer: int | None = None


class EventHead(msgspec.Struct, frozen=True, array_like=True):
    """The head of an event: where it comes from. None where it does not, or its body is gone."""

    seq: EventNumber
    ref_id: str | None
    request_id: str | None
    customer_id: str | None = None


class EventSeries(msgspec.Struct, frozen=True, array_like=True):
    """The number of an org's accepted events, in equal steps without a gap from `start_ms` on."""

    step_ms: int
    start_ms: int
    counts: Sequence[int]
    behind: int = 0


class EventStore(Protocol):
    """The store of accepted events."""

    def event(self, org: OrgId, event_id: str) -> Awaitable[StoredEvent | None]:
        """Return an event by its id; None where the org has none such."""

    def log_events(self, query: EventQuery) -> Awaitable[EventPage]:
        """Return a page of events."""

    def event_heads(self, events: Sequence[EventNumber]) -> Awaitable[Sequence[EventHead]]:
        """Return the heads of events by their sequence numbers; those that are gone are left
        out."""

    def find(self, term: bytes, limit: int) -> Awaitable[Sequence[EventNumber]]:
        """Find the sequence numbers of the newest events, up to `limit`, with a search term, or
        with one of several that stand one behind another."""

    def index_lag(self) -> Awaitable[int]:
        """Count the events whose search terms are not written yet. Searches find them too."""

    def event_series(
        self, org: OrgId, from_ms: int, to_ms: int, points: int
    ) -> Awaitable[EventSeries]:
        """Count the events that an org has sent, in the same steps as those of deliveries."""
