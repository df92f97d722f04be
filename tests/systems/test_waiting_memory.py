"""200,000 deliveries that wait cost little memory at the moment in which sending starts again."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import apsw
import psutil
import pytest

from tidings.core.delivery.states import State

from ..e2e.harness.events import event, new_id
from ..e2e.harness.service import ServiceProcess

WAITING = 200_000
MORE_MB = 300
WATCHED_S = 12.0  # of sending; the most is held within the first seconds
SENT_MIN = 100  # meanwhile: it must have begun; how fast it goes is the disk's matter here
BATCH_BYTES = 3 << 20


class Answering(asyncio.Protocol):
    """A receiver that takes everything."""

    taken = 0

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._left = 0  # bytes of the body that come still
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left:
                part = min(self._left, len(data))
                self._left, data = self._left - part, data[part:]
            else:
                head, end, data = (self._head + data).partition(b"\r\n\r\n")
                if not end:
                    self._head = head
                    return
                self._head = b""
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self._left = int(length)
                part = min(self._left, len(data))
                self._left, data = self._left - part, data[part:]
            if not self._left:
                Answering.taken += 1
                assert self._transport is not None
                self._transport.write(b"HTTP/1.1 204 OK\r\n\r\n")


@contextmanager
def answering(receiver: type[Answering] = Answering) -> Iterator[int]:
    """Receivers at one port, in a thread of their own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(receiver, "127.0.0.1", 0, backlog=2048))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def rss(service: ServiceProcess) -> int:
    """Of the service and its children, in bytes."""
    main = psutil.Process(service.pid)
    return sum(part.memory_info().rss for part in (main, *main.children(recursive=True)))


def accept_many(service: ServiceProcess, org: int, count: int, note: str) -> None:
    """So many events, in calls of as many as fit."""
    with service.api(org) as api:
        call: list[bytes] = []
        for number in range(count):
            call.append(event(new_id(), org, note=note).replace(b"\n", b""))
            if number == count - 1 or len(call) * len(call[0]) > BATCH_BYTES or len(call) == 1000:
                api.post(b"\n".join(call), "application/x-ndjson").must(202)
                call = []


def make_due(service: ServiceProcess) -> None:
    """All that waits has had one attempt, and is due again."""
    with apsw.Connection(str(service.data / "tidings.db")) as store:
        store.execute(
            "UPDATE delivery SET state = ?, attempts = 1, due_ms = ? WHERE state = ?",
            (State.RETRYING, int(time.time() * 1000) - 1000, State.PENDING),
        )


@pytest.mark.systems
@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["fresh", "retries"])
@pytest.mark.parametrize(
    ("webhooks", "bytes_each"), [(1, 500), (50, 20_000), (1_000, 50_000), (1_000, 240_000)]
)
def test_two_hundred_thousand_that_wait_take_no_memory_when_sending_starts_again(
    own_service: Callable[..., ServiceProcess], webhooks: int, bytes_each: int, kind: str
) -> None:
    service = own_service().start()
    with answering() as port:
        with service.api() as platform:
            org = platform.send("POST", "/v1/orgs", {"name": "Waiting"}).must(201)["id"]
        with service.api(org) as api:
            for number in range(webhooks):
                api.webhook(f"http://127.0.0.1:{port}/{number}", f"hook {number}")
        with service.api() as platform:
            platform.send("POST", f"/v1/orgs/{org}/stop", {"reason": "they wait"}).must(200)
        accept_many(service, org, WAITING // webhooks, "x" * bytes_each)
        assert service.stop() == 0
        if kind == "retries":
            make_due(service)
        service.start()
        with service.api() as operator:
            before, most, taken = rss(service), 0, Answering.taken
            operator.send("POST", f"/v1/orgs/{org}/start", {}).must(200)
            until_s = time.monotonic() + WATCHED_S
            while time.monotonic() < until_s:
                most = max(most, rss(service))
                time.sleep(0.02)
        sent = Answering.taken - taken
        print(json.dumps([kind, webhooks]), f"+{(most - before) / 1e6:.0f} MB, {sent:,} sent")
        assert sent > SENT_MIN
        assert most - before < MORE_MB * 1_000_000
