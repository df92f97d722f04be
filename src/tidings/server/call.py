"""One call of a connection: a request and its answer, as an ASGI application sees them (ASGI 3)."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from typing import Any, Protocol

import structlog

from tidings.server.reader import HttpRequest, Pairs
from tidings.server.writer import CONTINUE, AnswerWriter

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_APART_MIN = 8 * 1024  # of a body that is sent apart from its head

log = structlog.get_logger(__name__)


def scope_of(request: HttpRequest, peer: tuple[str, int], here: tuple[str, int]) -> Message:
    """Return the scope in which the application is called for a request."""
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": request.version,
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query,
        "root_path": "",
        "headers": request.headers,
        "client": peer,
        "server": here,
    }


class CallConnection(Protocol):
    """The connection, as far as a call asks it."""

    @property
    def behind(self) -> bool:
        """Return whether the peer does not read as fast as it is answered."""

    async def drain(self) -> None:
        """Wait until the peer reads."""

    def start(self, call: "AsgiCall", status: int, headers: Pairs) -> bytes:
        """The head of a call's answer."""

    def write(self, *parts: bytes) -> None:
        """Send, if there is somebody."""

    def taken(self) -> None:
        """The application has taken what there was of the body: there is room for more."""

    def answered(self, call: "AsgiCall") -> None:
        """A call's answer is written."""

    def failed(self) -> tuple[int, Pairs, bytes]:
        """The answer where the application gives none."""

    def broken(self, call: "AsgiCall") -> None:
        """A call's answer cannot be completed: its peer must see that."""


class AsgiCall:
    """One request and its answer: `receive` and `send` of ASGI."""

    def __init__(
        self,
        connection: CallConnection,
        request: HttpRequest,
        kept: bool,
        caller: Hashable | None = None,
    ) -> None:
        self._connection = connection
        self._wake: asyncio.Event | None = None
        self._handed_over = False  # the whole body was handed over
        self._left = False
        self._head: tuple[int, Pairs] | None = None
        self.request = request
        self.kept = kept  # a place is kept for it
        self.caller = caller  # who has had a turn for it, if he is known
        self.keep = True  # the connection, after it
        self.writer = AnswerWriter()
        self.started = False
        self.over = False
        self.task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something has come, or has ended."""
        if self._wake is not None:
            self._wake.set()

    def end(self) -> None:
        """Its answer is written, or nobody waits for it any more."""
        self.over = True
        if self._wake is not None:
            self._wake.set()

    def leave(self) -> None:
        """Its peer has gone."""
        self._left = True
        self.wake()

    async def run(self, app: App, scope: Message) -> None:
        """Let the application answer."""
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            # As text: a renderer that shows local variables would show secrets.
            trace = traceback.format_exc()
            log.error("call failed", path=scope["path"], traceback=trace)
        if self.over:
            return
        if self.started:
            self._connection.broken(self)
        elif self._left:
            self._connection.broken(self)
        else:
            status, headers, body = self._connection.failed()
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})

    async def receive(self) -> Message:
        """The next part of the body; after the last one, that the peer has gone."""
        request = self.request
        if not self._handed_over:
            if request.expects:
                request.expects = False
                if not (request.received or request.complete):
                    self._connection.write(CONTINUE)
            while not (request.complete or request.waiting or self._left or self.over):
                await self._next()
            if request.complete or not (self._left or self.over):
                body = request.take() if request.waiting else b""
                self._handed_over = request.complete
                if not self._handed_over:
                    self._connection.taken()
                return {"type": "http.request", "body": body, "more_body": not self._handed_over}
        while not (self._left or self.over):
            await self._next()
        return {"type": "http.disconnect"}

    async def _next(self) -> None:
        self._wake = asyncio.Event()
        await self._wake.wait()

    async def send(self, message: Message) -> None:
        """Send a part of the answer; to nobody, where the peer has gone."""
        if self.over:
            return
        kind = message["type"]
        if kind == "http.response.start":
            self._head = (message["status"], list(message.get("headers", ())))
            return
        if kind != "http.response.body":
            raise ValueError(f"no message of an answer: {kind}")
        connection, more = self._connection, message.get("more_body", False)
        data = b""
        if not self.started:
            if self._head is None:
                raise ValueError("the answer must start before its body")
            data = connection.start(self, *self._head)
            self.started = True
        body = self.writer.body(message.get("body", b""), more)
        if len(body) > _APART_MIN:
            connection.write(data, body)  # not copied: many may be answered with the same bytes
        elif data or body:
            connection.write(data + body)
        if more:
            await connection.drain()
        else:
            connection.answered(self)
