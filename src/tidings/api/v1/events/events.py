"""`GET /v1/events/{eventId}`: one event as it was accepted, and its fate at every webhook."""

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.not_there import not_there
from tidings.api.v1.delivery.outlooks import show_row
from tidings.api.v1.events.log_pages import heads_of
from tidings.api.v1.events.logs import show_event_facts


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
            raise not_there("eventId", "the id of an event of this org", event_id)
        heads = await heads_of(services.store, [found.seq])
        deliveries = []
        for delivery in await store.deliveries_of(found.seq):
            record = webhooks.by_number(delivery.webhook)
            if record is not None and record.org == org:
                deliveries.append(show_row(services, delivery, record))
        return answer(
            show_event_facts(found, heads.get(found.seq))
            | {
                "body": None if found.body is None else msgspec.Raw(found.body),
                "deliveries": deliveries,
            }
        )

    return router
