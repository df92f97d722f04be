"""Who is ready for an update and a budget: who serves, and who stands by for it. Nobody else is."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.deploy.deployed import COMPOSE, PARTS
from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.start_answers import waiting_app
from tidings.core.running.lease import STANDS_BY

[CONTAINER] = PARTS["StatefulSet", "tidings"]["spec"]["template"]["spec"]["containers"]
COMMAND = CONTAINER["readinessProbe"]["exec"]["command"]
PORT = str(CONTAINER["ports"][0]["containerPort"])
NOT_YET = (
    f"The store in db must be opened before the service can start: {STANDS_BY} another owns it."
)
DISK = "The store in /data must be opened and written before the service can start."


async def answer_of(path: str, problem: str) -> tuple[int, bytes]:
    """What a process that waits answers."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await waiting_app(lambda: problem, MetricsReaders())(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Answer each call of `/readyz` so, on a port of loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there = self.path == "/readyz"
            self.send_response(status if there else 404)
            self.end_headers()
            self.wfile.write(body if there else b"")

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def is_ready(port: int) -> bool:
    """Run the probe as the container does."""
    assert COMMAND[0] == "python" and COMMAND[-1].count(PORT) == 1
    words = [sys.executable, *COMMAND[1:-1], COMMAND[-1].replace(PORT, str(port))]
    done = subprocess.run(words, check=False, timeout=120, stderr=subprocess.DEVNULL)
    return done.returncode == 0


@pytest.mark.parametrize(("problem", "ready"), [(NOT_YET, True), (DISK, False)])
async def test_who_stands_by_is_ready_and_who_cannot_start_is_not(
    problem: str, ready: bool
) -> None:
    status, body = await answer_of("/readyz", problem)
    assert status == 503, "no balancer may send it calls"
    with answering(status, body) as port:
        assert is_ready(port) is ready


def test_who_serves_is_ready_and_who_is_not_there_is_not() -> None:
    with answering(200, json.dumps({"ready": True, "problems": []}).encode()) as port:
        assert is_ready(port)
    assert not is_ready(1)


async def test_who_stands_by_is_alive() -> None:
    assert (await answer_of("/livez", NOT_YET))[0] == 200
    for probe in ("startupProbe", "livenessProbe"):
        name = CONTAINER["ports"][0]["name"]
        assert CONTAINER[probe]["httpGet"] == {"path": "/livez", "port": name}


def test_compose_asks_the_same() -> None:
    for name in ("tidings-0", "tidings-1"):
        assert COMPOSE["services"][name]["healthcheck"]["test"] == ["CMD", *COMMAND]
