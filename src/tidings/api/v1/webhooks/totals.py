"""`/v1/webHooks/{id}/tally` and `/series`: how a webhook fared, in numbers and over time."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.paging import described
from tidings.core.ids import OrgId, WebhookId
from tidings.engine.webhooks.records import WebhookState
from tidings.reads.filters import SERIES, SPAN
from tidings.reads.webhooks.totals import read_span, series_of, tally_of


def total_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/webHooks", tags=["webhooks"], responses=V1_ERRORS)

    def own(request: Request, webhook_id: WebhookId) -> WebhookState:
        org = services.caller(request, "logs:read").org
        return services.webhooks.get(org, webhook_id)

    def span(request: Request, org: OrgId, *, steps: bool = False) -> tuple[int, int, int]:
        query, now_ms = request.query_params, services.clock.now_ms()
        return read_span(query, services.zone(org), now_ms, steps=steps)

    @router.get("/{webhook_id}/tally", summary="Deliveries by state", openapi_extra=described(SPAN))
    async def tally(request: Request, webhook_id: WebhookId) -> Response:
        """Of a time, the last day where none is said. The sum over the states is the total;
        `replayed` is what failed or was parked and a replay has delivered since: it counts there
        alone. `failing` is what failed, is retried, or waits unsent while the webhook is left
        alone; `answers` counts what was tried by its last status, null where no answer came.
        `attempts` have ended and `failedAttempts` of them did not deliver; `successPercent` is the
        share of attempts that did, where what waits unsent while the webhook is left alone counts
        as one that fails. `now` is what is left to do at this moment, whatever the time asked for:
        what is unfinished, and what waits parked for a replay."""
        record = own(request, webhook_id)
        from_ms, to_ms, _ = span(request, record.org)
        return answer(await tally_of(services, record, from_ms, to_ms))

    @router.get(
        "/{webhook_id}/series", summary="Deliveries over time", openapi_extra=described(SERIES)
    )
    async def series(request: Request, webhook_id: WebhookId) -> Response:
        """Equal steps of a time, the last day where none is said; steps are whole 5 minutes."""
        record = own(request, webhook_id)
        from_ms, to_ms, points = span(request, record.org, steps=True)
        return answer(await series_of(services.store, record, from_ms, to_ms, points))

    return router
