"""Previews and kin of large events: many at a time take no more memory than a few."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

import psutil
import pytest

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.service import ServiceProcess

pytestmark = pytest.mark.systems  # it takes half a minute

EVENTS, EVENT_BYTES = 60, 240_000
AT_ONCE = 24
LOOKS = 12
MORE_BYTES_MAX = 150 << 20


class Memory:
    """The highest resident memory of a process and its children while it is looked at."""

    def __init__(self, pid: int) -> None:
        leader = psutil.Process(pid)
        self._processes = [leader, *leader.children(recursive=True)]
        self.before = self.peak = self._now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def more(self) -> int:
        """How many bytes more than before."""
        return self.peak - self.before

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self.peak = max(self.peak, self._now())

    def _now(self) -> int:
        return sum(process.memory_info().rss for process in self._processes)


def at_once(call: Callable[[Api], int], api: Api, service: ServiceProcess) -> Counter[int]:
    """The statuses of so many calls, each over a connection of its own."""
    statuses: list[int] = []

    def ask() -> None:
        with service.api(api.org) as own:
            statuses.append(call(own))

    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


def fill(api: Api) -> None:
    for _ in range(EVENTS):
        api.accept(event(new_id(), 0, note="x" * EVENT_BYTES))


def preview(api: Api, last: int = EVENTS) -> int:
    body = {"eventNames": ["pointsIssued"], "last": last}
    answer = api.send("POST", "/v1/webHooks/preview", body)
    if answer.status == 429:
        assert answer.json["error"]["code"] == "too_many_answers"
        assert int(answer.headers["retry-after"]) >= 1
    else:
        told = answer.must(200)
        assert (told["looked"], told["received"]) == (last, last)
        assert sum(row["body"] is not None for row in told["events"]) == min(last, 17)
    return answer.status


def small_preview_s(api: Api) -> float:
    """How long one of a single event takes, in seconds."""
    began = time.monotonic()
    assert preview(api, 1) == 200, "another org has its share"
    return time.monotonic() - began


def test_many_previews_of_large_events_take_the_memory_of_a_few_and_others_go_on(
    service: ServiceProcess, api: Api, new_org: Callable[..., Api]
) -> None:
    other = new_org()
    fill(api)
    other.accept(event(new_id(), 0))
    assert preview(api) == 200, "so that all has been imported"
    alone_s = min(small_preview_s(other) for _ in range(5))
    waits: list[float] = []
    ended = threading.Event()

    def look() -> None:
        with service.api(other.org) as own:
            while not ended.is_set():
                waits.append(small_preview_s(own))

    looking = threading.Thread(target=look)
    with Memory(service.pid) as memory:
        looking.start()
        statuses = at_once(preview, api, service)
        ended.set()
        looking.join()
    assert set(statuses) <= {200, 429} and statuses[200] >= 2, statuses
    assert memory.more < MORE_BYTES_MAX, f"{memory.more >> 20} MiB more"
    assert sorted(waits)[len(waits) // 2] < 1.0 + 10 * alone_s


def test_who_asks_and_does_not_read_takes_no_more_memory_and_holds_nobody_up(
    service: ServiceProcess, api: Api
) -> None:
    """What is not read waits in its connection, within the bound of all that lies unread."""
    fill(api)
    body = json.dumps({"eventNames": ["pointsIssued"], "last": EVENTS})
    head = (
        f"POST /v1/webHooks/preview HTTP/1.1\r\nhost: x\r\nauthorization: {api.authorization}\r\n"
        f"x-tidings-org: {api.org}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    )
    lines = []
    with Memory(service.pid) as memory:
        for _ in range(AT_ONCE):
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", service.port))
            line.sendall(head.encode())
            lines.append(line)
        statuses = {preview(api) for _ in range(LOOKS)}
    assert statuses <= {200, 429}
    for line in lines:
        line.close()
    assert memory.more < MORE_BYTES_MAX, f"{memory.more >> 20} MiB more"
    deadline = time.monotonic() + 30
    while (status := preview(api)) != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert status == 200
