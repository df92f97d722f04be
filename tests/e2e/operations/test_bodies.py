"""Hundreds of large bodies of every kind: memory stays bounded, and an ordinary event comes in."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import psutil
import pytest
import uvloop

from tests.loops.given_time import given_time

from ..harness.crowd import LOGIN, Peer, posts
from ..harness.service import ORG, ServiceProcess

MB = 1 << 20
MANY = 200
SENT = MB  # of each, whatever it announces
MORE_MB = 150
AT_MOST_S = 6.0  # beside other tests, on a busy machine; 0.25 s on a quiet one
KEY = "a secret of sixteen signs"
JSON = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    made = ServiceProcess(tmp_path_factory.mktemp("bodies") / "store")
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(scope="module")
def kinds(service: ServiceProcess) -> dict[str, bytes]:
    """The head of each kind of call that brings a body, without its length."""
    with service.api() as api:
        least = api.send(
            "POST",
            f"/v1/orgs/{ORG}/credentials",
            {"kind": "key", "name": "least", "scopes": {"reference": "read"}},
        ).json
        inbox = api.send("POST", "/v1/inboxes", {"name": "shop"}).json["url"]
        for name, verification in (
            ("signed", {"type": "hmac", "header": "X-Sig", "secret": KEY}),
            ("named", {"type": "header", "header": "X-Key", "value": KEY}),
        ):
            made = api.send(
                "POST",
                "/v1/sources",
                {
                    "name": name,
                    "type": "WEBHOOK",
                    "verification": verification,
                    "mapping": {"eventName": {"path": "topic"}},
                },
            )
            assert made.status == 201, made.body

    pair = f"{least['id']}:{least['secret']}".encode()
    least_login = b"Authorization: Basic " + base64.b64encode(pair) + b"\r\n"
    token = inbox.rpartition("/")[2].encode()

    def head(path: bytes, *more: bytes) -> bytes:
        return b"POST %b HTTP/1.1\r\nHost: a\r\n%b" % (path, b"".join(more))

    keyed = b"Idempotency-Key: k\r\n"
    return {
        "least right, with a key": head(b"/v1/replays", JSON, least_login, keyed),
        "least right": head(b"/v1/replays", JSON, least_login),
        "events": head(b"/v1/events", JSON, LOGIN),
        "replays": head(b"/v1/replays", JSON, LOGIN, keyed),
        "no credential": head(b"/v1/events", JSON),
        "signed source": head(b"/in/%d/signed" % ORG, JSON, b"X-Sig: " + b"0" * 64 + b"\r\n"),
        "named source": head(b"/in/%d/named" % ORG, JSON, b"X-Key: another one, wrong\r\n"),
        "inbox": head(b"/inbox/" + token, JSON),
        "tokens": head(b"/v3/oauth/token/generate", JSON),
        "passwords": head(b"/v1/passwords", JSON),
        "sign-in": head(b"/console/sign-in", FORM),
        "confirm": head(b"/console/confirm", FORM),
        "console form": head(b"/console/o/%d/webhooks/new" % ORG, FORM),
        "nowhere": head(b"/v1/nothing", JSON),
        "options": head(b"/v1/events", JSON).replace(b"POST", b"OPTIONS"),
    }


SIZES = {"events": 4 * MB - 10, "replays": 8 * MB, "signed source": MB, "inbox": 250_000}
NAMES = [
    "least right, with a key",
    "least right",
    "events",
    "replays",
    "no credential",
    "signed source",
    "named source",
    "inbox",
    "tokens",
    "passwords",
    "sign-in",
    "confirm",
    "console form",
    "nowhere",
    "options",
]


async def send_all_but_the_end(port: int, head: bytes, size: int, chunked: bool) -> list[Peer]:
    """So many bodies that never come to their end; each is sent as far as it is taken."""
    loop, room = asyncio.get_running_loop(), asyncio.Semaphore(50)
    if chunked:
        part = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        first = head + b"Transfer-Encoding: chunked\r\n\r\n" + part * (SENT // 65_536)
    else:
        first = head + b"Content-Length: %d\r\n\r\n" % size + b" " * min(SENT, size - 1)
    peers = [Peer(first, reads=True) for _ in range(MANY)]

    async def connect(peer: Peer) -> None:
        async with room:
            await loop.create_connection(lambda: peer, "127.0.0.1", port)

    await asyncio.gather(*(connect(peer) for peer in peers))
    return peers


async def take_one(port: int, request: bytes) -> int:
    """One call on a new connection: its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return int(head[9:12])


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", NAMES[:1])
def test_bodies_of_who_may_not_send_them_take_no_memory(
    service: ServiceProcess, kinds: dict[str, bytes], name: str, chunked: bool
) -> None:
    beside(service, kinds, name, chunked)


@pytest.mark.systems
@pytest.mark.alone
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", NAMES)
def test_bodies_of_every_kind_take_no_more_memory_than_their_budget(
    service: ServiceProcess, kinds: dict[str, bytes], name: str, chunked: bool
) -> None:
    beside(service, kinds, name, chunked)


def beside(service: ServiceProcess, kinds: dict[str, bytes], name: str, chunked: bool) -> None:
    """Ordinary events are accepted while so many bodies of a kind come, in bounded memory."""
    process = psutil.Process(service.pid)
    before = process.memory_info().rss
    events = posts()

    async def scenario() -> tuple[int, float]:
        sending = asyncio.ensure_future(
            send_all_but_the_end(service.port, kinds[name], SIZES.get(name, 8 * MB), chunked)
        )
        most, slowest_s = 0, 0.0
        for _ in range(8):
            began_s = time.monotonic()
            assert await take_one(service.port, next(events)) == 202
            slowest_s = max(slowest_s, given.since(began_s))
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.05)
        for peer in await sending:
            if peer.transport is not None:
                peer.transport.abort()
        return most, slowest_s

    with given_time() as given:
        most, slowest_s = uvloop.run(scenario())
    print(name, f"{(most - before) / 1e6:.0f} MB, {slowest_s:.2f} s")
    assert most - before < MORE_MB * 1_000_000
    assert slowest_s < AT_MOST_S


def test_a_verified_sender_gets_through_beside_strangers_that_fill_their_share(
    service: ServiceProcess, kinds: dict[str, bytes]
) -> None:
    body = json.dumps({"text": "x" * 200_000}).encode()
    signature = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest().encode()
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    head = b"POST /in/%d/%b HTTP/1.1\r\nHost: a\r\n" + JSON
    signed = head % (ORG, b"signed") + b"X-Sig: " + signature + b"\r\n" + length + body
    named = head % (ORG, b"named") + b"X-Key: " + KEY.encode() + b"\r\n" + length + body

    async def scenario() -> None:
        peers = await send_all_but_the_end(service.port, kinds["signed source"], MB, False)
        await asyncio.sleep(1.2)
        for _ in range(5):
            assert await take_one(service.port, named) == 202
            assert await take_one(service.port, signed) == 202
        for peer in peers:
            if peer.transport is not None:
                peer.transport.abort()

    uvloop.run(scenario())


def test_a_client_that_waits_for_100_is_refused_without_it(
    service: ServiceProcess, kinds: dict[str, bytes]
) -> None:
    async def first_line(name: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        more = b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (9 * MB)
        writer.write(kinds[name] + more)
        line = await reader.readline()
        writer.close()
        return line

    async def scenario() -> list[bytes]:
        names = ("least right, with a key", "replays", "events", "inbox", "sign-in", "nowhere")
        return [(await first_line(name))[9:12] for name in names]

    assert uvloop.run(scenario()) == [b"403", b"413", b"413", b"413", b"413", b"404"]
