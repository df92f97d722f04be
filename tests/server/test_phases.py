"""Every phase of a connection has an end, whoever is at the other side; patience has one too."""

import asyncio
import time
from typing import Any

import pytest

from tests.loops.own_time import own_time
from tidings.server import Bounds

from .support import GET, QUICK, Client, Echo, serving, until

HALF_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc"
CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b"GET / HT", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-A", b"HTTP/1.1 408 "),
        (HALF_BODY, b"HTTP/1.1 408 "),
        (CHUNKS + b"fff\r\nabc", b"HTTP/1.1 408 "),
        (CHUNKS, b"HTTP/1.1 408 "),
    ],
    ids=["nothing", "empty lines", "line", "headers", "body", "chunks", "no chunks"],
)
async def test_who_stops_sending_is_let_go(sent: bytes, answer: bytes) -> None:
    app = Echo()
    async with serving(app, **QUICK) as server:
        client = await Client.to(server)
        client.write(sent)
        began = time.monotonic()
        with own_time() as took_s:
            rest = await client.ended()
        assert time.monotonic() - began > 0.4 and took_s() < 4
        assert rest[:13] == answer
        await until(lambda: not len(server.places), "the end of the connection")
        assert app.gone == len(app.calls)
        assert server.places.others == 0  # its call's place is free too


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", b"b"),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"A: b\r\n"),
        (HALF_BODY, b"d"),
        (CHUNKS, b"1\r\na\r\n"),
        (CHUNKS + b"0\r\n", b"A: b\r\n"),
    ],
    ids=["header", "empty lines", "headers", "body", "chunks", "trailers"],
)
async def test_who_drips_is_let_go(start: bytes, drop: bytes) -> None:
    async with serving(**QUICK) as server:
        client = await Client.to(server)
        client.write(start)

        async def drip() -> None:
            while True:
                client.write(drop)
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        await until(lambda: not len(server.places), "the end of the connection")
        dripping.cancel()


async def test_what_came_fast_before_gives_no_time_to_who_drips_then() -> None:
    app = Echo()
    async with serving(app, **QUICK) as server:
        client = await Client.to(server)
        client.write(HALF_BODY)
        await until(lambda: bool(app.calls), "the call")
        client.write(b"x" * 50_000)

        async def drip() -> None:
            while True:
                client.write(b"d")
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        await until(lambda: not len(server.places), "the end of the connection")
        dripping.cancel()


def test_a_pace_is_so_many_bytes_for_each_second_of_the_grace() -> None:
    bounds = Bounds(pace=1000, grace_s=10.0)
    assert bounds.late(9_999)
    assert not bounds.late(10_000)


async def test_a_slow_but_steady_sender_is_waited_for() -> None:
    async with serving(**QUICK, pace=1000) as server:
        client = await Client.to(server)
        client.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n")
        for _ in range(30):
            client.write(b"x" * 200)
            await asyncio.sleep(0.08)  # 2,500 a second, for 2.4 s
        assert (await client.answer())[0] == 200


async def test_a_connection_is_kept_between_calls_and_not_for_ever() -> None:
    async with serving(**QUICK) as server:
        client = await Client.to(server)
        await client.ask()
        await asyncio.sleep(1.0)  # longer than a head may take
        assert (await client.ask())[0] == 200
        began = time.monotonic()
        with own_time() as took_s:
            assert await client.ended() == b""
        assert time.monotonic() - began > 1 and took_s() < 4


async def test_a_head_after_a_pause_has_its_whole_time() -> None:
    async with serving(**QUICK | {"head_s": 2.0, "idle_s": 60.0}) as server:
        client = await Client.to(server)
        await client.ask()
        await asyncio.sleep(1.2)
        client.write(GET[:9])
        await asyncio.sleep(1.0)
        client.write(GET[9:])
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize("first", [GET, GET + b"GET / HT"], ids=["after it", "with it"])
async def test_a_second_head_that_stops_is_refused_in_the_time_of_a_head(first: bytes) -> None:
    # Between two calls a peer may be still for much longer; once it speaks it may not.
    async with serving(**QUICK | {"idle_s": 60.0}) as server:
        client = await Client.to(server)
        assert (await client.ask(first))[0] == 200
        if first == GET:
            client.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-A")
        assert (await client.ended())[:13] == b"HTTP/1.1 408 "
        await until(lambda: not len(server.places), "the end of the connection")


@pytest.mark.parametrize("path", ["/stream", "/big?30000000"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_who_does_not_read_is_let_go(
    path: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = QUICK | {"socket_bytes": 4096}
    app = Echo()

    async def flood(scope: dict[str, object], receive: object, send: object) -> None:
        if scope["path"] != "/stream":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        for _ in range(100_000):
            await send(  # type: ignore[operator]
                {"type": "http.response.body", "body": b"x" * 1000, "more_body": True}
            )

    async with serving(flood, **bounds) as server:
        client = await Client.to(server, limit=1024)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        noted_s: list[float] = []  # it may be over before a busy machine looks
        note = server.unread.put

        def put(connection: Any, address: str, size: int) -> None:
            noted_s.append(time.monotonic())
            note(connection, address, size)

        monkeypatch.setattr(server.unread, "put", put)
        client.write(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        await until(lambda: bool(noted_s) and not len(server.places), "the end of the connection")
        assert time.monotonic() - noted_s[0] > 0.3
        assert not server.unread
        await until(lambda: server.places.others == 0, "the end of the call")


async def test_who_reads_slowly_but_steadily_gets_it_all() -> None:
    bounds = QUICK | {"pace": 10_000, "socket_bytes": 65_536}
    async with serving(**bounds) as server:
        client = await Client.to(server, limit=1024)
        size = 5_000_000
        client.write(b"GET /big?%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
        await client.reader.readuntil(b"\r\n\r\n")
        seen, began = 0, time.monotonic()
        while seen < size:
            seen += len(await client.reader.read(65_536))
            await asyncio.sleep(0.02)
        assert seen == size
        assert time.monotonic() - began > 1
        assert not server.unread  # who has caught up owes nothing to the bound over all
        assert (await client.ask())[0] == 200


async def test_unread_answers_have_a_bound_over_all_connections() -> None:
    app = Echo()
    async with serving(app, unread_bytes=8_000_000, socket_bytes=4096) as server:
        clients = []
        for _ in range(12):
            client = await Client.to(server, limit=1024)
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.write(b"GET /big?4000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.append(client)
        await until(lambda: len(app.calls) == 12, "the calls of all")
        await until(lambda: len(server.places) <= 3, "the end of those that are too many")
        assert server.unread.bytes <= 8_000_000
        assert (await (await Client.to(server)).ask())[0] == 200


async def test_who_asks_on_without_reading_makes_no_more_answers() -> None:
    app = Echo()
    async with serving(app, socket_bytes=65_536) as server:
        client = await Client.to(server, limit=1024)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.write(b"GET /big?100000 HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        await asyncio.sleep(0.5)
        assert len(app.calls) < 150  # what the kernel takes, and a few
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            assert len((await client.answer())[2]) == 100_000
        assert len(app.calls) == 200


async def test_a_refused_sender_that_never_ends_is_let_go() -> None:
    async with serving(**QUICK) as server:
        client = await Client.to(server)
        client.write(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
        assert (await client.answer())[0] == 401

        async def send_on() -> None:
            while True:
                client.write(b"x" * 1000)
                await asyncio.sleep(0.02)

        sending = asyncio.ensure_future(send_on())
        await until(lambda: not len(server.places), "the end of the connection")
        sending.cancel()
