"""A backup of several cells is one moment of each, that fit each other; what it holds is put back
as a whole, or in parts."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path

import apsw
import msgspec
import pytest

from tests.app.cells.commands.one_installation import MASTER, Ended, OneInstallation, on_directories
from tests.store.conformance.audited import change
from tidings import app
from tidings.app import DataRefused
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell
from tidings.app.cells.commands import backing_up
from tidings.app.cells.commands.adding import AddStep
from tidings.app.cells.commands.backing_up import MAP_NAME
from tidings.app.cells.commands.cell_audit import verify_cells
from tidings.app.cells.commands.cell_facts import check_cells, read_cells
from tidings.app.cells.commands.owned_store import owned
from tidings.app.cells.map_place import MAP_DIRECTORY, open_map_rows
from tidings.app.cells.store_identity import CellRefused, reading_store
from tidings.app.keys.derived_keys import audit_key
from tidings.app.keys.key_check import unlock
from tidings.app.keys.master_key import directory_key_place
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyRow, FamilyState
from tidings.core.ids import OrgId
from tidings.engine.delivery.stops import EVERYTHING, HOLD
from tidings.errors import Unusable
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.port.cell_map import MapPlace, RangesUnknown, number_of
from tidings.store.sql.configuration.families import read_families
from tidings.store.sql.delivery.in_flight import FILE as IN_FLIGHT
from tidings.store.sqlite.backup import pinned
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.saved_files import CELLS, KEY, MANIFEST, Manifest

TWO, THREE = CellId(2), CellId(3)
MOVING, SECOND_ORG = FamilyId(100043), FamilyId(100044)
FORMS = ["copy", "copy.tar"]


def quiet(*_: object) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def cells(tmp_path: Path) -> OneInstallation:
    """Two cells with orgs and events, none of them served."""
    made = on_directories(tmp_path)
    made.settings.data.mkdir()
    write_key(made.settings.data)
    made.serve_once()
    made.add()
    with owned(made.settings) as writing:
        writing.orgs.put_org(port.StoredOrg(OrgId(MOVING), "moving"))
    with owned(store_of(made, TWO)) as writing:
        writing.orgs.put_org(port.StoredOrg(OrgId(SECOND_ORG), "second"))
    made.give(made.settings, 3)
    made.give(store_of(made, TWO), 2)
    return made


def write_key(data: Path) -> None:
    (data / KEY).touch(0o600)
    (data / KEY).write_bytes(MASTER.reveal())


def store_of(made: OneInstallation, cell: CellId) -> Settings:
    [found] = [known for known in made.read().cells if known.cell == cell]
    return made.place(found)


def back_up(made: OneInstallation, to: Path, cell: int | None = None) -> Manifest:
    return app.backup(made.settings.data, to, quiet, cell)


def installation_in(data: Path) -> OneInstallation:
    return OneInstallation(Settings(data=data))


def events_in(place: Settings) -> int:
    with reading_store(place) as connection:
        assert connection is not None
        return int(connection.execute("SELECT count(*) FROM event").fetchall()[0][0])


def families_in(made: OneInstallation, cell: CellId) -> Mapping[FamilyId, FamilyRow]:
    with reading_store(store_of(made, cell)) as connection:
        assert connection is not None
        return read_families(connection)


def move(made: OneInstallation, family: FamilyId = MOVING, number: int = 2) -> None:
    """Move a family from the first cell to the second, as far as the rows of families go."""
    for cell, *moves in (
        (FIRST_CELL, FamilyMove.BEGIN, FamilyMove.SEAL),
        (TWO, FamilyMove.RECEIVE, FamilyMove.SWITCH),
        (FIRST_CELL, FamilyMove.SWITCHED),
    ):
        other = TWO if cell == FIRST_CELL else FIRST_CELL
        with owned(store_of(made, cell)) as writing:
            for step in moves:
                done = writing.families.move(port.FamilyStep(family, step, number, other))
                assert done.changed


@pytest.mark.parametrize("form", FORMS)
def test_all_cells_and_their_map_are_there_after_a_restore(
    cells: OneInstallation, tmp_path: Path, form: str
) -> None:
    manifest = back_up(cells, tmp_path / form)
    assert manifest.format == CELLS and manifest.installation == "this one"
    assert [(point.cell, point.file) for point in manifest.cells] == [
        (1, FILE),
        (2, f"cells/2/{FILE}"),
    ]
    assert manifest.map is not None and manifest.map.version >= cells.read().place.version
    assert {*manifest.files} == {KEY, FILE, f"cells/2/{FILE}", MAP_NAME}
    cells.give(cells.settings, 2)
    cells.give(store_of(cells, TWO), 2)

    again = tmp_path / "again"
    assert app.restore(tmp_path / form, again, quiet) == manifest
    assert sorted(path.name for path in again.iterdir()) == ["cells", "key", "lock", "map", FILE]
    for path in again.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    restored = installation_in(again)
    assert [cell.cell for cell in restored.read().cells] == [FIRST_CELL, TWO]
    assert [events_in(store_of(restored, cell)) for cell in (FIRST_CELL, TWO)] == [3, 2]
    assert not any(ranges.spares for ranges in restored.ranges().values())
    before, after = cells.read().place.incarnation, restored.read().place.incarnation
    assert number_of(after) == number_of(before) + 1
    for cell in (FIRST_CELL, TWO):  # before the map has granted further ones
        with owned(store_of(restored, cell)) as writing, pytest.raises(port.NoNumbers):
            with writing.numbers.transaction():
                writing.numbers.take("event")


def test_one_cell_is_backed_up_and_put_back_beside_the_others(
    cells: OneInstallation, tmp_path: Path
) -> None:
    manifest = back_up(cells, tmp_path / "copy", cell=2)
    assert [point.cell for point in manifest.cells] == [2] and manifest.map is None
    place = store_of(cells, TWO)
    cells.give(place, 2)
    with pytest.raises(DataRefused, match=r"must not hold the store of cell 2 any more"):
        app.restore(tmp_path / "copy", cells.settings.data, quiet, cell=2)
    assert events_in(place) == 4
    shutil.rmtree(place.data)
    before = events_in(cells.settings)
    with owned(cells.settings):  # the first one is served
        app.restore(tmp_path / "copy", cells.settings.data, quiet, cell=2)
    assert (events_in(place), events_in(cells.settings)) == (2, before)
    assert sorted(path.name for path in place.data.iterdir()) == ["lock", FILE]
    with owned(place) as writing:
        [stop] = writing.replays.stops()
        assert (stop.org, stop.by) == (EVERYTHING, HOLD) and stop.since_ms > 0
        assert not writing.numbers.ranges().spares


def test_the_first_cell_is_put_back_with_its_key(cells: OneInstallation, tmp_path: Path) -> None:
    data = cells.settings.data
    back_up(cells, tmp_path / "copy")
    kept = (data / KEY).read_bytes()
    for path in (*data.glob(FILE + "*"), data / KEY):
        path.unlink()
    (data / IN_FLIGHT).write_bytes(b"what the lost store had under way")
    with owned(store_of(cells, TWO)):
        app.restore(tmp_path / "copy", data, quiet, cell=1)
    assert (data / KEY).read_bytes() == kept and events_in(cells.settings) == 3
    assert not (data / ".restoring").exists() and not (data / IN_FLIGHT).exists()


@pytest.mark.parametrize("is_made_since", [False, True])
def test_the_map_alone_is_put_back_and_names_the_cells_that_lie_there(
    cells: OneInstallation, tmp_path: Path, is_made_since: bool
) -> None:
    data = cells.settings.data
    back_up(cells, tmp_path / "copy")
    if is_made_since:
        assert cells.add().entry.cell == THREE
    known = cells.read()
    with pytest.raises(DataRefused, match="must not hold the map of the cells any more"):
        app.restore(tmp_path / "copy", data, quiet, only_map=True)
    shutil.rmtree(data / MAP_DIRECTORY)
    with owned(cells.settings), owned(store_of_directory(data, TWO)):
        app.restore(tmp_path / "copy", data, quiet, only_map=True)
    found = cells.read()
    assert [cell.cell for cell in found.cells] == [cell.cell for cell in known.cells]
    assert number_of(found.place.incarnation) == number_of(known.place.incarnation) + 1
    assert [*(data / MAP_DIRECTORY).glob(".restoring")] == []


def store_of_directory(data: Path, cell: CellId) -> Settings:
    return Settings(data=directory_of_cell(data, cell))


def test_a_family_that_moves_while_stores_are_pinned_is_in_one_of_the_copies(
    cells: OneInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two moments it goes from the first cell, which has it still, to the second."""
    tries = list[Path]()

    def moving(database: Path) -> AbstractContextManager[SqliteConnection]:
        if len(tries) == 1:
            move(cells)
        tries.append(database)
        return pinned(database)

    monkeypatch.setattr("tidings.app.cells.commands.backing_up.pinned", moving)
    monkeypatch.setattr(backing_up, "AGAIN_S", 0)
    back_up(cells, tmp_path / "copy")
    assert len(tries) == 5, "both stores twice, and the map"
    app.restore(tmp_path / "copy", tmp_path / "again", quiet)
    restored = installation_in(tmp_path / "again")
    states = [families_in(restored, cell)[MOVING].state for cell in (FIRST_CELL, TWO)]
    assert states == [FamilyState.GONE, FamilyState.HERE]


