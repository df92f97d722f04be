"""The figure of the console: with 1,000,000 deliveries stored, a page costs at most 50 ms.

The service itself answers, over the loopback; the median of each page's answers counts, by the
clock, from the request to the last byte. Only where others took a good part of a core during every
one of three rounds does the CPU time decide that the service's processes spent on a page, and a
warning says so. The log is filled by direct inserts, as tests/systems does it, and lies within the
last 29 days, so that charts and tallies show it all.
"""

import http.client
import os
import statistics
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

import psutil
import pytest

from tests.store.sqlite import log_rows
from tidings.core.delivery.states import State
from tidings.store.sql import halves
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.halves import ReadingHalf

from ..e2e.harness.events import event, new_id
from ..e2e.harness.service import KEY, SECRET, ServiceProcess
from ..e2e.harness.until import until

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1200)]

COUNT = 1_060_000  # one event in twenty has no delivery
ORG = 1  # of the filled log
DAYS = 29
DAY_MS = 86_400_000
MEDIAN_MS = 50.0
TIMES = 15
ROUNDS = 3
OTHERS_CORES = 0.2  # what others may use of the processor while the clock is believed
UNFINISHED = (State.PENDING, State.RETRYING)  # would be sent, and there is nothing to send


class Pages:
    """Somebody who is signed in and reads, without a browser."""

    def __init__(self, service: ServiceProcess) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        form = urlencode({"name": KEY, "secret": SECRET, "to": "/console"})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        self._line.request("POST", "/console/sign-in", form, kind)
        answer = self._line.getresponse()
        answer.read()
        cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        session = next(cooky for cooky in cookies if cooky.startswith("__Host-tidings="))
        self._headers = {
            "cookie": session.split(";")[0],
            "accept-encoding": "gzip",
        }

    def took_ms(self, path: str) -> float:
        """How long it takes to get a page."""
        began = time.perf_counter()
        self._line.request("GET", path, headers=self._headers)
        answer = self._line.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        return (time.perf_counter() - began) * 1000


class Took(NamedTuple):
    """What a page took, in the median and on average."""

    clock_ms: float
    cpu_ms: float  # of the service and its store's processes
    others: float  # cores that everything else used meanwhile, beside this test

    @property
    def disturbed(self) -> bool:
        """Whether the clock also tells of others."""
        return self.others > OTHERS_CORES


def used_ms(service: ServiceProcess) -> float:
    """CPU time that the service and its store's processes have spent so far."""
    main = psutil.Process(service.pid)
    times = [child.cpu_times() for child in (main, *main.children(recursive=True))]
    return 1000 * sum(time.user + time.system for time in times)


def _busy_ms() -> float:
    """CPU time that the whole machine has spent so far, also on other machines (steal)."""
    times = psutil.cpu_times()
    return 1000 * (sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def took(million: ServiceProcess, pages: "Pages", path: str) -> Took:
    """Ask for a page some times; once before, which is not counted."""
    pages.took_ms(path)
    own = os.times()
    began, before_ms, busy_ms = time.perf_counter(), used_ms(million), _busy_ms()
    clock_ms = statistics.median(pages.took_ms(path) for _ in range(TIMES))
    cpu_ms, busy_ms = used_ms(million) - before_ms, _busy_ms() - busy_ms
    wall_ms = 1000 * (time.perf_counter() - began)
    now = os.times()
    test_ms = 1000 * (now.user + now.system - own.user - own.system)
    return Took(clock_ms, cpu_ms / TIMES, (busy_ms - cpu_ms - test_ms) / wall_ms)


def _quiet(service: ServiceProcess) -> bool:
    """Whether it did next to nothing for a second."""
    before_ms = used_ms(service)
    time.sleep(1)
    return used_ms(service) - before_ms < 50


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service over a store with a million deliveries."""
    service = ServiceProcess(tmp_path_factory.mktemp("million") / "store")
    try:
        service.start()
        with service.api() as platform:
            platform.send("POST", "/v1/orgs", {"id": ORG, "name": "A large brand"}).must(201)
        with service.api(ORG) as api:
            for number in log_rows.OWN:
                api.webhook(f"http://127.0.0.1:8999/{number}", f"hook {number}", slaInSeconds=30)
        assert service.stop() == 0
        _fill(service.data)
        yield service.start()
    finally:
        service.end()


def _fill(place: Path) -> None:
    start_ms = int(time.time() * 1000) - DAYS * DAY_MS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_rows, "START_MS", start_ms)
        connection = open_writer(place / FILE)
        log_rows.fill(connection, COUNT, DAYS * DAY_MS / COUNT)
        states = ", ".join(str(int(state)) for state in UNFINISHED)
        connection.execute(
            f"UPDATE delivery SET state = {int(State.FAILED)}, due_ms = NULL, done_ms = {start_ms}"
            f" WHERE state IN ({states})"
        )
        connection.close()
        patch.setattr(halves, "INDEX_AT_LEAST_EVERY_S", 0.0)
        half = ReadingHalf.in_directory(place)
        while half.background():
            pass
        half.close()


def test_every_page_is_made_in_time(million: ServiceProcess) -> None:
    with million.api(ORG) as api:
        counted = api.counts()
        assert sum(counted.values()) > 1_000_000, counted
        sent = new_id()  # one that has its payload
        api.accept(event(sent, ORG))
        delivery = api.event(sent)["deliveries"][0]
        [hook, *_] = [row["webHookId"] for row in api.get("/v3/webHooks").must(200)["data"]]
    customer = quote("common1_")
    paths = (
        *("", *(f"?span={span}" for span in ("1h", "24h", "3d", "7d", "15d", "30d")), "?part=now"),
        "/webhooks",
        f"/webhooks/{hook}",
        f"/webhooks/{hook}?span=30d",
        "/webhooks/new",
        f"/webhooks/{hook}/edit",
        f"/webhooks/{hook}/delete",
        "/deliveries",
        "/deliveries?status=failed",
        "/deliveries?status=parked&span=30d",
        f"/deliveries?webhook={hook}&status=failed&q={customer}",
        f"/deliveries?type={log_rows.RARE}",
        "/deliveries?q=nothing-like-it",
        f"/deliveries/{delivery['id']}",
        "/events",
        "/events?matched=false",
        f"/events?type={log_rows.NAMES[59]}&q={customer}",
        f"/events/{sent}",
        "/find?q=nothing-like-it",
        "/rejections",
        "/tail",
        "/inboxes",
        "/replays",
        "/replays/new",
        "/catalogue",
        "/catalogue/pointsIssued",
        "/access",
        "/settings",
        "/health",
        "/stop",
    )
    addresses = [f"/console/o/{ORG}{path}" for path in paths]
    addresses += ["/console/orgs", "/console/sessions"]
    pages, slow = Pages(million), {}
    until(lambda: _quiet(million), "the service has done what it does after its start")
    for path in addresses:
        one = took(million, pages, path)
        for _ in range(1, ROUNDS):
            if one.clock_ms <= MEDIAN_MS or not one.disturbed:
                break
            one = took(million, pages, path)
        words = f"{one.clock_ms:.1f} ms, {one.cpu_ms:.1f} ms CPU, others {one.others:.2f} cores"
        print(f"{words}  {path}")
        if one.clock_ms <= MEDIAN_MS:
            continue
        if one.disturbed and one.cpu_ms <= MEDIAN_MS:
            warnings.warn(f"{path} is judged by its CPU time: {words}", stacklevel=1)
        else:
            slow[path] = words
    assert not slow, slow
