"""Two machines serve a cell in one database and a cell in another one, of another server."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tests.postgres_server import PostgresServer
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.core.cells.families import CellId, FamilyId
from tidings.settings.database_uri import NamedDatabases
from tidings.settings.settings import Settings
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection.cell_connections import (
    CellConnections,
    read_cell_connections,
)

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, make_second_cell, on_a_database, owners, places
from .hosted import BOTH, workers

pytestmark = [pytest.mark.systems, pytest.mark.waiting]

FAR = "far"
JSON = {"content-type": "application/json"}
SCOPES = {"events": "write", "webhooks": "write", "logs": "read"}


class TwoDatabases:
    """An installation whose second cell is in another server's database."""

    def __init__(self, directory: Path, new_service: NewService) -> None:
        self.server = PostgresServer()
        self.uri = self.server.database(FAR)
        settings = on_a_database(directory / "data")
        self.settings: Settings = msgspec.structs.replace(
            settings, databases=NamedDatabases({FAR: self.uri})
        )
        make_second_cell(self.settings, FAR)
        self.hosts = [self._machine(number, new_service) for number in (1, 2)]

    def _machine(self, number: int, new_service: NewService) -> ServiceProcess:
        assert self.settings.database is not None
        return new_service(
            data=self.settings.data.with_name(f"machine-{number}"),
            database=self.settings.database.reveal(),
            databases=f"{FAR}={self.uri}",
            master_key_file=self.settings.master_key_file,
        )

    def owned(self) -> set[CellId]:
        return {cell for cell, owner in owners(self.settings).items() if owner.address}

    def is_shared(self) -> bool:
        return self.owned() == BOTH and all(len(workers(host)) == 1 for host in self.hosts)

    def host_of(self, cell: CellId) -> ServiceProcess:
        [host] = [host for host in self.hosts if cell in workers(host)]
        return host

    def connections(self, uri: str) -> CellConnections:
        return read_cell_connections(StoreDatabase(uri))

    def cell_of(self, org: int) -> CellId:
        return places(self.settings)[FamilyId(org)].cell


@pytest.fixture
def databases(own_service: NewService, tmp_path: Path) -> Iterator[TwoDatabases]:
    made = TwoDatabases(tmp_path, own_service)
    try:
        for host in made.hosts:
            host.launch()
        until(made.is_shared, "a cell for each machine")
        for host in made.hosts:
            until(lambda: ready(host)[0] == 200, f"a ready host: {host.words()}")  # noqa: B023
        yield made
    finally:
        made.server.end()


def ready(host: ServiceProcess) -> tuple[int, str]:
    try:
        with Api(host.port, seconds=PATIENCE_S) as api:
            reply = api.get("/readyz")
    except OSError:
        return 0, ""
    return reply.status, reply.body.decode()


def asked(host: ServiceProcess, method: str, path: str, body: Any = None, auth: str = "") -> Any:
    """Call, again while an owner is on its way."""
    content = b"" if body is None else json.dumps(body).encode()

    def called() -> Any:
        try:
            with Api(host.port, auth or f"{KEY}:{SECRET}", seconds=PATIENCE_S) as api:
                reply = api.call(method, path, content, JSON)
        except OSError:
            return None
        if reply.status < 300:
            return json.loads(reply.body or b"{}") or {"ok": True}
        assert reply.status in (401, 404, 409, 503), reply.body
        return None

    return until(called, f"an answer to {method} {path}")


def status(host: ServiceProcess, path: str) -> int:
    try:
        with Api(host.port, f"{KEY}:{SECRET}", seconds=PATIENCE_S) as api:
            return api.get(path).status
    except OSError:
        return 0


