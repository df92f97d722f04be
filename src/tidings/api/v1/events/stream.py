"""`GET /v1/stream`: what happens in an org, as server-sent events."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.context import Services
from tidings.api.http.event_stream import KEEP_ALIVE_S, event_stream
from tidings.api.models import V1_ERRORS


def stream_routes(services: Services, keep_alive_s: float = KEEP_ALIVE_S) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(prefix="/v1", tags=["events"], responses=V1_ERRORS)

    @router.get("/stream", summary="Events and deliveries as they happen")
    async def stream(request: Request) -> Response:
        """Server-sent events of the org, from now on."""
        caller = services.caller(request, "logs:read")
        return event_stream(
            services.web.streams.take(caller),
            services.events.feed,
            caller.org,
            lambda: services.still_may(request, "logs:read"),
            keep_alive_s,
        )

    return router
