"""Families move between the cells of one machine, with real processes, under load: nothing is lost,
and what is sent twice was in flight."""

import json
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import until
from tidings.api.cells.moves import UNDO_MOVE, MoveProgress, UndoAsked
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId
from tidings.store.sqlite.database import FILE

from ...e2e.harness.fixtures import NewService
from .by_hand import (
    SECOND_CELL,
    host_of,
    make_two_cells,
    on_a_database,
    on_directories,
    places,
    settings_of,
)
from .hosted import all_owned, ask_owner, begin_move, moving, standing_still, workers

pytestmark = pytest.mark.systems
SCOPES = {"events": "write", "webhooks": "write", "logs": "read"}
IN_FLIGHT = 16


@pytest.fixture(params=[on_directories, on_a_database], ids=["directories", "database"])
def host(request: pytest.FixtureRequest, own_service: NewService, tmp_path: Path) -> ServiceProcess:
    """A service of two cells."""
    settings = request.param(tmp_path / "data")
    make_two_cells(settings)
    service = host_of(own_service, settings).start()
    until(lambda: all_owned(service), "an owner of each cell")
    return service


class Tenant:
    """An org with a key of its own, whose events come in as long as it is asked for."""

    def __init__(self, host: ServiceProcess, name: str) -> None:
        self.host = host
        with Api(host.port, f"{KEY}:{SECRET}") as api:
            self.org = OrgId(_until_made(api, "/v1/orgs", {"name": name})["id"])
            asked = {"name": "all", "scopes": SCOPES}
            made = _until_made(api, f"/v1/orgs/{self.org}/credentials", asked)
        self.auth = f"{made['id']}:{made['secret']}"
        self.accepted: list[str] = []
        self.refused = Counter[int]()
        self.longest_s = 0.0  # between two calls that were taken

    def webhook(self, url: str, **fields: Any) -> None:
        with Api(self.host.port, self.auth) as api:
            api.webhook(url, name=url[-12:], **fields)

    def cell(self) -> CellId:
        return places(settings_of(self.host))[FamilyId(self.org)].cell

    def send(self, number: int) -> bool:
        """Send an event until it is taken or refused; return whether it was taken."""
        data = {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}}
        event_id = f"{self.org}-{number}"
        body = {"eventName": "pointsIssued", "eventId": event_id, "data": data}
        try:
            with Api(self.host.port, self.auth) as api:
                reply = api.call("POST", "/v1/events", json.dumps(body).encode(), JSON)
        except OSError:
            self.refused[0] += 1
            return False
        if reply.status != 202:
            assert reply.status == 503, reply.body
            self.refused[reply.status] += 1
            return False
        self.accepted.append(event_id)
        return True

    def send_many(self, count: int) -> None:
        """Events come in, by hundreds."""
        data = {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}}
        with Api(self.host.port, self.auth) as api:
            for first in range(0, count, 100):
                ids = [f"{self.org}-many-{number}" for number in range(first, first + 100)]
                events = [{"eventName": "pointsIssued", "eventId": id, "data": data} for id in ids]
                until(lambda: _is_taken(api, events), "events that are taken")  # noqa: B023
                self.accepted += ids

    def takes_more(self) -> None:
        """Some events more are taken."""
        count = len(self.accepted)
        until(lambda: len(self.accepted) > count + 20, "events that are taken")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Events come in, each one again until it is taken."""
        ended = threading.Event()

        def work() -> None:
            taken_s, number = time.monotonic(), len(self.accepted)
            while not ended.is_set():
                if self.send(number):
                    number += 1
                    now_s = time.monotonic()
                    self.longest_s = max(self.longest_s, now_s - taken_s)
                    taken_s = now_s
                else:
                    time.sleep(0.05)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


JSON = {"content-type": "application/json"}


def _until_made(api: Api, path: str, body: Any) -> Any:
    def made() -> Any:
        reply = api.call("POST", path, json.dumps(body).encode(), JSON)
        return reply.json if reply.status == 201 else None

    return until(made, path)


def _is_taken(api: Api, events: list[dict[str, Any]]) -> bool:
    return api.call("POST", "/v1/events", json.dumps(events).encode(), JSON).status == 202


def begin(tenant: Tenant, target: CellId) -> list[MoveProgress]:
    """Begin to move the tenant's family, at the owner of its cell."""
    return begin_move(tenant.host, tenant.org, tenant.cell(), target)