class Sender:
    """An org that sends events to its webhook, by either machine."""

    def __init__(self, databases: TwoDatabases, receiver: Receiver, name: str) -> None:
        self.hosts, self._receiver = databases.hosts, receiver
        self.org = int(asked(self.hosts[0], "POST", "/v1/orgs", {"name": name})["id"])
        made = asked(
            self.hosts[1],
            "POST",
            f"/v1/orgs/{self.org}/credentials",
            {"name": "all", "scopes": SCOPES},
        )
        self.auth = f"{made['id']}:{made['secret']}"
        self._path = receiver.path()
        with Api(self.hosts[0].port, self.auth) as api:
            api.webhook(receiver.url(self._path), name=name)
        self.sent: set[str] = set()

    def send(self, count: int) -> None:
        data = {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}}
        for number in range(count):
            event_id = f"{self.org}-{len(self.sent)}"
            body = {"eventName": "pointsIssued", "eventId": event_id, "data": data}
            asked(self.hosts[number % 2], "POST", "/v1/events", body, self.auth)
            self.sent.add(event_id)

    def all_arrive(self) -> None:
        all_arrive(self._receiver, self._path, self.sent)


def senders(databases: TwoDatabases, receiver: Receiver) -> dict[CellId, Sender]:
    """Make an org in each cell."""
    found: dict[CellId, Sender] = {}
    for name in "abcdef":
        made = Sender(databases, receiver, name)
        found.setdefault(databases.cell_of(made.org), made)
        if found.keys() == BOTH:
            return found
    raise AssertionError("new orgs go to one cell alone")


@pytest.mark.timeout(600)
def test_cells_of_two_servers_are_one_installation_and_one_that_is_away_is_away_alone(
    databases: TwoDatabases, receiver: Receiver
) -> None:
    near = databases.hosts[0]
    by_cell = senders(databases, receiver)
    for made in by_cell.values():
        made.send(4)
        made.all_arrive()
    assert databases.settings.database is not None
    here = databases.connections(databases.settings.database.reveal())
    there = databases.connections(databases.uri)
    assert {name.cell for name in here.counts if name.role == "writes"} == {FIRST_CELL}
    assert {name.cell for name in there.counts if name.role == "writes"} == {SECOND_CELL}
    assert there.hosts == 2 and there.total <= there.bound(1, has_map=False)

    # A family goes to the other server and back, and keeps what it sends.
    moving = by_cell[FIRST_CELL]
    for target in (SECOND_CELL, FIRST_CELL):
        asked(near, "POST", f"/v1/orgs/{moving.org}/move", {"to": target})
        until(lambda: databases.cell_of(moving.org) == target, "a family that has moved")  # noqa: B023
        moving.send(4)
        moving.all_arrive()

    # Its server is away: its cell alone is, and the machine that has no other one.
    stays, lost = by_cell[FIRST_CELL], by_cell[SECOND_CELL]
    before = owners(databases.settings)[SECOND_CELL].epoch
    host = databases.host_of(FIRST_CELL)
    stays.hosts = [host, host]
    with databases.server.crashed():
        until(lambda: status(host, f"/v1/orgs/{lost.org}") == 503, "a cell that is away")
        for _ in range(3):
            asked(host, "GET", f"/v1/orgs/{stays.org}")
            stays.send(2)
        stays.all_arrive()
        assert ready(host)[0] == 200, "its own cell is served"
    lost.send(2)
    lost.all_arrive()

    # The machine of its cell is killed: the other one takes over, and ends its connection alone.
    gone = databases.host_of(SECOND_CELL)
    [other] = [host for host in databases.hosts if host is not gone]
    os.killpg(gone.pid, signal.SIGKILL)
    until(lambda: {*workers(other)} == BOTH, "a process of each cell")
    until(lambda: owners(databases.settings)[SECOND_CELL].epoch > before, "another owner")
    lost.hosts = stays.hosts = [other, other]
    for made in (lost, stays):
        made.send(2)
        made.all_arrive()
    writers = [
        name for name in databases.connections(databases.uri).counts if name.role == "writes"
    ]
    assert len(writers) == 1
    assert other.stop() == 0
