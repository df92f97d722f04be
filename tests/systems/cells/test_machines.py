"""Several hosts over one database: each serves its share of the cells, and takes over from those
that end."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.drills.sender import Sender
from tests.e2e.harness.api import Api
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tests.loops.given_time import waited_for_core_s
from tidings.app.cells.commands.adding import add_cell
from tidings.core.cells.families import CellId
from tidings.core.running.lease import LEASE_S
from tidings.settings.settings import Settings
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection.cell_connections import read_cell_connections

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_SCHEMA, make_two_cells, on_a_database, owners
from .hosted import workers

pytestmark = [pytest.mark.systems, pytest.mark.waiting]

CELLS = {CellId(1), CellId(2), CellId(3)}
IN_FLIGHT = 16
TAKEN_OVER_S = 15.0
SENDER_S = 10.0  # for an answer; a frozen machine gives none
THIRD_SCHEMA = f"{SECOND_SCHEMA}_3"


class Machines:
    """Hosts that share three cells of a database."""

    def __init__(self, settings: Settings, new_service: NewService) -> None:
        self.settings = settings
        self._new_service = new_service

    def host(self, number: int, **more: object) -> ServiceProcess:
        """Make the host of a machine: it shares nothing with others but database and key."""
        assert self.settings.database is not None
        return self._new_service(
            data=self.settings.data.with_name(f"machine-{number}"),
            database=self.settings.database.reveal(),
            master_key_file=self.settings.master_key_file,
            **more,
        )

    def owned(self) -> set[CellId]:
        """List the cells that have an owner by the map."""
        return {cell for cell, owner in owners(self.settings).items() if owner.address}

    def epochs(self) -> dict[CellId, int]:
        return {cell: owner.epoch for cell, owner in owners(self.settings).items()}


@pytest.fixture
def machines(own_service: NewService, tmp_path: Path) -> Machines:
    settings = on_a_database(tmp_path / "data")
    make_two_cells(settings)
    assert add_cell(settings, THIRD_SCHEMA).entry.cell == CellId(3)
    return Machines(settings, own_service)


def counts(hosts: Sequence[ServiceProcess]) -> list[int]:
    """Count the cells that each host has a process for."""
    return [len(workers(host)) for host in hosts]


def status(host: ServiceProcess, path: str = "/readyz") -> int:
    with Api(host.port, seconds=PATIENCE_S) as api:
        return api.get(path).status


def is_ready(host: ServiceProcess) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            return status(host) == 200
        except OSError:
            return False

    return ready


def stands_by(host: ServiceProcess) -> Callable[[], bool]:
    def idle() -> bool:
        try:
            with Api(host.port, seconds=PATIENCE_S) as api:
                reply = api.get("/readyz")
        except OSError:
            return False
        return reply.status == 503 and b"it stands by:" in reply.body

    return idle


def platform(host: ServiceProcess, method: str, path: str, body: Any = None) -> Any:
    """Call as the platform, again while an owner is on its way."""
    content = b"" if body is None else json.dumps(body).encode()
    found: list[Any] = []

    def called() -> bool:
        try:
            with Api(host.port, f"{KEY}:{SECRET}", seconds=PATIENCE_S) as api:
                reply = api.call(method, path, content, {"content-type": "application/json"})
        except OSError:
            return False
        if reply.status < 300:
            found.append(json.loads(reply.body))
            return True
        assert reply.status in (401, 404, 503), reply.body
        return False

    until(called, f"an answer to {method} {path}")
    return found[0]


def has_first(hosts: Sequence[ServiceProcess]) -> ServiceProcess:
    """Return the host of the first cell, whose org the sender sends for."""
    [host] = [host for host in hosts if CellId(1) in workers(host)]
    return host


class Watched:
    """How long until each cell of a host is owned by another process, of the time that the machine
    gave to that one."""

    def __init__(self, machines: Machines, cells: Iterable[CellId]) -> None:
        self._machines = machines
        self._before = machines.epochs()
        self._cells = set(cells)
        self._began_s = time.monotonic()

    def taken_s(self, living: Sequence[ServiceProcess]) -> float:
        def all_taken() -> bool:
            now = self._machines.epochs()
            return self._machines.owned() == CELLS and all(
                now[cell] > self._before[cell] for cell in self._cells
            )

        until(all_taken, "another owner of each cell")
        passed_s = time.monotonic() - self._began_s
        found = [workers(host) for host in living]
        return passed_s - max(
            _waited_s(of_host[cell]) for of_host in found for cell in self._cells & of_host.keys()
        )


def _waited_s(worker: psutil.Process) -> float:
    """Return how long a process, and that of its children which its start waited for, could not run
    because others did."""
    children = [waited_for_core_s(child.pid) for child in worker.children()]
    return waited_for_core_s(worker.pid) + max(children, default=0.0)


def sharing(machines: Machines) -> list[ServiceProcess]:
    """Start two hosts together, and wait until each has its share."""
    both = [machines.host(1), machines.host(2)]
    for host in both:
        host.launch()
    until(lambda: machines.owned() == CELLS, "an owner of each cell")
    for host in both:
        until(is_ready(host), f"a ready host: {host.words()}")
    until(lambda: sorted(counts(both)) == [1, 2], "a fair share of each")
    assert not set(workers(both[0])) & set(workers(both[1]))
    return both


def test_any_host_answers_for_the_orgs_of_all_and_one_more_is_given_its_share(
    machines: Machines,
) -> None:
    both = sharing(machines)
    orgs = [platform(both[0], "POST", "/v1/orgs", {"name": str(n)})["id"] for n in range(6)]
    for host in both:  # whichever is called, the owner answers
        for org in orgs:
            assert platform(host, "GET", f"/v1/orgs/{org}")["id"] == org
    assert machines.settings.database is not None
    found = read_cell_connections(StoreDatabase(machines.settings.database.reveal()))
    for cell in CELLS:
        roles = {name.role: count for name, count in found.counts.items() if name.cell == cell}
        assert roles == {"writes": 1, "reads": 1, "searches": 1}
    assert found.hosts == 2 and found.total <= found.bound(len(CELLS), has_map=True) <= found.room
    third = machines.host(3)
    third.launch()
    until(stands_by(third), "a host without a cell")
    assert not workers(third) and "tidings cells create" in third.words()
    before = machines.epochs()
    until(lambda: counts([*both, third]) == [1, 1, 1], "a fair share of each")
    until(is_ready(third), "a host that serves")
    until(lambda: machines.owned() == CELLS, "an owner of each cell")
    now = machines.epochs()
    assert sum(now[cell] > before[cell] for cell in CELLS) == 1, "the others stay where they are"
    for host in (third, *both):
        assert host.stop() == 0
    assert not machines.owned()


@pytest.mark.timeout(600)
def test_what_a_host_had_is_served_by_another_when_it_is_killed_ended_or_frozen(
    machines: Machines, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    both = sharing(machines)
    path = receiver.path(delay=0.1)
    with has_first(both).api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=IN_FLIGHT)
    sender = Sender(both, answer_s=SENDER_S)
    sender.wait(30)
    took: list[float] = []
    for kind in ("killed", "ended", "frozen"):
        goes = has_first(both)
        [stays] = [host for host in both if host is not goes]
        watched = Watched(machines, workers(goes))
        if kind == "killed":
            goes.kill_all()
        else:
            os.killpg(goes.pid, signal.SIGSTOP) if kind == "frozen" else goes.signal(signal.SIGTERM)
        took.append(watched.taken_s([stays]))
        assert len(workers(stays)) == 3
        sender.wait(30)
        if kind == "frozen":
            os.killpg(goes.pid, signal.SIGCONT)
        else:
            assert kind == "killed" or goes.wait() == 0
            goes.launch()
        until(stands_by(goes), "one that is back, and is given nothing at once")
        assert not workers(goes)
        sender.wait(30)
    sender.stop()
    acknowledged = set(sender.acknowledged)
    all_arrive(receiver, path, acknowledged)
    repeats = Counter(arrival.event_id for arrival in receiver.arrivals(path))
    again = sum(repeats.values()) - len(repeats)
    assert again <= 3 * IN_FLIGHT
    assert set(sender.refused) <= {401, 503}
    with capsys.disabled():
        killed_s, ended_s, frozen_s = took
        print(
            f"\n{len(acknowledged)} acknowledged, 0 lost, {again} repeats; other owners after "
            f"{killed_s:.1f} s (killed), {ended_s:.1f} s (ended), {frozen_s:.1f} s (frozen)"
        )
    assert killed_s <= TAKEN_OVER_S and frozen_s <= TAKEN_OVER_S
    assert ended_s < LEASE_S, "nobody waited for the end of a lease"
