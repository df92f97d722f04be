"""`/in/{source_org}/{source_name}`: what others send to the inbound webhooks of an org."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_bytes
from tidings.api.models import body_of
from tidings.core.events.envelope import ORG_MAX
from tidings.core.ids import OrgId
from tidings.reads.sources import show_taken

BODY_BYTES_MAX = 1 << 20
UNKNOWN = (
    "The address must be that of a source; it is not, or was deleted. Make one by POST /v1/sources."
    " (no_source, path)"
)
_BODY = body_of(
    lambda: {"description": "Whatever the sender's system sends."},
    "application/json",
    "application/cloudevents+json",
)


def inbound_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(tags=["sources"])
    inbound = services.inbound

    @router.post(
        "/in/{source_org}/{source_name}",
        summary="Send to a source",
        status_code=202,
        openapi_extra=_BODY | {"security": []},
    )
    @router.put("/in/{source_org}/{source_name}", include_in_schema=False)
    async def arrive(request: Request, source_org: str, source_name: str) -> Response:
        """Open to whoever proves to be its sender, as the source is set. Answered 202 when the
        message is kept, as events or put aside; anything else is to be sent again."""
        is_number = source_org.isascii() and source_org.isdigit() and len(source_org) < 20
        org = int(source_org) if is_number else -1
        if not 0 <= org <= ORG_MAX or not inbound.knows(OrgId(org), source_name):
            raise refused(404, "no_source", UNKNOWN)
        codings = ",".join(request.headers.getlist("content-encoding")).split(",")
        if any(one.strip().lower() not in ("", "identity") for one in codings):
            raise refused(
                415,
                "content_encoding",
                "The body must come as it is, without an encoding; it has one. Send it plain. "
                "(content_encoding, header Content-Encoding)",
                "Content-Encoding",
            )
        body = await read_bytes(request, BODY_BYTES_MAX)
        told = await inbound.receive(OrgId(org), source_name, request.headers.items(), body)
        if told.fate is not None:
            return answer(show_taken(told.fate), told.status)
        wait = {} if told.retry_after_s is None else {"retry_after": str(told.retry_after_s)}
        raise refused(told.status, told.code, told.message, **wait)

    return router
