"""What is sent to sources is answered before the routes; everything else goes on to them."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import refused
from tidings.api.v1.inbound import SourceDoor


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
