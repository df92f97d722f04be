"""`/v1/eventTypes`: every event type that an org can send, and those that it declares itself."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.models import V1_ERRORS, Responses, new_body
from tidings.api.paging import WHOLE
from tidings.core.events.own_types import NAME, Declaration, TypeBodyFields
from tidings.engine.events.event_types import UnknownType
from tidings.reads.events.event_types import show_own_type, show_type, show_type_row

TypeName = Annotated[str, Path(json_schema_extra={"pattern": f"^{NAME.pattern}$"})]


TYPE_BODY = new_body("What declares an event type of the org's own.", Declaration, TypeBodyFields)
TYPE_ERRORS: Responses = {
    400: {"description": "The declaration is refused; the answer says why and where"},
    409: {"description": "The name is taken, the change breaks a version, or the type is in use"},
}


def event_type_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/eventTypes", tags=["event types"], responses=V1_ERRORS)
    types = services.events.types

    @router.get("", summary="List all event types")
    async def list_all(request: Request) -> Response:
        """The catalogue's, then the org's own, each with its newest version."""
        org = services.caller(request, "webhooks:read").org
        known = [types.catalogue.get(name) for name in types.catalogue.names()]
        rows = [show_type_row(kind) for kind in known if kind is not None]
        rows += [show_type_row(record.made.kind) for record in types.records(org)]
        return answer({"eventTypes": rows} | WHOLE)

    @router.get("/{name}", summary="Get one event type")
    async def get(
        request: Request, name: str, version: Annotated[int | None, Query(ge=1)] = None
    ) -> Response:
        """Its schema, example and facts; the newest version unless one is named."""
        org = services.caller(request, "webhooks:read").org
        kind = types.catalogue.get(name, version)
        if kind is None:
            try:
                return answer(
                    show_own_type(services.events.types, org, types.record(org, name, version))
                )
            except UnknownType:
                real = types.catalogue.alias_of(name)
                kind = None if real is None else types.catalogue.get(real, version)
        if kind is None:
            raise UnknownType(name)
        return answer(show_type(kind) | {"versions": types.versions(org, kind.name)})

    @router.put(
        "/{name}",
        summary="Declare an event type",
        openapi_extra=TYPE_BODY,
        responses=TYPE_ERRORS,
    )
    async def put(request: Request, name: TypeName) -> Response:
        """In force at once. A change that breaks the newest version needs `newVersion`."""
        caller = services.caller(request, "webhooks:write")
        body = await read_object(request)
        record, made, warnings = await types.put(caller.org, name, body)
        shown = show_own_type(services.events.types, caller.org, record)
        return answer(shown | {"warnings": warnings or None}, 201 if made else 200)

    @router.delete("/{name}", summary="Delete an event type", responses=TYPE_ERRORS)
    async def delete(request: Request, name: str) -> Response:
        """With all its versions. Events that were accepted stay as they are."""
        caller = services.caller(request, "webhooks:write")
        record = await types.delete(caller.org, name)
        return answer(show_own_type(services.events.types, caller.org, record) | {"deleted": True})

    return router
