"""`/in/{source_org}/{source_name}`: what others send to the inbound webhooks of an org."""

import asyncio
import re
import traceback
import uuid
from collections.abc import Awaitable, Callable, Iterable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tidings.api.answers import RefusalAnswer, answer, as_refused, error_answer, refused
from tidings.api.context import Services, read_bytes, refuse_announced
from tidings.api.http.answer_headers import ALL
from tidings.api.http.body_guard import HOLDER
from tidings.api.http.foreign import FETCH_SITE, ORIGIN
from tidings.api.http.front import address_of
from tidings.api.http.refusals import REQUEST_ID, failed, request_id
from tidings.api.http.whole_call import SMALL_DIGITS, WholeCall
from tidings.api.models import body_of
from tidings.api.route import OPEN, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.envelope import ORG_MAX
from tidings.core.ids import OrgId
from tidings.engine.sources.inbound import InboundAnswer
from tidings.errors import RequestRefused
from tidings.reads.sources import show_taken

BODY_BYTES_MAX = 1 << 20
METHODS = ("POST", "PUT")
_ADDRESS = re.compile(r"/in/([^/]+)/([^/]+)")
_BODY = body_of(
    lambda: {"description": "Whatever the sender's system sends."},
    "application/json",
    "application/cloudevents+json",
)

log = structlog.get_logger(__name__)

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
        if scope["type"] == "http" and scope["method"] in METHODS:
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


class SenderCalls:
    """Answers calls to the addresses of sources, as a `WholeCallApp` or behind the door.

    A small call whose body has come needs neither ASGI nor the guards of a body that may be large:
    it is verified once, headers and body together.
    """

    def __init__(self, services: Services, new_request_id: Callable[[], str]) -> None:
        self._inbound = services.sources.inbound
        self._bodies = services.web.bodies
        self._new_request_id = new_request_id
        self._answering: set[asyncio.Task[None]] = set()  # held until they are done

    async def answers(self, request: Request, source_org: str, source_name: str) -> Response:
        """Answer a call whose body is yet to be read. Raise RefusalAnswer."""
        org, headers = _org_of(source_org), request.headers.items()
        _refuse_encoded(headers)
        refuse_announced(request, BODY_BYTES_MAX)
        budget, began_s = self._bodies.budget, asyncio.get_running_loop().time()
        judged = self._inbound.judge_head(org, source_name, headers)
        if judged.refused:
            return _shown(await self._inbound.refuse(began_s))
        request.scope[HOLDER] = (
            budget.stranger(address_of(request.scope), f"{org}/{source_name}")
            if judged.source is None
            else budget.sender(org, judged.source)
        )
        body = await read_bytes(request, BODY_BYTES_MAX)
        return _shown(await self._inbound.receive(org, source_name, headers, body))

    def begin(self, direct: WholeCall) -> bool:
        """Answer a call whose body has come, is too small to be counted, and was sent by no page of
        a browser. Return False for others."""
        request = direct.request
        at = _ADDRESS.fullmatch(request.path)
        if at is None or request.method not in METHODS:
            return False
        headers = dict(request.headers)
        length = headers.get(b"content-length", b"")
        if not 0 < len(length) <= SMALL_DIGITS or ORIGIN in headers or FETCH_SITE in headers:
            return False
        call = request_id(headers, self._new_request_id)
        task = asyncio.get_running_loop().create_task(self._answer(direct, call, at[1], at[2]))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return True

    async def _answer(
        self, direct: WholeCall, call: bytes, source_org: str, source_name: str
    ) -> None:
        path = direct.request.path
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in direct.request.headers
        ]
        try:
            _refuse_encoded(headers)
            found = await self._inbound.receive(
                _org_of(source_org), source_name, headers, direct.request.take()
            )
            shown = _shown(found)
        except RefusalAnswer as refusal:
            shown = error_answer(path, refusal)
        except RequestRefused as wrong:
            shown = error_answer(path, as_refused(wrong))
        except Exception:
            # As text: a renderer that shows local variables would show secrets.
            trace, request = traceback.format_exc(), call.decode()
            log.error("call failed", request=request, path=path, traceback=trace)
            shown = error_answer(path, RefusalAnswer(500, [failed(request)]))
        named = {name for name, _ in shown.raw_headers}
        direct.answer(
            shown.status_code,
            [
                *shown.raw_headers,
                (REQUEST_ID, call),
                *(pair for pair in ALL if pair[0] not in named),
            ],
            bytes(shown.body),
        )


def _org_of(source_org: str) -> OrgId:
    """Return the org that an address names; one that is nobody's where it names none."""
    is_number = source_org.isascii() and source_org.isdigit() and len(source_org) < 20
    org = int(source_org) if is_number else -1
    return OrgId(org if org <= ORG_MAX else -1)


def _refuse_encoded(headers: Iterable[tuple[str, str]]) -> None:
    """Raise RefusalAnswer (415) for a body that is sent in a content encoding."""
    codings = ",".join([value for name, value in headers if name == "content-encoding"])
    if any(coding.strip().lower() not in ("", "identity") for coding in codings.split(",")):
        raise refused(
            415,
            "content_encoding",
            "The body must be sent without a content encoding; it has one. Send it uncompressed.",
            header="Content-Encoding",
        )


def _shown(found: InboundAnswer) -> Response:
    """Build what a sender is answered. Raise RefusalAnswer where its message was not taken."""
    if found.reason is None:
        assert found.fate is not None
        return answer(show_taken(found.fate), found.status)
    wait = {} if found.retry_after_s is None else {"retry-after": str(found.retry_after_s)}
    raise RefusalAnswer(found.status, [found.reason], wait)


def inbound_routes(services: Services) -> list[EntryRoute]:
    """Build the routes as they are described; their calls are answered at the `SourceDoor`."""
    route = Routes(services, tag="sources", refuses={})
    answers = SenderCalls(services, lambda: str(uuid.uuid4())).answers

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
