"""The control API: all calls but the accept path, as one FastAPI application.

Every answer carries `X-Cap-Requestid`, every refusal has the shape of its path (`answers.py`), and
nothing that goes wrong inside is told to the caller but that it did.
"""

import traceback
import uuid
from collections.abc import Callable, Collection

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidings import __version__
from tidings.api.answers import RefusalAnswer, as_refused, error_answer, refused
from tidings.api.context import RATE_LIMIT, Services
from tidings.api.health import health_routes
from tidings.api.http.body_guard import BodyGuard
from tidings.api.http.foreign import CODE, FETCH_SITE, ORIGIN, changes, foreign
from tidings.api.http.refusals import REQUEST_ID, failed, request_id
from tidings.api.openapi.docs_routes import add_openapi
from tidings.api.v1.access.credentials import caller_routes, credential_routes
from tidings.api.v1.access.portal import portal_routes
from tidings.api.v1.access.users import password_routes, user_routes
from tidings.api.v1.cells import cell_routes
from tidings.api.v1.events.event_types import event_type_routes
from tidings.api.v1.events.stream import stream_routes
from tidings.api.v1.inbound import SenderCalls, SourceDoor
from tidings.api.v1.orgs import org_routes
from tidings.api.v1.replays import cancel_routes, replay_routes
from tidings.api.v1.routes import proof_routes
from tidings.api.v1.shaping.reference import reference_routes
from tidings.api.v1.shaping.transformations import transformation_routes
from tidings.api.v1.stops import stop_routes
from tidings.api.v1.webhooks.preview import preview_routes
from tidings.api.v3.routes import v3_routes
from tidings.api.v3.tokens import token_routes
from tidings.core.cells.door import note_away
from tidings.errors import Busy, Denied, FieldRefusal, RequestRefused
from tidings.store.port import FamilyAway, StoreDown, StoreUnanswered
from tidings.values import describe_value

_HEARD = (REQUEST_ID, b"x-request-id", ORIGIN, FETCH_SITE)
V3_CODES = {403: 4000, 503: 4001}  # the original's: not allowed; it cannot be said or done now

log = structlog.get_logger(__name__)


def make_control_app(services: Services) -> FastAPI:
    """Build the application over the running service's parts."""
    app = FastAPI(
        title="Tidings",
        version=__version__,
        summary="Self-hosted event notification for loyalty and CRM platforms.",
        openapi_url=None,  # served by `add_openapi`, completed
        docs_url=None,  # their pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    for routes in (
        health_routes(services),
        replay_routes(services),
        cancel_routes(services),
        stop_routes(services),
        v3_routes(services),
        preview_routes(services),
        transformation_routes(services),
        org_routes(services),
        cell_routes(services),
        credential_routes(services),
        caller_routes(services),
        user_routes(services),
        portal_routes(services),
        password_routes(services),
        token_routes(services),
        event_type_routes(services),
        reference_routes(services),
        stream_routes(services),
        proof_routes(services),
    ):
        # Not `include_router`: it builds every route again, and that is half of the start.
        app.router.routes.extend(routes)
    add_openapi(app, services)
    app.add_exception_handler(RefusalAnswer, _say_refused)
    app.add_exception_handler(RequestRefused, _say_request_refused)
    app.add_exception_handler(StoreDown, _say_store_down)
    app.add_exception_handler(FamilyAway, _say_family_away)
    app.add_exception_handler(StoreUnanswered, _say_unanswered)
    app.add_exception_handler(HTTPException, _say_http)
    app.add_exception_handler(RequestValidationError, _say_parameter)
    senders = SenderCalls(services, lambda: str(uuid.uuid4()))
    app.add_middleware(SourceDoor, answers=senders.answers)
    app.add_middleware(CallControl, origins_of=services.own_origins, bodies=services.web.bodies)
    return app


