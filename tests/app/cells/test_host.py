"""The host of a machine's cells: whom it starts, by which words, and what it answers meanwhile."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.e2e.harness.api import Api
from tests.e2e.harness.service import free_port
from tests.server.support import until
from tidings.app.cells import host_answers
from tidings.app.cells.cell_settings import directory_entry
from tidings.app.cells.host import CellHost
from tidings.app.cells.map_place import make_cell_map, open_cell_map
from tidings.app.cells.worker_post import WorkerPost
from tidings.core.cells.families import CellId
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellState

ONE, TWO = CellId(1), CellId(2)
# Notes its words, says that it listens, and lives for as long as its host.
WORKER = """\
import json, os, sys
post = json.loads(sys.argv[sys.argv.index("--cell") + 1])
with open(sys.argv[1], "a") as file:
    file.write(json.dumps([os.getpid(), *sys.argv[2:]]) + "\\n")
os.write(post["tells"], f"{post['cell']} {os.getpid()}\\n".encode())
sys.stdin.read()
"""
NOTHING_OF_CELLS = """
import sys
import tidings.app, tidings.app.service, tidings.app.start_retry
import tidings.store.sqlite.store
parts = ("tidings.app.cells", "tidings.door", "tidings.store.cell_map")
print([name for name in sys.modules if name.startswith(parts)])
"""


class HostTrial:
    """A host over a map in a directory, whose workers only note their words."""

    def __init__(self, directory: Path, *, hold: bool = False) -> None:
        self.notes = directory / "notes"
        self.notes.touch()
        self.settings = Settings(data=directory, port=free_port())
        make_cell_map(self.settings)
        self.map = open_cell_map(self.settings)
        command = [sys.executable, "-S", "-c", WORKER, str(self.notes)]
        self.host = CellHost(self.settings, command, hold)

    def started(self) -> list[tuple[int, CellId, bool]]:
        """List the workers that were started: process, cell, and whether it holds."""
        found = []
        for line in self.notes.read_text().splitlines():
            process, *words = json.loads(line)
            post = WorkerPost.read(words[words.index("--cell") + 1])
            found.append((process, post.entry.cell, "--hold" in words))
        return found

    def have_started(self, *cells: CellId) -> Callable[[], bool]:
        return lambda: sorted(cell for _, cell, _ in self.started()) == sorted(cells)


async def ended(trial: HostTrial, running: "asyncio.Task[int | None]") -> int | None:
    """End a host, and return what it returns."""
    trial.host.end()
    code = await running
    await trial.host.close()
    await trial.map.close()
    return code


async def test_each_cell_of_the_map_has_a_worker_also_one_that_is_added(tmp_path: Path) -> None:
    trial = HostTrial(tmp_path)
    await trial.map.put_cell(directory_entry(ONE))
    running = asyncio.create_task(trial.host.run())
    await until(trial.have_started(ONE), "the first")
    await trial.map.put_cell(directory_entry(TWO))
    await until(trial.have_started(ONE, TWO), "the second")
    await trial.map.change_state(TWO, CellState.OPEN, CellState.DRAINING)
    await trial.map.change_state(TWO, CellState.DRAINING, CellState.REMOVED)
    (process,) = [process for process, cell, _ in trial.started() if cell == TWO]
    await until(lambda: not _is_there(process), "the end of a cell that was removed")
    assert await ended(trial, running) == 0


async def test_sending_is_held_at_the_first_start_of_a_worker_alone(tmp_path: Path) -> None:
    trial = HostTrial(tmp_path, hold=True)
    await trial.map.put_cell(directory_entry(ONE))
    running = asyncio.create_task(trial.host.run())
    await until(trial.have_started(ONE), "the first")
    os.kill(trial.started()[0][0], signal.SIGKILL)
    await until(trial.have_started(ONE, ONE), "the next")
    assert [holds for *_, holds in trial.started()] == [True, False]
    assert await ended(trial, running) == 0


REFUSED = WORKER.replace(
    "sys.stdin.read()",
    """os.write(post["tells"], b"1 7 Its store is gone. Restore it.\\n")
sys.exit(4)""",
)


async def test_why_a_worker_is_refused_is_logged_by_the_host_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.app.cells.test_host.WORKER", REFUSED)
    trial = HostTrial(tmp_path)
    await trial.map.put_cell(directory_entry(ONE))
    with capture_logs() as logged:
        running = asyncio.create_task(trial.host.run())
        await until(trial.have_started(ONE, ONE), "another try")
        assert await ended(trial, running) == 0
    ends = [line for line in logged if line["event"].endswith("has ended by itself")]
    assert [(line["cell"], line["reason"]) for line in ends[:1]] == [
        (ONE, "Its store is gone. Restore it.")
    ]


def test_what_a_worker_says_of_its_refusal_is_one_line(tmp_path: Path) -> None:
    hears, tells = os.pipe()
    post = WorkerPost.of(directory_entry(TWO), 0, tells)
    assert post.say_refused("It is\ngone. " + "x" * 9000)
    post.say_ready()
    first, second = os.read(hears, 1 << 16).decode().splitlines()
    assert first.startswith(f"2 {os.getpid()} It is gone. xxx") and len(first) < 1100
    assert second == f"2 {os.getpid()}"
    os.close(hears)
    assert not post.say_refused("nobody hears it")
    os.close(tells)


async def test_a_map_that_names_no_cell_has_no_host(tmp_path: Path) -> None:
    trial = HostTrial(tmp_path)
    assert await trial.host.run() is None
    await trial.host.close()


async def test_a_host_answers_while_no_worker_listens_and_then_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_answers, "PATIENCE_S", 0.0)
    trial = HostTrial(tmp_path)
    place, away = tmp_path / "map/map.db", tmp_path / "away"
    await trial.map.put_cell(directory_entry(ONE))
    os.rename(place, away)
    running = asyncio.create_task(trial.host.run())

    def ask() -> tuple[int, bytes]:
        with Api(trial.settings.port, seconds=120) as api:
            answered = api.get("/readyz")
            return answered.status, answered.body

    status, body = await asyncio.to_thread(ask)
    assert status == 503 and b"The map of the cells must be read" in body
    os.rename(away, place)
    await until(trial.have_started(ONE), "the first")
    await until(lambda: trial.host._answers._server is None, "the end of its answers")
    assert await ended(trial, running) == 0


def test_with_one_cell_nothing_of_several_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOTHING_OF_CELLS], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
