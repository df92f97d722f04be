"""The stores of all cells and their map are compared: what is wrong is said, with what to do."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.cells.commands.one_installation import (
    FIRST_ORG,
    OneInstallation,
    in_database,
    on_directories,
)
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.app.cells.commands import agreement
from tidings.app.cells.commands.agreement import compare_cells
from tidings.app.cells.commands.cell_facts import check_cells
from tidings.app.cells.commands.owned_store import owned
from tidings.app.cells.map_place import open_map_rows
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.ids import OrgId
from tidings.settings.settings import Settings
from tidings.store import port

TWO = CellId(2)
SECOND_ORG = OrgId(100051)


@pytest.fixture(params=[on_directories, in_database])
def cells(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OneInstallation:
    """Two cells, each with an org, that agree with their map."""
    monkeypatch.setattr(agreement, "AGAIN_S", 0)
    made: OneInstallation = request.param(tmp_path)
    made.serve_once()
    made.add()
    with owned(second(made)) as writing:
        writing.orgs.put_org(port.StoredOrg(SECOND_ORG, "second"))
    place(made, SECOND_ORG, TWO)
    assert compare_cells(made.settings) == []
    return made


def second(made: OneInstallation) -> Settings:
    return made.place(made.read().cells[1])


def place(made: OneInstallation, org: OrgId, cell: CellId, number: int = 1) -> None:
    with closing(open_map_rows(made.settings)) as rows:
        rows.entries.place_families({FamilyId(org): FamilyPlace(cell, number)})


def said(made: OneInstallation) -> list[str]:
    return [fault.text for fault in compare_cells(made.settings)]


def test_an_org_that_is_in_two_cells_is_an_alarm_of_every_check(cells: OneInstallation) -> None:
    with owned(second(cells)) as writing:
        writing.orgs.put_org(port.StoredOrg(FIRST_ORG, "first"))
    sentence = f"Org {FIRST_ORG} is in the cells 1 and 2 at once: each accepts and sends for it."
    assert said(cells) == [sentence]
    if cells.settings.database is None:
        assert any(problem.startswith(sentence) for problem in check_cells(cells.settings))


def test_an_org_that_no_cell_has_is_named_with_where_it_should_be(cells: OneInstallation) -> None:
    place(cells, OrgId(5), TWO)
    with owned(cells.settings) as writing:
        for move in (FamilyMove.BEGIN, FamilyMove.SEAL, FamilyMove.SWITCHED):
            step = port.FamilyStep(FamilyId(FIRST_ORG), move, 2, TWO)
            assert writing.families.move(step).changed
    assert said(cells) == [
        f"Org {FIRST_ORG} is in no cell: it has gone to cell 2, which has it not.",
        "Org 5 is in no cell: the map names cell 2, which has it not.",
    ]


def test_an_org_that_the_map_has_elsewhere_or_not_at_all_is_named(cells: OneInstallation) -> None:
    place(cells, SECOND_ORG, FIRST_CELL, number=2)
    with owned(second(cells)) as writing:
        writing.orgs.put_org(port.StoredOrg(OrgId(6), "new"))
    with closing(open_map_rows(cells.settings)) as rows:
        rows.openers.add([(b"digest", Opener(OpenerKind.KEY, FamilyId(9)))], 1)
    assert said(cells) == [
        "Org 6 is in cell 2, and the map does not know it.",
        "The directory has keys or addresses of org 9, and no cell has it.",
        f"Org {SECOND_ORG} is in cell 2, and the map names cell 1, which has it not.",
    ]


def test_what_is_so_for_a_moment_alone_is_not_named(
    cells: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An owner puts a new org into the map a moment after it was made."""
    with owned(second(cells)) as writing:
        writing.orgs.put_org(port.StoredOrg(OrgId(6), "new"))
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        place(cells, OrgId(6), TWO)

    monkeypatch.setattr("tidings.app.cells.commands.agreement.time.sleep", wait)
    assert said(cells) == [] and waited


def test_ranges_that_two_cells_have_are_named(cells: OneInstallation) -> None:
    ranges = cells.ranges()
    shared = ranges[FIRST_CELL].granted[-1]
    assert shared < ranges[TWO].granted[0]
    with owned(second(cells)) as writing, writing.connection:
        writing.connection.execute("INSERT INTO number_range (range_index) VALUES (?)", (shared,))
    assert said(cells) == [
        f"The range {shared} of numbers is of cells 1 and 2: they give the same ones."
    ]


def test_a_store_that_knows_nothing_of_its_newest_owner_is_named(cells: OneInstallation) -> None:
    for epoch, noted in ((3, 2), (4, 3)):
        with closing(open_map_rows(cells.settings)) as rows:
            rows.entries.put_owner(TWO, CellOwner(epoch, "a:1"))
        with owned(second(cells)) as writing:
            writing.numbers.note_epoch(noted, True)
        [sentence] = said(cells)
        assert "cell 2 is an earlier one" in sentence
    with owned(second(cells)) as writing:
        writing.numbers.note_epoch(4, True)
    assert said(cells) == []


def test_a_store_that_is_away_is_not_taken_for_one_that_has_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "AGAIN_S", 0)
    cells = on_directories(tmp_path)
    cells.serve_once()
    cells.add()
    place(cells, OrgId(5), TWO)
    assert len(said(cells)) == 1
    shutil.rmtree(second(cells).data)
    assert said(cells) == []
