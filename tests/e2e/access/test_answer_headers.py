"""Every answer, whoever makes it: nothing is sniffed, kept, run or framed."""

import http.client
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tidings.api.http.answer_headers import ALL

from ..harness.api import Api, Reply
from ..harness.events import event, new_id
from ..harness.service import ServiceProcess

METHODS = ("get", "post", "put", "patch", "delete")
FOR_EVER = ("/console/static/", "/openapi.json", "/docs")  # the same for everybody; may be kept
RUNS = "/docs", "/console"  # pages of ours, with a policy of their own
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def seen(service: ServiceProcess) -> list[tuple[str, Reply]]:
    """One answer of every kind, by its call."""
    found: list[tuple[str, Reply]] = []
    with Api(service.port) as nobody, service.api() as boss:
        for line, who in ((nobody, "nobody"), (boss, "boss")):
            for method, path, body in calls(boss):
                if method != "GET" and who == "boss" and not path.startswith("/v1/events"):
                    continue
                reply = line.call(method, path, body, JSON if body else None)
                found.append((f"{who}: {method} {path}", reply))
        found += [(f"accepting: {name}", reply) for name, reply in accepting(nobody, boss)]
        inbox = boss.send("POST", "/v1/inboxes", {"answer": {"body": "<b>"}}).must(201)
        path = inbox["url"][inbox["url"].index("/inbox/") :]
        for method in ("GET", "POST", "PUT", "OPTIONS", "TRACE"):
            found.append((f"inbox: {method}", nobody.call(method, path)))
    return found


def calls(boss: Api) -> Iterator[tuple[str, str, bytes | None]]:
    """Every documented call, every kind of page, and what is not there."""
    paths: dict[str, Any] = boss.get("/openapi.json").must(200)["paths"]
    for path, row in paths.items():
        for method in METHODS:
            if method in row and not path.endswith("/stream"):
                yield (
                    method.upper(),
                    re.sub(r"\{\w+\}", "x1", path),
                    b"{" if method != "get" else None,
                )
    for page in (
        "",
        "/sign-in",
        "/webhooks",
        "/nowhere",
        "/portal?link=x",
        "/portal.css",
        "/find?q=x",
    ):
        yield "GET", f"/console{page}", None
    yield "POST", "/console/webhooks/new", b"x"
    shown = boss.get("/console/sign-in").body.decode()
    for static in re.findall(r"/console/static/[^\"]+", shown):
        yield "GET", static, None
    yield "GET", "/console/static/none.js", None
    yield "GET", "/docs", None
    yield "GET", "/openapi.json", None
    for path in ("/", "/%3Cscript%3E/%0d%0aset-cookie:x", "/inbox/none", "/v1/events"):
        yield "GET", path, None
        yield "DELETE", path, None
        yield "HEAD", path, None
        yield "OPTIONS", path, None


def accepting(nobody: Api, boss: Api) -> Iterator[tuple[str, Reply]]:
    """Events that are taken, and each kind of refusal."""
    good = event(new_id(), 0)
    yield "202", boss.post(good)
    yield "202 again", boss.post(good)
    yield "202 of several", boss.post(b"[%b,{}]" % good)
    yield "401", nobody.post(good)
    yield "400", boss.post(b"{")
    yield "422", boss.post(b"{}")
    yield "415", boss.post(b"x", "text/html")
    yield "415 encoded", boss.call("POST", "/v1/events", b"x", JSON | {"content-encoding": "br"})
    yield "413", boss.post(b"[" + b" " * (5 << 20) + b"]")


def test_every_answer_says_what_it_is_and_is_not_kept(seen: list[tuple[str, Reply]]) -> None:
    statuses = {reply.status for _, reply in seen}
    assert {200, 202, 400, 401, 404, 405, 413, 415, 422} <= statuses
    assert len(seen) > 150
    for call, reply in seen:
        headers = reply.headers
        assert headers.get("x-content-type-options") == "nosniff", (call, reply.status)
        path = call.split()[-1]
        kept = headers.get("cache-control")
        if reply.status < 400 and path.startswith(FOR_EVER):
            assert kept is not None and "max-age" in kept, call
        elif path != "/console/portal.css":
            assert kept == "no-store", (call, reply.status, kept)
        if reply.body and reply.status != 413:
            assert headers.get("content-type"), (call, reply.status)


def test_no_answer_may_be_framed_and_what_is_no_page_runs_nothing(
    seen: list[tuple[str, Reply]],
) -> None:
    for call, reply in seen:
        if call.startswith("accepting") or call.endswith("POST /v1/events"):
            assert reply.headers["content-type"] == "application/json", call
            continue
        policy = reply.headers.get("content-security-policy", "")
        framed = "frame-ancestors *" in policy and "/console/portal" in call  # "it has ended"
        assert framed or "frame-ancestors 'none'" in policy, (call, reply.status)
        assert "object-src 'none'" in policy or "default-src 'none'" in policy, call
        page = reply.headers.get("content-type", "").startswith("text/html")
        if page:
            assert call.split()[-1].startswith(RUNS), call
        elif reply.status != 304:
            assert "sandbox" in policy, (call, reply.status, policy)


def test_streams_and_a_malformed_call_too(service: ServiceProcess) -> None:
    line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
    with service.api() as boss:
        line.request("GET", "/v1/stream", headers={"authorization": boss.authorization})
        answer = line.getresponse()
    assert answer.getheader("x-content-type-options") == "nosniff"
    assert answer.getheader("cache-control") == "no-store"
    line.close()
    with socket.create_connection(("127.0.0.1", service.port), timeout=120) as bare:
        bare.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n")
        said = bare.recv(4096)
    assert said.startswith(b"HTTP/1.1 400")
    head = said.partition(b"\r\n\r\n")[0].split(b"\r\n")
    for name, value in ALL:
        assert b"%b: %b" % (name, value) in head, "the server's own refusal is as any other"
