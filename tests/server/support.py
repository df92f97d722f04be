"""What the server's tests share: a server in this process, an application, and raw clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tidings.server import Bounds, DirectApp, DirectCall, HttpServer

Message = dict[str, Any]
App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Any]
IN_PARTS = ("/stream", "/breaks")  # whose answers are sent in parts: as ASGI alone
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
# Short enough to be waited for.
QUICK = {"head_s": 0.6, "idle_s": 1.5, "grace_s": 0.6, "linger_s": 1.5, "linger_quiet_s": 0.6}


class Echo:
    """Answers with what it was asked, and remembers what became of each call."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.calls: list[str] = []
        self.gone = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.calls.append(f"{scope['method']} {path}")
        if path == "/early":
            await reply(send, 401, b"no")
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        if path == "/big":
            await reply(send, 200, b"x" * int(scope["query_string"]))
        elif path == "/stream":
            await self._stream(receive, send)
        elif path == "/wait":
            await self.go_on.wait()
            await reply(send, 200, b"waited")
        elif path == "/fails":
            raise RuntimeError("on purpose")
        elif path == "/breaks":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError("on purpose")
        elif path == "/splits":
            await reply(send, 200, b"", (b"x-a", b"b\r\nset-cookie: c"))
        elif path == "/none":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            told = {
                "method": scope["method"],
                "path": path,
                "query": scope["query_string"].decode(),
                "body": body.decode("latin-1"),
                "client": scope["client"][0],
                "headers": [[row.decode("latin-1") for row in pair] for pair in scope["headers"]],
            }
            await reply(send, 200, json.dumps(told).encode())

    async def _stream(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        left = asyncio.ensure_future(receive())
        while not left.done():
            await send({"type": "http.response.body", "body": b"fact\n", "more_body": True})
            await asyncio.wait([left], timeout=0.02)
        self.gone += 1


async def reply(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """One whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


class Directly:
    """Any ASGI application as a `DirectApp`: what it sends leaves as one answer."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, call: DirectCall) -> bool:
        if call.request.path in IN_PARTS:
            return False
        task = asyncio.get_running_loop().create_task(self._answer(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer(self, call: DirectCall) -> None:
        head: Any = None
        body = b""

        async def receive() -> Any:
            return {"type": "http.request", "body": call.request.take(), "more_body": False}

        async def send(message: Any) -> None:
            nonlocal head, body
            if message["type"] == "http.response.start":
                head = message
            else:
                body += message["body"]

        try:
            await self._app(call.scope(), receive, send)
        except RuntimeError:
            call.fail()
            return
        call.answer(head["status"], head["headers"], body)


ways: list[Callable[[App], DirectApp | None]] = [lambda app: None]
"""The last one is how the servers of a test ask their application first: see `conftest.py`."""


@asynccontextmanager
async def serving(app: App | None = None, /, **bounds: Any) -> AsyncIterator[HttpServer]:
    """A server on a port that the system chooses; who is mute comes to it at once."""
    bounds = {"mute_s": 0} | bounds
    names = {"keeps", "known", "remote", "shared", "host", "headers", "admit"} & bounds.keys()
    options = {name: bounds.pop(name) for name in names}
    host = options.pop("host", "127.0.0.1")
    app = app or Echo()
    direct = ways[-1](app)
    server = HttpServer(app, host=host, port=0, bounds=Bounds(**bounds), direct=direct, **options)
    server.start()
    try:
        yield server
    finally:
        await server.stop(0.3)


class Client:
    """One connection, raw."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, server: HttpServer, host: str = "127.0.0.1", **options: Any) -> "Client":
        return cls(*await asyncio.open_connection(host, server.port, **options))

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in rest)}
        status, body = int(line.split()[1]), b""
        if head_only or status in (100, 204):
            return status, headers, body
        if "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readline()
        else:
            body = await self.reader.read()
        return status, headers, body

    async def ask(self, request: bytes = GET) -> tuple[int, dict[str, str], bytes]:
        """Send, and read the answer."""
        self.write(request)
        return await self.answer()

    async def ended(self, seconds: float = 120.0) -> bytes:
        """What still comes until the other side closes, which it does within so many seconds."""
        rest = b""
        async with asyncio.timeout(seconds):
            try:
                while part := await self.reader.read(65536):
                    rest += part
            except ConnectionError:
                pass
        return rest

    def close(self) -> None:
        self.writer.close()


async def until(holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait until something holds, or fail with what was awaited."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
