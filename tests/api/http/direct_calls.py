"""Calls whose body has come whole, as the server hands them over without ASGI."""

import asyncio
from typing import Any

from tidings.api.http.whole_call import WholeCallApp
from tidings.server import DirectCall
from tidings.server.reader import HttpRequest

Part = dict[str, Any]

directly = [False]
"""The last one says whether calls are made without ASGI where they can be."""


class RecordedCall(DirectCall):
    """A call of nobody's connection, and what is sent for it, as messages of ASGI."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(None, request, True)  # type: ignore[arg-type]
        self.sent: asyncio.Future[list[Part]] = asyncio.get_running_loop().create_future()

    def scope(self) -> Any:
        return {"headers": self.request.headers, "path": self.request.path}

    def answer(self, status: int, headers: Any, body: bytes) -> None:
        self.sent.set_result([{"status": status, "headers": headers}, {"body": body}])


async def answer_directly(
    app: WholeCallApp,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    *,
    method: str = "POST",
    path: str = "/v1/events",
) -> list[Part] | None:
    """Return what an application answers without an ASGI call; None where the call needs one."""
    request = HttpRequest()
    request.method, request.path = method, path
    request.headers, request.complete = headers, True
    request.parts.append(body)
    request.waiting = len(body)
    call = RecordedCall(request)
    if not app.begin(call):
        assert request.waiting == len(body), "nothing is done then"
        return None
    return await call.sent
