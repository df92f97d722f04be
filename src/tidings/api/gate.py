"""The one ASGI application that is served: events to the accept path, the rest to the control API.

A path that matches exactly is all the routing that an event pays for.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

EVENTS_PATH = "/v1/events"


class Gate:
    """ASGI 3."""

    def __init__(self, accept: App, control: App) -> None:
        self._accept = accept
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        if scope["type"] == "http" and scope["path"] == EVENTS_PATH and scope["method"] == "POST":
            await self._accept(scope, receive, send)
        else:
            await self._control(scope, receive, send)
