"""`/v1/rejections`: events that were refused, and accepting one after all."""

from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, iso
from tidings.api.models import V1_ERRORS
from tidings.api.not_there import not_there
from tidings.api.v1.events.log_models import REJECTION_PARAMETERS
from tidings.core.events.call_split import CallRefused
from tidings.core.events.calls import Rejected
from tidings.core.ids import read, show
from tidings.engine.events.intake import Overloaded, Verdict
from tidings.engine.events.readmission import UnknownRejection
from tidings.reads.delivery.delivery_view import show_bytes
from tidings.reads.events.log_query import cursors, read_question
from tidings.store.port import Rejection

LIMIT_MAX = 1000
PARAMETERS = frozenset(("limit", "cursor"))
PREFIX = "rej"


def rejection_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", tags=["events"], responses=V1_ERRORS)

    @router.get(
        "/rejections", summary="Events that were refused", openapi_extra=REJECTION_PARAMETERS
    )
    async def rejections(request: Request) -> Response:
        """The newest first, with the bytes that came and what was wrong with them."""
        org = services.caller(request, "logs:read").org
        asked = read_question(request.query_params, PARAMETERS, services.zone(org), LIMIT_MAX)
        page = await services.store.log_rejections(org, asked.before, asked.after, asked.limit)
        rows = [_show(one) for one in page.rejections]
        return answer({"rejections": rows} | cursors(page.older, page.newer))

    @router.get("/rejections/{rejection_id}", summary="One event that was refused")
    async def rejection(request: Request, rejection_id: str) -> Response:
        """With the bytes that came and what was wrong with them."""
        org = services.caller(request, "logs:read").org
        number = read(PREFIX, rejection_id)
        found = None if number is None else await services.store.rejection(org, number)
        if found is None:
            raise _unknown(rejection_id)
        return answer(_show(found))

    @router.post("/rejections/{rejection_id}/retry", summary="Send a refused event again")
    async def retry(request: Request, rejection_id: str) -> Response:
        """It is checked by today's schema. Accepted, it leaves the list of refusals."""
        org = services.caller(request, "events:write").org
        event_id, verdict = await readmit(services, org, rejection_id)
        told = {"eventId": event_id, "status": verdict.status, "warning": verdict.warning}
        return answer(told, 202)

    return router


async def readmit(services: Services, org: int, rejection_id: str) -> tuple[str, Verdict]:
    """Accept a refused event after all: its id and what became of it. Refused says why not."""
    number = read(PREFIX, rejection_id)
    if number is None:
        raise _unknown(rejection_id)
    try:
        return await taken(services.readmission.again(org, number))
    except UnknownRejection:
        raise _unknown(rejection_id) from None


async def taken(taking: Awaitable[tuple[str, Verdict] | Rejected]) -> tuple[str, Verdict]:
    """What became of an event that somebody offers by hand. Refused says why it is not taken."""
    try:
        came = await taking
    except CallRefused as wrong:
        raise refused(422, wrong.code, wrong.message, wrong.field) from None
    except Overloaded:
        raise refused(
            503,
            "overloaded",
            "The service must keep up with its events; more wait than may. Call again in a "
            "second. (overloaded, -)",
            retry_after="1",
        ) from None
    if isinstance(came, Rejected):
        raise refused(422, came.code, came.message, came.path)
    return came


def _unknown(rejection_id: str) -> Refused:
    return not_there("id", "the id of a refused event of this org, as rej_…", rejection_id)


def _show(rejection: Rejection) -> dict[str, Any]:
    return {
        "id": show(PREFIX, rejection.id),
        "rejectedAt": iso(rejection.at_ms),
        "eventName": rejection.name,
        "eventId": rejection.event_id,
        "error": {
            "code": rejection.code,
            "message": rejection.message,
            "path": rejection.path,
        },
        "body": show_bytes(rejection.body),
    }
