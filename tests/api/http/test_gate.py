"""What leaves the gate, and where test inboxes have a host of their own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tidings.api.http.answer_headers import ALL
from tidings.api.http.gate import HttpGate

Pair = tuple[bytes, bytes]


class App:
    """Answers with these headers, and counts."""

    def __init__(self, *headers: Pair) -> None:
        self.headers = headers
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        headers = list(self.headers)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"it"})


async def ask(
    gate: HttpGate, method: str, path: str, host: str | None = None
) -> tuple[int, list[Pair]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await gate(scope, None, send)  # type: ignore[arg-type]
    return sent[0]["status"], sent[0]["headers"]


async def test_an_answer_gets_what_it_does_not_say_itself_and_nothing_twice() -> None:
    own = ((b"content-security-policy", b"default-src 'self'"), (b"cache-control", b"max-age=9"))
    for said in ((), own[:1], own[1:], own):
        _, headers = await ask(HttpGate(App(), App(*said)), "GET", "/console")
        assert sorted(headers) == sorted((ALL_BY_NAME | dict(said)).items())


ALL_BY_NAME = dict(ALL)


async def test_events_go_past_and_everything_else_gets_all() -> None:
    accept, control = App(), App()
    gate = HttpGate(accept, control)
    assert (await ask(gate, "POST", "/v1/events"))[1] == []
    assert (accept.calls, control.calls) == (1, 0)
    for method, path in (("GET", "/v1/events"), ("POST", "/v1/events/"), ("POST", "/V1/events")):
        assert (await ask(gate, method, path))[1] == list(ALL)
    assert (accept.calls, control.calls) == (1, 3)


INBOX, CONSOLE = "inbox.example", "tidings.example"


def spelt(host: str) -> Iterator[str]:
    yield from (host, f"{host}:443", f"{host}:8080", host.upper())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
async def test_the_host_of_inboxes_serves_them_alone_and_no_other_does(method: str) -> None:
    accept, control = App(), App()
    gate = HttpGate(accept, control, INBOX)
    for host in spelt(INBOX):
        assert (await ask(gate, method, "/inbox/abc", host))[0] == 200
        for path in ("/", "/console", "/v1/events", "/v1/inboxes", "/docs", "/metrics", "/inbox"):
            status, headers = await ask(gate, method, path, host)
            assert status == 404 and set(headers) >= set(ALL), path
    assert (accept.calls, control.calls) == (0, 4), "only inboxes"
    others = (*spelt(CONSOLE), f"x.{INBOX}", f"{INBOX}.", "[::1]:80", "127.0.0.1", "", None)
    for other in others:
        assert (await ask(gate, method, "/inbox/abc", other))[0] == 404, other
        assert (await ask(gate, method, "/console", other))[0] == 200, other
    assert control.calls == 4 + len(others)


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
async def test_an_address_is_a_host_too(host: str) -> None:
    gate = HttpGate(App(), App(), host)
    named = f"[{host}]" if ":" in host else host
    for spelling in (named, f"{named}:80"):
        assert (await ask(gate, "GET", "/inbox/a", spelling))[0] == 200
        assert (await ask(gate, "GET", "/console", spelling))[0] == 404


async def test_without_a_host_of_their_own_inboxes_are_served_wherever_they_are_asked_for() -> None:
    gate = HttpGate(App(), App())
    for host in (INBOX, CONSOLE, None):
        assert (await ask(gate, "POST", "/inbox/abc", host))[0] == 200
        assert (await ask(gate, "GET", "/console", host))[0] == 200
