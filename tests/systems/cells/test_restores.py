"""Cells that were lost, and are put back from a backup, with real processes: what a backup had is
there, no number is given twice, and who was not lost goes on."""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, stays, until
from tests.e2e.operations.commands import tidings
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.app.cells.map_place import MAP_DIRECTORY
from tidings.core.cells.families import CellId
from tidings.store.sqlite.database import FILE

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, make_two_cells, on_directories, placed
from .hosted import BOTH, all_owned, owned

pytestmark = pytest.mark.systems
Numbers = dict[tuple[str, int], str]  # by table and number of whom they are


class Installation:
    """Two cells with an org and a webhook in each, and what they have accepted and sent."""

    def __init__(self, host: ServiceProcess, receiver: Receiver) -> None:
        self.host, self.receiver = host, receiver
        self.orgs = {FIRST_CELL: ORG}
        self.paths: dict[CellId, str] = {}
        self.given: Numbers = {}

    def begin(self) -> None:
        """Serve both cells, and make an org in the second one too."""
        make_two_cells(on_directories(self.host.data))
        self.host.start()
        until(lambda: all_owned(self.host), "an owner of each cell")
        until(lambda: ORG in placed(self.host.data), "the first org in the map")
        made = self.asked("POST", "/v1/orgs", {"name": "second"}, status=201)["id"]
        until(lambda: placed(self.host.data).get(made) == SECOND_CELL, "an org in the second cell")
        self.orgs[SECOND_CELL] = made
        for cell, org in self.orgs.items():
            path = self.paths[cell] = self.receiver.path()
            with self.line(org) as api:
                api.webhook(self.receiver.url(path))

    @contextmanager
    def line(self, org: int | None = None) -> Iterator[Api]:
        """A connection of the platform to whichever process takes it, once each knows it."""
        asked: Reply | None = None
        while asked is None or asked.status != 200:
            try:
                api = Api(self.host.port, f"{KEY}:{SECRET}", org, seconds=PATIENCE_S)
                asked = api.get("/v1/caller")
            except OSError:
                continue
            if asked.status != 200:
                api.close()
        with api:
            yield api

    def asked(
        self, method: str, path: str, body: Any = None, org: int | None = None, status: int = 200
    ) -> Any:
        """Call until it is answered so: a cell may be on its way, or not found yet."""
        found: list[Reply] = []

        def is_answered() -> bool:
            with self.line(org) as api:
                found[:] = [api.send(method, path, body) if body else api.call(method, path)]
            return found[0].status == status

        until(is_answered, f"{method} {path}")
        return found[0].json

    def post(self, cell: CellId, count: int = 5) -> set[str]:
        """Have events of an org accepted."""
        ids = [new_id() for _ in range(count)]
        body = b"[" + b",".join(event(text, self.orgs[cell]) for text in ids) + b"]"

        def is_taken() -> bool:
            with self.line() as api:
                return api.post(body).status == 202

        until(is_taken, f"events of cell {cell}")
        return {*ids}

    def sent(self, cell: CellId) -> list[str]:
        """List the events that were sent for a cell's org, each as often as it was."""
        self.receiver.read_out()
        return [arrival.event_id for arrival in self.receiver.arrivals(self.paths[cell])]

    def is_known(self, cell: CellId, text: str) -> bool:
        with self.line(self.orgs[cell]) as api:
            return api.get(f"/v1/events/{text}").status == 200

    def note_numbers(self) -> None:
        """See that no number in a store was given to something else before."""
        for cell in BOTH:
            file = directory_of_cell(self.host.data, cell) / FILE
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
                rows = store.execute(
                    "SELECT 'event', seq, id FROM event UNION ALL SELECT 'delivery', delivery.id,"
                    " event.id || '/' || webhook FROM delivery JOIN event ON event.seq = event"
                ).fetchall()
            assert rows, cell
            for table, number, whose in rows:
                assert self.given.setdefault((table, number), whose) == whose

    def arrive(self, ids: Mapping[CellId, set[str]]) -> None:
        """Wait until events were sent."""
        for cell, texts in ids.items():
            until(lambda at=cell, all_of=texts: {*self.sent(at)} >= all_of, f"those of {cell}")  # type: ignore[misc]

    def post_both(self) -> Mapping[CellId, set[str]]:
        return {cell: self.post(cell) for cell in BOTH}

    def wait_for_owners(self) -> None:
        until(lambda: all_owned(self.host), "an owner of each cell")

    def are_known(self, cell: CellId, ids: set[str]) -> bool:
        return all(self.is_known(cell, text) for text in ids)


