"""Calls that are answered without a task of their own."""

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest

from tidings.server import DirectCall, HttpRequest, HttpServer, RejectedRequest

from .support import GET, Client, Echo, serving, until, ways

POST = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
LENGTH = (b"content-length", b"2")


class Playing:
    """Does with each call what it is told to, and remembers it."""

    def __init__(self, play: Callable[[DirectCall], bool]) -> None:
        self._play = play
        self.calls: list[DirectCall] = []

    def begin(self, call: DirectCall) -> bool:
        self.calls.append(call)
        return self._play(call)


@pytest.fixture(autouse=True)
def way() -> None:
    """These tests say themselves how a call is answered."""


def answered(call: DirectCall) -> bool:
    call.answer(200, [LENGTH], b"ok")
    return True


def soon(call: DirectCall) -> bool:
    asyncio.get_running_loop().call_soon(call.answer, 202, [LENGTH], b"ok")
    return True


async def ask(server: HttpServer, request: bytes) -> tuple[int, dict[str, str], bytes]:
    return await (await Client.to(server)).ask(request)


def direct(playing: Playing) -> None:
    ways.append(lambda app: playing)


@pytest.fixture(autouse=True)
def as_before() -> object:
    count = len(ways)
    yield
    del ways[count:]


@pytest.mark.parametrize("play", [answered, soon])
async def test_one_connection_has_many_answers_at_once_or_later(
    play: Callable[[DirectCall], bool],
) -> None:
    playing = Playing(play)
    direct(playing)
    echo = Echo()
    async with serving(echo) as server:
        client = await Client.to(server)
        client.write(GET * 50 + (POST + b"abcd") * 50)
        for _ in range(100):
            status, _, body = await client.answer()
            assert (status, body) == (200 if play is answered else 202, b"ok")
    assert len(playing.calls) == 100 and not echo.calls
    assert [call.over for call in playing.calls] == [True] * 100


async def test_a_call_whose_body_has_not_come_is_an_asgi_call() -> None:
    playing = Playing(answered)
    direct(playing)
    echo = Echo()
    async with serving(echo) as server:
        client = await Client.to(server)
        client.write(POST)
        await until(lambda: bool(echo.calls), "a call whose body has not come")
        assert (await client.ask(b"abcd"))[0] == 200
    assert not playing.calls and echo.bodies == [b"abcd"]


async def test_a_call_that_is_not_taken_is_an_asgi_call_with_its_whole_body() -> None:
    direct(Playing(lambda call: False))
    echo = Echo()
    async with serving(echo) as server:
        assert (await ask(server, POST + b"abcd"))[0] == 200
        assert server.places.others == 0
    assert echo.bodies == [b"abcd"]


def raises(call: DirectCall) -> bool:
    raise RuntimeError("on purpose")


def splits(call: DirectCall) -> bool:
    call.answer(200, [LENGTH, (b"x-a", b"b\r\nset-cookie: c")], b"ok")
    return True


def longer(call: DirectCall) -> bool:
    call.answer(200, [LENGTH], b"longer")
    return True


@pytest.mark.parametrize("play", [raises, splits, longer])
async def test_a_fault_of_the_application_is_answered(
    play: Callable[[DirectCall], bool],
) -> None:
    direct(Playing(play))
    async with serving() as server:
        for _ in range(3):
            status, headers, _ = await ask(server, GET)
            assert status == 500 and "set-cookie" not in headers


async def test_an_answer_after_its_peer_has_gone_is_for_nobody() -> None:
    playing = Playing(lambda call: True)
    direct(playing)
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET)
        while not playing.calls:
            await asyncio.sleep(0.01)
        (call,) = playing.calls
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()  # by a reset
        while not call.over:
            await asyncio.sleep(0.01)
        call.answer(200, [LENGTH], b"ok")
        assert not call.started and len(server.places) == 0


