"""When places are short, who gives way is not who behaves."""

import asyncio
import gc
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tidings.server import HttpServer

from .support import GET, Client, Echo, reply, serving, until

PLACES = 64
AT_ONCE = 8
SMALL = {"places": PLACES, "spare": 8, "per_address": 32, "socket_bytes": 4096, "turn_s": 0.5}
BIG = b"GET /big?2000000 HTTP/1.1\r\nHost: a\r\n\r\n"


async def crowd(server: HttpServer, count: int, sent: bytes, *, reads: bool = True) -> list[Client]:
    """Connections that send as much and no more; those that it could not keep are among them."""
    clients = []
    for _ in range(count):
        client = await Client.to(server, limit=1024)
        if not reads:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.write(sent)
        clients.append(client)
    return clients


def worked_on(server: HttpServer) -> int:
    """Return how many connections are in the middle of a call: none of them ever gives way, so a
    crowd that comes faster than a busy machine answers would take the places of who is idle."""
    places = server.places
    return len(places) - len(places.unfinished) - len(list(places.idle())) - len(places.queued)


KINDS: dict[str, tuple[bytes, bool]] = {
    "silent": (b"", True),
    "half a head": (b"GET / HTTP/1.1\r\nHos", True),
    "half a body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", True),
    "idle": (GET, True),
    "not reading": (BIG, False),
    "refused and staying": (b"junk\r\n\r\n", True),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crowd_of_any_kind_takes_no_place_from_who_behaves(kind: str) -> None:
    sent, reads = KINDS[kind]
    async with serving(**SMALL) as server:
        good = [await Client.to(server) for _ in range(40)]
        for client in good:
            for _ in range(2):
                assert (await client.ask())[0] == 200
        others: list[Client] = []
        while len(others) < 300:
            others += await crowd(server, AT_ONCE, sent, reads=reads)
            await asyncio.sleep(0.01)  # accepted
            await until(lambda: not worked_on(server), "the calls that came so far to be answered")
        for client in good:  # on the connections that they had
            assert (await client.ask())[0] == 200
        for _ in range(40):  # and on new ones
            client = await Client.to(server)
            assert (await client.ask())[0] == 200
            client.close()
        assert len(server.places) <= PLACES + 8
        assert len(others) >= 300


@pytest.mark.parametrize("kind", ["silent", "half a head", "half a body"])
async def test_an_address_has_a_bound_for_what_it_leaves_unfinished(kind: str) -> None:
    sent, _ = KINDS[kind]
    async with serving(places=500, per_address=20, young_s=60.0) as server:
        await crowd(server, 60, sent)
        await until(lambda: len(server.places) == 60, "all: they have only just come")
    async with serving(places=500, per_address=20) as server:
        await crowd(server, 60, sent)
        await until(lambda: len(server.places) <= 20, "the others to be closed")
        client = await Client.to(server)
        assert (await client.ask())[0] == 200


async def test_who_says_nothing_takes_no_place_and_is_heard_once_it_speaks() -> None:
    async with serving(places=500, mute_s=10) as server:
        mute = await crowd(server, 60, b"")
        client = await Client.to(server)
        assert (await client.ask())[0] == 200
        assert len(server.places) == 1
        for element in mute:  # late, and none of them was taken for one that never speaks
            assert (await element.ask())[0] == 200


async def test_busy_and_idle_connections_of_one_address_are_not_counted() -> None:
    app = Echo()
    async with serving(app, places=700, per_address=20) as server:
        clients = []
        for _ in range(500):  # each speaks at once: what is silent for long is counted
            clients.append(await Client.to(server))
            assert (await clients[-1].ask())[0] == 200
        for _ in range(2):
            answers = await asyncio.gather(*(client.ask() for client in clients))
            assert {status for status, _, _ in answers} == {200}
        waits = [client.ask(GET.replace(b"/ ", b"/wait ", 1)) for client in clients]
        waiting = asyncio.gather(*waits)
        await until(lambda: app.calls.count("GET /wait") == 500, "500 calls at once")
        app.go_on.set()
        assert {body for _, _, body in await waiting} == {b"waited"}
        assert len(server.places) == 500


