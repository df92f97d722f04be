"""What is sent to sources is answered before the routes; everything else goes on to them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.api.control_client import scope_of, service
from tests.api.http.direct_calls import answer_directly
from tests.api.v1.source_calls import admit, make
from tidings.api.answers import refused
from tidings.api.http.gate import HttpGate
from tidings.api.http.refusals import REQUEST_ID
from tidings.api.v1.inbound import METHODS, SourceDoor
from tidings.core.ids import OrgId


async def answered(method: str, path: str) -> tuple[int, bytes]:
    """By a door with routes behind it that answer 418."""
    sent: list[Any] = []

    async def routes(scope: Any, receive: Any, send: Any) -> None:
        await Response(b"routes", 418)(scope, receive, send)

    async def answers(request: Request, org: str, name: str) -> Response:
        if name == "refused":
            raise refused(404, "no_source", "There is none.", place="path")
        return Response(f"{org} {name}".encode(), 202)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    await SourceDoor(routes, answers)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_message_to_a_source_is_answered_at_the_door(method: str) -> None:
    assert await answered(method, "/in/7/platform") == (202, b"7 platform")


async def test_a_refusal_at_the_door_is_a_whole_answer() -> None:
    status, body = await answered("POST", "/in/7/refused")
    assert status == 404
    assert b'"code":"no_source"' in body and b'"path":""' in body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/in/7/platform"),
        ("DELETE", "/in/7/platform"),
        ("POST", "/in/7/platform/more"),
        ("POST", "/in/7/"),
        ("POST", "/in//platform"),
        ("POST", "/v1/in/7/platform"),
    ],
)
async def test_any_other_call_goes_on_to_the_routes(method: str, path: str) -> None:
    assert (await answered(method, path))[0] == 418


BODY = b'{"eventName":"a.b","eventId":"e1","data":{"n":1}}'
NAMED = {"content-type": "application/json", "x-key": "a value that is long"}
CALLS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a message": ("/in/1/shop", BODY, NAMED),
    "it again": ("/in/1/shop", BODY, NAMED | {"x-request-id": "mine"}),
    "other content": ("/in/1/shop", BODY.replace(b"1}", b"2}"), NAMED),
    "no JSON": ("/in/1/shop", b"{", NAMED),
    "nothing": ("/in/1/shop", b"", NAMED),
    "no proof": ("/in/1/shop", BODY, {}),
    "no source": ("/in/1/none", BODY, NAMED),
    "no org": ("/in/x/shop", BODY, NAMED),
    "packed": ("/in/1/shop", BODY, NAMED | {"content-encoding": "gzip"}),
    "paused": ("/in/1/paused", BODY, NAMED),
    "a fault of ours": ("/in/1/shop", BODY, NAMED | {"x-fault": "1"}),
}


async def receive(
    real: Callable[..., Awaitable[Any]], org: OrgId, name: str, headers: Any, body: bytes
) -> Any:
    """As `Inbound.receive`, but for what says that it is to fail."""
    if any(header == "x-fault" for header, _ in headers):
        raise RuntimeError("on purpose")
    return await real(org, name, headers, body)


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_without_asgi_is_answered_as_one_with_it(method: str) -> None:
    """The same status, the same headers and the same words; the ids of calls differ."""
    answers: list[list[Any]] = []
    for directly in (False, True):
        async with service() as s:
            await admit(s)
            await make(s)
            await make(s, name="paused", paused=True)
            inbound = s.parts.sources.inbound
            inbound.receive = partial(receive, inbound.receive)  # type: ignore[method-assign]
            gate = HttpGate(s.app, s.app, senders=s.senders)
            answers.append([await answer(gate, method, *row, directly) for row in CALLS.values()])
    asgi, direct = answers
    assert direct == asgi
    assert [status for status, *_ in asgi] == [202] * 5 + [401] * 3 + [415, 503, 500]


async def answer(
    gate: HttpGate, method: str, path: str, body: bytes, named: dict[str, str], directly: bool
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return a whole answer, its headers in the order of their names, without the call's id."""
    scope = scope_of(method, path, named | {"content-length": str(len(body))})
    sent: list[Any] = []
    if directly:
        found = await answer_directly(gate, body, scope["headers"], method=method, path=path)
        assert found is not None
        sent = found
    else:

        async def whole() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await gate(scope, whole, send)
    headers = dict(sent[0]["headers"])
    assert len(headers) == len(sent[0]["headers"]), "each once"
    call = headers.pop(REQUEST_ID)
    shown = b"".join(part.get("body", b"") for part in sent[1:]).replace(call, b"the id")
    headers[b"content-length"] = b"-" if b"the id" in shown else headers[b"content-length"]
    return sent[0]["status"], sorted(headers.items()), shown


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/in/1/shop", {"origin": "https://elsewhere.example"}),
        ("/in/1/shop", {"sec-fetch-site": "cross-site"}),
        ("/in/1/shop", {"content-length": "1000000"}),
        ("/in/1/shop/more", {}),
        ("/in/1", {}),
    ],
)
async def test_what_needs_a_closer_look_is_an_asgi_call(path: str, named: dict[str, str]) -> None:
    async with service() as s:
        headers = scope_of("POST", path, {"content-length": "2"} | NAMED | named)["headers"]
        assert await answer_directly(s.senders, b"{}", headers, path=path) is None
        assert await answer_directly(s.senders, b"{}", headers[1:], path=path) is None
