"""The figure of the console: with 1,000,000 deliveries stored, a page costs at most 50 ms.

The service itself answers, over the loopback; the median of each page's answers counts, from the
request to the last byte. Where that is more, the machine may have been busy with others: then the
CPU time that the service's processes spent on a page decides. The log is filled by direct inserts,
as tests/systems does it, and lies within the last 29 days, so that charts and tallies show it all.
"""

import http.client
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import pytest

from tests.store import log_rows
from tidings.core.delivery import State
from tidings.store.sqlite import embedded
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.embedded import ReadingHalf

from ..e2e.events import event, new_id
from ..e2e.service import KEY, SECRET, ServiceProcess
from ..e2e.until import until

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1200)]

COUNT = 1_060_000  # one event in twenty has no delivery
ORG = 1  # of the filled log
DAYS = 29
DAY_MS = 86_400_000
MEDIAN_MS = 50.0
TIMES = 15
UNFINISHED = (State.PENDING, State.RETRYING)  # would be sent, and there is nothing to send


class Pages:
    """Somebody who is signed in and reads, without a browser."""

    def __init__(self, service: ServiceProcess) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        form = urlencode({"name": KEY, "secret": SECRET, "to": "/console"})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        self._line.request("POST", "/console/sign-in", form, kind)
        answer = self._line.getresponse()
        answer.read()
        cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        session = next(one for one in cookies if one.startswith("__Host-tidings="))
        self._headers = {
            "cookie": f"{session.split(';')[0]}; tidings-org={ORG}",
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


def used_ms(service: ServiceProcess) -> float:
    """CPU time that the service and its store's processes have spent so far."""
    main = psutil.Process(service.pid)
    times = [one.cpu_times() for one in (main, *main.children(recursive=True))]
    return 1000 * sum(one.user + one.system for one in times)


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
        patch.setattr(embedded, "INDEX_AT_LEAST_EVERY_S", 0.0)
        half = ReadingHalf(place)
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
        [hook, *_] = [one["webHookId"] for one in api.get("/v3/webHooks").must(200)["data"]]
    customer = quote("common1_")
    paths = (
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
        "/orgs",
        f"/orgs/{ORG}",
        "/health",
        "/stop",
        "/sessions",
    )
    assert not (slow := too_slow(million, paths)), slow


@pytest.mark.xfail(
    strict=False,
    reason="the overview takes 50 to 120 ms at 1,000,000 deliveries: a tally for each webhook, "
    "and spreads over a month, want to be one query each",
)
def test_the_overview_is_made_in_time(million: ServiceProcess) -> None:
    paths = ("", *(f"?span={span}" for span in ("1h", "24h", "7d", "30d")), "?part=now")
    assert not (slow := too_slow(million, paths)), slow


def too_slow(million: ServiceProcess, paths: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The pages over the limit by the clock and by CPU time, with both in milliseconds."""
    pages, slow = Pages(million), {}
    until(lambda: _quiet(million), "the service has done what it does after its start", 120)
    for path in paths:
        pages.took_ms(f"/console{path}")
        before_ms = used_ms(million)
        median_ms = statistics.median(pages.took_ms(f"/console{path}") for _ in range(TIMES))
        cpu_ms = (used_ms(million) - before_ms) / TIMES
        print(f"{median_ms:7.1f} ms, {cpu_ms:5.1f} ms CPU  /console{path}")
        if min(median_ms, cpu_ms) > MEDIAN_MS:
            slow[path] = (round(median_ms), round(cpu_ms))
    return slow
