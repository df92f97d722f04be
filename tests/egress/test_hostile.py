"""Receivers that misbehave: each attempt ends with the right word, in time, in little memory."""

import asyncio
import socket
import struct
import threading
import zlib
from typing import Any

import psutil
import pytest

from tests.loops.descriptors import none_left
from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault

from .receivers import (
    EMPTY,
    OK,
    Handler,
    Receiver,
    answering,
    dripping,
    read_request,
    reset,
    until_gone,
    writing,
)
from .support import BODY, outlet_to, post

HEAD = b"HTTP/1.1 200 OK\r\n"
DEADLINE_S = 1.0  # of what would go on for longer
SLACK_S = 0.5  # every deadline is far below what the receiver would take
PATIENCE_S = 30.0  # of what ends by itself: on a machine that stalls, too


async def attempt(
    handler: Handler, body: bytes = BODY, deadline_s: float = DEADLINE_S, **options: Any
) -> tuple[Ending, float, float]:
    """One attempt: how it ended, seconds taken of what this process was given, MB gained."""
    with Receiver(handler) as receiver:
        async with outlet_to(receiver.url(), **options) as outlet:
            before = psutil.Process().memory_info().rss
            with own_time() as took_s:
                ending = await post(outlet, deadline_s, body)
            grown = (psutil.Process().memory_info().rss - before) / 2**20
            return ending, took_s(), grown


