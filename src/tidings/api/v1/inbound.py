"""`/in/{source_org}/{source_name}`: what others send to the inbound webhooks of an org."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tidings.api.answers import RefusalAnswer, answer, as_refused, error_answer, refused
from tidings.api.context import Services, read_bytes, refuse_announced
from tidings.api.http.body_guard import HOLDER
from tidings.api.http.front import address_of
from tidings.api.models import body_of
from tidings.api.route import OPEN, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.envelope import ORG_MAX
from tidings.core.ids import OrgId
from tidings.errors import RequestRefused
from tidings.reads.sources import show_taken

BODY_BYTES_MAX = 1 << 20
_ADDRESS = re.compile(r"/in/([^/]+)/([^/]+)")
_BODY = body_of(
    lambda: {"description": "Whatever the sender's system sends."},
    "application/json",
    "application/cloudevents+json",
)


Answers = Callable[[Request, str, str], Awaitable[Response]]


class SourceDoor:
    """Before the routes, for what is sent to sources: it comes for every event, and the search for
    its route and what FastAPI does around one would cost more than all else that is done then."""

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call (ASGI)."""
        at = None
        if scope["type"] == "http" and scope["method"] in ("POST", "PUT"):
            at = _ADDRESS.fullmatch(scope["path"])
        if at is None:
            await self._app(scope, receive, send)
            return
        try:
            answered = await self._answers(Request(scope, receive), at[1], at[2])
        except RefusalAnswer as refusal:
            answered = error_answer(scope["path"], refusal)
        except RequestRefused as wrong:
            answered = error_answer(scope["path"], as_refused(wrong))
        await answered(scope, receive, send)


def inbound_answers(services: Services) -> Answers:
    """Build the handler of calls to the address of a source. RefusalAnswer."""
    inbound = services.sources.inbound

    async def answers(request: Request, source_org: str, source_name: str) -> Response:
        is_number = source_org.isascii() and source_org.isdigit() and len(source_org) < 20
        org = int(source_org) if is_number else -1
        if org > ORG_MAX:
            org = -1  # nobody's
        codings = ",".join(request.headers.getlist("content-encoding")).split(",")
        if any(coding.strip().lower() not in ("", "identity") for coding in codings):
            raise refused(
                415,
                "content_encoding",
                "The body must be sent without a content encoding; it has one. Send it "
                "uncompressed.",
                header="Content-Encoding",
            )
        refuse_announced(request, BODY_BYTES_MAX)
        budget, began_s = services.web.bodies.budget, asyncio.get_running_loop().time()
        judged = inbound.judge_head(OrgId(org), source_name, request.headers.items())
        if judged.refused:
            refusal_answer = await inbound.refuse(began_s)
        else:
            request.scope[HOLDER] = (
                budget.stranger(address_of(request.scope), f"{org}/{source_name}")
                if judged.source is None
                else budget.sender(OrgId(org), judged.source)
            )
            body = await read_bytes(request, BODY_BYTES_MAX)
            refusal_answer = await inbound.receive(
                OrgId(org), source_name, request.headers.items(), body
            )
        if refusal_answer.reason is None:
            assert refusal_answer.fate is not None
            return answer(show_taken(refusal_answer.fate), refusal_answer.status)
        wait = (
            {}
            if refusal_answer.retry_after_s is None
            else {"retry-after": str(refusal_answer.retry_after_s)}
        )
        raise RefusalAnswer(refusal_answer.status, [refusal_answer.reason], wait)

    return answers


def inbound_routes(services: Services) -> list[EntryRoute]:
    """The routes as they are described; their calls are answered at the `SourceDoor`."""
    route = Routes(services, tag="sources", refuses={})
    answers = inbound_answers(services)

    @route(
        "POST",
        "/in/{source_org}/{source_name}",
        id="sendToSource",
        scope=OPEN,
        summary="Send to a source",
        answers=ok("It is kept", "#Taken", 202),
        refuses=usually(401, 404, 408, 413, 415, 429),
        body=_BODY,
        more_methods=("PUT",),
    )
    async def arrive(request: Request, source_org: str, source_name: str) -> Response:
        """Open to whoever proves to be its sender, as the source is set. Answered 202 when the
        message is kept, as events or set aside; anything else is to be sent again."""
        return await answers(request, source_org, source_name)

    return route.made
