"""`GET /v1/stream`: what happens in an org, as server-sent events."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.context import Services
from tidings.api.http.event_stream import DROPPED, KEEP_ALIVE_S, event_stream
from tidings.api.route import STREAM, StreamKind
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller

_AT_MS = 1_770_801_300_000
_FACTS = {
    "event": StreamKind(
        "EventFact",
        "An event was accepted, at `acceptedAt` (ms since 1970), for so many `webhooks`.",
        {
            "eventId": "acme-event",
            "eventName": "pointsIssued",
            "acceptedAt": _AT_MS,
            "webhooks": 1,
        },
    ),
    "delivery": StreamKind(
        "DeliveryFact",
        "An attempt has ended. `status` is the answer's, `fault` says why there was none; "
        "`nextAttemptInMs` is null where no other attempt comes, or nothing is sent at all.",
        {
            "deliveryId": "dlv_0000000000003",
            "eventId": "acme-event",
            "webHookId": "698c4aa10b7fc92c6c0c0d15",
            "webHookName": "crm",
            "attempt": 1,
            "state": "retrying",
            "status": 503,
            "fault": None,
            "durationMs": 20.4,
            "nextAttemptInMs": 5120,
        },
    ),
    "replay": StreamKind(
        "ReplayFact",
        "A replay or a cancel has ended, with what it has made and what became of it.",
        {
            "replayId": "rpl_0000000000001",
            "kind": "replay",
            "state": "finished",
            "reason": None,
            "matched": 512,
            "made": 510,
            "skipped": 2,
            "delivered": 509,
            "failed": 1,
            "parked": 0,
            "cancelled": 0,
        },
    ),
    "dropped": DROPPED,
}


def stream_routes(services: Services, keep_alive_s: float = KEEP_ALIVE_S) -> list[EntryRoute]:
    """Build the route of the event stream over the services."""
    route = Routes(services, tag="events")

    @route(
        "GET",
        "/v1/stream",
        id="streamFacts",
        scope="logs:read",
        summary="Events and deliveries as they happen",
        answers=STREAM,
        stream=_FACTS,
    )
    async def stream(request: Request, caller: AuthenticatedCaller) -> Response:
        """Server-sent events of the org, from now on."""

        async def may_hear() -> bool:
            return services.still_may(request)

        return event_stream(
            services.web.streams.take(caller),
            services.events.feed,
            caller.org,
            may_hear,
            keep_alive_s,
        )

    return route.made
