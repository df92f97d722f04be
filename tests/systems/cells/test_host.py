"""One `tidings serve` over two cells in directories: each has a process, and each process its own
fate."""

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tests.store.postgres.databases import connect, rows
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.app.keys.derived_keys import derived_key
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.door.certificates import DOOR_PURPOSE
from tidings.door.head import DoorHead
from tidings.door.hop_request import request_of
from tidings.door.listening import trust_by_tls
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.directory_lock import DirectoryLock

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, make_two_cells, on_a_database, on_directories, owners
from .hosted import BOTH, all_owned, owned, standing_still, workers

pytestmark = pytest.mark.systems

MAP = "map/map.db"
NAMES = (
    "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'tidings % writes'"
)


@pytest.fixture
def host(own_service: NewService, tmp_path: Path) -> ServiceProcess:
    """A service whose map names two cells in directories, not started."""
    settings = on_directories(tmp_path / "data")
    make_two_cells(settings)
    return own_service(data=settings.data)


def status(host: ServiceProcess, path: str = "/readyz") -> int:
    """Return what a new connection is answered."""
    with Api(host.port) as api:
        return api.get(path).status


def is_ready(host: ServiceProcess) -> bool:
    """Return whether there is a host, and something behind it that is ready."""
    try:
        return status(host) == 200
    except OSError:
        return False


def owners_of(host: ServiceProcess) -> Mapping[CellId, CellOwner]:
    """Read who owns which cell, as the map in a directory has it."""
    return owners(on_directories(host.data))


def stopped_cleanly(host: ServiceProcess) -> bool:
    """Return whether each cell's owner has left nothing in flight, and said so in its store."""
    found = []
    for cell in BOTH:
        with closing(sqlite3.connect(directory_of_cell(host.data, cell) / FILE)) as store:
            found += store.execute("SELECT value FROM meta WHERE key = 'clean_stop'").fetchall()
    return found == [(1,), (1,)]


def processes(host: ServiceProcess) -> list[psutil.Process]:
    """List the host and all below it."""
    process = psutil.Process(host.pid)
    return [process, *process.children(recursive=True)]


