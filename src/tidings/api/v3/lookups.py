"""`/v3/webHooks/eventLog`: what became of an event, by its request, its reference or its own id.

By request and by reference the answer is a list with a row for each delivery: one call can raise
several events, and several webhooks can want each of them. By event id it is one object, the newest
delivery's, as the original answers it. An event that no webhook wanted is a row without a
`consumerGroupId`. One page of the original's documentation prints the path in lower case; that is
answered too.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.api.answers import RefusalAnswer, answer, envelope, refused
from tidings.api.context import Services
from tidings.api.router import EntryRoute, Routes
from tidings.api.v3.event_log_view import complete, show_event_log, show_unmatched
from tidings.api.v3.models import ERRORS, EVENT_LOG, EVENT_LOGS
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import EVENT_ID, OrgId
from tidings.errors import FieldRefusal
from tidings.reads.events.log_pages import heads_of, newest_first
from tidings.reads.events.org_scope import org_scope_of
from tidings.store.port import (
    ROWS_MAX,
    DeliveryQuery,
    EventHead,
    EventQuery,
    StoredDelivery,
    StoredEvent,
)
from tidings.values import describe_value

LOOKUP_ROWS_MAX = 1000
EXAMINED_MAX = 10_000  # rows that have the value in some field
ROUNDS_MAX = 200  # questions: nearly all rows of a page may belong to other webhooks
VALUE_MAX = 255

FieldReader = Callable[[EventHead], str | None]  # the field of an event that is looked up
Fits = Callable[[EventHead | None], bool]


class PageOfRows(msgspec.Struct, frozen=True):
    """Rows newest first, the events among them that nobody wanted, and warnings."""

    rows: Sequence[dict[str, Any]]
    warnings: tuple[FieldRefusal, ...]


def lookup_routes(services: Services) -> list[EntryRoute]:
    """Build the routes that find the log of an event, over the services."""
    route = Routes(services, tag="logs", refuses=ERRORS)
    lookups = EventQueries(services)

    @route(
        "GET",
        "/v3/webHooks/eventLog/requestId/{requestId}",
        id="listEventLogsOfRequest",
        scope="webhooks:read",
        summary="Event logs of a request",
        answers=EVENT_LOGS,
        more_paths=["/v3/webhooks/eventLog/requestId/{requestId}"],
    )
    async def by_request(caller: AuthenticatedCaller, requestId: str) -> Response:
        """`requestId` is the `apiRequestId` of events: the `X-Cap-Requestid` of the call that
        caused them."""
        org = caller.org
        found = await lookups.by_value(org, requestId, lambda head: head.request_id)
        return answer(envelope(found.rows, warnings=found.warnings))

    @route(
        "GET",
        "/v3/webHooks/eventLog/refId/{refId}",
        id="listEventLogsOfReference",
        scope="webhooks:read",
        summary="Event logs of a reference",
        answers=EVENT_LOGS,
        more_paths=["/v3/webhooks/eventLog/refId/{refId}"],
    )
    async def by_reference(caller: AuthenticatedCaller, refId: str) -> Response:
        """`refId` is that of events: the org's id and that of what the event is about."""
        org = caller.org
        found = await lookups.by_value(org, refId, lambda head: head.ref_id)
        return answer(envelope(found.rows, warnings=found.warnings))

    @route(
        "GET",
        "/v3/webHooks/eventLog/{eventId}",
        id="getEventLog",
        scope="webhooks:read",
        summary="Event log of an event",
        answers=EVENT_LOG,
        more_paths=["/v3/webhooks/eventLog/{eventId}"],
    )
    async def by_event(caller: AuthenticatedCaller, eventId: str) -> Response:
        """The event's newest delivery."""
        org = caller.org
        row = await lookups.by_event(org, eventId)
        if row is None:
            raise _unknown(eventId)
        return answer(envelope(row))

    return route.made


