"""`/v3/webHooks/eventMetaData`: what a webhook may subscribe to, and the schemas."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, envelope, refused
from tidings.api.context import Services
from tidings.api.v3.models import ERRORS, METADATA, ONE_METADATA
from tidings.values import describe_value


def metadata_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v3/webHooks/eventMetaData", tags=["event types"], responses=ERRORS)
    types = services.events.types

    @router.get("", summary="List the event types of the org", responses=METADATA)
    async def list_all(request: Request) -> Response:
        """The system's and the org's own. All of them are active."""
        org = services.caller(request, "webhooks:read").org
        names = sorted(types.names(org), key=str.lower)
        return answer(envelope([{"active": True, "eventName": name} for name in names]))

    @router.get("/{eventName}", summary="Get the schema of an event type", responses=ONE_METADATA)
    async def get(request: Request, eventName: str) -> Response:
        """JSON Schema 2020-12 of a whole event, in the newest version of its type."""
        org = services.caller(request, "webhooks:read").org
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

    return router