async def _reset_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def _reset_after(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    reset(writer)


async def _close_after(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await until_gone(reader)


async def _ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await until_gone(reader)


async def _never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(30)


MANY = HEAD + b"".join(b"h%d: v\r\n" % i for i in range(200_000)) + b"\r\n"
LONG = HEAD + b"x: " + b"a" * 5_000_000 + b"\r\n\r\n"

FAULTS: dict[str, tuple[Handler, FaultKind, bool]] = {
    "drip head": (dripping(HEAD, b"x: y\r\n", 0.05), FaultKind.TIMEOUT, True),
    "endless 1xx": (
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        FaultKind.PROTOCOL,  # cut at the sixth, not at the deadline
        True,
    ),
    "silence": (_silent, FaultKind.TIMEOUT, True),
    "never reads": (_never_reads, FaultKind.TIMEOUT, True),
    "200,000 headers": (writing(MANY), FaultKind.PROTOCOL, True),
    "5 MB header": (writing(LONG), FaultKind.PROTOCOL, True),
    "garbage": (writing(b"\x00\xff\x10" * 500), FaultKind.PROTOCOL, True),
    "HTTP/0.9": (writing(b"<html>hello</html>\n"), FaultKind.PROTOCOL, True),
    "ssh banner": (_ssh, FaultKind.PROTOCOL, True),
    "h2 preface": (writing(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), FaultKind.PROTOCOL, True),
    "two lengths": (
        writing(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        FaultKind.PROTOCOL,
        True,
    ),
    "negative length": (writing(HEAD + b"Content-Length: -1\r\n\r\n"), FaultKind.PROTOCOL, True),
    "folded header": (
        writing(HEAD + b"a: b\r\n c\r\nContent-Length: 0\r\n\r\n"),
        FaultKind.PROTOCOL,
        True,
    ),
    "reset after request": (_reset_after, FaultKind.RESET, True),
    "close after request": (_close_after, FaultKind.RESET, True),
    "half a head": (answering(HEAD + b"x: ", then_close=True), FaultKind.RESET, True),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_no_complete_head_is_a_fault(name: str) -> None:
    """A receiver that gives no complete head ends as a fault with its own word, by the deadline."""
    handler, kind, sent = FAULTS[name]
    speaks_first = name == "ssh banner"  # then nothing is sent, if it is here before we send
    body = b"x" * 1_000_000 if name == "never reads" else BODY
    if name == "never reads":  # loopback buffers take a megabyte: make sure that it does not fit
        body *= 16
    deadline_s = DEADLINE_S if kind is FaultKind.TIMEOUT else PATIENCE_S
    ending, took, grown = await attempt(handler, body, deadline_s)
    assert isinstance(ending, TransportFault), ending
    assert ending.kind is kind, ending
    assert ending.sent is sent or speaks_first
    assert took < DEADLINE_S + SLACK_S
    assert grown < 60


async def test_reset_at_once() -> None:
    """A connection reset before or while the request is written ends at once."""
    ending, took, _ = await attempt(_reset_first, deadline_s=PATIENCE_S)
    assert isinstance(ending, TransportFault)
    # Which of the two it is depends on whether the reset comes before connect() has returned.
    assert (ending.kind, ending.sent) in (
        (FaultKind.RESET, True),
        (FaultKind.RESET, False),
        (FaultKind.REFUSED, False),
    ), ending
    assert took < DEADLINE_S


ENDLESS = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"z" * 65536 + b"\r\n"


def bomb(blocks: int, size: int = 2_000_000) -> bytes:
    """So many times so many zeros, as gzip: one block is compressed, and then repeated."""
    zeros, crc = bytes(size), 0
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(blocks):
        crc = zlib.crc32(zeros, crc)
    head = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    return head + block * blocks + packer.flush() + struct.pack("<II", crc, blocks * size)


BOMB = bomb(100)
CODED = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)

ANSWERS: dict[str, tuple[Handler, int]] = {
    "drip body": (dripping(HEAD + b"Content-Length: 999\r\n\r\n", b"z", 0.05), 200),
    "drip body 500": (
        dripping(b"HTTP/1.1 500 No\r\nContent-Length: 999\r\n\r\n", b"z", 0.05),
        500,
    ),
    "endless body": (dripping(HEAD + ENDLESS, CHUNK, 0), 200),
    "endless body 500": (dripping(b"HTTP/1.1 500 No\r\n" + ENDLESS, CHUNK, 0), 500),
    "endless length": (dripping(HEAD + b"Content-Length: 99999999999\r\n\r\n", CHUNK, 0), 200),
    "bomb": (writing(HEAD + CODED + BOMB), 200),
    "bomb 500": (writing(b"HTTP/1.1 500 No\r\n" + CODED + BOMB), 500),
    "stall": (writing(HEAD + b"Content-Length: 9\r\n\r\n"), 200),
    "stall 500": (writing(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n"), 500),
    "short body": (answering(HEAD + b"Content-Length: 9\r\n\r\nabc", then_close=True), 200),
    "short body 500": (
        answering(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc", then_close=True),
        500,
    ),
    "bad chunk 500": (writing(b"HTTP/1.1 500 No\r\n" + ENDLESS + b"zz\r\n"), 500),
    "HTTP/1.0": (answering(b"HTTP/1.0 200 OK\r\n\r\nhi", then_close=True), 200),
    "CL+TE": (writing(HEAD + b"Content-Length: 5\r\n" + ENDLESS + b"1\r\na\r\n0\r\n\r\n"), 200),
    "TE and a length of rubbish": (writing(HEAD + b"Content-Length: \xff\r\n" + ENDLESS), 200),
    "TE and a huge length": (
        writing(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n" + ENDLESS),
        200,
    ),
    "TE and length 0": (writing(HEAD + b"Content-Length: 0\r\n" + ENDLESS + CHUNK), 200),
    "101": (writing(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), 101),
    "999": (writing(b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"), 999),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("keep", [False, True], ids=["", "kept"])
async def test_a_complete_head_is_an_answer(name: str, keep: bool) -> None:
    """Once the head is complete the status stands, whatever comes of the body."""
    handler, status = ANSWERS[name]
    goes_on = name.startswith(("drip", "endless", "stall", "TE "))
    deadline_s = DEADLINE_S if goes_on else PATIENCE_S
    ending, took, grown = await attempt(handler, deadline_s=deadline_s, keep_answers=keep)
    assert isinstance(ending, ReceiverAnswer), ending
    assert ending.status == status
    assert len(ending.body) <= 16 * 1024
    assert took < DEADLINE_S + SLACK_S
    assert grown < 60
    if name == "bomb 500" or (name == "bomb" and keep):
        assert ending.body == BOMB[: 16 * 1024]  # as it came: nothing was inflated
    if name in ("stall", "stall 500", "drip body 500", "endless body", "short body 500"):
        assert ending.truncated


async def test_body_time_is_bounded_below_the_deadline() -> None:
    """A dripping error body is given up after two seconds, however long the deadline."""
    handler, _ = ANSWERS["drip body 500"]
    ending, took, _ = await attempt(handler, deadline_s=15.0)
    assert isinstance(ending, ReceiverAnswer)
    assert ending.truncated
    assert ending.body.startswith(b"zz")
    assert took < 10.0, "of itself it drips until the deadline"


async def test_error_body_is_kept() -> None:
    """An error's body and headers are kept as bytes, to 16 KiB; odd header bytes read as ?."""
    page = b"\x00\xff</script>" + b"e" * 20_000
    head = b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nX: \xff\r\nContent-Length: %d\r\n\r\n" % len(page)
    ending, _, _ = await attempt(answering(head + page), deadline_s=PATIENCE_S)
    assert isinstance(ending, ReceiverAnswer)
    assert ending.body == page[: 16 * 1024]
    assert ending.truncated
    assert ("retry-after", "7") in ending.headers
    assert ("x", "?") in ending.headers


CHUNKED = HEAD + ENDLESS + b"2\r\nok\r\n0\r\n\r\n"


def in_parts(*parts: bytes) -> Handler:
    """Writes an answer in parts, each in a packet of its own."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.004)

    return handle


REUSED: dict[str, Handler] = {
    "204": answering(EMPTY),
    "length 0": answering(HEAD + b"Content-Length: 0\r\n\r\n"),
    "length 2": answering(OK),
    "length 2, body later": in_parts(OK[:-2], OK[-2:]),
    "chunked": answering(CHUNKED),
    "chunked in parts": in_parts(CHUNKED[:-12], CHUNKED[-12:-7], CHUNKED[-7:]),
    "chunked 12 KB": answering(HEAD + ENDLESS + b"3000\r\n" + b"x" * 12288 + b"\r\n0\r\n\r\n"),
    "error page": answering(b"HTTP/1.1 500 No\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30_000),
}


@pytest.mark.parametrize("name", REUSED)
async def test_connection_is_reused(name: str) -> None:
    """Small and empty answers leave the connection to the next send, however written."""
    with Receiver(REUSED[name]) as receiver:
        async with outlet_to(receiver.url(), connections_max=4) as outlet:
            for _ in range(30):
                ending = await post(outlet)
                assert isinstance(ending, ReceiverAnswer), ending
            # More than one where a connection is not back yet when the next send is made.
            assert receiver.connections <= 4


@pytest.mark.parametrize("size", [20_000, 200_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_long_body_costs_its_connection_only(size: int, chunked: bool) -> None:
    """A receiver that answers with a long page is served at full pace with one connection."""
    page = b"x" * size
    length = b"Content-Length: %d\r\n\r\n" % size + page
    pieces = ENDLESS + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * (size // 4096) + b"0\r\n\r\n"
    with Receiver(answering(HEAD + (pieces if chunked else length))) as receiver:
        async with outlet_to(receiver.url(), connections_max=1) as outlet:
            with own_time() as took_s:
                for _ in range(20):
                    ending = await post(outlet)
                    assert isinstance(ending, ReceiverAnswer), ending
            assert took_s() < 3.0


async def test_endless_bodies_do_not_add_up() -> None:
    """Many answers with endless bodies leave neither memory nor connections behind."""
    with Receiver(dripping(HEAD + ENDLESS, CHUNK, 0)) as receiver:
        async with outlet_to(receiver.url(), connections_max=2) as outlet:
            before = psutil.Process().memory_info().rss
            for _ in range(30):
                ending = await post(outlet, 10.0)
                assert isinstance(ending, ReceiverAnswer), ending
            assert psutil.Process().memory_info().rss - before < 60 * 2**20
            for _ in range(30):
                assert await asyncio.to_thread(receiver.ended.acquire, True, 20.0)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirect_is_an_answer(code: int) -> None:
    """A redirect to the metadata address is not followed: it is the answer."""
    head = (
        b"HTTP/1.1 %d Go\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n" % code
    )
    ending, _, _ = await attempt(answering(head), deadline_s=PATIENCE_S)
    assert isinstance(ending, ReceiverAnswer)
    assert ending.status == code
    assert ("location", "http://169.254.169.254/") in ending.headers


async def test_cookies_are_not_kept() -> None:
    """Set-Cookie, Alt-Svc and HSTS change nothing about the next request."""
    requests: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await read_request(reader))
            writer.write(
                b'HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nAlt-Svc: h2=":1"\r\n'
                b"Strict-Transport-Security: max-age=99999\r\nContent-Length: 0\r\n\r\n"
            )

    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            for _ in range(3):
                assert isinstance(await post(outlet), ReceiverAnswer)
    assert len(requests) == 3
    assert len({request.partition(b"\r\n\r\n")[0] for request in requests}) == 1
    assert all(b"cookie" not in request.lower() for request in requests)


@pytest.mark.parametrize("gap_s", [0.0, 0.05])
@pytest.mark.parametrize("first", [OK, EMPTY], ids=["200", "204"])
async def test_second_answer_does_not_poison_the_next_send(first: bytes, gap_s: float) -> None:
    """A receiver that appends a second answer does not decide the next delivery."""
    no = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        # The truth is 204 for an odd request and 500 for an even one; the extra answer lies.
        writer.write(first + OK if b'"odd"' in request else no + OK)
        await until_gone(reader)

    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            for _ in range(10):
                odd = await post(outlet, body=b'"odd"')
                await asyncio.sleep(gap_s)
                even = await post(outlet, body=b'"even"')
                await asyncio.sleep(gap_s)
                assert isinstance(odd, ReceiverAnswer)
                assert odd.status in (200, 204)
                # Never the lie. A connection spoilt by it may be found broken instead.
                assert not isinstance(even, ReceiverAnswer) or even.status == 500, even


async def test_idle_connection_closed_as_we_send() -> None:
    """A kept connection that the receiver closes gives no false answer and no second send."""
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)
        await writer.drain()

    endings = []
    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            for number in range(60):
                endings.append(await post(outlet, body=b"%d" % number))
    faults = [ending for ending in endings if isinstance(ending, TransportFault)]
    # Each end may have been seen before the next call.
    odd = [fault for fault in faults if fault.kind not in (FaultKind.RESET, FaultKind.STALE)]
    assert not odd  # may be empty: none of them met
    assert all(fault.sent for fault in faults)  # may be empty: none of them met
    bodies = [request.rpartition(b"\r\n\r\n")[2] for request in seen]
    assert len(bodies) == len(set(bodies))  # sent twice: never
    answered = {b"%d" % i for i, ending in enumerate(endings) if isinstance(ending, ReceiverAnswer)}
    assert answered <= set(bodies)


async def test_bodies_that_never_end_do_not_block_the_outlet() -> None:
    """With every connection stuck in an endless body, a fresh one takes the place of the oldest."""
    with Receiver(writing(HEAD + b"Content-Length: 9\r\n\r\n")) as receiver:
        async with outlet_to(receiver.url(), connections_max=1) as outlet:
            for _ in range(4):
                ending = await post(outlet, deadline_s=4.0)
                assert isinstance(ending, ReceiverAnswer), ending
                assert ending.status == 200


async def test_body_that_never_comes_ends_by_the_deadline() -> None:
    """The connection of a short 2xx body that never comes is closed at the attempt's deadline."""
    with Receiver(writing(HEAD + b"Content-Length: 9\r\n\r\n")) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            assert isinstance(await post(outlet, deadline_s=1.0), ReceiverAnswer)
            assert not receiver.ended.acquire(False), "the answer is known before its end"
            assert await asyncio.to_thread(receiver.ended.acquire, True, 20.0)


async def test_refused() -> None:
    """Nobody at the port: refused, and nothing sent."""
    with socket.socket() as taken:  # bound but not listening: nobody else gets this port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        async with outlet_to(url) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.REFUSED, False)


async def test_connect_timeout() -> None:
    """A full accept queue drops SYNs: a connect timeout, nothing sent, by the deadline."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            element = socket.socket()
            element.setblocking(False)
            element.connect_ex(full.getsockname())
            waiting.append(element)
        async with outlet_to(f"http://127.0.0.1:{full.getsockname()[1]}/") as outlet:
            ending = await post(outlet, deadline_s=1.0)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.CONNECT_TIMEOUT, False), ending
            assert ending.duration_ms < 10_000, "of itself the system tries for minutes"
        for element in waiting:
            element.close()


async def test_no_descriptors_left_is_our_fault() -> None:
    """Out of file descriptors: ours, never the receiver's."""
    with Receiver(answering(OK)) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            assert isinstance(await post(outlet), ReceiverAnswer)
        async with outlet_to(receiver.url()) as outlet:
            with none_left():
                ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.OURS, False), ending


async def test_cancelled_send_returns_at_once() -> None:
    """Cancelling gives the task back at once, and takes the request off the wire."""
    with Receiver(_silent) as receiver:
        async with outlet_to(receiver.url(), connections_max=2) as outlet:
            task = asyncio.create_task(post(outlet, deadline_s=15.0))
            while not receiver.connections:
                await asyncio.sleep(0.01)
            with own_time() as took_s:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert took_s() < 7.0, "of itself it waits for the deadline"
            assert await asyncio.to_thread(receiver.ended.acquire, True, 20.0)


async def test_close_frees_and_reopens() -> None:
    """Closing ends sends under way and all connections; the next send opens the outlet again."""
    with Receiver(answering(OK)) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            for _ in range(2):
                assert isinstance(await post(outlet), ReceiverAnswer)
                await outlet.close()
                await outlet.close()
                assert await asyncio.to_thread(receiver.ended.acquire, True, 20.0)
            assert receiver.connections == 2
    asked = threading.Event()

    async def hears(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.set()
        await until_gone(reader)

    with Receiver(hears) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            task = asyncio.create_task(post(outlet))
            assert await asyncio.to_thread(asked.wait, 5.0)
            await outlet.close()
            ending = await task
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.OURS, True)


async def test_connections_max_is_exact() -> None:
    """No more connections than allowed, however many sends are made at once."""
    peak = 0
    now = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal peak, now
        while True:
            await read_request(reader)
            now += 1
            peak = max(peak, now)
            await asyncio.sleep(0.01)
            now -= 1
            writer.write(OK)
            await writer.drain()

    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url(), connections_max=3) as outlet:
            endings = await asyncio.gather(*(post(outlet) for _ in range(12)))
            assert all(isinstance(ending, ReceiverAnswer) for ending in endings)
            assert receiver.connections <= 3
    assert peak <= 3


async def test_no_attempt_is_called_late_before_its_deadline() -> None:
    """Whatever the loop's timers count in: they ring up to a millisecond early."""
    with Receiver(_silent) as receiver:
        async with outlet_to(receiver.url(), connections_max=40) as outlet:
            deadlines_s = [0.05 + number * 0.000_23 for number in range(40)]
            endings = await asyncio.gather(*(post(outlet, element) for element in deadlines_s))
    for deadline_s, ending in zip(deadlines_s, endings, strict=True):
        # A machine that stands still for a moment cannot even connect in time; that is late too.
        late = (FaultKind.TIMEOUT, FaultKind.CONNECT_TIMEOUT)
        assert isinstance(ending, TransportFault) and ending.kind in late
        assert ending.duration_ms >= deadline_s * 1000


@pytest.mark.parametrize("deadlines", [(20.0, DEADLINE_S), (DEADLINE_S, 2 * DEADLINE_S)])
async def test_each_attempt_over_a_kept_connection_has_its_own_deadline(
    deadlines: tuple[float, float],
) -> None:
    """The timer of one attempt is left to the next: it ends neither earlier nor later for that."""
    first_s, second_s = deadlines
    answers = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answers
        while await read_request(reader):
            answers += 1
            if answers < 3:
                writer.write(HEAD + b"Content-Length: 2\r\n\r\nok")

    with Receiver(handler) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            for _ in range(2):
                assert isinstance(await post(outlet, first_s), ReceiverAnswer)
            with own_time() as took_s:
                ending = await post(outlet, second_s)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.TIMEOUT, True)
            assert second_s <= ending.duration_ms / 1e3
            assert took_s() < second_s + SLACK_S
    assert receiver.connections == 1


async def test_a_connection_outlives_the_deadlines_of_the_attempts_that_are_over() -> None:
    with Receiver(answering(HEAD + b"Content-Length: 2\r\n\r\nok")) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            for _ in range(3):
                assert isinstance(await post(outlet, 1.0), ReceiverAnswer)
                await asyncio.sleep(1.2)
    assert receiver.connections == 1