def test_the_map_of_a_backup_knows_where_its_stores_have_their_families(
    cells: OneInstallation, tmp_path: Path
) -> None:
    """Also what no owner has put there yet."""
    move(cells)
    assert MOVING not in cells.read().changes.families
    back_up(cells, tmp_path / "copy")
    app.restore(tmp_path / "copy", tmp_path / "again", quiet)
    placed = installation_in(tmp_path / "again").read().changes.families
    assert placed[MOVING] == FamilyPlace(TWO, 2)
    assert placed[SECOND_ORG] == FamilyPlace(TWO, 1)
    assert MOVING not in cells.read().changes.families, "the map itself is as it was"


def test_a_family_in_two_cells_or_in_none_is_not_backed_up_as_if_all_were_well(
    cells: OneInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backing_up, "AGAIN_S", 0)
    back_up(cells, tmp_path / "early")
    move(cells)
    data = cells.settings.data
    shutil.rmtree(store_of(cells, TWO).data)
    app.restore(tmp_path / "early", data, quiet, cell=2)  # it has not arrived there then
    with pytest.raises(DataRefused, match=f"org {MOVING} is in several, or in none"):
        back_up(cells, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    back_up(cells, tmp_path / "one", cell=1)


@pytest.mark.parametrize("is_in_map", [False, True])
def test_a_cell_that_is_put_back_leaves_to_others_what_has_gone_to_them_since(
    cells: OneInstallation, tmp_path: Path, is_in_map: bool
) -> None:
    back_up(cells, tmp_path / "early")
    move(cells)
    if is_in_map:
        with closing(open_map_rows(cells.settings)) as rows:
            rows.entries.place_families({MOVING: FamilyPlace(TWO, 2)})
    data = cells.settings.data
    for path in data.glob(FILE + "*"):
        path.unlink()
    app.restore(tmp_path / "early", data, quiet, cell=1)
    found = families_in(cells, FIRST_CELL)
    assert found[MOVING] == FamilyRow(MOVING, FamilyState.GONE, 2, other=TWO)
    assert {row.state for family, row in found.items() if family != MOVING} == {FamilyState.HERE}
    back_up(cells, tmp_path / "copy")  # each org is in one cell
    with owned(cells.settings) as writing, pytest.raises(port.FamilyAway):
        writing.families.must_be_here([MOVING])


Break = Callable[[OneInstallation, Path], None]


def forget_cell(cells: OneInstallation, copy: Path) -> None:
    with closing(apsw.Connection(str(cells.settings.data / MAP_NAME))) as rows:
        rows.execute("DELETE FROM cell_entry WHERE cell = 2")


def change_installation(cells: OneInstallation, copy: Path) -> None:
    with owned(cells.settings) as writing, writing.connection:
        writing.connection.execute("UPDATE installation SET id = 'another'")


def change_key(cells: OneInstallation, copy: Path) -> None:
    (cells.settings.data / KEY).write_bytes(bytes(range(32)))


def change_byte(cells: OneInstallation, copy: Path) -> None:
    path = copy / "cells/2" / FILE
    raw = bytearray(path.read_bytes())
    raw[5000] ^= 1
    path.write_bytes(raw)


def leave_log(cells: OneInstallation, copy: Path) -> None:
    directory = directory_of_cell(cells.settings.data, TWO)
    directory.mkdir()
    (directory / f"{FILE}-wal").write_bytes(b"of another")


def remove_map(cells: OneInstallation, copy: Path) -> None:
    shutil.rmtree(cells.settings.data / MAP_DIRECTORY)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (forget_cell, "must be a cell that the map"),
        (change_installation, "it is of another one"),
        (change_key, "The master key must be the one"),
        (change_byte, "must be as it was written"),
        (leave_log, f"it has {FILE}-wal. Move them away"),
        (remove_map, "Restore the map first, with --map"),
    ],
    ids=lambda broken: broken.__name__ if callable(broken) else "",
)
def test_a_cell_that_does_not_fit_is_not_put_back(
    cells: OneInstallation, tmp_path: Path, broken: Break, problem: str
) -> None:
    back_up(cells, tmp_path / "copy")
    directory = store_of(cells, TWO).data
    shutil.rmtree(directory)
    broken(cells, tmp_path / "copy")
    with pytest.raises(DataRefused, match=problem):
        app.restore(tmp_path / "copy", cells.settings.data, quiet, cell=2)
    assert not (directory / FILE).exists()


