"""The operator's connections that the org may name: what goes over each, and whether it works."""

from typing import Any

from starlette.responses import Response

from tidings.console.visit import Visit
from tidings.core.connections.connection import Connection
from tidings.engine.connections import CheckResult
from tidings.reads.connections import CHECKS, ConnectionUsers, ConnectionViews, open_to

AT = "/connections"
_OPEN_TO = {"all": "every org", "some": "some orgs", "platform": "the platform alone"}
_NEVER = ("pending", "·", "not checked")


async def show_all(visit: Visit) -> Response:
    """List the connections by name."""
    views = _views(visit)
    connections = [
        _row(visit, views, connection) for connection in views.connections.of(visit.caller)
    ]
    return visit.page("connections.html", connections=connections, checks=visit.may(CHECKS))


async def check(visit: Visit) -> Response:
    """Look whether one works."""
    name = str(visit.request.path_params["name"])
    result = await visit.services.delivery.connections.check(visit.caller, name)
    took = f"it let us in within {result.took_ms:,.0f} ms"
    return visit.go(AT, result.trouble or f"{name} works: {took}.")


def _views(visit: Visit) -> ConnectionViews:
    services = visit.services
    return ConnectionViews(
        services.delivery.connections, services.sources.sources, services.webhooks, services.actions
    )


def _row(visit: Visit, views: ConnectionViews, connection: Connection) -> dict[str, Any]:
    users, result = views.users(connection, visit.caller.org), views.connections.last(connection)
    orgs = sorted(connection.orgs or ()) if visit.caller.platform else ()
    return views.show(visit.caller, connection) | {
        "at": f"{AT}/{connection.name}",
        "open_to": ", ".join(map(str, orgs)) or _OPEN_TO[open_to(connection)],
        "users": _links(visit, users),
        "state": _state(result),
        "result": result,
    }


def _links(visit: Visit, users: ConnectionUsers) -> list[tuple[str, str]]:
    """List the links to what goes over it, with their names: of that which the visitor may see."""
    found = []
    if visit.may("sources:read"):
        found += [(f"/sources/{source.id}", source.source.name) for source in users.sources]
    if visit.may("webhooks:read"):
        found += [
            (
                f"/actions/{webhook.name}" if webhook.type.acts else f"/webhooks/{webhook.id}",
                webhook.name,
            )
            for webhook in users.webhooks
        ]
    return found


def _state(result: CheckResult | None) -> tuple[str, str, str]:
    """Its colour, glyph and word."""
    if result is None:
        return _NEVER
    return ("failed", "✗", "fails") if result.trouble else ("ok", "✓", "works")
