"""What is answered while the service cannot start yet, as on a full disk: alive, not ready, why.

Every other call is refused as by a service whose store takes no writes, so that whoever sends
events or asks keeps what they have and comes again.
"""

import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive as StarletteReceive
from starlette.types import Scope as StarletteScope
from starlette.types import Send as StarletteSend

from tidings.api.answers import answer, error_answer, refused
from tidings.api.control import V3_CODES
from tidings.api.http.answer_headers import with_all
from tidings.api.http.refusals import REQUEST_ID, request_id

RETRY_S = 1

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def waiting_app(problem: Callable[[], str]) -> App:
    """Return an ASGI application that answers while the service waits; `problem` returns the
    sentence of why it waits."""

    async def app(scope: StarletteScope, receive: StarletteReceive, send: StarletteSend) -> None:
        if scope["type"] != "http":
            return
        response = _problem_response(Request(scope), problem())
        given = request_id(dict(scope["headers"]), lambda: str(uuid.uuid4()))
        response.headers[REQUEST_ID.decode()] = given.decode()
        await response(scope, receive, with_all(send))

    return app


def _problem_response(request: Request, problem: str) -> Response:
    path = request.url.path
    if request.method in ("GET", "HEAD") and path == "/livez":
        return answer({"live": True})
    if request.method in ("GET", "HEAD") and path == "/readyz":
        return answer({"ready": False, "problems": [problem], "notices": []}, 503)
    code: int | str = V3_CODES[503] if path.startswith("/v3/") else "store_down"
    down = refused(
        503,
        code,
        "The store must accept writes; it cannot yet, and the service is waiting for it. Nothing "
        "from this call was stored. Try again.",
        retry_after=str(RETRY_S),
    )
    down.headers["connection"] = "close"  # its body was not read
    return error_answer(path, down)
