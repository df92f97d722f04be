"""An ASGI application: alone under uvicorn, granian or hypercorn, or as a route of Starlette,
FastAPI or Litestar.

    app.router.routes.append(Route("/tidings", AsgiApp(router)))    # Starlette, FastAPI

A route and not a mount: Starlette answers a mount's own path with a redirect, which senders do not
follow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tidings_consumer import answers
from tidings_consumer.answers import Answer
from tidings_consumer.router import Router

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

METHODS = ("POST", "PUT")


class AsgiApp:
    """Receives every request that reaches it; paths are the framework's business."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection, as ASGI 3 has it."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"events come by HTTP; got {scope['type']}")
        await _answer(await self._receive(scope, receive), send)

    async def _receive(self, scope: Message, receive: Receive) -> Answer:
        if scope["method"] not in METHODS:
            return answers.not_allowed()
        body = await _body(receive, self._router.body_max)
        if body is None:
            return answers.too_large(self._router.body_max)
        return await self._router.receive_async(scope["headers"], body)


async def _body(receive: Receive, most: int) -> bytes | None:
    """The whole body; None where it is larger than may be. A client that goes away has sent less
    than it signed, so its signature does not fit."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(answer: Answer, send: Send) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())] if answer.body else []
    headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