class CallControl:
    """Around every call: its id, the guard of its body, and an answer where the code has failed; or
    where a browser makes it for a page of another site."""

    def __init__(
        self,
        app: ASGIApp,
        origins_of: Callable[[Request], Collection[str]],
        bodies: BodyGuard,
    ) -> None:
        self._app = app
        self._origins_of = origins_of
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value for name, value in scope["headers"] if name in _HEARD}
        call = request_id(headers, lambda: str(uuid.uuid4())).decode()
        started = False
        body = self._bodies.around(scope, receive)

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID.decode()] = call
                message["headers"].extend(scope.get(RATE_LIMIT, ()))
            await send(message)

        try:
            found = None
            if changes(scope["method"], scope["path"]):
                found = foreign(headers, lambda: self._origins_of(Request(scope)))
            app = self._app if found is None else _foreign_answer(scope["path"], *found)
            await app(scope, body.receive, send_with_id)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except MemoryError:
            raise  # the server knows why, and answers if it can
        except Exception:
            # As text: a renderer that shows local variables would show secrets.
            trace = traceback.format_exc()
            log.error("call failed", request=call, path=scope["path"], traceback=trace)
            if started:
                raise
            refusal = RefusalAnswer(500, [failed(call)])
            await error_answer(scope["path"], refusal)(scope, receive, send_with_id)
        finally:
            body.release()


def _foreign_answer(path: str, message: str, header: str) -> Response:
    code: int | str = V3_CODES[403] if path.startswith("/v3/") else CODE
    return error_answer(path, refused(403, code, message, header=header))


async def _say_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalAnswer)
    return error_answer(request.url.path, error)


async def _say_request_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    refused = as_refused(error)
    if request.url.path.startswith("/v3/") and isinstance(error, Denied | Busy):
        code = V3_CODES.get(refused.status, refused.status)
        refused.refusals = [
            FieldRefusal(code, refusal.message, refusal.field) for refusal in refused.refusals
        ]
    return error_answer(request.url.path, refused)


async def _say_store_down(request: Request, error: Exception) -> Response:
    path = request.url.path
    code: int | str = V3_CODES[503] if path.startswith("/v3/") else "store_down"
    down = refused(
        503,
        code,
        "The store must accept writes; it cannot at the moment. Try again in a second.",
        retry_after="1",
    )
    return error_answer(path, down)


async def _say_family_away(request: Request, error: Exception) -> Response:
    note_away(request.scope)
    path = request.url.path
    code: int | str = V3_CODES[503] if path.startswith("/v3/") else "family_away"
    return error_answer(path, refused(503, code, str(error), retry_after="1"))


async def _say_unanswered(request: Request, error: Exception) -> Response:
    path = request.url.path
    code: int | str = V3_CODES[503] if path.startswith("/v3/") else "unanswered"
    late = refused(
        503,
        code,
        "The store must answer a query in time; it did not. Ask for less, such as a shorter time "
        "range, or try again in five seconds.",
        retry_after="5",
    )
    return error_answer(path, late)


async def _say_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path, method = request.url.path, request.method
    if error.status_code == 405:
        code, must = "method_not_allowed", f"a method that {describe_value(path)} has; got {method}"
    else:
        code, must = "not_found", f"one of the API; got {method} {describe_value(path)}"
    message = f"The call must be {must}. GET /openapi.json lists all calls."
    headers = dict(error.headers or {})
    if "GET" in (allowed := headers.get("Allow", "").split(", ")) and "HEAD" not in allowed:
        headers["Allow"] = ", ".join((*allowed, "HEAD"))  # `http/head.py` asks by GET
    refusal = refused(error.status_code, code, message, place="path")
    refusal.headers.update(headers)
    return error_answer(path, refusal)


async def _say_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1])
    reason = str(first["msg"]).replace("Input should be", f"{name} must be")
    message = f"{reason}; got {describe_value(first.get('input'))}. Leave it out for its default."
    return error_answer(request.url.path, refused(400, "bad_parameter", message, field=name))