class EventQueries:
    """Finds events and shows them; every question is asked for one org's own webhooks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store

    async def by_value(self, org: OrgId, value: str, ignored: FieldReader) -> PageOfRows:
        """Find the deliveries of all events whose field holds exactly `value`, and such events that
        no webhook wanted: the newest of both, within one bound."""
        if not value or len(value) > VALUE_MAX:
            return PageOfRows((), ())
        own = {
            record.webhook.number: record.webhook for record in self._services.webhooks.list(org)
        }
        scope = org_scope_of(self._services.orgs, org, own.values())
        term = self._services.events.terms.of

        def fits(head: EventHead | None) -> bool:
            # A term is found by any value that people search for: the field itself decides.
            return head is not None and ignored(head) == value

        queries = [DeliveryQuery(tuple(own), terms=(term(org, value),)) for org in scope.orgs]
        rows, rows_left = await self._delivered(queries, fits) if own else ([], False)
        unwanted, events_left = await self._unwanted(
            EventQuery(org, terms=(term(org, value),), matched=False), fits
        )
        more = await complete(self._store, rows)
        now_ms, zone = self._services.clock.now_ms(), self._services.zone(org)
        shown = [
            (row.accepted_ms, show_event_log(row, own[row.webhook], more, now_ms, zone))
            for row in rows
        ]
        shown += [(event.at_ms, show_unmatched(event, head, zone)) for event, head in unwanted]
        shown.sort(key=lambda one: one[0], reverse=True)
        left_out = rows_left or events_left or len(shown) > LOOKUP_ROWS_MAX
        warnings = (*scope.warnings, _cut()) if left_out else scope.warnings
        return PageOfRows([row for _, row in shown[:LOOKUP_ROWS_MAX]], warnings)

    async def by_event(self, org: OrgId, event_id: str) -> dict[str, Any] | None:
        """Return the newest delivery of an event to the org's webhooks; None where there is no such
        event."""
        if not EVENT_ID.fullmatch(event_id):
            return None
        own = {
            record.webhook.number: record.webhook for record in self._services.webhooks.list(org)
        }
        zone = self._services.zone(org)
        for member in org_scope_of(self._services.orgs, org, own.values()).orgs:
            event = await self._store.event(member, event_id)
            if event is None or event.org != member:
                continue
            rows = [row for row in await self._store.deliveries_of(event.seq) if row.webhook in own]
            if rows:
                newest = max(rows, key=lambda row: row.id)
                more = await complete(self._store, [newest])
                now_ms = self._services.clock.now_ms()
                return show_event_log(newest, own[newest.webhook], more, now_ms, zone)
            if member == org:
                return show_unmatched(event, await self._head(event), zone)
        return None

    async def _delivered(
        self, queries: list[DeliveryQuery], fits: Fits
    ) -> tuple[list[StoredDelivery], bool]:
        """The newest deliveries of events that fit, and whether there may be more."""
        found: list[StoredDelivery] = []
        before: int | None = None
        examined = 0
        for _ in range(ROUNDS_MAX):
            page = await newest_first(self._store, queries, before, ROWS_MAX)
            heads = await heads_of(self._store, (row.event for row in page.rows))
            found += [row for row in page.rows if fits(heads.get(row.event))]
            before = page.on
            examined += len(page.rows)
            if before is None or len(found) > LOOKUP_ROWS_MAX or examined >= EXAMINED_MAX:
                break
        return found[:LOOKUP_ROWS_MAX], before is not None or len(found) > LOOKUP_ROWS_MAX

    async def _unwanted(
        self, query: EventQuery, fits: Fits
    ) -> tuple[list[tuple[StoredEvent, EventHead]], bool]:
        """The newest events that fit and that no webhook wanted, and whether there may be more."""
        found: list[tuple[StoredEvent, EventHead]] = []
        before: int | None = None
        examined = 0
        for _ in range(ROUNDS_MAX):
            asked = msgspec.structs.replace(query, before=before, limit=ROWS_MAX)
            page = await self._store.log_events(asked)
            heads = await heads_of(self._store, (event.seq for event in page.events))
            found += [
                (event, head)
                for event in page.events
                if (head := heads.get(event.seq)) is not None and fits(head)
            ]
            before = page.older
            examined += len(page.events)
            if before is None or len(found) > LOOKUP_ROWS_MAX or examined >= EXAMINED_MAX:
                break
        return found[:LOOKUP_ROWS_MAX], before is not None or len(found) > LOOKUP_ROWS_MAX

    async def _head(self, event: StoredEvent) -> EventHead | None:
        return (await heads_of(self._store, [event.seq])).get(event.seq)


def _cut() -> FieldRefusal:
    return FieldRefusal.build(
        "rows_left_out",
        f"At most {LOOKUP_ROWS_MAX} rows are returned, out of the newest {EXAMINED_MAX} that have "
        "this value in any field; there are older ones. Page through the log of one webhook.",
        field="data",
    )


def _unknown(event_id: str) -> RefusalAnswer:
    return refused(
        400,
        400,
        f"eventId must be the id of an event of this org; got {describe_value(event_id)}. Check "
        "it, and the "
        "credential's org.",
        field="eventId",
    )