async def test_the_address_is_the_one_that_is_told() -> None:
    def remote(peer: str, headers: list[tuple[bytes, bytes]]) -> str:
        return dict(headers).get(b"x-from", b"").decode() or peer

    async with serving(places=500, per_address=20, remote=remote) as server:
        head = "POST / HTTP/1.1\r\nHost: a\r\nX-From: 192.0.2.{}\r\nContent-Length: 9\r\n\r\nabc"
        of_many = [
            (await crowd(server, 1, head.format(number).encode()))[0] for number in range(60)
        ]
        await until(lambda: len(server.places) == 60, "one for each of them")
        await asyncio.sleep(0.3)
        assert len(server.places) == 60
        await crowd(server, 60, head.format(7).encode())
        await until(lambda: len(server.places) <= 80, "the others of that one to be closed")
        for client in of_many[20:]:
            client.write(b"defghi")
            assert (await client.answer())[0] == 200


async def test_what_a_shared_peer_has_not_told_yet_counts_against_nobody() -> None:
    def shared(peer: str) -> bool:
        return peer == "127.0.0.1"

    async with serving(places=500, per_address=20, young_s=0.1, shared=shared) as server:
        clients = await crowd(server, 60, GET[:9])
        await asyncio.sleep(1.2)
        for client in clients:
            client.write(GET[9:])
            assert (await client.answer())[0] == 200


def keeps(method: str, path: str) -> bool:
    return path == "/kept"


async def test_places_are_kept_for_some_calls() -> None:
    app = Echo()
    kept = GET.replace(b"/ ", b"/kept ", 1)
    async with serving(app, **SMALL, keeps=keeps) as server:
        busy = await crowd(server, PLACES, GET.replace(b"/ ", b"/wait ", 1))
        refused = [await client.answer() for client in busy[48:]]  # three quarters are theirs
        assert {status for status, _, _ in refused} == {503}
        assert all(headers["retry-after"] == "1" for _, headers, _ in refused)
        for _ in range(30):
            client = await Client.to(server)
            assert (await client.ask(kept))[0] == 200
            client.close()
        app.go_on.set()
        for client in busy[:48]:
            assert (await client.answer())[2] == b"waited"
        assert server.places.others == 0
        assert (await (await Client.to(server)).ask())[0] == 200


async def test_newcomers_wait_while_every_place_is_worked_on() -> None:
    app = Echo()
    async with serving(app, places=10, spare=2, keeps=lambda method, path: True) as server:
        wait = GET.replace(b"/ ", b"/wait ", 1)
        clients = []
        for _ in range(30):
            clients.append(await Client.to(server))
            clients[-1].write(wait)
        await until(lambda: len(app.calls) == 12, "as many calls as there are places")
        await asyncio.sleep(0.2)
        assert len(app.calls) == 12
        app.go_on.set()
        for client in clients:
            assert (await client.answer())[2] == b"waited"
            client.close()


async def test_an_idle_connection_whose_next_request_is_here_does_not_give_way() -> None:
    async with serving(**SMALL) as server:
        good = [await Client.to(server) for _ in range(PLACES)]
        for client in good:
            await client.ask()
        for client in good:
            client.write(GET)
        newcomers = [await Client.to(server) for _ in range(5)]
        for client in newcomers:
            client.write(GET)
        for client in (*good, *newcomers):
            assert (await client.answer())[0] == 200


@pytest.fixture
def few_descriptors() -> Iterator[Callable[[int], list[int]]]:
    """Leaves this process so many descriptors, by taking the others."""
    taken: list[int] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def leave(count: int) -> list[int]:
        gc.collect()  # what was left over would become free later
        highest = max(int(name) for name in os.listdir("/proc/self/fd")) + 60
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        while True:
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        for _ in range(count):
            os.close(taken.pop())
        return taken

    yield leave
    for number in taken:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_it_lives_through_a_want_of_descriptors(
    few_descriptors: Callable[[int], list[int]],
) -> None:
    async with serving(places=500) as server:
        first = await Client.to(server)
        assert (await first.ask())[0] == 200
        taken = few_descriptors(9)
        pending = []
        for _ in range(9):  # as many as this side has: the server has none for the last ones
            try:
                pending.append(await Client.to(server))
            except OSError:
                break
            pending[-1].write(GET)
        before = time.process_time()
        await asyncio.sleep(0.6)
        assert time.process_time() - before < 0.3, "it spins"
        for _ in range(2):
            os.close(taken.pop())
        for client in pending:
            assert (await client.answer())[0] == 200


async def test_calls_sent_behind_others_hold_no_newcomer_up() -> None:
    asked = 0

    async def dear(scope: dict[str, object], receive: object, send: object) -> None:
        nonlocal asked
        if scope["path"] == "/":
            asked += 1
            time.sleep(0.004)  # as long as a page takes to be made
        await reply(send, 200, b"x" * 5000)

    async with serving(dear, places=400, spare=8, per_address=200, keeps=keeps) as server:
        others = await crowd(server, 390, GET * 60, reads=False)
        most = 0
        for _ in range(20):
            before = asked
            client = await Client.to(server)
            assert (await client.ask(GET.replace(b"/ ", b"/kept ", 1)))[0] == 200
            most = max(most, asked - before)
            client.close()
        assert most < 125  # half a second of pages; a call on each connection would be 390
        assert asked < 390 * 60
        assert len(others) == 390


