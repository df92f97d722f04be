"""`/v1/rejections`: events that were refused, and accepting one after all."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.paging import PAGED, both_sides, described
from tidings.api.route import ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import read
from tidings.reads.events.rejections import PREFIX, readmit, show_rejection, unknown_rejection
from tidings.reads.filters import REJECTIONS
from tidings.reads.questions import read_question


def rejection_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of refused events over the services."""
    route = Routes(services, tag="events")

    @route(
        "GET",
        "/v1/rejections",
        id="listRejections",
        scope="logs:read",
        summary="Events that were refused",
        answers=ok("A page of refused events", {"rejections": ["#Rejection"]} | PAGED),
        parameters=described(REJECTIONS),
    )
    async def rejections(request: Request, caller: AuthenticatedCaller) -> Response:
        """The newest first, with the bytes that came and what was wrong with them."""
        org = caller.org
        asked = read_question(
            request.query_params, REJECTIONS, services.zone(org), services.clock.now_ms()
        )
        page = await services.store.log_rejections(org, asked.before, asked.after, asked.limit)
        rows = [show_rejection(rejection) for rejection in page.rejections]
        return answer({"rejections": rows} | both_sides(asked, page.older, page.newer))

    @route(
        "GET",
        "/v1/rejections/{rejection_id}",
        id="getRejection",
        scope="logs:read",
        summary="One event that was refused",
        answers=ok("The refused event", "#Rejection"),
    )
    async def rejection(caller: AuthenticatedCaller, rejection_id: str) -> Response:
        """With the bytes that came and what was wrong with them."""
        org = caller.org
        number = read(PREFIX, rejection_id)
        found = None if number is None else await services.store.rejection(org, number)
        if found is None:
            raise unknown_rejection(rejection_id)
        return answer(show_rejection(found))

    @route(
        "POST",
        "/v1/rejections/{rejection_id}/retry",
        id="retryRejection",
        scope="events:write",
        summary="Send a refused event again",
        answers=ok(
            "It was accepted",
            {"eventId": "text", "status": {"accepted", "duplicate"}, "warning": "text|null"},
            202,
        ),
        refuses=usually(409, 422),
    )
    async def retry(caller: AuthenticatedCaller, rejection_id: str) -> Response:
        """It is checked by today's schema. Accepted, it leaves the list of refusals."""
        org = caller.org
        event_id, verdict = await readmit(services.events.readmission, org, rejection_id)
        body = {"eventId": event_id, "status": verdict.status, "warning": verdict.warning}
        return answer(body, 202)

    return route.made
