"""`/v1/deliveries/{id}`: one delivery with every attempt, and another try of it."""

from typing import Any

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.cells.counts import count_all
from tidings.api.context import Services
from tidings.api.route import PLATFORM, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.times import iso
from tidings.reads.delivery.deliveries import own_delivery, show_whole
from tidings.reads.delivery.retry import try_now


def delivery_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of single deliveries over the services."""
    route = Routes(services, tag="deliveries")

    @route(
        "GET",
        "/v1/deliveries/count",
        over=Over.EVERY_CELL,
        id="countDeliveries",
        scope=PLATFORM + "logs:read",
        summary="Deliveries by state",
        answers=ok("The counts of all orgs", "#Counts"),
    )
    async def count() -> Response:
        """Totals of all orgs, for the platform's own credential; over all cells. `missingCells`
        names those that have not answered, and are not counted."""
        return answer(await count_all(services))

    @route(
        "GET",
        "/v1/deliveries/{delivery_id}",
        id="getDelivery",
        scope="logs:read",
        summary="A delivery",
        answers=ok("The delivery", "#WholeDelivery"),
    )
    async def delivery(caller: AuthenticatedCaller, delivery_id: str) -> Response:
        """Its state, every attempt as it was sent and answered, the next one, and what to do."""
        org = caller.org
        found, record = await own_delivery(services.store, services.webhooks, org, delivery_id)
        return answer(await show_whole(services, org, found, record))

    @route(
        "POST",
        "/v1/deliveries/{delivery_id}/retry",
        id="retryDelivery",
        scope="replay:write",
        summary="Try a delivery now",
        answers=ok(
            "It is due",
            {
                "id": "text",
                "outcome": {"due", "next"},
                "nextAttemptAt": "time|null",
                "advice": "text",
            },
            202,
        ),
        refuses=usually(409),
    )
    async def retry(caller: AuthenticatedCaller, delivery_id: str) -> Response:
        """In its lane and order. If it fails, the automatic attempts go on as they were due."""
        org = caller.org
        tried = await try_now(services, org, delivery_id)
        body: dict[str, Any] = {
            "id": delivery_id,
            "outcome": tried.outcome,
            "nextAttemptAt": iso(tried.next_ms),
            "advice": tried.said,
        }
        return answer(body, 202)

    return route.made
