"""What a client that behaves sees, over real sockets."""

import asyncio
import json
import re
import socket
import time

import pytest

from tests.loops.own_time import own_time

from .support import GET, Client, Echo, serving, until


def post(path: str, body: bytes, *headers: str, framed: bool = True) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: a", *headers]
    if framed:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def test_calls_follow_each_other_on_one_connection() -> None:
    async with serving() as server:
        client = await Client.to(server)
        for number in range(5):
            status, headers, body = await client.ask(post(f"/{number}%20a?b=c", b"x" * number))
            told = json.loads(body)
            assert (status, told["path"], told["query"]) == (200, f"/{number} a", "b=c")
            assert (told["body"], told["client"]) == ("x" * number, "127.0.0.1")
            assert "connection" not in headers
            assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", headers["date"])
        assert len(server.places) == 1


@pytest.mark.parametrize("cut", [1, 7, 50, 1000])
async def test_the_same_answers_come_whatever_way_the_bytes_are_cut(cut: int) -> None:
    async with serving() as server:
        client = await Client.to(server)
        chunked = post("/c", b"3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked", framed=False)
        data = post("/1", b"body") + GET + chunked
        for at in range(0, len(data), cut):
            client.write(data[at : at + cut])
            await asyncio.sleep(0)
        found = [json.loads((await client.answer())[2]) for _ in range(3)]
        assert [row["path"] for row in found] == ["/1", "/", "/c"]
        assert [row["body"] for row in found] == ["body", "", "abc"]


async def test_many_requests_sent_at_once_are_answered_in_order() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        count = 3000
        client.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(count)))
        for number in range(count):
            assert json.loads((await client.answer())[2])["path"] == f"/{number}"
        assert len(app.calls) == count


async def test_what_is_sent_after_a_last_request_is_not_called() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        client.write(b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET)
        _, headers, _ = await client.answer()
        assert headers["connection"] == "close"
        assert await client.ended() == b""
        assert app.calls == ["GET /1"]


async def test_requests_before_a_broken_one_are_answered() -> None:
    async with serving() as server:
        client = await Client.to(server)
        client.write(GET + GET + b"junk\r\n\r\n")
        assert [(await client.answer())[0] for _ in range(3)] == [200, 200, 400]
        assert await client.ended() == b""


async def test_a_refusal_says_what_must_be_what_came_and_what_to_do() -> None:
    app = Echo()
    async with serving(app, headers=[(b"x-content-type-options", b"nosniff")]) as server:
        client = await Client.to(server)
        both = "Transfer-Encoding: chunked"
        status, headers, body = await client.ask(post("/", b"0\r\n\r\n", both))
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (400, "bad_request")
        assert "must be plain HTTP/1.1; got" in error["message"]
        assert error["message"].endswith("(bad_request, -)")
        assert headers["connection"] == "close"
        assert headers["x-content-type-options"] == "nosniff"
        assert await client.ended() == b""
        assert app.calls == []


