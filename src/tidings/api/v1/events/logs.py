"""`GET /v1/events` and `GET /v1/deliveries`: pages of what happened, by filters that combine; and
`GET /v1/events/{eventId}`: one event as it was accepted, and its fate at every webhook.
"""

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.paging import both_sides, described
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


def log_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", responses=V1_ERRORS)

    @router.get(
        "/deliveries",
        summary="Deliveries, newest first",
        tags=["deliveries"],
        openapi_extra=described(DELIVERIES),
    )
    async def deliveries(request: Request) -> Response:
        """Of the org's webhooks. `older` and `newer` are cursors to both sides of the page."""
        org = services.caller(request, "logs:read").org
        question = read_question(request.query_params, DELIVERIES, services.zone(org))
        records = webhooks_of(services.webhooks, org, question.webhook_ids)
        page = await delivery_page(services, org, question, records)
        rows = [show_row(services, row, records[row.webhook]) for row in page.deliveries]
        return answer({"deliveries": rows} | both_sides(question, page.older, page.newer))

    @router.get(
        "/events",
        summary="Events, newest first",
        tags=["events"],
        openapi_extra=described(EVENTS),
    )
    async def events(request: Request) -> Response:
        """Of the org, without their bodies; `refId` and `requestId` are null where the event has
        none, or its bytes have expired. `matched=false`: those that no webhook wanted.
        `webHookId` and `states`: those of which one delivery, by itself or of a replay, fits both.
        """
        org = services.caller(request, "logs:read").org
        question = read_question(request.query_params, EVENTS, services.zone(org))
        page = await event_page(services, org, question)
        heads = await heads_of(services.store, (event.seq for event in page.events))
        rows = [show_event_row(event, heads.get(event.seq)) for event in page.events]
        return answer({"events": rows} | both_sides(question, page.older, page.newer))

    return router


def event_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(prefix="/v1", tags=["events"], responses=V1_ERRORS)
    store, webhooks = services.store, services.webhooks

    @router.get("/events/{event_id}", summary="An event and its fate")
    async def event(request: Request, event_id: str) -> Response:
        """The event as it was accepted, and its delivery to every webhook of the org."""
        org = services.caller(request, "logs:read").org
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

    return router
