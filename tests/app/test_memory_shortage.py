"""The main process may take no more memory: it stays up, and says once what to raise."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.server.support import reply
from tidings.api.http.gate import HttpGate
from tidings.app.memory_shortage import NOTICE_S, MemoryShortage
from tidings.engine.heartbeats import Heartbeats
from tidings.server import Bounds, HttpServer


async def call(port: int, path: str) -> int | None:
    """Call it on a connection of its own; the status, or None where the answer broke off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer[9:12]) if b"whole" in answer or b"500" in answer[:15] else None


async def short_of_memory(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/small":
        await reply(send, 200, b"whole")
        return
    if scope["path"] == "/broken":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    if scope["path"] == "/bug":
        raise RuntimeError("7777")
    raise MemoryError


async def test_calls_that_find_no_memory_are_told_once_and_others_go_on() -> None:
    heartbeats = Heartbeats()
    gate = HttpGate(short_of_memory, short_of_memory, is_explained=MemoryShortage(heartbeats).note)
    server = HttpServer(gate, host="127.0.0.1", port=0, bounds=Bounds())
    server.start()
    try:
        with capture_logs() as logged:
            for _ in range(20):
                assert await call(server.port, "/large") == 500
                assert await call(server.port, "/broken") is None
            assert await call(server.port, "/small") == 200
        assert [line["event"] for line in logged] == ["a notice is raised"]
        [notice] = heartbeats.notices()
        assert "ulimit -v" in notice and "MemoryMax" in notice and heartbeats.problems() == []
        with capture_logs() as logged:
            assert await call(server.port, "/bug") == 500
        assert [line["event"] for line in logged] == ["call failed"], "a bug is logged as before"
    finally:
        await server.stop(1)


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(12, "Cannot allocate memory"), RuntimeError("a bug")]
)
async def test_callbacks_that_find_no_memory_are_told_once(error: Exception) -> None:
    heartbeats = Heartbeats()
    loop: Any = asyncio.get_running_loop()
    unexplained: list[Any] = []
    loop.default_exception_handler = unexplained.append
    shortage = MemoryShortage(heartbeats)
    loop.set_exception_handler(shortage.handle)
    try:
        with capture_logs() as logged:
            for _ in range(20):
                loop.call_exception_handler({"message": "accept failed", "exception": error})
            loop.call_exception_handler({"message": "no exception at all"})
    finally:
        loop.set_exception_handler(None)
    of_memory = not isinstance(error, RuntimeError)
    assert len(unexplained) == (1 if of_memory else 21)
    assert len(heartbeats.notices()) == len(logged) == of_memory


async def test_a_shortage_so_great_that_nothing_can_be_told_raises_nothing() -> None:
    heartbeats = Heartbeats()

    def no_room(*_: Any, **__: Any) -> None:
        raise MemoryError

    heartbeats.raise_notice = no_room  # type: ignore[method-assign]
    assert MemoryShortage(heartbeats).note(MemoryError())
    assert NOTICE_S >= 600
