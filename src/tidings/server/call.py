"""One call of a connection: a request and its answer, as an ASGI application sees them (ASGI 3), or
as one that answers without a task of its own.

A task, its messages and what receives them cost more than all else that the server does for a small
call. So an application may be a `DirectApp` as well: it is handed calls whose body has come as a
whole, and answers each by one call of a method, at once or later.
"""

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
    scope: Message = {
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
        "client": request.peer or peer,
        "server": here,
    }
    if request.facts is not None:
        scope["extensions"] = request.facts
    return scope


class CallConnection(Protocol):
    """The connection, as far as a call asks it."""

    peer: tuple[str, int]
    here: tuple[str, int]

    @property
    def behind(self) -> bool:
        """Return whether the peer does not read as fast as it is answered."""

    async def drain(self) -> None:
        """Wait until the peer reads."""

    def start(self, call: "ConnectionCall", status: int, headers: Pairs) -> bytes:
        """Start a call's answer with its head."""

    def write(self, *parts: bytes) -> None:
        """Send, if there is somebody."""

    def taken(self) -> None:
        """Note that the application has taken what there was of the body: there is room."""

    def answered(self, call: "ConnectionCall") -> None:
        """Note that a call's answer is written."""

    def failed(self) -> tuple[int, Pairs, bytes]:
        """Answer where the application has failed to."""

    def broken(self, call: "ConnectionCall") -> None:
        """Break off a call's answer that cannot be completed: its peer must see that."""


class ConnectionCall:
    """A call that is worked on, as its connection knows it."""

    def __init__(
        self,
        connection: CallConnection,
        request: HttpRequest,
        kept: bool,
        caller: Hashable | None = None,
    ) -> None:
        self._connection = connection
        self.request = request
        self.kept = kept  # a place is kept for it
        self.caller = caller  # who has had a turn for it, if he is known
        self.keep = True  # the connection, after it
        self.writer = AnswerWriter()
        self.started = False
        self.over = False

    @property
    def peer(self) -> tuple[str, int]:
        """Return whom the call is from."""
        return self.request.peer or self._connection.peer

    def wake(self) -> None:
        """Wake it: something has come, or has ended."""

    def end(self) -> None:
        """End: its answer is written, or nobody waits for it any more."""
        self.over = True

    def leave(self) -> None:
        """Note that its peer has gone."""


class DirectCall(ConnectionCall):
    """One request whose body has come, and its answer: whole, or in parts as they come."""

    left = False  # its peer sends no more, or has gone
    watch: Callable[[], None] | None = None  # hears that its peer leaves, and that it is over
    amend: Callable[[int, Pairs, bytes], tuple[int, Pairs, bytes]] | None = None  # its whole answer

    def scope(self) -> Message:
        """Return the scope in which an ASGI application would be called."""
        return scope_of(self.request, self._connection.peer, self._connection.here)

    def begin(self, app: "DirectApp") -> bool:
        """Let the application answer; return False where it wants an ASGI call."""
        try:
            return app.begin(self)
        except Exception:
            _log_failure(self.request.path)
            self.fail()
            return True

    def answer(self, status: int, headers: Pairs, body: bytes) -> None:
        """Send the answer; to nobody, where the peer has gone. Where its headers cannot be written,
        or announce another length, the call has failed."""
        if self.over:
            return
        if self.amend is not None:
            status, headers, body = self.amend(status, headers, body)
        connection = self._connection
        try:
            data = connection.start(self, status, headers) + self.writer.body(body, False)
        except ValueError:
            _log_failure(self.request.path)
            self.writer = AnswerWriter()
            status, headers, body = connection.failed()
            data = connection.start(self, status, headers) + self.writer.body(body, False)
        self.started = True
        connection.write(data)
        connection.answered(self)

    def fail(self) -> None:
        """Send the answer of a call that has failed."""
        self.answer(*self._connection.failed())

    def begin_answer(self, status: int, headers: Pairs) -> None:
        """Send the head of an answer whose body follows in parts, up to `finish`."""
        if not self.over:
            self._connection.write(self._connection.start(self, status, headers))
            self.started = True

    async def send_part(self, data: bytes) -> None:
        """Send a part of the body, and wait until the peer reads."""
        if not self.over:
            self._connection.write(self.writer.body(data, True))
            await self._connection.drain()

    def finish(self) -> None:
        """End an answer that was sent in parts."""
        if not self.over:
            self._connection.write(self.writer.body(b"", False))
            self._connection.answered(self)

    def break_off(self) -> None:
        """Break off an answer that has begun and cannot be completed: its peer sees that."""
        if not self.over:
            self._connection.broken(self)

    def leave(self) -> None:
        """Note that its peer has gone."""
        self.left = True
        if self.watch is not None:
            self.watch()

    def end(self) -> None:
        """End: its answer is written, or nobody waits for it any more."""
        self.over = True
        if self.watch is not None:
            self.watch()


class DirectApp(Protocol):
    """Answers calls without a task of their own."""

    def begin(self, call: DirectCall) -> bool:
        """Answer a call by its `answer`, now or later. Return False, with nothing done, where it
        is to be made as an ASGI call."""


class AsgiCall(ConnectionCall):
    """One request and its answer: `receive` and `send` of ASGI."""

    def __init__(
        self,
        connection: CallConnection,
        request: HttpRequest,
        kept: bool,
        caller: Hashable | None = None,
    ) -> None:
        super().__init__(connection, request, kept, caller)
        self._wake: asyncio.Event | None = None
        self._handed_over = False  # the whole body was handed over
        self._left = False
        self._head: tuple[int, Pairs] | None = None
        self.task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Wake it: something has come, or has ended."""
        if self._wake is not None:
            self._wake.set()

    def end(self) -> None:
        """End: its answer is written, or nobody waits for it any more."""
        self.over = True
        self.wake()

    def leave(self) -> None:
        """Note that its peer has gone."""
        self._left = True
        self.wake()

    async def run(self, app: App) -> None:
        """Let the application answer."""
        scope = scope_of(self.request, self._connection.peer, self._connection.here)
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            _log_failure(self.request.path)
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
        """Wait for the next part of the body; after the last one, until the peer has gone."""
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


def _log_failure(path: str) -> None:
    # As text: a renderer that shows local variables would show secrets.
    log.error("call failed", path=path, traceback=traceback.format_exc())