async def test_who_has_said_all_that_he_sends_is_still_answered() -> None:
    playing = Playing(lambda call: True)
    direct(playing)
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET)
        client.writer.write_eof()
        await until(lambda: bool(playing.calls) and not playing.calls[0].keep, "its end of sending")
        playing.calls[0].answer(200, [LENGTH], b"ok")
        status, headers, body = await client.answer()
        assert (status, headers["connection"], body) == (200, "close", b"ok")


async def test_a_second_answer_of_a_call_is_not_sent() -> None:
    playing = Playing(answered)
    direct(playing)
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET)
        await client.answer()
        playing.calls[0].answer(200, [LENGTH], b"no")
        playing.calls[0].fail()
        client.write(GET)
        assert (await client.answer())[2] == b"ok"


async def test_a_server_that_stops_waits_for_its_answer() -> None:
    playing = Playing(lambda call: True)
    direct(playing)
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET)
        while not playing.calls:
            await asyncio.sleep(0.01)
        stopping = asyncio.ensure_future(server.stop(5.0))
        await until(lambda: server.stopping, "a server that stops")
        playing.calls[0].answer(200, [LENGTH], b"ok")
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (200, "close")
        await stopping


async def test_an_answer_in_parts_is_as_long_as_it_comes() -> None:
    tasks = set()

    async def in_parts(call: DirectCall) -> None:
        call.begin_answer(200, [(b"x-a", b"b")])
        for _ in range(3):
            await call.send_part(b"part")
        call.finish()

    def begin(call: DirectCall) -> bool:
        tasks.add(asyncio.get_running_loop().create_task(in_parts(call)))
        return True

    playing = Playing(begin)
    direct(playing)
    async with serving() as server:
        client = await Client.to(server)
        for _ in range(2):  # on one connection
            status, headers, body = await client.ask()
            assert (status, headers["x-a"], body) == (200, "b", b"part" * 3)
    assert [call.over for call in playing.calls] == [True] * 2


async def test_an_answer_in_parts_that_is_broken_off_is_not_taken_for_whole() -> None:
    def begin(call: DirectCall) -> bool:
        call.begin_answer(200, [])
        call.break_off()
        return True

    direct(Playing(begin))
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET)
        assert not (await client.ended()).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("aborts", [False, True])
async def test_who_watches_a_call_hears_that_its_peer_leaves(aborts: bool) -> None:
    heard: list[tuple[bool, bool]] = []

    def begin(call: DirectCall) -> bool:
        call.watch = lambda: heard.append((call.left, call.over))
        return True

    playing = Playing(begin)
    direct(playing)
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET)
        while not playing.calls:
            await asyncio.sleep(0.01)
        if aborts:
            raw = client.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.writer.transport.abort()
        else:
            client.writer.write_eof()
        while not heard:
            await asyncio.sleep(0.01)
        if not aborts:
            assert heard == [(True, False)]
            playing.calls[0].answer(200, [LENGTH], b"ok")
            assert (await client.answer())[2] == b"ok"
        assert heard[-1] == (True, True)


async def test_whoever_admits_a_request_may_change_it_or_refuse_it() -> None:
    def admit(request: HttpRequest) -> None:
        if request.path == "/no":
            raise RejectedRequest(403, "no", "Not here.")
        request.peer = ("192.0.2.1", 0)
        request.facts = {"known": "fact"}
        request.headers = [pair for pair in request.headers if pair[0] != b"x-a"]

    scopes = []

    def begin(call: DirectCall) -> bool:
        assert call.peer == ("192.0.2.1", 0)
        scopes.append(call.scope())
        call.answer(200, [LENGTH], b"ok")
        return True

    direct(Playing(begin))
    async with serving(admit=admit) as server:
        client = await Client.to(server)
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n")
        assert answer[0] == 200
        assert scopes[0]["client"] == ("192.0.2.1", 0)
        assert scopes[0]["extensions"] == {"known": "fact"}
        assert scopes[0]["headers"] == [(b"host", b"a")]
        status, _, body = await client.ask(b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status == 403 and b"Not here. (no, -)" in body
        assert await client.ended() == b""
