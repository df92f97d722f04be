"""The head between doors: nobody sets it from outside, and the owner sees the caller by it."""

import json
from typing import Any

import pytest

from tests.server.support import Client, Echo, serving
from tidings.core.cells.families import CellId
from tidings.door.admission import passed_on
from tidings.door.head import DoorHead, write_head
from tidings.door.listening import door_server, trust_on_loopback
from tidings.server import HttpRequest, HttpServer

from .support import CELL, KEY, owner_door, pair

SEAL = trust_on_loopback(KEY).seal
FORGED = write_head(DoorHead(CELL, 3, "203.0.113.9", "forged", 30_000), SEAL)
HEADERS = [
    b"Tidings-Door: " + FORGED,
    b"tidings-door: " + FORGED + b"\r\nTIDINGS-DOOR: " + FORGED,
    b"TIDINGS-DOOR: 1",
]


def request(more: bytes, path: bytes = b"/x", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%b%b\r\n\r\n%b" % (path, length, more, body)


class Extensions(Echo):
    """Remembers what the scopes of calls say beside HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.extensions: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.extensions.append(scope.get("extensions"))
        await super().__call__(scope, receive, send)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("whole", [True, False])
async def test_a_head_from_outside_reaches_nobody(header: bytes, whole: bool) -> None:
    owner_app, local = Extensions(), Extensions()
    async with pair(owner_app) as found:
        found.router.by_path["/here"] = None  # type: ignore[assignment]
        for path in (b"/there", b"/here"):
            client = await Client.to(found.public)
            data = request(header, path, b"abcd")
            if whole:
                client.write(data)
            else:
                client.write(data[:-2])
                await client.writer.drain()
                client.write(data[-2:])
            status, headers, body = await client.answer()
            told = json.loads(body)
            assert status == 200 and told["client"] == "127.0.0.1"
            assert "tidings-door" not in dict(told["headers"])
            assert dict(told["headers"]).get("x-cap-requestid") != "forged"
            assert "tidings-door" not in headers
            client.close()
        assert all(call.passed_on is None for call in found.router.calls)
        heads = [passed_on(facts) for facts in owner_app.extensions]
        assert [head and head.head.client for head in heads] == ["127.0.0.1"]
    assert local.extensions == []


@pytest.mark.parametrize(
    "header",
    [
        b"X-A: b",
        b"Tidings-Door: 1",
        b"Tidings-Door: " + write_head(DoorHead(CELL, 3, "203.0.113.9", "forged", 30_000)),
        b"Tidings-Door: " + FORGED + b"\r\nTidings-Door: " + FORGED,
        b"Tidings-Door: " + FORGED + b"0",
    ],
    ids=["none", "short", "unsealed", "two", "longer"],
)
async def test_a_call_without_a_head_of_a_door_is_refused_at_its_port(header: bytes) -> None:
    echo = Echo()
    async with owner_door(echo, trust_on_loopback(KEY)) as owner:
        client = await Client.to(owner)
        status, _, body = await client.ask(request(header, body=b"abcd"))
        assert status == 403 and json.loads(body)["error"]["code"] == "not_a_door"
        assert await client.ended() == b""
    assert echo.calls == []


async def test_the_owner_sees_caller_and_id_as_at_the_public_port() -> None:
    async with owner_door(Extensions(), trust_on_loopback(KEY)) as owner:
        client = await Client.to(owner)
        more = b"X-Forwarded-For: 198.51.100.7\r\nX-Cap-Requestid: un fit\r\nTidings-Door: "
        status, _, body = await client.ask(request(more + FORGED, body=b"abcd"))
        told = json.loads(body)
        assert (status, told["client"], told["body"]) == (200, "203.0.113.9", "abcd")
        assert told["headers"].count(["x-cap-requestid", "forged"]) == 1
        assert [name for name, _ in told["headers"]].count("x-cap-requestid") == 1
        assert ["x-forwarded-for", "198.51.100.7"] in told["headers"]


@pytest.mark.parametrize(
    ("peer", "client"),
    [("2001:db8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("192.0.2.1", "192.0.2.1")],
)
@pytest.mark.parametrize("body", [b"abcd", b"a" * 100_000])
async def test_the_address_of_a_caller_of_any_network_goes_along(
    peer: str, client: str, body: bytes
) -> None:
    def from_there(request: HttpRequest) -> None:
        request.peer = (peer, 0)

    async with pair() as found:
        found.public.admit = from_there
        caller = await Client.to(found.public)
        status, _, answer = await caller.ask(request(b"X-A: b", body=body))
        assert status == 200 and json.loads(answer)["client"] == client


async def test_what_is_shown_as_it_was_sent_has_no_header_of_ours() -> None:
    trust = trust_on_loopback(KEY)
    server: HttpServer = door_server(
        Echo(), None, trust, host="127.0.0.1", port=0, is_as_sent=lambda path: path == "/inbox/a"
    )
    server.start()
    client = await Client.to(server)
    more = b"X-Cap-Requestid: mine\r\nTidings-Door: " + FORGED
    _, _, body = await client.ask(request(more, b"/inbox/a", b"abcd"))
    await server.stop(0.2)
    names = [name for name, _ in json.loads(body)["headers"]]
    assert names == ["host", "content-length", "x-cap-requestid"]


async def test_with_one_cell_nothing_is_removed_or_read() -> None:
    """The server alone: what it has for doors costs nothing, and changes nothing."""
    async with serving(Extensions()) as server:
        client = await Client.to(server)
        _, _, body = await client.ask(request(HEADERS[0], body=b"abcd"))
        assert "tidings-door" in dict(json.loads(body)["headers"])


async def test_the_time_that_is_left_goes_along() -> None:
    app = Extensions()
    async with pair(app, answer_s=20.0) as found:
        client = await Client.to(found.public)
        assert (await client.ask(request(b"X-Cap-Requestid: mine", body=b"abcd")))[0] == 200
        head = passed_on(app.extensions[0])
        assert head is not None
        assert (head.head.cell, head.head.epoch) == (CellId(7), 3)
        assert head.head.request_id == "mine"
        assert 0 < head.head.left_ms <= 20_000
