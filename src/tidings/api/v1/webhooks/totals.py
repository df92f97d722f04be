"""`/v1/webHooks/{id}/tally` and `/series`: how a webhook fared, in numbers and over time."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.paging import described
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId, WebhookId
from tidings.reads.filters import SERIES, SPAN
from tidings.reads.webhooks.totals import read_span, series_of, tally_of


def total_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of a webhook's totals and series over the services."""
    route = Routes(services, tag="webhooks")

    def span(request: Request, org: OrgId, *, steps: bool = False) -> tuple[int, int, int]:
        query, now_ms = request.query_params, services.clock.now_ms()
        return read_span(query, services.zone(org), now_ms, steps=steps)

    @route(
        "GET",
        "/v1/webHooks/{webhook_id}/tally",
        id="getWebhookTally",
        scope="logs:read",
        summary="Deliveries by state",
        answers=ok("The counts", "#Tally"),
        parameters=described(SPAN),
    )
    async def tally(
        request: Request, caller: AuthenticatedCaller, webhook_id: WebhookId
    ) -> Response:
        """Of a time, the last day where none is said. The sum over the states is the total;
        `replayed` is what failed or was parked and a replay has delivered since: it counts there
        alone. `failing` is what failed, is retried, or waits unsent while the webhook is left
        alone; `answers` counts all attempts by their status, null where no answer came,
        and beside them the deliveries whose last attempt had it.
        Two rates: `attempts` have ended, `failedAttempts` of them did not deliver, and
        `failedAttemptsPercent` is their share (`successPercent` the rest), where what waits unsent
        while the webhook is left alone counts as one that fails. `neverArrived` are events whose
        delivery failed or was parked and that no replay has delivered since; one that was sent
        again counts once, at its first delivery. `neverArrivedPercent` is their share of all that
        have ended or are due, `arrivedPercent` that of those that arrived, at last by a replay.
        `now` is what is left to do at this moment, whatever the time asked for: what is unfinished,
        and what waits parked for a replay."""
        record = services.webhooks.get(caller.org, webhook_id)
        from_ms, to_ms, _ = span(request, record.org)
        return answer(await tally_of(services, record, from_ms, to_ms))

    @route(
        "GET",
        "/v1/webHooks/{webhook_id}/series",
        id="getWebhookSeries",
        scope="logs:read",
        summary="Deliveries over time",
        answers=ok("The steps", "#Series"),
        parameters=described(SERIES),
    )
    async def series(
        request: Request, caller: AuthenticatedCaller, webhook_id: WebhookId
    ) -> Response:
        """Equal steps of a time, the last day where none is said; steps are whole 5 minutes."""
        record = services.webhooks.get(caller.org, webhook_id)
        from_ms, to_ms, points = span(request, record.org, steps=True)
        return answer(await series_of(services.store, record, from_ms, to_ms, points))

    return route.made
