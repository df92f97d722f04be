"""HEAD: what GET would answer, without its body (RFC 9110, section 9.3.2)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def answer_head(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask the application for the same by GET, once, and send its head alone.

    What goes on after its head, such as a stream, is ended as where its listener has gone.
    """

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif message.get("more_body"):
            raise ClientDisconnect

    await app(dict(scope) | {"method": "GET"}, receive, send_head)
