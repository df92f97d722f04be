"""The logs and their totals: which deliveries and events fit a filter, newest first, and how many.

Pages. Filters combine, an empty one asks for nothing. A page holds at most `limit` rows, newest
first, below `before` or above `after` (ids; at most one of the two). It may hold fewer, and even
none, while there are more: what one question may examine is bounded, so that the worst filter
costs what the others cost. Who asks goes on with the page's cursor until that is None.

Totals are exact: each delivery of the range counts once, with the state it has. What has changed
in the last moments is counted at the question, unless very much has; then it may be half a minute
old. `behind` says how many deliveries are not counted yet, which is so only after the counters were
lost and are made again.

The time of a delivery is that at which its event was accepted, or its replay has made it; ranges
are `from_ms` ≤ time < `to_ms`.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.states import State
from tidings.store.port.events.rows import Rejection, StoredDelivery, StoredEvent

ROWS_MAX = 200  # of a page
POINTS_MAX = 400  # of a series
STEP_MS = 300_000  # the shortest time that a point of a series covers
# Beside the states in what is counted by state: a delivery that failed or was parked, and whose
# event a replay has since delivered to its webhook. It counts here alone: nobody has to do anything
# about it any more.
REPLAYED = 7
# What somebody may have to do something about: what is unfinished or parked.
LEFT_STATES = (State.PENDING, State.HELD, State.RETRYING, State.PARKED)


class DeliveryQuery(msgspec.Struct, frozen=True, array_like=True):
    """Which deliveries. They belong to the owner of their webhook, not to the event's org."""

    webhooks: Sequence[int]  # whose: all that the org owns, or those of them that are asked for
    states: Sequence[int] = ()
    event_names: Sequence[str] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    terms: Sequence[bytes] = ()  # all must match; several in one: any of them
    before: int | None = None
    after: int | None = None
    limit: int = 50
    events: Sequence[int] = ()  # of these alone, by their sequence numbers


class EventQuery(msgspec.Struct, frozen=True, array_like=True):
    """Which events of an org. With `webhooks`: those that have a delivery at one of them; with
    `states` beside, the same delivery is in one of these."""

    org: int
    event_names: Sequence[str] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    terms: Sequence[bytes] = ()  # all must match; several in one: any of them
    matched: bool | None = None  # False: those that matched no webhook
    before: int | None = None
    after: int | None = None
    limit: int = 50
    events: Sequence[int] = ()  # these alone, by their sequence numbers
    webhooks: Sequence[int] = ()  # replays count as well as what the event itself has made
    states: Sequence[int] = ()  # of deliveries at `webhooks`


class DeliveryPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first. `older` is the next question's `before`, `newer` its `after`."""

    deliveries: Sequence[StoredDelivery]
    older: int | None = None
    newer: int | None = None


class EventPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first, by sequence number, without their bodies."""

    events: Sequence[StoredEvent]
    older: int | None = None
    newer: int | None = None


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """The deliveries of one webhook in a time. The sum over `by_state` is the total."""

    by_state: dict[int, int]  # REPLAYED among the states
    delivered_ms_sum: int = 0  # from accept to the end of the attempt that delivered, summed
    delivered: int = 0
    sla_breaches: int = 0
    behind: int = 0
    answers: dict[int, int] = {}  # of what was tried, by its last status; 0: it got no answer
    attempts: int = 0  # that have ended, of all these deliveries; `delivered` of them succeeded


class Point(msgspec.Struct, frozen=True, array_like=True):
    """One step of a series."""

    start_ms: int
    by_state: dict[int, int]  # REPLAYED among the states
    delivered_ms_sum: int = 0
    p50_ms: float | None = None  # from accept to delivered, within 12 %; None without any
    p95_ms: float | None = None
    attempts: int = 0  # that have ended, of the deliveries of this step


class Series(msgspec.Struct, frozen=True, array_like=True):
    """Equal steps without a gap. `step_ms` is a multiple of five minutes."""

    step_ms: int
    points: Sequence[Point]
    behind: int = 0
    p50_ms: float | None = None  # of all points together
    p95_ms: float | None = None


class EventSeries(msgspec.Struct, frozen=True, array_like=True):
    """How many events of an org were accepted, in equal steps without a gap from `start_ms` on."""

    step_ms: int
    start_ms: int
    counts: Sequence[int]
    behind: int = 0


class RejectionPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first."""

    rejections: Sequence[Rejection]
    older: int | None = None
    newer: int | None = None


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What asking for a try now has done.

    `outcome`: "due" (it is due now), "next" (it goes next of its ordering key), "waiting" (it waits
    for its attempt anyway), "under_way", "delivered", "no_payload" (its bytes are gone), "unknown".
    """

    outcome: str
    due_ms: int | None = None
    promised_ms: int | None = None  # when the automatic attempt was due that this one comes before


class SentBody(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of the bytes of a delivery."""

    shaped: bytes | None = None  # made by its first attempt, kept for the retries
    accepted: bytes | None = None  # those of the event, until their retention
    again: bool = False  # it is a replay's of what was delivered before


