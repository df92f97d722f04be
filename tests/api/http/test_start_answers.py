"""What one that stands by, or waits for its store, answers about its metrics."""

import ipaddress
from typing import Any

import pytest

from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.start_answers import waiting_app

NEAR = MetricsReaders(networks=(ipaddress.ip_network("10.0.0.0/8"),))
TOKEN = MetricsReaders(token="prometheus-1")


async def asked(readers: MetricsReaders, path: str, address: str, *heads: Any) -> tuple[int, str]:
    """The status and the body of a call to it."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": heads,
        "query_string": b"", "client": (address, 1), "server": ("a", 80), "scheme": "http",
        "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    await waiting_app(lambda: "It stands by.", readers)(scope, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize(
    ("readers", "address", "heads"),
    [
        (NEAR, "10.1.2.3", ()),
        (TOKEN, "192.0.2.1", ((b"authorization", b"Bearer prometheus-1"),)),
        (MetricsReaders(everybody=True), "192.0.2.1", ()),
    ],
)
async def test_who_may_read_metrics_reads_that_it_is_not_ready(
    readers: MetricsReaders, address: str, heads: Any
) -> None:
    status, body = await asked(readers, "/metrics", address, *heads)
    assert status == 200 and body.endswith("\ntidings_ready 0.0\n")
    assert (await asked(readers, "/v1/orgs", address, *heads))[0] == 503


@pytest.mark.parametrize("readers", [NEAR, TOKEN, MetricsReaders()])
async def test_nobody_else_does(readers: MetricsReaders) -> None:
    wrong = (b"authorization", b"Bearer prometheus-2")
    status, body = await asked(readers, "/metrics", "192.0.2.1", wrong)
    assert status == 503 and "tidings_ready" not in body
