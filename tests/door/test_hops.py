"""Calls that make a hop: as if they had been made at the owner, whatever their form."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.support import GET, Client, reply, until
from tidings.door.listening import DoorTrust

from .support import KEY, TRUSTS, Listens, get, pair, post

MEGABYTE = 1 << 20


@pytest.fixture(params=TRUSTS, ids=["TLS", "loopback"])
def trust(request: pytest.FixtureRequest) -> DoorTrust:
    make: Callable[[bytes], DoorTrust] = request.param
    return make(KEY)


async def test_calls_of_all_forms_are_as_at_the_owner(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        client = await Client.to(found.public)
        for method in ("GET", "DELETE", "OPTIONS"):
            status, _, body = await client.ask(get("/a%20b/%C3%A9?q=1&q=%25", method))
            told = json.loads(body)
            assert (status, told["method"]) == (200, method)
            assert (told["path"], told["query"]) == ("/a b/é", "q=1&q=%25")
        status, _, body = await client.ask(
            post(b"abcd", b"Idempotency-Key: k\r\nX-A: 1\r\nX-A: 2\r\n")
        )
        told = json.loads(body)
        assert told["body"] == "abcd"
        sent = [pair for pair in told["headers"] if pair[0] != "x-cap-requestid"]
        assert ["idempotency-key", "k"] in sent and sent.count(["x-a", "1"]) == 1
        assert ["x-a", "2"] in sent and ["host", "a"] in sent
        client.write(get("/x", "HEAD") + get("/none") + get("/x"))
        status, headers, _ = await client.answer(head_only=True)
        assert status == 200 and int(headers["content-length"]) > 50
        assert (await client.answer())[0] == 204
        assert (await client.answer())[0] == 200
        assert (await client.ask(get("/fails")))[0] == 500
        client.close()
        assert not found.local.calls and found.lines.held == 0


async def test_a_call_of_http_1_0_makes_a_hop(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        client = await Client.to(found.public)
        client.write(b"GET /x HTTP/1.0\r\n\r\n")
        assert b"200" in await client.ended()


async def test_lines_are_used_again(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        clients = [await Client.to(found.public) for _ in range(4)]
        for _ in range(25):
            for client in clients:
                client.write(GET)
            for client in clients:
                assert (await client.answer())[0] == 200
        assert 1 <= len(found.owner.places) <= 4
        assert len(found.app.calls) == 100


async def test_uploads_go_through_as_they_come(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        client = await Client.to(found.public)
        body = bytes(range(256)) * 1024
        client.write(post(body))
        assert (await client.answer())[0] == 200
        client.write(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 30_000):
            part = body[at : at + 30_000]
            client.write(b"%x\r\n%b\r\n" % (len(part), part))
            await client.writer.drain()
        client.write(b"0\r\n\r\n")
        assert (await client.answer())[0] == 200
        assert found.app.bodies == [body, body]
        expects = post(b"abcd", b"Expect: 100-continue\r\n")
        client.write(expects[:-4])
        assert (await client.answer())[0] == 100
        client.write(b"abcd")
        assert (await client.answer())[0] == 200
        assert found.app.bodies[-1] == b"abcd"
        await until(lambda: found.lines.held == 0, "the places back")


async def test_an_answer_before_the_body_has_come_is_passed_back(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        client = await Client.to(found.public)
        client.write(post(b"a" * 100_000, path=b"/early")[:50_000])
        assert (await client.answer())[0] == 401
        assert await client.ended() == b""
        await until(lambda: found.lines.held == 0, "the place back")


async def test_large_answers_come_whole(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        client = await Client.to(found.public)
        for _ in range(2):
            status, _, body = await client.ask(get(f"/big?{5 * MEGABYTE}"))
            assert status == 200 and body == b"x" * (5 * MEGABYTE)
        assert found.lines.held == 0


async def test_streams_come_part_by_part_and_end_with_their_reader(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        clients = []
        for _ in range(3):
            client = await Client.to(found.public)
            client.write(get("/stream"))
            assert (await client.answer(head_only=True))[0] == 200
            for _ in range(4):
                assert await client.reader.readline() == b"5\r\n"
                assert await client.reader.readline() == b"fact\n"
                await client.reader.readline()
            clients.append(client)
        assert found.lines.held == 3
        clients[0].close()  # in order
        clients[1].writer.transport.abort()
        clients[2].writer.write_eof()
        await until(lambda: found.app.gone == 3, "the end of the streams at the owner")
        await until(lambda: found.lines.held == 0, "the places back")


class Slow:
    """Reads or answers no faster than it is let."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.read = self.sent = 0
        self.gone = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/floods":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(64):
                part = {"type": "http.response.body", "body": b"x" * MEGABYTE, "more_body": True}
                await send(part)
                self.sent += MEGABYTE
            await send({"type": "http.response.body", "body": b""})
            return
        await self.go_on.wait()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            self.read += len(message["body"])
            more = message["more_body"]
        await reply(send, 200, b"read")


