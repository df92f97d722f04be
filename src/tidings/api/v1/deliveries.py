"""`/v1/deliveries/{id}`: one delivery with every attempt, and another try of it."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.core.delivery.states import State
from tidings.core.times import iso
from tidings.reads.delivery.deliveries import own_delivery, show_whole
from tidings.reads.delivery.retry import try_now


def delivery_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", tags=["deliveries"], responses=V1_ERRORS)
    store = services.store

    @router.get("/deliveries/count", summary="Deliveries by state")
    async def count(request: Request) -> Response:
        """Totals of all orgs, for the platform's own credential."""
        services.platform(request, "logs:read")
        counts = await store.counts()
        by_state = {state.word: counts.by_state.get(state, 0) for state in State}
        return answer(
            {"events": counts.events}
            | by_state
            | {"orphans": counts.orphans, "indexLag": counts.index_lag}
        )

    @router.get("/deliveries/{delivery_id}", summary="A delivery")
    async def delivery(request: Request, delivery_id: str) -> Response:
        """Its state, every attempt as it was sent and answered, the next one, and what to do."""
        org = services.caller(request, "logs:read").org
        found, record = await own_delivery(services.store, services.webhooks, org, delivery_id)
        return answer(await show_whole(services, org, found, record))

    @router.post("/deliveries/{delivery_id}/retry", summary="Try a delivery now", status_code=202)
    async def retry(request: Request, delivery_id: str) -> Response:
        """In its lane and order. If it fails, the automatic attempts go on as they were due."""
        org = services.caller(request, "replay:write").org
        tried = await try_now(services, org, delivery_id)
        body: dict[str, Any] = {
            "id": delivery_id,
            "outcome": tried.outcome,
            "nextAttemptAt": iso(tried.next_ms),
            "advice": tried.said,
        }
        return answer(body, 202)

    return router
