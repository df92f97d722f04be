"""The live tail: events and deliveries of the org as they happen, in the browser."""

from starlette.responses import Response

from tidings.api.http.event_stream import event_stream
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.engine.access.remote_sessions import SessionAway
from tidings.errors import Denied

KINDS = (("", "events and deliveries"), ("event", "events"), ("delivery", "deliveries"))
STATES = [State.DELIVERED.word, State.RETRYING.word, State.FAILED.word]


async def show(visit: Visit) -> Response:
    """Show the live tail; without scripts the page says how to listen otherwise."""
    services, org, query = visit.services, visit.caller.org, visit.request.query_params
    webhooks = [record.webhook for record in services.webhooks.list(org)]
    kind = query.get("kind", "")
    return visit.page(
        "tail.html",
        kinds=KINDS,
        kind=kind if kind in dict(KINDS) else "",
        states=STATES,
        state=query.get("state", ""),
        types=list(services.events.types.names(org)),
        type=query.get("type", "")[:128],
        webhooks=[
            (webhook.id, webhook.name) for webhook in webhooks if webhook.status != "deleted"
        ],
        webhook=query.get("webhook", "")[:64],
        origin=visit.services.reached_at(visit.request),
    )


async def stream(visit: Visit) -> Response:
    """Stream the org's feed as server-sent events, for as long as the visitor may hear it."""
    feed, sessions, org = (
        visit.services.events.feed,
        visit.services.access.sessions,
        visit.caller.org,
    )
    visit.services.web.views.open_tail(org)

    async def may_hear() -> bool:
        try:
            if not visit.place.portal:
                await visit.services.access.everywhere.find(visit.token)
            return sessions.caller(visit.token, org).may("logs:read")
        except (Denied, SessionAway):
            return False

    return event_stream(visit.services.web.streams.take(visit.caller), feed, org, may_hear)