async def steady(value: Callable[[], int]) -> int:
    """What a number comes to, once it does not move any more."""
    before, same = value(), 0
    while same < 20:
        await asyncio.sleep(0.02)
        before, same = value(), same + 1 if value() == before else 0
    return before


async def test_a_reader_that_is_slow_slows_its_owner(trust: DoorTrust) -> None:
    """No process keeps what is not read: it stays with the owner, which is not asked to go on."""
    async with pair(Slow(), trust) as found:
        client = await Client.to(found.public, limit=4096)
        tracemalloc.start()
        client.write(get("/floods"))
        sent = await steady(lambda: found.app.sent)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sent <= 24 * MEGABYTE and peak < 16 * MEGABYTE
        assert found.owner.unread.bytes <= 2 * MEGABYTE
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        rest = 0
        while rest < 64 * MEGABYTE:
            rest += len(await client.reader.read(MEGABYTE))
        await until(lambda: found.lines.held == 0, "the end of the answer")
        assert found.app.sent == 64 * MEGABYTE


async def test_an_owner_that_reads_slowly_slows_its_caller(trust: DoorTrust) -> None:
    async with pair(Slow(), trust) as found:
        client = await Client.to(found.public)
        size = 64 * MEGABYTE
        client.write(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        written = 0

        async def write() -> None:
            nonlocal written
            while written < size:
                client.write(b"x" * (MEGABYTE // 4))
                await client.writer.drain()
                written += MEGABYTE // 4

        tracemalloc.start()
        writing = asyncio.create_task(write())
        assert await steady(lambda: written) <= 24 * MEGABYTE
        assert tracemalloc.get_traced_memory()[1] < 16 * MEGABYTE
        tracemalloc.stop()
        found.app.go_on.set()
        await writing
        assert (await client.answer())[2] == b"read"
        assert found.app.read == size


async def test_a_caller_that_goes_amid_its_body_is_gone_at_the_owner(trust: DoorTrust) -> None:
    app = Slow()
    app.go_on.set()
    async with pair(app, trust) as found:
        client = await Client.to(found.public)
        client.write(post(b"x" * 300_000)[:200_000])
        await until(lambda: app.read > 50_000, "the beginning of the body")
        client.close()
        await until(lambda: app.gone == 1, "the end of the call at the owner")
        await until(lambda: found.lines.held == 0, "the place back")


@pytest.mark.parametrize("goes", ["closes", "aborts"])
async def test_a_caller_that_goes_before_the_answer_frees_its_place(
    trust: DoorTrust, goes: str
) -> None:
    async with pair(Listens(), trust, left_s=0.1) as found:
        client = await Client.to(found.public)
        client.write(get("/x"))
        await until(lambda: found.app.calls == 1, "the call")
        if goes == "closes":
            client.close()
        else:
            client.writer.transport.abort()
        await until(lambda: found.lines.held == 0, "the place back")
        await until(lambda: found.app.gone == 1, "the end of the call at the owner")


async def test_who_sends_no_more_still_reads_his_answer(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        client = await Client.to(found.public)
        client.write(get("/wait"))
        await until(lambda: found.app.calls == ["GET /wait"], "the call")
        client.writer.write_eof()
        await asyncio.sleep(0.05)
        found.app.go_on.set()
        assert (await client.answer())[2] == b"waited"


async def test_what_is_served_here_makes_no_hop(trust: DoorTrust) -> None:
    async with pair(trust=trust) as found:
        found.router.decision = None
        client = await Client.to(found.public)
        assert (await client.ask())[0] == 200
        client.write(post(b"a" * 100_000))
        assert (await client.answer())[0] == 200
        assert len(found.local.calls) == 2
        assert not found.app.calls and not len(found.owner.places)