def have_ended(had: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: (
        not any(
            process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in had
        )
    )


async def ask(key: bytes, cell: CellId, owner: CellOwner) -> int | None:
    """Ask whether an owner is ready, as another process would that has this key; None: it is not
    answered."""
    lines = OwnerLines(trust_by_tls(key).calls)
    head = DoorHead(cell, owner.epoch, client="", request_id="test", left_ms=120_000)
    try:
        request = request_of("GET", b"/readyz", [])
        answer = await OwnerQuestions(lines).ask(owner, request, b"", head)
    finally:
        lines.close()
    return None if answer is None else answer.status


def test_a_worker_that_dies_comes_back_and_its_neighbour_hears_nothing(
    host: ServiceProcess,
) -> None:
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    first, second = workers(host)[FIRST_CELL], workers(host)[SECOND_CELL]
    for still in (first, second):  # each of them serves the port that they share
        with standing_still(still):
            until(lambda: is_ready(host), "an answer of the other")
    before = owners_of(host)
    key = derived_key(host.data, DOOR_PURPOSE)
    for cell, owner in before.items():  # it is reached by who is of the installation alone
        assert asyncio.run(ask(key, cell, owner)) in (200, 503)  # ready, or not yet
        assert asyncio.run(ask(bytes(32), cell, owner)) is None
    children = second.children(recursive=True)
    with Api(host.port) as api:
        with standing_still(second):
            until(lambda: api.get("/readyz").status == 200, "the first, as on all of this line")
        second.send_signal(signal.SIGKILL)
        until(
            lambda: owners_of(host)[SECOND_CELL].epoch > before[SECOND_CELL].epoch,
            "the next owner",
        )
        assert api.get("/livez").status == 200  # it hears nothing of that
    until(have_ended([second, *children]), "the end of what it had started")
    assert workers(host)[FIRST_CELL] == first
    assert owners_of(host)[FIRST_CELL] == before[FIRST_CELL]
    with standing_still(first):
        until(lambda: is_ready(host), "an answer of the one that is back")
    had = processes(host)
    assert host.stop() == 0
    assert have_ended(had)()
    assert stopped_cleanly(host)
    with pytest.raises(OSError):
        status(host)


def test_schemas_of_a_database_are_cells_and_one_whose_process_dies_is_taken_over(
    own_service: NewService, tmp_path: Path
) -> None:
    settings = on_a_database(tmp_path / "data")
    assert settings.database is not None and settings.master_key_file is not None
    make_two_cells(settings)
    host = own_service(
        data=settings.data,
        database=settings.database.reveal(),
        master_key_file=settings.master_key_file,
    ).start()

    def owner_of(cell: CellId) -> CellOwner | None:
        owner = owners(settings).get(cell)
        return owner if owner is not None and owner.address else None

    until(lambda: all(map(owner_of, BOTH)), "an owner of each cell")
    with connect(settings.database.reveal()) as connection:
        named = rows(connection, NAMES)
    assert {name.split()[1] for (name,) in named} == {"cell=1", "cell=2"}
    first, second = owner_of(FIRST_CELL), owner_of(SECOND_CELL)
    workers(host)[SECOND_CELL].send_signal(signal.SIGKILL)
    until(lambda: owner_of(SECOND_CELL) not in (None, second), "the next owner")
    assert owner_of(FIRST_CELL) == first
    had = processes(host)
    assert host.stop() == 0
    assert have_ended(had)()


def test_workers_end_in_order_with_a_host_that_is_killed(host: ServiceProcess) -> None:
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    had = processes(host)
    host.signal(signal.SIGKILL)
    host.wait()
    until(have_ended(had), "the end of all workers")
    assert stopped_cleanly(host)
    host.start()  # nothing is in its way


def test_a_cell_whose_store_cannot_be_opened_keeps_nobody(host: ServiceProcess) -> None:
    lock = DirectoryLock(directory_of_cell(host.data, SECOND_CELL))
    host.start()
    until(lambda: owned(host) == {FIRST_CELL}, "the owner of the first cell")
    until(lambda: is_ready(host), "an answer of the first")
    until(lambda: "the process of a cell has ended by itself" in host.words(), "word of the other")
    lock.release()
    until(lambda: all_owned(host), "the owner of the second cell")


def test_without_its_map_a_host_waits_and_its_workers_go_on(host: ServiceProcess) -> None:
    place, away = host.data / MAP, host.data / "away"
    os.rename(place, away)
    place.write_bytes(b"no map")
    host.launch()

    def says_why() -> bool:
        try:
            with Api(host.port, seconds=PATIENCE_S) as api:
                reply = api.get("/readyz")
        except OSError:
            return False
        return reply.status == 503 and b"map" in reply.body

    until(says_why, "word of the map")
    put_back(away, place)
    until(lambda: all_owned(host), "an owner of each cell")
    until(lambda: is_ready(host), "a ready service")
    os.rename(place, away)
    place.write_bytes(b"no map")
    second = workers(host)[SECOND_CELL]
    second.send_signal(signal.SIGKILL)
    second.wait()
    until(lambda: SECOND_CELL in workers(host), "another worker")
    with standing_still(workers(host)[FIRST_CELL]):
        until(lambda: is_ready(host), "an answer of the second")
    put_back(away, place)
    until(lambda: all_owned(host), "the owner of the second cell")


def put_back(away: Path, place: Path) -> None:
    """Put the map where it was, as a backup is."""
    os.replace(away, place)


def test_a_port_that_is_taken_refuses_the_start(host: ServiceProcess) -> None:
    with socket.create_server(("127.0.0.1", host.port)):
        host.launch()
        assert host.wait() == 4
    assert f"port {host.port} must be free" in host.words()
