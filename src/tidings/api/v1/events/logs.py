"""`GET /v1/events` and `GET /v1/deliveries`: pages of what happened, by filters that combine; and
`GET /v1/events/{eventId}`: one event as it was accepted, and its fate at every webhook.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.paging import PAGED, WARNED, both_sides, described
from tidings.api.route import ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.errors import not_found
from tidings.reads.columns import show_event
from tidings.reads.delivery.next_attempts import show_row
from tidings.reads.events.log_pages import heads_of
from tidings.reads.events.logs import (
    delivery_page,
    event_page,
    show_event_row,
    webhooks_of,
)
from tidings.reads.filters import DELIVERIES, EVENTS
from tidings.reads.questions import read_question


def log_routes(services: Services) -> list[EntryRoute]:
    """Build the routes that list events and deliveries, over the services."""
    route = Routes(services)

    @route(
        "GET",
        "/v1/deliveries",
        id="listDeliveries",
        scope="logs:read",
        summary="Deliveries, newest first",
        tag="deliveries",
        answers=ok("A page of deliveries", {"deliveries": ["#DeliveryRow"]} | PAGED | WARNED),
        refuses=usually(404),
        parameters=described(DELIVERIES),
    )
    async def deliveries(request: Request, caller: AuthenticatedCaller) -> Response:
        """Of the org's webhooks. `older` and `newer` are cursors to both sides of the page."""
        org = caller.org
        question = read_question(
            request.query_params, DELIVERIES, services.zone(org), services.clock.now_ms()
        )
        records = webhooks_of(services.webhooks, org, question.webhook_ids)
        page = await delivery_page(services, org, question, records)
        rows = [show_row(services, row, records[row.webhook]) for row in page.deliveries]
        return answer({"deliveries": rows} | both_sides(question, page.older, page.newer))

    @route(
        "GET",
        "/v1/events",
        id="listEvents",
        scope="logs:read",
        summary="Events, newest first",
        tag="events",
        answers=ok("A page of events", {"events": ["#EventRow"]} | PAGED | WARNED),
        refuses=usually(404),
        parameters=described(EVENTS),
    )
    async def events(request: Request, caller: AuthenticatedCaller) -> Response:
        """Of the org, without their bodies; `refId` and `requestId` are null where the event has
        none, or its bytes have expired. `matched=false`: those that no webhook wanted.
        `webHookId` and `states`: those of which one delivery, by itself or of a replay, fits both.
        """
        org = caller.org
        question = read_question(
            request.query_params, EVENTS, services.zone(org), services.clock.now_ms()
        )
        page = await event_page(services, org, question)
        heads = await heads_of(services.store, (event.seq for event in page.events))
        rows = [show_event_row(event, heads.get(event.seq)) for event in page.events]
        return answer({"events": rows} | both_sides(question, page.older, page.newer))

    return route.made


def event_routes(services: Services) -> list[EntryRoute]:
    """Build the route of a single event over the services."""
    route = Routes(services, tag="events")
    store, webhooks = services.store, services.webhooks

    @route(
        "GET",
        "/v1/events/{event_id}",
        id="getEvent",
        scope="logs:read",
        summary="An event and its fate",
        answers=ok("The event", "#WholeEvent"),
    )
    async def event(caller: AuthenticatedCaller, event_id: str) -> Response:
        """The event as it was accepted, and its delivery to every webhook of the org."""
        org = caller.org
        found = await store.event(org, event_id)
        if found is None or found.org != org:
            raise not_found("eventId", "the id of an event of this org", event_id)
        heads = await heads_of(services.store, [found.seq])
        deliveries = []
        for delivery in await store.deliveries_of(found.seq):
            record = webhooks.by_number(delivery.webhook)
            if record is not None and record.org == org:
                deliveries.append(show_row(services, delivery, record))
        return answer(
            show_event(found, heads.get(found.seq))
            | {
                "body": None if found.body is None else msgspec.Raw(found.body),
                "deliveries": deliveries,
            }
        )

    return route.made
