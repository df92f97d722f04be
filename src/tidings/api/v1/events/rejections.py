"""`/v1/rejections`: events that were refused, and accepting one after all."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.paging import both_sides, described
from tidings.core.ids import read
from tidings.reads.events.rejections import PREFIX, readmit, show_rejection, unknown_rejection
from tidings.reads.filters import REJECTIONS
from tidings.reads.questions import read_question


def rejection_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", tags=["events"], responses=V1_ERRORS)

    @router.get(
        "/rejections", summary="Events that were refused", openapi_extra=described(REJECTIONS)
    )
    async def rejections(request: Request) -> Response:
        """The newest first, with the bytes that came and what was wrong with them."""
        org = services.caller(request, "logs:read").org
        asked = read_question(request.query_params, REJECTIONS, services.zone(org))
        page = await services.store.log_rejections(org, asked.before, asked.after, asked.limit)
        rows = [show_rejection(rejection) for rejection in page.rejections]
        return answer({"rejections": rows} | both_sides(asked, page.older, page.newer))

    @router.get("/rejections/{rejection_id}", summary="One event that was refused")
    async def rejection(request: Request, rejection_id: str) -> Response:
        """With the bytes that came and what was wrong with them."""
        org = services.caller(request, "logs:read").org
        number = read(PREFIX, rejection_id)
        found = None if number is None else await services.store.rejection(org, number)
        if found is None:
            raise unknown_rejection(rejection_id)
        return answer(show_rejection(found))

    @router.post("/rejections/{rejection_id}/retry", summary="Send a refused event again")
    async def retry(request: Request, rejection_id: str) -> Response:
        """It is checked by today's schema. Accepted, it leaves the list of refusals."""
        org = services.caller(request, "events:write").org
        event_id, verdict = await readmit(services.events.readmission, org, rejection_id)
        body = {"eventId": event_id, "status": verdict.status, "warning": verdict.warning}
        return answer(body, 202)

    return router
