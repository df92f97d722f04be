"""A large load: bounded memory in the command and in the service, and events go on meanwhile."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, SECRET, environment

pytestmark = [pytest.mark.systems, pytest.mark.alone, pytest.mark.timeout(300)]

ROWS = 200_000
GROWTH_MAX = 48 << 20  # of any process; the file has 20 MB
ACCEPT_S_MAX = 1.0


class Watch(threading.Thread):
    """The most memory that each process takes, over what it took at first."""

    def __init__(self, processes: dict[str, psutil.Process]) -> None:
        super().__init__(daemon=True)
        self._processes = processes
        self._first = {name: process.memory_info().rss for name, process in processes.items()}
        self.growth = dict.fromkeys(processes, 0)
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.05):
            for name, process in self._processes.items():
                grown = process.memory_info().rss - self._first[name]
                self.growth[name] = max(self.growth[name], grown)


def test_two_hundred_thousand_customers_load_in_bounded_memory(
    own_service: NewService, tmp_path: Path
) -> None:
    file = tmp_path / "customers.ndjson"
    with file.open("wb") as out:
        for number in range(ROWS):
            # Ids in no order, as exports are: each row goes to another page of the store.
            id = number * 7919 % 1_000_003
            out.write(
                b'{"id":%d,"mobile":"1555%07d","email":"c%d@example.test","externalId":"E%d"}\n'
                % (id, id, id, id)
            )
    service = own_service().start()
    # The store's writer keeps pages in memory (64 MiB at most); that is its setting, not the load.
    processes = {"service": psutil.Process(service.pid), "reader": service.store_child("read")}
    watch = Watch(processes)
    watch.start()
    command = [str(Path(sys.executable).with_name("tidings")), "reference", "load", "customers"]
    settings = {"url": f"http://127.0.0.1:{service.port}", "key": f"{KEY}:{SECRET}"}
    load = subprocess.Popen(
        [*command, str(file)], env=environment(**settings), stderr=subprocess.PIPE
    )
    caller = psutil.Process(load.pid)
    slowest_s, accepted, caller_rss = 0.0, 0, 0
    began = time.monotonic()
    with service.api() as api:
        while load.poll() is None:
            at = time.monotonic()
            api.accept(event(new_id(), 2001))
            slowest_s, accepted = max(slowest_s, time.monotonic() - at), accepted + 1
            try:
                caller_rss = max(caller_rss, caller.memory_info().rss)
            except psutil.Error:
                pass
            time.sleep(0.01)
        took_s = time.monotonic() - began
        watch.stop.set()
        watch.join()
        assert load.stderr is not None
        said = load.stderr.read().decode()
        load.stderr.close()
        assert load.returncode == 0, said
        assert f"{ROWS:,} loaded · {ROWS:,} new · 0 refused" in said
        page = api.get("/v1/reference/customers?limit=1").must(200)
        assert page["count"] == ROWS
    print(
        f"{took_s:.1f} s, {accepted} accepts, slowest {slowest_s * 1000:.0f} ms, growth "
        f"{ {name: grown >> 20 for name, grown in watch.growth.items()} } MiB, "
        f"command {caller_rss >> 20} MiB"
    )
    assert max(watch.growth.values()) < GROWTH_MAX, watch.growth
    assert caller_rss < 120 << 20
    assert slowest_s < ACCEPT_S_MAX