def caller_of(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """Who calls, as the tests say it."""
    return dict(headers).get(b"x-caller")


@pytest.mark.parametrize("crowd_is", ["strangers", "another known caller"])
async def test_a_known_caller_is_answered_beside_a_crowd_with_one_dear_call_each(
    crowd_is: str,
) -> None:
    begun = 0

    async def dear(scope: dict[str, object], receive: object, send: object) -> None:
        nonlocal begun
        if scope["path"] == "/dear":
            begun += 1
            time.sleep(0.004)  # as long as a page takes to be made
        await reply(send, 200, b"x")

    said = b"" if crowd_is == "strangers" else b"X-Caller: greedy\r\n"
    asked = b"GET /dear HTTP/1.1\r\nHost: a\r\n" + said + b"\r\n"
    own = b"GET / HTTP/1.1\r\nHost: a\r\nX-Caller: good\r\n\r\n"
    async with serving(dear, places=400, spare=8, per_address=400, known=caller_of) as server:
        good, *others = [await Client.to(server) for _ in range(391)]
        await until(lambda: len(server.places) == 391, "all connections")
        for client in others:
            client.write(asked)
        assert (await good.ask(own))[0] == 200
        assert begun < 200, "the others wait"
        await until(lambda: begun == 390, "the calls of all")


async def test_a_probe_behind_many_connections_waits_for_few_rounds() -> None:
    """In each of them one call of each known caller begins, however dear it is."""
    begun = 0

    async def counted(scope: dict[str, object], receive: object, send: object) -> None:
        nonlocal begun
        begun += scope["path"] == "/dear"
        await reply(send, 200, b"x")

    asked = b"GET /dear HTTP/1.1\r\nHost: a\r\nX-Caller: greedy\r\n\r\n"
    options = {"keeps": keeps, "known": caller_of}
    async with serving(counted, places=900, spare=8, per_address=900, **options) as server:
        address, lines = ("127.0.0.1", server.port), []
        for _ in range(800):  # all wait in the kernel: this loop has no round meanwhile
            lines.append(socket.create_connection(address))
            lines[-1].sendall(asked)
        probe = socket.create_connection(address)
        probe.sendall(GET.replace(b"/ ", b"/kept ", 1))
        probe.setblocking(False)
        assert await asyncio.get_running_loop().sock_recv(probe, 12) == b"HTTP/1.1 200"
        assert len(server.places) == 801
        assert 0 < begun < 12, "one in each round, of which there are few"
        for line in (*lines, probe):
            line.close()


async def test_a_stop_closes_connections_that_were_not_let_in_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(places=400, spare=8, per_address=400) as server:
        server._pressed = True
        monkeypatch.setattr(server, "queued", lambda: None)  # no round lets them in
        clients = [await Client.to(server) for _ in range(20)]
        for client in clients:
            client.write(GET)
        await until(lambda: bool(server._unopened), "connections that wait")
        waiting = len(server._unopened)
        await server.stop(1.0)
        ended = 0
        for client in clients:
            try:
                await client.answer()
            except (OSError, EOFError):
                ended += 1
        assert ended >= waiting > 0


async def test_pipelined_calls_are_kept_as_bytes_until_their_turn() -> None:
    app = Echo()
    async with serving(app) as server:
        client = await Client.to(server)
        client.write(GET.replace(b"/ ", b"/wait ", 1) + GET * 500)
        await until(lambda: bool(app.calls), "the first call")
        (connection,) = server.places
        assert len(connection._reader.requests) <= 2
        app.go_on.set()
        for _ in range(501):
            assert (await client.answer())[0] == 200


async def test_a_small_answer_that_is_not_read_is_counted_and_ends_the_asking() -> None:
    app = Echo()
    async with serving(app, socket_bytes=4096, grace_s=5.0) as server:
        clients = await crowd(server, 20, BIG.replace(b"2000000", b"300000") * 10, reads=False)
        await until(lambda: len(server.unread) == 20, "the unread answers")
        assert server.unread.bytes > 0
        assert server.places.others == 0  # they are answered: no place is worked on for them
        assert len(app.calls) < 200
        for client in clients:
            client.writer.transport.abort()
        await until(lambda: not server.unread, "the end of them")
        assert server.unread.bytes == 0
