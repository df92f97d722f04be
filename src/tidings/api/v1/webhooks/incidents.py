"""`/v1/incidents`: what went wrong at webhooks, since when, until when, and who knows of it."""

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.cells.incidents import (
    acknowledge_anywhere,
    acknowledge_own,
    find_anywhere,
    list_all_incidents,
)
from tidings.api.context import ORG_HEADER, Services, read_object
from tidings.api.field_schemas import OLDER_CURSOR
from tidings.api.models import new_body
from tidings.api.paging import PAGE, page_of
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.declaration import read_body
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import read
from tidings.core.incidents.acknowledgement import Acknowledgement
from tidings.errors import passed
from tidings.reads.questions import OLDER, cursor, read_older
from tidings.reads.webhooks.incidents import (
    NEWEST,
    PREFIX,
    IncidentQuestion,
    find_incident,
    find_incidents,
    show_incident,
    unknown_incident,
)

LIMIT_MAX = 200
_LATER = {503: "A cell that may have it does not answer now: nothing was changed"}
Kind = Literal["failing", "degraded", "unread", "backlog"]
ACKNOWLEDGE_BODY = new_body("What you know of it.", Acknowledgement, required=False)


def incident_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of incidents over the services."""
    route = Routes(services, tag="webhooks")
    _add_reads(route, services)
    _add_acknowledge(route, services)
    return route.made


def _add_reads(route: Routes, services: Services) -> None:
    @route(
        "GET",
        "/v1/incidents",
        over=Over.ALL_ORGS,
        id="listIncidents",
        scope="webhooks:read",
        summary="Incidents of webhooks",
        answers=ok(
            "The newest first", {"incidents": ["#Incident"], "missingCells?": ["whole"]} | PAGE
        ),
    )
    async def list_all(
        request: Request,
        caller: AuthenticatedCaller,
        state: Annotated[Literal["open", "ended"] | None, Query()] = None,
        webhook: Annotated[
            str, Query(alias="webHookId", description="Those of this webhook alone.")
        ] = "",
        kind: Annotated[Kind | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        older: Annotated[
            str | None,
            Query(
                alias="cursor",
                description="paging.next of a page.",
                json_schema_extra=OLDER_CURSOR,
            ),
        ] = None,
    ) -> Response:
        """List the incidents of the org's webhooks, the newest first. The platform's own credential
        sees those of all orgs, or of the one that `X-Tidings-Org` names. Of each webhook the last
        50 that have ended are kept."""
        question = IncidentQuestion(
            org=None if _is_of_all(request, caller) else caller.org,
            webhook=webhook,
            kind=kind or "",
            state=state or "",
            before=read_older(older) if older else NEWEST,
            limit=limit,
        )
        if question.org is None:
            found, missing = await list_all_incidents(services, question)
        else:
            found, missing = await find_incidents(services, question), ()
        last = read(PREFIX, found[-1]["id"]) if len(found) == limit else None
        shown: dict[str, Any] = {"incidents": found}
        if missing:
            shown["missingCells"] = list(missing)
        return answer(shown | page_of(limit, cursor(OLDER, last)))

    @route(
        "GET",
        "/v1/incidents/{incident_id}",
        over=Over.ALL_ORGS,
        id="getIncident",
        scope="webhooks:read",
        summary="An incident",
        answers=ok("The incident", "#Incident"),
        refuses=_LATER,
    )
    async def get(request: Request, caller: AuthenticatedCaller, incident_id: str) -> Response:
        """Return an incident: what is wrong, since when, how it grew, and who knows of it. `since`
        is the first failure, or when the delivery that has waited longest was accepted; `waiting`
        counts the deliveries that waited when it opened or last grew."""
        if _is_of_all(request, caller):
            return answer(await find_anywhere(services, incident_id))
        found = await find_incident(services, caller.org, incident_id)
        if found is None:
            raise unknown_incident(incident_id)
        return answer(show_incident(services, found))


def _add_acknowledge(route: Routes, services: Services) -> None:
    @route(
        "PATCH",
        "/v1/incidents/{incident_id}",
        over=Over.ALL_ORGS,
        id="acknowledgeIncident",
        scope="webhooks:write",
        summary="Acknowledge an incident",
        answers=ok("The incident", "#Incident"),
        body=ACKNOWLEDGE_BODY,
        refuses=_LATER,
    )
    async def acknowledge(
        request: Request, caller: AuthenticatedCaller, incident_id: str
    ) -> Response:
        """Note who knows of it, and what. Nothing else changes by it: the incident ends when its
        webhook has recovered. The newest acknowledgement counts; all of them stand in the audit
        log."""
        note = passed(read_body(Acknowledgement, await read_object(request, empty={}))).note
        by = caller.credential
        if _is_of_all(request, caller):
            return answer(await acknowledge_anywhere(services, incident_id, by, note))
        shown = await acknowledge_own(services, caller.org, incident_id, by, note)
        if shown is None:
            raise unknown_incident(incident_id)
        return answer(shown)


def _is_of_all(request: Request, caller: AuthenticatedCaller) -> bool:
    return caller.platform and not request.headers.get(ORG_HEADER)
