"""Cells that were lost, and are put back from a backup, with real processes: what a backup had is
there, no number is given twice, and who was not lost goes on."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import stays, until
from tests.e2e.operations.commands import tidings
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.app.cells.map_place import MAP_DIRECTORY
from tidings.core.cells.families import CellId

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL
from .hosted import BOTH, owned
from .served_cells import Installation

pytestmark = pytest.mark.systems


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
        assert not installation.is_known(installation.orgs[SECOND_CELL], text)
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
    until(lambda: third in installation.placed(), "the new org in the map")
    orgs = {*installation.placed()}
    shutil.rmtree(host.data / MAP_DIRECTORY)
    late = installation.post_both()  # each goes on with what it knows
    done("restore", "--from", tmp_path / "copy", "--data", host.data, "--map")
    until(lambda: {*installation.placed()} == orgs, "all orgs in the map")
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
