"""The pull connector over real connections, to a server that misbehaves in every way."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from tests.engine.reference_parts import known
from tests.loops.own_time import own_time
from tidings.core.ids import OrgId
from tidings.egress.address import parse_target
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender
from tidings.engine.clock import WallClock
from tidings.engine.shaping.platform import CONNECTIONS_MAX, Platform, PlatformDown, PlatformOptions

ORG = OrgId(1)

SECRET = "Basic c2VjcmV0"


class Stand(ThreadingHTTPServer):
    """The platform: answers by the id that it is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.paths: list[str] = []
        self.secrets: list[str | None] = []


class Answers(BaseHTTPRequestHandler):
    server: Stand
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *values: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.secrets.append(self.headers["authorization"])
        id = self.path.rsplit("/", 1)[-1]
        if id == "slow":
            time.sleep(1.5)
        elif id == "drip":
            self._drip()
            return
        elif id == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            self.close_connection = True
            return
        elif id == "no-http":
            self.wfile.write(b"220 mail.example.test ESMTP\r\n")
            self.close_connection = True
            return
        status, body = {
            "error": (500, b"{}"),
            "none": (404, b"{}"),
            "html": (200, b"<html>"),
            "huge": (200, b'{"mobile":"' + b"1" * 5_000_000 + b'"}'),
            "moved": (302, b"{}"),
        }.get(id, (200, json.dumps({"mobile": id}).encode()))
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/customers/7")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True
        if id == "last":
            self.close_connection = True  # without saying so: the next request finds it closed

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
        try:
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            pass
        self.close_connection = True


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@asynccontextmanager
async def platform_at(
    port: int, *, private: bool = True, timeout_s: float = 0.4
) -> AsyncIterator[Platform]:
    sender = HttpSender(Policy(allow_private=private))
    target = parse_target(f"http://127.0.0.1:{port}", allow_http=True)
    options = PlatformOptions(
        paths={"customers": "/customers/{id}"},
        headers=(("authorization", SECRET),),
        timeout_s=timeout_s,
        keep_s=0,
        keep_none_s=0,
    )
    platform = Platform(sender.origin(target, CONNECTIONS_MAX), options, WallClock())
    try:
        yield platform
    finally:
        await platform.close()
        await sender.close()


async def test_records_come_over_kept_connections_with_the_credential(stand: Stand) -> None:
    async with platform_at(stand.server_address[1], timeout_s=30.0) as platform:
        asked = [platform.ask("customers", ORG, str(n), 0) for n in range(40)]
        found = await asyncio.gather(*asked)
        assert found == [known(mobile=str(n)) for n in range(40)]
        assert await platform.ask("customers", ORG, "none", 0) is None
        assert await platform.ask("customers", ORG, "a/../b?c", 0) == known(mobile="a%2F..%2Fb%3Fc")
    assert set(stand.secrets) == {SECRET}


@pytest.mark.parametrize("id", ["slow", "drip", "cut", "no-http", "error", "html", "huge", "moved"])
async def test_each_fault_is_told_within_the_deadline_and_harms_no_later_question(
    stand: Stand, id: str
) -> None:
    async with platform_at(stand.server_address[1]) as platform:
        with own_time() as took_s:
            with pytest.raises(PlatformDown) as down:
                await platform.ask("customers", ORG, id, 0)
        assert took_s() < 5
        assert "secret" not in down.value.reason and SECRET not in down.value.reason
        # What is well has its time, however busy the machine.
        platform._options = msgspec.structs.replace(platform._options, timeout_s=30.0)
        assert await platform.ask("customers", ORG, "7", 0) == known(mobile="7")
    assert stand.paths.count("/customers/7") == 1, "redirects are not followed"


async def test_a_connection_that_was_closed_meanwhile_is_replaced(stand: Stand) -> None:
    async with platform_at(stand.server_address[1], timeout_s=30.0) as platform:
        for _ in range(5):
            assert await platform.ask("customers", ORG, "last", 0) == known(mobile="last")
            await asyncio.sleep(0.02)


async def test_a_platform_that_refuses_connections_is_down_and_then_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        async with platform_at(taken.getsockname()[1]) as platform:
            for number in range(6):
                with pytest.raises(PlatformDown):
                    await platform.ask("customers", ORG, str(number), 0)
            assert platform.down and platform.asked == 5


async def test_a_private_address_is_dialled_only_where_the_operator_said_so(stand: Stand) -> None:
    async with platform_at(stand.server_address[1], private=False) as platform:
        with pytest.raises(PlatformDown, match="blocked by policy"):
            await platform.ask("customers", ORG, "7", 0)
    assert stand.paths == []