class LogStore(Protocol):
    """What the API asks of a store about what has happened."""

    def log_deliveries(self, query: DeliveryQuery) -> Awaitable[DeliveryPage]:
        """A page of deliveries."""
        ...

    def log_events(self, query: EventQuery) -> Awaitable[EventPage]:
        """A page of events."""
        ...

    def tally(
        self, webhook: int, from_ms: int, to_ms: int, sla_s: int | None = None
    ) -> Awaitable[Tally]:
        """The deliveries of a webhook by state; late ones by `sla_s` (core/delivery/sla.py)."""
        ...

    def late_each(
        self, wishes: Sequence[tuple[int, int]], from_ms: int, to_ms: int
    ) -> Awaitable[Sequence[int]]:
        """How many deliveries are late of each webhook, given with its `sla_s`; in their order,
        and by one reading for all of them."""
        ...

    def series(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, points: int
    ) -> Awaitable[Series]:
        """About `points` steps over a time; its ends are moved outwards to whole steps."""
        ...

    def org_series(self, org: int, from_ms: int, to_ms: int, points: int) -> Awaitable[Series]:
        """The same for all webhooks that an org has or had. It reads what one webhook would."""
        ...

    def series_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, points: int
    ) -> Awaitable[Sequence[Series]]:
        """The same for each of some webhooks by itself, in their order."""
        ...

    def index_lag(self) -> Awaitable[int]:
        """How many events have search terms that are not written yet. Searches find them too."""
        ...

    def counts_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int
    ) -> Awaitable[Sequence[dict[int, int]]]:
        """How many deliveries of each webhook are in each state, in their order. The ends of the
        time are moved outwards by half a day at most: for long times, where no more is asked."""
        ...

    def left_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int
    ) -> Awaitable[Sequence[dict[int, int]]]:
        """The same for what is unfinished or parked alone: what somebody may have to do something
        about. What a replay has delivered since is none of it. It costs what there is of these."""
        ...

    def event_series(
        self, org: int, from_ms: int, to_ms: int, points: int
    ) -> Awaitable[EventSeries]:
        """The same steps, for the events that an org has sent."""
        ...

    def sent_body(self, delivery: int) -> Awaitable[SentBody]:
        """What a delivery has sent, as far as it is kept."""
        ...

    def log_rejections(
        self, org: int, before: int | None, after: int | None, limit: int
    ) -> Awaitable[RejectionPage]:
        """Refused events of an org."""
        ...

    def rejection(self, org: int, number: int) -> Awaitable[Rejection | None]:
        """One refused event of an org."""
        ...

    def drop_rejection(self, org: int, number: int) -> Awaitable[None]:
        """Forget a refused event: it was accepted after all."""
        ...

    def retry_now(self, delivery: int) -> Awaitable[Asked]:
        """Make a failed, parked, cancelled or retrying delivery due now.

        A final one is RETRYING again. Behind another unfinished one of its ordering key it is HELD
        and goes next. Whoever asks tells its lane.
        """
        ...
