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
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, envelope, refused
from tidings.api.context import Services
from tidings.api.event_log_view import complete, show_event_log, show_unmatched
from tidings.api.family import family_of
from tidings.api.log_pages import newest_first
from tidings.api.models import ERRORS
from tidings.api.v3_models import EVENT_LOG, EVENT_LOGS
from tidings.core.form import Refusal, came
from tidings.core.ids import EVENT_ID
from tidings.store.port import DeliveryQuery, EventHead, EventQuery, StoredDelivery, StoredEvent

LOOKUP_ROWS_MAX = 1000
UNMATCHED_MAX = 100
VALUE_MAX = 255
_PATHS = ("/v3/webHooks/eventLog", "/v3/webhooks/eventLog")

Told = Callable[[EventHead], str | None]  # the field of an event that is looked up


class Found(msgspec.Struct, frozen=True):
    """Rows newest first, the events among them that nobody wanted, and warnings."""

    rows: Sequence[dict[str, Any]]
    warnings: tuple[Refusal, ...]


def lookup_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(tags=["logs"], responses=ERRORS)
    lookups = Lookups(services)

    async def by_request(request: Request, requestId: str) -> Response:
        """`requestId` is the `apiRequestId` of events: the `X-Cap-Requestid` of the call that
        caused them."""
        org = services.caller(request, "webhooks:read").org
        found = await lookups.by_value(org, requestId, lambda head: head.request_id)
        return answer(envelope(found.rows, warnings=found.warnings))

    async def by_reference(request: Request, refId: str) -> Response:
        """`refId` is that of events: the org's id and that of what the event is about."""
        org = services.caller(request, "webhooks:read").org
        found = await lookups.by_value(org, refId, lambda head: head.ref_id)
        return answer(envelope(found.rows, warnings=found.warnings))

    async def by_event(request: Request, eventId: str) -> Response:
        """The event's newest delivery."""
        org = services.caller(request, "webhooks:read").org
        row = await lookups.by_event(org, eventId)
        if row is None:
            raise _unknown(eventId)
        return answer(envelope(row))

    for path in _PATHS:
        shown = path == _PATHS[0]
        add = router.add_api_route
        add(
            path + "/requestId/{requestId}",
            by_request,
            methods=["GET"],
            summary="Event logs of a request",
            responses=EVENT_LOGS,
            include_in_schema=shown,
        )
        add(
            path + "/refId/{refId}",
            by_reference,
            methods=["GET"],
            summary="Event logs of a reference",
            responses=EVENT_LOGS,
            include_in_schema=shown,
        )
        add(
            path + "/{eventId}",
            by_event,
            methods=["GET"],
            summary="Event log of an event",
            responses=EVENT_LOG,
            include_in_schema=shown,
        )
    return router


class Lookups:
    """Finds events and shows them; every question is asked for one org's own webhooks."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store

    async def by_value(self, org: int, value: str, told: Told) -> Found:
        """Deliveries of all events whose field holds exactly `value`."""
        if not value or len(value) > VALUE_MAX:
            return Found((), ())
        own = {one.webhook.number: one.webhook for one in self._services.webhooks.list(org)}
        family = family_of(self._services, org, own.values())
        warnings = family.warnings
        term = self._services.terms.of
        rows: list[StoredDelivery] = []
        if own:
            queries = [DeliveryQuery(tuple(own), terms=(term(one, value),)) for one in family.orgs]
            on: int | None = None
            while len(rows) < LOOKUP_ROWS_MAX:
                page = await newest_first(self._store, queries, on, LOOKUP_ROWS_MAX - len(rows))
                rows += page.rows
                if (on := page.on) is None:
                    break
            if on is not None:
                warnings += (_cut(),)
        more = await complete(self._store, rows)
        now_ms, zone = self._services.clock.now_ms(), self._services.zone(org)
        # A term is found by any value that people search for: the field itself decides.
        shown = [
            show_event_log(row, own[row.webhook], more, now_ms, zone)
            for row in rows
            if (head := more.heads.get(row.event)) is not None and told(head) == value
        ]
        for event in await self._unmatched(EventQuery(org, terms=(term(org, value),))):
            head = await self._head(event)
            if head is not None and told(head) == value:
                shown.append(show_unmatched(event, head, zone))
        return Found(shown, warnings)

    async def by_event(self, org: int, event_id: str) -> dict[str, Any] | None:
        """The newest delivery of an event to the org's webhooks; None where it knows none such."""
        if not EVENT_ID.fullmatch(event_id):
            return None
        own = {one.webhook.number: one.webhook for one in self._services.webhooks.list(org)}
        zone = self._services.zone(org)
        for one in family_of(self._services, org, own.values()).orgs:
            event = await self._store.event(one, event_id)
            if event is None or event.org != one:
                continue
            rows = [row for row in await self._store.deliveries_of(event.seq) if row.webhook in own]
            if rows:
                newest = max(rows, key=lambda row: row.id)
                more = await complete(self._store, [newest])
                now_ms = self._services.clock.now_ms()
                return show_event_log(newest, own[newest.webhook], more, now_ms, zone)
            if one == org:
                return show_unmatched(event, await self._head(event), zone)
        return None

    async def _unmatched(self, query: EventQuery) -> list[StoredEvent]:
        """The newest events of the org that fit and that no webhook wanted."""
        found: list[StoredEvent] = []
        before: int | None = None
        for _ in range(UNMATCHED_MAX):
            page = await self._store.log_events(
                msgspec.structs.replace(query, matched=False, before=before, limit=UNMATCHED_MAX)
            )
            found += page.events
            before = page.older
            if before is None or len(found) >= UNMATCHED_MAX:
                break
        return found[:UNMATCHED_MAX]

    async def _head(self, event: StoredEvent) -> EventHead | None:
        heads = await self._store.event_heads([event.seq])
        return heads[0] if heads else None


def _cut() -> Refusal:
    return Refusal(
        "rows_left_out",
        f"At most {LOOKUP_ROWS_MAX} rows are answered; there are more, which are older. Ask the "
        "log of one webhook, in pages. (rows_left_out, field data)",
        "data",
    )


def _unknown(event_id: str) -> Refused:
    return refused(
        400,
        400,
        f"eventId must be the id of an event of this org; got {came(event_id)}. Check it, and the "
        "credential's org. (400, field eventId)",
        "eventId",
    )
