"""`/v1/connections`: what the operator has declared for sources and webhooks to name."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.paging import WHOLE
from tidings.reads.connections import CHECKS, READS, ConnectionViews, show_check


def connection_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/connections", tags=["connections"], responses=V1_ERRORS)
    connections = services.delivery.connections
    views = ConnectionViews(
        connections, services.sources.sources, services.webhooks, services.actions
    )

    @router.get("", summary="Connections")
    async def connections_of(request: Request) -> Response:
        """List the connections that a source or webhook of the org may name, by name. The
        platform's own credential sees all of them."""
        caller = services.caller(request, READS)
        found = [views.show(caller, connection) for connection in connections.of(caller)]
        return answer({"connections": found} | WHOLE)

    @router.get("/{connection_name}", summary="A connection")
    async def get(request: Request, connection_name: str) -> Response:
        """Return what a connection is for, and what goes over it. Where it leads is shown to the
        platform's own credential alone, and secrets to nobody."""
        caller = services.caller(request, READS)
        return answer(views.show(caller, connections.get(caller, connection_name)))

    @router.post("/{connection_name}/check", summary="Check a connection")
    async def check(request: Request, connection_name: str) -> Response:
        """Check whether a connection works now: it is reached, and lets us in. Nothing is sent. An
        org has one check a second."""
        caller = services.caller(request, CHECKS)
        return answer(show_check(await connections.check(caller, connection_name)))

    return router