def test_a_key_that_is_not_that_of_the_stores_is_refused_before_anything_is_there(
    cells: OneInstallation, tmp_path: Path
) -> None:
    data, copy, again = cells.settings.data, tmp_path / "copy", tmp_path / "again"
    back_up(cells, copy)
    manifest = msgspec.json.decode((copy / MANIFEST).read_bytes())
    (copy / KEY).write_bytes(bytes(range(32)))
    manifest["files"][KEY]["sha256"] = hashlib.sha256(bytes(range(32))).hexdigest()
    (copy / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    shutil.rmtree(store_of(cells, TWO).data)
    for place, cell in ((again, None), (data, 2)):
        with pytest.raises(DataRefused, match=r"\(wrong_key, "):
            app.restore(copy, place, quiet, cell=cell)
    assert not (again / FILE).exists() and not (data / "cells" / "2" / FILE).exists()
    (data / KEY).write_bytes(bytes(range(32)))
    with pytest.raises(DataRefused, match=r"\(wrong_key, "):
        back_up(cells, tmp_path / "other", cell=1)
    assert not (tmp_path / "other").exists()


def test_a_backup_is_not_served_or_looked_into_as_if_it_were_the_cells(
    cells: OneInstallation, tmp_path: Path
) -> None:
    """Whoever opens its map would change it, and its sums would not fit any more."""
    copy = tmp_path / "copy"
    back_up(cells, copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    for look in (read_cells, check_cells):
        with pytest.raises(Unusable, match="it is a backup. Restore it"):
            look(Settings(data=copy))
    with pytest.raises(DataRefused, match="it is a backup"):
        app.backup(copy, tmp_path / "twice", quiet)
    reports = [*verify_cells(Settings(data=copy), None, "")]
    assert [audit.cell for audit in reports] == [FIRST_CELL, TWO]
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_the_audit_log_of_each_cell_is_checked_by_itself(cells: OneInstallation) -> None:
    key = audit_key(MASTER, unlock(MASTER, None, directory_key_place(cells.settings.data)), [])
    for cell, orgs in ((FIRST_CELL, [0, 7, 8]), (TWO, [9])):
        with owned(store_of(cells, cell)) as writing:
            for org in orgs:
                writing.audit.write(port.AuditWrite(key, (change(org=org),)))
    reports = {audit.cell: audit.report for audit in verify_cells(cells.settings, None, "")}
    assert [reports[cell].entries for cell in (FIRST_CELL, TWO)] == [3, 1]
    assert not any(report.fault_count for report in reports.values())
    with owned(store_of(cells, TWO)) as writing, writing.connection:
        writing.connection.execute("UPDATE audit SET at_ms = at_ms + 1")
    reports = {audit.cell: audit.report for audit in verify_cells(cells.settings, None, "")}
    assert [reports[cell].fault_count > 0 for cell in (FIRST_CELL, TWO)] == [False, True]
    [first] = verify_cells(cells.settings, 1, "")
    assert (first.cell, first.report.fault_count) == (FIRST_CELL, 0)
    for only, anchor, problem in (
        (9, "", "--cell must be one of 1, 2; got 9"),
        (None, "0" * 64, "--anchor must come with the cell"),
    ):
        with pytest.raises(CellRefused, match=problem):
            next(verify_cells(cells.settings, only, anchor))
    with pytest.raises(CellRefused, match="add --cell 2"):
        next(verify_cells(store_of(cells, TWO), None, ""))


def test_a_part_that_a_backup_has_not_is_refused(cells: OneInstallation, tmp_path: Path) -> None:
    data = cells.settings.data
    back_up(cells, tmp_path / "one", cell=2)
    for problem, options in (
        ("it holds 2", {"cell": 1}),
        ("has no map", {"only_map": True}),
        ("of cell 2 alone", {}),
    ):
        with pytest.raises(DataRefused, match=problem):
            app.restore(
                tmp_path / "one", tmp_path / "again" if not options else data, quiet, **options
            )
    with pytest.raises(DataRefused, match="must be one of 1, 2; got 9"):
        back_up(cells, tmp_path / "copy", cell=9)
    with pytest.raises(DataRefused, match="add --cell 2"):
        shutil.copy(data / KEY, store_of(cells, TWO).data / KEY)
        app.backup(store_of(cells, TWO).data, tmp_path / "copy", quiet)
    shutil.rmtree(store_of(cells, TWO).data)
    with pytest.raises(DataRefused, match="there is none. Restore it, or back the others up"):
        back_up(cells, tmp_path / "copy")
    back_up(cells, tmp_path / "first", cell=1)


def test_a_backup_of_the_only_store_has_no_parts(tmp_path: Path) -> None:
    made = on_directories(tmp_path)
    made.settings.data.mkdir()
    write_key(made.settings.data)
    made.serve_once()
    with pytest.raises(DataRefused, match="has no map of cells. Leave it out"):
        back_up(made, tmp_path / "copy", cell=1)
    back_up(made, tmp_path / "copy")
    with pytest.raises(DataRefused, match="Leave --cell and --map out"):
        app.restore(tmp_path / "copy", tmp_path / "again", quiet, cell=1)
    with pytest.raises(Ended):
        made.add(end_at=AddStep.RANGE_ENDED)
    with pytest.raises(DataRefused, match="was ended on the way. Run it again"):
        back_up(made, tmp_path / "between")
    made.add()
    assert len(back_up(made, tmp_path / "several").cells) == 2


def test_a_restore_that_is_cut_short_anywhere_goes_on_when_it_is_run_again(
    cells: OneInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(cells, tmp_path / "copy")
    rename, left = Path.rename, [0]

    def cut(path: Path, to: Path) -> Path:
        if not left[0]:
            raise Ended
        left[0] -= 1
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", cut)
    again = tmp_path / "again"
    for renames in range(4):
        left[0] = renames
        again = tmp_path / f"again{renames}"
        with pytest.raises(Ended):
            app.restore(tmp_path / "copy", again, quiet)
        assert not (again / FILE).exists()
        left[0] = 9
        app.restore(tmp_path / "copy", again, quiet)
        assert len(installation_in(again).read().cells) == 2
        assert events_in(Settings(data=again)) == 3
        assert not (again / ".restoring").exists()
        with pytest.raises(DataRefused, match="must be empty or not exist"):
            app.restore(tmp_path / "copy", again, quiet)


def test_what_a_backup_that_was_killed_has_left_goes_with_the_next_one(
    cells: OneInstallation, tmp_path: Path
) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    left, living = (tmp_path / f".copy.{process}.partial" for process in (child, os.getppid()))
    for stage in (left, living):
        stage.mkdir()
        (stage / KEY).write_bytes(b"secret")
    back_up(cells, tmp_path / "copy")
    assert not left.exists() and living.exists()
    assert (tmp_path / "copy" / "manifest.json").is_file()


def test_a_map_that_was_restored_knows_nobody_who_owns_ranges(
    cells: OneInstallation, tmp_path: Path
) -> None:
    """Its counter goes on once every store was asked, as that of any map that has gone back."""
    back_up(cells, tmp_path / "copy")
    app.restore(tmp_path / "copy", tmp_path / "again", quiet)
    with closing(open_map_rows(Settings(data=tmp_path / "again"))) as rows:
        assert rows.changes.read(MapPlace()).cells
        with pytest.raises(RangesUnknown):
            rows.grants.grant(TWO, -1, 1)
