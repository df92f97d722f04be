"""`/v1/eventTypes`: every event type that an org can send, and those that it declares itself."""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.models import new_body
from tidings.api.paging import PAGE, WHOLE
from tidings.api.route import AnswerForm, ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.events.own_types import NAME, Declaration, TypeBodyFields
from tidings.engine.events.event_types import UnknownType
from tidings.reads.events.event_types import show_own_type, show_type, show_type_row

TypeName = Annotated[str, Path(json_schema_extra={"pattern": f"^{NAME.pattern}$"})]


TYPE_BODY = new_body("What declares an event type of the org's own.", Declaration, TypeBodyFields)
_BAD = {
    400: "The declaration is refused; the answer says why and where",
    409: "The name is taken, the change breaks a version, or the type is in use",
}


def event_type_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of event types over the services."""
    route = Routes(services, tag="event types")
    types = services.events.types

    @route(
        "GET",
        "/v1/eventTypes",
        id="listEventTypes",
        scope="webhooks:read",
        summary="List all event types",
        answers=ok("All event types", {"eventTypes": ["#EventTypeRow"]} | PAGE),
    )
    async def list_all(caller: AuthenticatedCaller) -> Response:
        """The catalogue's, then the org's own, each with its newest version."""
        org = caller.org
        known = [types.catalogue.get(name) for name in types.catalogue.names()]
        rows = [show_type_row(kind) for kind in known if kind is not None]
        rows += [show_type_row(record.made.kind) for record in types.records(org)]
        return answer({"eventTypes": rows} | WHOLE)

    @route(
        "GET",
        "/v1/eventTypes/{name}",
        id="getEventType",
        scope="webhooks:read",
        summary="Get one event type",
        answers=ok("The event type", "#EventType"),
    )
    async def get(
        caller: AuthenticatedCaller, name: str, version: Annotated[int | None, Query(ge=1)] = None
    ) -> Response:
        """Its schema, example and facts; the newest version unless one is named."""
        org = caller.org
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

    _add_changes(route, services)
    return route.made


def _add_changes(route: Routes, services: Services) -> None:
    """Add the routes that declare and delete a type."""
    types = services.events.types

    @route(
        "PUT",
        "/v1/eventTypes/{name}",
        id="declareEventType",
        scope="webhooks:write",
        summary="Declare an event type",
        answers=[
            AnswerForm(200, "The event type, changed", "#EventType"),
            AnswerForm(201, "The event type, new", "#EventType"),
        ],
        refuses=_BAD,
        body=TYPE_BODY,
    )
    async def put(request: Request, caller: AuthenticatedCaller, name: TypeName) -> Response:
        """In force at once. A change that breaks the newest version needs `newVersion`."""
        body = await read_object(request)
        record, made, warnings = await types.put(caller.org, name, body)
        shown = show_own_type(services.events.types, caller.org, record)
        return answer(shown | {"warnings": warnings or None}, 201 if made else 200)

    @route(
        "DELETE",
        "/v1/eventTypes/{name}",
        id="deleteEventType",
        scope="webhooks:write",
        summary="Delete an event type",
        answers=ok("What was deleted", "#EventType"),
        refuses=_BAD,
    )
    async def delete(caller: AuthenticatedCaller, name: str) -> Response:
        """With all its versions. Events that were accepted stay as they are."""
        record = await types.delete(caller.org, name)
        return answer(show_own_type(services.events.types, caller.org, record) | {"deleted": True})
