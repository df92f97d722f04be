"""`/v3/webHooks/eventMetaData`: what a webhook may subscribe to, and the schemas."""

from starlette.responses import Response

from tidings.api.answers import answer, envelope, refused
from tidings.api.context import Services
from tidings.api.router import EntryRoute, Routes
from tidings.api.v3.models import ERRORS, METADATA, ONE_METADATA
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.values import describe_value


def metadata_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of the original's event metadata over the services."""
    route = Routes(services, tag="event types", refuses=ERRORS)
    types = services.events.types

    @route(
        "GET",
        "/v3/webHooks/eventMetaData",
        id="listEventMetadata",
        scope="webhooks:read",
        summary="List the event types of the org",
        answers=METADATA,
    )
    async def list_all(caller: AuthenticatedCaller) -> Response:
        """The system's and the org's own. All of them are active."""
        org = caller.org
        names = sorted(types.names(org), key=str.lower)
        return answer(envelope([{"active": True, "eventName": name} for name in names]))

    @route(
        "GET",
        "/v3/webHooks/eventMetaData/{eventName}",
        id="getEventMetadata",
        scope="webhooks:read",
        summary="Get the schema of an event type",
        answers=ONE_METADATA,
    )
    async def get(caller: AuthenticatedCaller, eventName: str) -> Response:
        """JSON Schema 2020-12 of a whole event, in the newest version of its type."""
        org = caller.org
        kind = types.get(org, eventName)
        if kind is None:
            raise refused(
                400,
                "unknown_event_name",
                f"eventName must be an event type of this org; got {describe_value(eventName)}. "
                "GET "
                "/v3/webHooks/eventMetaData lists them; case matters.",
                field="eventName",
            )
        return answer(envelope({"active": True, "eventName": kind.name, "schema": kind.schema}))

    return route.made
