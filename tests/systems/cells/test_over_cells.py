"""What is over all cells, with real processes: asked of one that does not own it, and of one that
is left alone."""

import re
import signal
from typing import Any

import psutil
import pytest

from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tidings.app.cells.cell_settings import FIRST_CELL

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, make_two_cells, on_directories, owners
from .hosted import all_owned, standing_still, workers

pytestmark = pytest.mark.systems


@pytest.fixture
def host(own_service: NewService) -> ServiceProcess:
    """A service whose map names two cells, not started."""
    service = own_service()
    make_two_cells(on_directories(service.data))
    return service


def asked(host: ServiceProcess, still: psutil.Process, method: str, path: str) -> Reply:
    """Call as the platform while one of the processes stands still: the other answers."""
    with standing_still(still):
        while True:  # the one that stands still may have been given the connection
            try:
                with Api(host.port, f"{KEY}:{SECRET}", seconds=PATIENCE_S / 8) as api:
                    return api.call(method, path)
            except TimeoutError:
                continue


def call(host: ServiceProcess, method: str, path: str) -> Reply:
    """Call as the platform, whoever answers."""
    with Api(host.port, f"{KEY}:{SECRET}", seconds=PATIENCE_S) as api:
        return api.call(method, path)


def ups(host: ServiceProcess) -> dict[int, int]:
    """Return which cells have answered with their figures."""
    page = call(host, "GET", "/metrics").body.decode()
    assert not re.search(r"\{[^}\n]*\bcell=[^}\n]*\bcell=", page)
    found = re.findall(r'^tidings_cell_up{cell="(\d)"} (\d)$', page, re.MULTILINE)
    return {int(cell): int(is_up) for cell, is_up in found}


def test_stops_and_lists_are_those_of_both_cells(host: ServiceProcess) -> None:
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    first, second = workers(host)[FIRST_CELL], workers(host)[SECOND_CELL]

    def is_known() -> bool:
        return asked(host, first, "GET", "/v1/stop").status == 200

    until(is_known, "the platform's credential in the second cell, which does not keep it")
    listed: Any = asked(host, second, "GET", "/v1/orgs").must(200)
    assert [len(listed["orgs"]), listed["missingCells"]] == [1, [2]]
    until(lambda: "missingCells" not in call(host, "GET", "/v1/orgs").must(200), "both cells")
    assert len(call(host, "GET", "/v1/orgs").must(200)["orgs"]) == 1
    until(lambda: ups(host) == {1: 1, 2: 1}, "the figures of both cells")
    until(lambda: call(host, "POST", "/v1/stop").status == 200, "word of both cells")
    for still in (first, second):
        assert asked(host, still, "GET", "/v1/stop").must(200)["stopped"]
    settings = on_directories(host.data)
    before = owners(settings)[SECOND_CELL].epoch
    second.send_signal(signal.SIGKILL)
    until(lambda: owners(settings)[SECOND_CELL].epoch > before, "the next owner")
    until(is_known, "an answer of the next owner")
    assert asked(host, first, "GET", "/v1/stop").must(200)["stopped"]
    until(lambda: call(host, "POST", "/v1/start").status == 200, "word of both cells")
    for still in (first, workers(host)[SECOND_CELL]):
        assert not asked(host, still, "GET", "/v1/stop").must(200)["stopped"]
