"""What is answered while the service cannot start yet, as on a full disk, or stands by: alive, not
ready, why.

Of the metrics there is whether it is ready, for those who need no credential of the store. Every
other call is refused as by a service whose store takes no writes, so that whoever sends events or
asks keeps what they have and comes again.
"""

import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive as StarletteReceive
from starlette.types import Scope as StarletteScope
from starlette.types import Send as StarletteSend

from tidings.api.answers import answer, error_answer, refused
from tidings.api.control import V3_CODES
from tidings.api.http.answer_headers import with_all
from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.http.ready_gauge import ReadyGauge, show_metrics
from tidings.api.http.refusals import REQUEST_ID, request_id

RETRY_S = 1

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def waiting_app(problem: Callable[[], str], readers: MetricsReaders) -> App:
    """Return an ASGI application that answers while the service waits; `problem` returns the
    sentence of why it waits."""
    metrics = CollectorRegistry()
    metrics.register(ReadyGauge(lambda: False))

    async def app(scope: StarletteScope, receive: StarletteReceive, send: StarletteSend) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        if _asks_for(request, "/metrics") and readers.admit_call(request):
            response = show_metrics(metrics)
        else:
            response = _problem_response(request, problem())
        given = request_id(dict(scope["headers"]), lambda: str(uuid.uuid4()))
        response.headers[REQUEST_ID.decode()] = given.decode()
        await response(scope, receive, with_all(send))

    return app


def _asks_for(request: Request, path: str) -> bool:
    return request.method in ("GET", "HEAD") and request.url.path == path


def _problem_response(request: Request, problem: str) -> Response:
    path = request.url.path
    if _asks_for(request, "/livez"):
        return answer({"live": True})
    if _asks_for(request, "/readyz"):
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