def moved(tenant: Tenant, target: CellId) -> None:
    until(lambda: tenant.cell() == target, f"the family in cell {target}")
    until(lambda: takes(tenant), "that its calls are taken")


def takes(tenant: Tenant) -> bool:
    try:
        with Api(tenant.host.port, tenant.auth) as api:
            return api.get("/v1/caller").status == 200
    except OSError:
        return False


def is_copied_or_over(host: ServiceProcess) -> bool:
    return all(move.state != "leaving" for move in moving(host))


def delivered_to(receiver: Receiver, path: str, tenant: Tenant) -> None:
    """All that was accepted arrives there."""
    until(lambda: receiver.known_ids(path) >= {*tenant.accepted}, "all of them delivered")


def test_a_family_moves_under_load_and_nothing_is_lost(
    host: ServiceProcess, receiver: Receiver
) -> None:
    moves_there_and_back(host, receiver)


def test_a_family_moves_under_load_between_the_cells_of_two_machines(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    settings = on_a_database(tmp_path / "data")
    make_two_cells(settings)
    both = [host_of(own_service, settings, at=tmp_path / f"machine-{n}") for n in (1, 2)]
    for host in both:
        host.launch()
    for host in both:
        until(lambda at=host: len(workers(at)) == 1, "one cell at each machine")  # type: ignore[misc]
    until(lambda: all_owned(both[0]), "an owner of each cell")
    had = [{*workers(host)} for host in both]
    moves_there_and_back(both[0], receiver)
    assert [{*workers(host)} for host in both] == had, "each cell is still where it was"


def moves_there_and_back(host: ServiceProcess, receiver: Receiver) -> None:
    """Move the family of a tenant to the other cell and back, while events come in."""
    tenant = Tenant(host, "moves")
    other = Tenant(host, "stays")
    good, failing = receiver.path(), receiver.path(status=500)
    tenant.webhook(receiver.url(good))
    tenant.webhook(receiver.url(failing))
    strict = receiver.path()
    tenant.webhook(receiver.url(strict), ordering="strict")
    source = tenant.cell()
    target = SECOND_CELL if source == FIRST_CELL else FIRST_CELL
    with tenant.sending(), other.sending():
        until(lambda: len(tenant.accepted) > 50, "some events")
        for there in (target, source):
            assert begin(tenant, there)
            moved(tenant, there)
            tenant.takes_more()
    print("longest pause", tenant.longest_s, "other's", other.longest_s, tenant.refused)
    for path in (good, strict):
        delivered_to(receiver, path, tenant)
        arrived = Counter(arrival.event_id for arrival in receiver.arrivals(path))
        twice = sum(arrived.values()) - len(arrived)
        assert twice <= IN_FLIGHT, twice
    order = [*dict.fromkeys(arrival.event_id for arrival in receiver.arrivals(strict))]
    assert order == tenant.accepted
    until(lambda: not moving(host), "no row where it was")


@pytest.mark.parametrize("killed", ["source", "target"])
def test_a_process_that_is_killed_on_the_way_loses_nothing(
    host: ServiceProcess, receiver: Receiver, killed: str
) -> None:
    tenant = Tenant(host, "moves")
    path, failing = receiver.path(), receiver.path(status=500)
    tenant.webhook(receiver.url(path))
    tenant.webhook(receiver.url(failing))
    tenant.send_many(2_000)
    source = tenant.cell()
    target = SECOND_CELL if source == FIRST_CELL else FIRST_CELL
    with tenant.sending():
        assert begin(tenant, target)
        until(lambda: is_copied_or_over(host), "rows on their way")
        workers(host)[source if killed == "source" else target].send_signal(signal.SIGKILL)
        moved(tenant, target)
        tenant.takes_more()
    delivered_to(receiver, path, tenant)
    arrived = Counter(arrival.event_id for arrival in receiver.arrivals(path))
    assert sum(arrived.values()) - len(arrived) <= IN_FLIGHT
    until(lambda: not moving(host), "no row where it was")


def test_a_move_is_taken_back_while_its_target_does_not_answer(
    host: ServiceProcess, receiver: Receiver
) -> None:
    tenant = Tenant(host, "stays after all")
    path = receiver.path(each=[{"delay": 6.0}])
    tenant.webhook(receiver.url(path))
    source = tenant.cell()
    target = SECOND_CELL if source == FIRST_CELL else FIRST_CELL
    until(lambda: tenant.send(100), "an event that is taken")
    until(lambda: receiver.arrivals(path), "an attempt that is under way")
    assert begin(tenant, target), "while the target answers: it would be refused else"
    with standing_still(workers(host)[target]):
        until(lambda: [move.state for move in moving(host, source)] == ["copying"], "a seal")
        assert not tenant.send(0), "it is held"
        found = ask_owner(host, source, UNDO_MOVE, UndoAsked(tenant.org))
        assert found is not None and found.moving is not None and found.moving.is_undone
        workers(host)[source].send_signal(signal.SIGKILL)  # the wish stands in its store
        until(lambda: [move.is_undone for move in moving(host, source)] == [True], "its wish")
    until(lambda: takes(tenant) and not moving(host), "that it is here again")
    assert tenant.cell() == source
    until(lambda: tenant.send(0), "an event that is taken")
    delivered_to(receiver, path, tenant)


@pytest.mark.parametrize("host", [on_directories], indirect=True)
def test_a_store_of_before_a_move_that_is_put_back_by_hand_neither_sends_nor_serves_the_family(
    host: ServiceProcess, receiver: Receiver, tmp_path: Path
) -> None:
    tenant = Tenant(host, "moves")
    source = tenant.cell()
    target = SECOND_CELL if source == FIRST_CELL else FIRST_CELL
    path, closed = receiver.path(), receiver.path(status=500)
    tenant.webhook(receiver.url(closed), retryPolicy={"delaysInSeconds": [1] * 10})
    until(lambda: tenant.send(0), "an event that is taken")
    until(lambda: receiver.arrivals(closed), "an attempt that fails")
    assert host.stop() == 0
    copy = tmp_path / "copy"
    store = directory_of_cell(host.data, source)
    names = [file.name for file in store.iterdir() if file.name.startswith(FILE)]
    copy.mkdir()
    for name in names:
        shutil.copy2(store / name, copy / name)
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    until(lambda: takes(tenant), "that its calls are taken")
    assert begin(tenant, target)
    moved(tenant, target)
    with Api(host.port, tenant.auth) as api:
        [webhook] = api.get("/v3/webHooks").must(200)["data"]
        api.delete(webhook)
        api.webhook(receiver.url(path), name="new")
    assert host.stop() == 0
    for file in [file for file in store.iterdir() if file.name.startswith(FILE)]:
        file.unlink()
    for name in names:
        shutil.copy2(copy / name, store / name)
    before = len(receiver.arrivals(closed))
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    until(lambda: takes(tenant), "that its calls are taken")
    assert tenant.cell() == target
    until(lambda: tenant.send(1), "an event that is taken")
    until(lambda: f"{tenant.org}-1" in receiver.known_ids(path), "an event that is sent")
    until(lambda: not moving(host), "no row where it was")
    with Api(host.port, tenant.auth) as api:
        webhooks = api.get("/v3/webHooks").must(200)["data"]
    assert "new" in [webhook["name"] for webhook in webhooks], webhooks
    assert len(receiver.arrivals(closed)) == before, "what was taken back sends nothing"
