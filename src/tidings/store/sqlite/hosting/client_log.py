"""What the log, the inboxes and look-ups ask of the embedded store."""

import asyncio
from collections.abc import Sequence

from tidings.store import port
from tidings.store.sqlite.hosting.child import Lines, decoder

_NUMBER = decoder(int)
_NONE = decoder(None)
_NUMBERS = decoder(list[int])
_ASKED = decoder(port.Asked)
_SENT_BODY = decoder(port.SentBody)
_INBOX = decoder(port.Inbox)
_INBOXES = decoder(list[port.Inbox])
_ARRIVAL = decoder(port.Arrival | None)
_ARRIVAL_PAGE = decoder(port.ArrivalPage)
_DELIVERY_PAGE = decoder(port.DeliveryPage)
_EVENT_PAGE = decoder(port.EventPage)
_TALLY = decoder(port.Tally)
_SERIES = decoder(port.Series)
_SERIES_EACH = decoder(list[port.Series])
_COUNTS_EACH = decoder(list[dict[int, int]])
_EVENT_SERIES = decoder(port.EventSeries)
_REJECTION_PAGE = decoder(port.RejectionPage)
_REJECTION = decoder(port.Rejection | None)
_VERSION = decoder(port.StoredWebhook | None)
_HEADS = decoder(list[port.EventHead])
_STARTS = decoder(list[port.FirstStart])
_FIRST = decoder(int | None)


class LogCalls(Lines):
    """A part of `SqliteStore`."""

    def index_lag(self) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "index_lag")

    def log_deliveries(self, query: port.DeliveryQuery) -> asyncio.Future[port.DeliveryPage]:
        """See `port.Store`."""
        return self._reading.call(_DELIVERY_PAGE, "log_deliveries", query)

    def log_events(self, query: port.EventQuery) -> asyncio.Future[port.EventPage]:
        """See `port.Store`."""
        return self._reading.call(_EVENT_PAGE, "log_events", query)

    def tally(
        self, webhook: int, from_ms: int, to_ms: int, sla_s: int | None = None
    ) -> asyncio.Future[port.Tally]:
        """See `port.Store`."""
        return self._reading.call(_TALLY, "tally", webhook, from_ms, to_ms, sla_s)

    def series(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[port.Series]:
        """See `port.Store`."""
        return self._reading.call(_SERIES, "series", webhooks, from_ms, to_ms, points)

    def late_each(
        self, wishes: Sequence[tuple[int, int]], from_ms: int, to_ms: int
    ) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`."""
        return self._reading.call(_NUMBERS, "late_each", wishes, from_ms, to_ms)

    def org_series(
        self, org: int, from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[port.Series]:
        """See `port.Store`."""
        return self._reading.call(_SERIES, "org_series", org, from_ms, to_ms, points)

    def series_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[list[port.Series]]:
        """See `port.Store`."""
        return self._reading.call(_SERIES_EACH, "series_each", webhooks, from_ms, to_ms, points)

    def counts_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int
    ) -> asyncio.Future[list[dict[int, int]]]:
        """See `port.Store`."""
        return self._reading.call(_COUNTS_EACH, "counts_each", webhooks, from_ms, to_ms)

    def left_each(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int
    ) -> asyncio.Future[list[dict[int, int]]]:
        """See `port.Store`."""
        return self._reading.call(_COUNTS_EACH, "left_each", webhooks, from_ms, to_ms)

    def event_series(
        self, org: int, from_ms: int, to_ms: int, points: int
    ) -> asyncio.Future[port.EventSeries]:
        """See `port.Store`."""
        return self._reading.call(_EVENT_SERIES, "event_series", org, from_ms, to_ms, points)

    def sent_body(self, delivery: int) -> asyncio.Future[port.SentBody]:
        """See `port.Store`."""
        return self._reading.call(_SENT_BODY, "sent_body", delivery)

    def log_rejections(
        self, org: int, before: int | None, after: int | None, limit: int
    ) -> asyncio.Future[port.RejectionPage]:
        """See `port.Store`."""
        return self._reading.call(_REJECTION_PAGE, "log_rejections", org, before, after, limit)

    def rejection(self, org: int, number: int) -> asyncio.Future[port.Rejection | None]:
        """See `port.Store`."""
        return self._reading.call(_REJECTION, "rejection", org, number)

    def drop_rejection(self, org: int, number: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_rejection", org, number)

    def load_inboxes(self) -> asyncio.Future[Sequence[port.Inbox]]:
        """See `port.Store`."""
        return self._writing.call(_INBOXES, "load_inboxes")

    def put_inbox(self, inbox: port.Inbox) -> asyncio.Future[port.Inbox]:
        """See `port.Store`."""
        return self._writing.call(_INBOX, "put_inbox", inbox)

    def use_inbox(self, number: int, at_ms: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "use_inbox", number, at_ms)

    def drop_inbox(self, number: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_inbox", number)

    def add_arrivals(self, arrivals: Sequence[port.Arrival]) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`."""
        return self._writing.call(_NUMBERS, "add_arrivals", arrivals)

    def arrivals(
        self, inbox: int, before: int | None, after: int | None, limit: int
    ) -> asyncio.Future[port.ArrivalPage]:
        """See `port.Store`."""
        return self._reading.call(_ARRIVAL_PAGE, "arrivals", inbox, before, after, limit)

    def arrival(self, inbox: int, number: int) -> asyncio.Future[port.Arrival | None]:
        """See `port.Store`."""
        return self._reading.call(_ARRIVAL, "arrival", inbox, number)

    def retry_now(self, delivery: int) -> asyncio.Future[port.Asked]:
        """See `port.Store`."""
        return self._writing.call(_ASKED, "retry_now", delivery)

    def webhook_version(
        self, webhook: int, version: int
    ) -> asyncio.Future[port.StoredWebhook | None]:
        """See `port.Store`."""
        return self._reading.call(_VERSION, "webhook_version", webhook, version)

    def event_heads(self, events: Sequence[int]) -> asyncio.Future[Sequence[port.EventHead]]:
        """See `port.Store`."""
        return self._reading.call(_HEADS, "event_heads", events)

    def first_starts(self, deliveries: Sequence[int]) -> asyncio.Future[Sequence[port.FirstStart]]:
        """See `port.Store`."""
        return self._reading.call(_STARTS, "first_starts", deliveries)

    def goes_first(self, delivery: int) -> asyncio.Future[int | None]:
        """See `port.Store`."""
        return self._reading.call(_FIRST, "goes_first", delivery)