def done(*words: object) -> None:
    """A command that does what it is for."""
    ended = tidings(*words)
    assert ended.returncode == 0, ended.stderr + ended.stdout


@pytest.fixture
def installation(own_service: NewService, receiver: Receiver) -> Installation:
    made = Installation(own_service(), receiver)
    made.begin()
    return made


@pytest.fixture
def early(installation: Installation, tmp_path: Path) -> Mapping[CellId, set[str]]:
    """What a backup has, which was made beside the service, and was sent before."""
    made = installation.post_both()
    installation.arrive(made)
    done("backup", "--data", installation.host.data, "--to", tmp_path / "copy")
    return made


def test_a_cell_that_is_lost_is_put_back_beside_the_other_one(
    installation: Installation, early: Mapping[CellId, set[str]], tmp_path: Path
) -> None:
    host = installation.host
    late = installation.post_both()
    installation.arrive(late)
    host.kill_all()
    installation.note_numbers()
    shutil.rmtree(directory_of_cell(host.data, SECOND_CELL))
    host.launch()
    until(lambda: owned(host) >= {FIRST_CELL}, "the owner of the first cell")
    done("restore", "--from", tmp_path / "copy", "--data", host.data, "--cell", 2)
    installation.wait_for_owners()
    new = installation.post_both()
    installation.arrive({FIRST_CELL: new[FIRST_CELL]})
    stays(lambda: not {*installation.sent(SECOND_CELL)} & new[SECOND_CELL], "it is held", 1.0)
    assert installation.are_known(FIRST_CELL, early[FIRST_CELL] | late[FIRST_CELL])
    assert installation.are_known(SECOND_CELL, early[SECOND_CELL])
    for text in late[SECOND_CELL]:  # they were acknowledged after the backup, and are lost
        assert not installation.is_known(SECOND_CELL, text)
    installation.asked("POST", "/v1/start")
    installation.arrive(new)
    for cell in BOTH:
        assert sorted(installation.sent(cell)) == sorted(early[cell] | late[cell] | new[cell])
    assert host.stop() == 0
    installation.note_numbers()


def test_the_map_is_put_back_beside_both(
    installation: Installation, early: Mapping[CellId, set[str]], tmp_path: Path
) -> None:
    host = installation.host
    third = installation.asked("POST", "/v1/orgs", {"name": "third"}, status=201)["id"]
    until(lambda: third in placed(host.data), "the new org in the map")
    shutil.rmtree(host.data / MAP_DIRECTORY)
    late = installation.post_both()  # each goes on with what it knows
    done("restore", "--from", tmp_path / "copy", "--data", host.data, "--map")
    orgs = {*installation.orgs.values(), third}
    until(lambda: {*placed(host.data)} == orgs, "all orgs in the map")
    installation.wait_for_owners()
    new = installation.post_both()
    installation.arrive(new)
    done("store", "check", "--data", host.data)
    for cell in BOTH:
        assert sorted(installation.sent(cell)) == sorted(early[cell] | late[cell] | new[cell])
    host.kill_all()
    host.start()
    installation.wait_for_owners()
    installation.arrive(installation.post_both())
    assert host.stop() == 0
    installation.note_numbers()


def test_all_cells_are_put_back_in_another_place(
    installation: Installation,
    early: Mapping[CellId, set[str]],
    own_service: NewService,
    tmp_path: Path,
) -> None:
    late = installation.post_both()
    installation.arrive(late)
    sent = {cell: installation.sent(cell) for cell in BOTH}
    installation.host.kill_all()
    installation.note_numbers()
    again = installation.host = own_service(data=tmp_path / "again")
    done("restore", "--from", tmp_path / "copy", "--data", again.data)
    again.launch("--hold")
    installation.wait_for_owners()
    new = installation.post_both()
    stays(lambda: {cell: installation.sent(cell) for cell in BOTH} == sent, "it is held", 1.0)
    installation.asked("POST", "/v1/start")
    installation.arrive(new)
    for cell in BOTH:
        assert installation.are_known(cell, early[cell])
        assert sorted(installation.sent(cell)) == sorted({*sent[cell]} | new[cell])
    assert again.stop() == 0
    installation.note_numbers()
