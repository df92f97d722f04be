"""`/v1/connections`: what the operator has declared for sources and webhooks to name."""

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.paging import PAGE, WHOLE
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.reads.connections import CHECKS, READS, ConnectionViews, show_check


def connection_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of connections over the services."""
    route = Routes(services, tag="connections")
    connections = services.delivery.connections
    views = ConnectionViews(
        connections, services.sources.sources, services.webhooks, services.actions
    )

    @route(
        "GET",
        "/v1/connections",
        id="listConnections",
        scope=READS,
        summary="Connections",
        answers=ok("By name", {"connections": ["#Connection"]} | PAGE),
    )
    async def connections_of(caller: AuthenticatedCaller) -> Response:
        """List the connections that a source or webhook of the org may name, by name. The
        platform's own credential sees all of them."""
        found = [views.show(caller, connection) for connection in connections.of(caller)]
        return answer({"connections": found} | WHOLE)

    @route(
        "GET",
        "/v1/connections/{connection_name}",
        id="getConnection",
        scope=READS,
        summary="A connection",
        answers=ok("The connection", "#Connection"),
    )
    async def get(caller: AuthenticatedCaller, connection_name: str) -> Response:
        """Return what a connection is for, and what goes over it. Where it leads is shown to the
        platform's own credential alone, and secrets to nobody."""
        return answer(views.show(caller, connections.get(caller, connection_name)))

    @route(
        "POST",
        "/v1/connections/{connection_name}/check",
        id="checkConnection",
        scope=CHECKS,
        summary="Check a connection",
        answers=ok("Result", "#ConnectionCheck"),
    )
    async def check(caller: AuthenticatedCaller, connection_name: str) -> Response:
        """Check whether a connection works now: it is reached, and lets us in. Nothing is sent. An
        org has one check a second."""
        return answer(show_check(await connections.check(caller, connection_name)))

    return route.made