async def test_head_has_the_head_of_get_alone() -> None:
    async with serving() as server:
        client = await Client.to(server)
        client.write(b"HEAD /big?1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        status, headers, _ = await client.answer(head_only=True)
        assert (status, headers["content-length"]) == (200, "1000")
        assert (await client.ask())[0] == 200


async def test_an_answer_without_a_body_has_no_length() -> None:
    async with serving() as server:
        client = await Client.to(server)
        status, headers, _ = await client.ask(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status == 204
        assert not {"content-length", "transfer-encoding"} & headers.keys()
        assert (await client.ask())[0] == 200


@pytest.mark.parametrize(
    ("header", "kept"), [("", False), ("Connection: keep-alive\r\n", True)], ids=["plain", "kept"]
)
async def test_http_1_0_is_answered_and_kept_where_it_asks_for_it(header: str, kept: bool) -> None:
    async with serving() as server:
        client = await Client.to(server)
        request = f"GET /old HTTP/1.0\r\n{header}\r\n".encode()
        status, headers, _ = await client.ask(request)
        assert status == 200
        assert headers["connection"] == ("keep-alive" if kept else "close")
        if kept:
            assert (await client.ask(request))[0] == 200
        else:
            assert await client.ended() == b""


async def test_http_1_0_gets_no_chunks() -> None:
    async with serving() as server:
        client = await Client.to(server)
        client.write(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head
        assert b"connection: close" in head
        assert (await client.reader.readline()) == b"fact\n"


async def test_100_continue_is_sent_once_the_application_wants_the_body() -> None:
    async with serving() as server:
        client = await Client.to(server)
        body = b"x" * 20_000
        head = post("/", body, "Expect: 100-continue")[: -len(body)]
        client.write(head)
        assert (await client.answer())[0] == 100
        client.write(body)
        assert len(json.loads((await client.answer())[2])["body"]) == len(body)
        assert (await client.ask())[0] == 200


async def test_a_call_refused_at_its_head_is_not_told_to_continue() -> None:
    async with serving() as server:
        client = await Client.to(server)
        client.write(post("/early", b"x" * 500, "Expect: 100-continue")[:-500])
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (401, "close")


@pytest.mark.parametrize("size", [100_000, 30_000_000])
async def test_a_refusal_can_be_read_by_who_sends_its_whole_body_first(size: int) -> None:
    def upload(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=120) as line:
            line.sendall(post("/early", b"x" * size))
            time.sleep(0.2)
            answer = b""
            while not answer.endswith(b"\r\n\r\nno") and (part := line.recv(65536)):
                answer += part
        return answer

    async with serving() as server:
        answer = await asyncio.to_thread(upload, server.port)
        assert answer.startswith(b"HTTP/1.1 401 ")
        if size > 1_000_000:
            assert b"connection: close" in answer
        await until(lambda: not len(server.places), "the end of the connection")


async def test_a_body_waits_at_the_sender_until_the_application_takes_it() -> None:
    go_on = asyncio.Event()
    seen = 0

    async def slow(scope: object, receive: object, send: object) -> None:
        nonlocal seen
        await go_on.wait()
        more = True
        while more:
            message = await receive()  # type: ignore[operator]
            seen += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]

    async with serving(slow) as server:
        client = await Client.to(server)
        size = 40_000_000
        client.write(post("/", b"x" * size))
        await asyncio.sleep(0.3)
        waiting = client.writer.transport.get_write_buffer_size()
        assert waiting > size // 2  # it was not taken into memory here
        go_on.set()
        assert (await client.answer())[0] == 200
        assert seen == size


async def test_a_stream_ends_as_its_listener_goes() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        client.write(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.reader.readuntil(b"fact\n")
        client.close()
        await until(lambda: app.gone == 1, "the end of the stream")
        places = server.places
        await until(lambda: not len(places) and not places.others, "the end of the connection")


async def test_who_closes_its_sending_half_is_still_answered() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        client.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        client.writer.write_eof()
        await until(lambda: bool(app.calls), "the call")
        app.go_on.set()
        assert (await client.answer())[2] == b"waited"
        assert await client.ended() == b""


async def test_a_body_that_breaks_off_is_told_to_the_application() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        client.write(post("/", b"x" * 100)[:-50])
        await until(lambda: bool(app.calls), "the call")
        client.close()
        await until(lambda: app.gone == 1, "the disconnect")


async def test_a_failing_application_is_a_500_and_the_next_call_goes_on() -> None:
    async with serving() as server:
        client = await Client.to(server)
        status, _, body = await client.ask(b"GET /fails HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (status, json.loads(body)["error"]["code"]) == (500, "internal")
        other = await Client.to(server)
        assert (await other.ask())[0] == 200


async def test_an_answer_that_breaks_off_can_be_told_from_a_whole_one() -> None:
    async with serving() as server:
        client = await Client.to(server)
        client.write(b"GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await client.ended()
        assert b"half" in answer and not answer.endswith(b"0\r\n\r\n")


async def test_no_header_of_an_answer_writes_another_line() -> None:
    async with serving() as server:
        client = await Client.to(server)
        client.write(b"GET /splits HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await client.ended()
        assert answer.startswith(b"HTTP/1.1 500 ") and b"set-cookie" not in answer


async def test_a_large_answer_comes_whole_to_who_reads_in_time() -> None:
    async with serving() as server:
        client = await Client.to(server, limit=2048)
        size = 20_000_000
        client.write(b"GET /big?%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % size)
        await asyncio.sleep(0.2)
        _, _, body = await client.answer()
        assert len(body) == size


async def test_ipv6() -> None:
    async with serving(host="::1") as server:
        client = await Client.to(server, host="::1")
        assert json.loads((await client.ask())[2])["client"] == "::1"


async def test_a_taken_port_is_an_error_at_once() -> None:
    async with serving() as server:
        other = type(server)(server.app, host="127.0.0.1", port=server.port)
        with pytest.raises(OSError):
            other.start()


# -- the end --------------------------------------------------------------------------------------


async def test_a_stop_finishes_what_is_worked_on_and_closes_the_rest() -> None:
    app = Echo()
    async with serving(app) as server:
        idle, busy, half = [await Client.to(server) for _ in range(3)]
        await idle.ask()
        busy.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        half.write(b"GET /")
        await until(lambda: len(app.calls) == 2, "the call")
        stopping = asyncio.ensure_future(server.stop(5))
        assert await idle.ended() == b""
        assert await half.ended() == b""
        assert not stopping.done()
        app.go_on.set()
        status, headers, _ = await busy.answer()
        assert (status, headers["connection"]) == (200, "close")
        await stopping
        with pytest.raises(OSError):
            await Client.to(server)


async def test_a_stop_waits_no_longer_than_it_may() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        client.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: len(app.calls) == 1, "the call")
        began = time.monotonic()
        with own_time() as took_s:
            await server.stop(0.3)
        assert time.monotonic() - began > 0.25 and took_s() < 10, "the call waits for ever"
        assert await client.ended() == b""
