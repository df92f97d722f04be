"""A cell is added: what a restart, a half-done one, a second one at the same moment come to."""

import itertools
import os
import shutil
import warnings
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest

from tests.app.cells.commands.one_installation import (
    FIRST_ORG,
    KEY_CHECK,
    Ended,
    OneInstallation,
    in_database,
    on_directories,
)
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.app.cells.commands import adding
from tidings.app.cells.commands.adding import AddStep, add_cell
from tidings.app.cells.commands.owned_store import owned
from tidings.app.cells.commands.places import make_place
from tidings.app.cells.map_place import MAP_DIRECTORY, make_cell_map, open_map_rows
from tidings.app.cells.store_identity import (
    CellRefused,
    database_of,
    identity_of,
    must_be_cell,
    must_be_the_only_cell,
    must_be_there,
)
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.ranges import RANGE_BITS, range_of
from tidings.store import port
from tidings.store.copying import postgres_side
from tidings.store.port.cell_map import CellState, grants_of
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.migration import migrate
from tidings.store.postgres.ownership import NotOwner, OwnerWatch
from tidings.store.sqlite import database as sqlite_database

TWO, THREE = CellId(2), CellId(3)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an owner that does not end."""
    monkeypatch.setattr(sqlite_database, "OWNER_WAIT_S", 0.0)


@pytest.fixture(params=[on_directories, in_database], ids=["directories", "database"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> OneInstallation:
    made: OneInstallation = request.param(tmp_path)
    made.serve_once()
    return made


@pytest.fixture
def directories(tmp_path: Path) -> OneInstallation:
    made = on_directories(tmp_path)
    made.serve_once()
    return made


def must_be_whole(installation: OneInstallation, cells: int = 2) -> None:
    """Every cell has a store of its own and ranges of its own, which the map knows as well."""
    reading = installation.read()
    assert [cell.cell for cell in reading.cells] == [*range(1, cells + 1)]
    assert {cell.state for cell in reading.cells} == {CellState.OPEN}
    assert reading.changes.families == {FamilyId(FIRST_ORG): FamilyPlace(FIRST_CELL, 1)}
    first = identity_of(installation.settings)
    assert first is not None and first.cell == FIRST_CELL
    for cell in reading.cells:
        must_be_cell(installation.place(cell), first._replace(cell=cell.cell))
        assert identity_of(installation.place(cell)) == first._replace(cell=cell.cell)
    grants, ranges = grants_of(reading.runs, reading.next_range), installation.ranges()
    given = [(index, cell) for cell, own in ranges.items() for index in own.granted]
    assert len({index for index, _ in given}) == len(given)
    assert all(grants.cell_of(index, bits=0) == cell for index, cell in given)
    assert all(own.spares and not own.is_endless for own in ranges.values())


def test_the_store_becomes_cell_1_with_its_families_and_a_second_one_is_made(
    installation: OneInstallation,
) -> None:
    before = installation.give(installation.settings, 3)
    added = installation.add()
    assert (added.entry.cell, added.is_new, added.is_first_time) == (TWO, True, True)
    must_be_whole(installation)
    own = identity_of(installation.settings)
    assert own is not None and own.key_check == KEY_CHECK
    given = installation.give(installation.settings, 2)
    assert min(given) > max(before)
    other = installation.give(installation.place(added.entry), 2)
    assert {range_of(number) for number in given} & {range_of(number) for number in other} == set()


@pytest.mark.parametrize("step", list(AddStep))
def test_what_ends_behind_any_step_goes_on_when_it_is_done_again(
    directories: OneInstallation, step: AddStep
) -> None:
    before = directories.give(directories.settings)
    with pytest.raises(Ended):
        directories.add(end_at=step)
    between = directories.give(directories.settings)  # the service works meanwhile
    added = directories.add()
    assert added.entry.cell == TWO or step is AddStep.GRANTED
    must_be_whole(directories, len(directories.read().cells))
    after = directories.give(directories.settings)
    others = [
        number
        for cell in directories.read().cells[1:]
        for number in directories.give(directories.place(cell))
    ]
    own = before + between + after
    assert others and own == sorted({*own}) and not {*own} & {*others}


@pytest.mark.parametrize("step", list(AddStep))
def test_ended_behind_any_step_it_makes_one_cell_when_it_is_run_again(
    directories: OneInstallation, step: AddStep
) -> None:
    with pytest.raises(Ended):
        directories.add(end_at=step)
    for _ in range(2):
        added = add_cell(directories.settings, another=False)
        assert added.entry.cell == TWO
    assert not added.is_new
    must_be_whole(directories)
    with closing(open_map_rows(directories.settings)) as rows:  # it is served
        rows.entries.put_owner(TWO, CellOwner(1, "127.0.0.1:1"))
    assert add_cell(directories.settings, another=False).entry.cell == THREE


def test_in_a_database_it_goes_on_from_each_step_to_the_next(tmp_path: Path) -> None:
    installation = in_database(tmp_path)
    installation.serve_once()
    own = installation.give(installation.settings)
    for step in [*AddStep][:-1]:
        with pytest.raises(Ended):
            installation.add(end_at=step)
        own += installation.give(installation.settings)
    assert installation.add().is_new
    must_be_whole(installation)
    assert len(own) == len(AddStep) and own == sorted({*own})


def test_a_process_that_is_killed_behind_any_step_leaves_what_can_be_gone_on_from(
    directories: OneInstallation,
) -> None:
    """Really: nothing is closed, nothing is folded into the database."""

    def add_and_die(step: AddStep) -> None:
        with warnings.catch_warnings(action="ignore"):
            pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                directories.add(end_at=step)
            os._exit(0)  # pragma: no cover
        os.waitpid(pid, 0)

    for step in AddStep:
        add_and_die(step)
        directories.give(directories.settings)
    must_be_whole(directories, len(directories.read().cells))


def test_a_cell_is_added_as_often_as_is_asked_and_a_schema_once(
    installation: OneInstallation,
) -> None:
    installation.add(2)
    third = installation.add(3)
    assert third.entry.cell == THREE and not third.is_first_time
    must_be_whole(installation, cells=3)
    if installation.settings.database is not None:
        again = installation.add(2)
        assert (again.entry.cell, again.is_new) == (TWO, False)
        must_be_whole(installation, cells=3)


def test_further_cells_are_added_beside_a_running_service(installation: OneInstallation) -> None:
    installation.add(2)
    with owned(installation.settings) as running:
        assert installation.add(3).entry.cell == THREE
        installation.accept(running)
    must_be_whole(installation, cells=3)


def test_the_first_one_is_refused_beside_a_running_service_which_goes_on_as_it_was(
    installation: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owned(installation.settings) as running:
        first = installation.accept(running)

        def renew(_: float) -> None:
            installation.accept(running)

        answer = postgres_side.own_schema
        monkeypatch.setattr(
            postgres_side,
            "own_schema",
            lambda place, name, to: answer(place, name, wait=renew, to=to),
        )
        with pytest.raises(CellRefused, match="Stop it"):
            installation.add()
        assert running.numbers.ranges().is_endless
        assert installation.accept(running)[0] > first[0]
    monkeypatch.undo()
    assert installation.read().cells == []
    installation.add()
    must_be_whole(installation)


def test_a_service_that_stood_still_gives_no_number_once_its_range_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease was over, so the command became the owner of its store."""
    installation = in_database(tmp_path)
    installation.serve_once()
    database = database_of(installation.settings)
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    frozen = PostgresWriter(database.open_writer(ours), ours)
    before = installation.accept(frozen)
    clock, answer = itertools.count(0, 11), postgres_side.own_schema
    monkeypatch.setattr(
        postgres_side,
        "own_schema",
        lambda place, name, to: answer(
            place, name, lambda: float(next(clock)), lambda _: None, to=to
        ),
    )
    installation.add()
    must_be_whole(installation)
    with pytest.raises((port.StoreDown, NotOwner, psycopg.Error)):
        installation.accept(frozen)
    assert installation.give(installation.settings)[0] > before[0]
    events = installation.give(installation.settings)
    assert len({*before, *events}) == 2


def test_what_a_service_has_given_when_its_range_ends_is_below_all_that_follows(
    installation: OneInstallation,
) -> None:
    with owned(installation.settings) as writing:
        writing.numbers.begin_range(0)  # of the only one it changes nothing
        assert writing.numbers.ranges().is_endless
        with writing.numbers.transaction():
            writing.numbers.take("event", (3 << RANGE_BITS) + 5)
            writing.numbers.keep("event")
    installation.add()
    own = installation.ranges()[FIRST_CELL]
    assert own.granted[:2] == (0, 3) and own.spares[0] == 4
    assert range_of(installation.give(installation.settings)[0]) == 4


def test_two_that_add_at_the_same_moment_get_a_number_each(
    installation: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one adds its cell whole between the first one's look and its store."""
    installation.add(2)
    make, others = make_place, iter([4])

    def beside(*words: object) -> None:
        make(*words)  # type: ignore[arg-type]
        if (other := next(others, None)) is not None:
            assert installation.add(other).entry.cell == THREE

    monkeypatch.setattr(adding, "make_place", beside)
    assert installation.add(3).entry.cell == CellId(4)
    must_be_whole(installation, cells=4)


def test_two_that_name_their_stores_at_the_same_moment_get_a_number_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own schema, so neither waits for the other."""
    installation = in_database(tmp_path)
    installation.serve_once()
    installation.add(2)
    others = iter([4])

    def after(step: AddStep) -> None:
        if step is AddStep.FOUNDED and (other := next(others, None)) is not None:
            assert installation.add(other).entry.cell == THREE

    added = add_cell(installation.settings, installation.schema(3), after=after)
    assert added.entry.cell == CellId(4)
    must_be_whole(installation, cells=4)


def test_a_cell_that_is_being_made_by_another_is_not_made_twice(
    directories: OneInstallation,
) -> None:
    directories.add()

    def after(step: AddStep) -> None:
        if step is AddStep.ADDED:
            with pytest.raises(CellRefused, match="belongs to process"):
                directories.add()

    add_cell(directories.settings, after=after)
    must_be_whole(directories, cells=3)


def test_a_store_that_is_anothers_is_left_as_it_is(
    directories: OneInstallation, tmp_path: Path
) -> None:
    directories.add()
    cells = directories.settings.data / "cells"
    foreign = on_directories(tmp_path / "foreign")
    foreign.settings.data.parent.mkdir()
    foreign.serve_once("another")
    shutil.copytree(foreign.settings.data, cells / "3")
    before = identity_of(foreign.settings)
    with pytest.raises(CellRefused, match="was served by itself"):
        directories.add()
    foreign.add()
    shutil.rmtree(cells / "3")
    shutil.copytree(foreign.settings.data / "cells" / "2", cells / "3")
    with pytest.raises(CellRefused, match="cell 2 of another installation"):
        directories.add()
    shutil.rmtree(cells / "3")
    shutil.copytree(cells / "2", cells / "3")
    with pytest.raises(CellRefused, match="this one is cell 2"):
        directories.add()
    assert before is not None and len(directories.read().cells) == 2
    shutil.rmtree(cells / "3")
    assert directories.add().entry.cell == THREE
    must_be_whole(directories, cells=3)


def test_a_directory_that_was_removed_is_not_made_again(directories: OneInstallation) -> None:
    entry = directories.add().entry
    own = identity_of(directories.place(entry))
    assert own is not None
    shutil.rmtree(directories.place(entry).data)
    assert directories.add().entry.cell == THREE
    with pytest.raises(port.StoreRefused, match="must hold the store of cell 2; there is none"):
        must_be_cell(directories.place(entry), own)
    assert not directories.place(entry).data.exists()
    third = directories.read().cells[-1]
    shutil.copytree(directories.place(third).data, directories.place(entry).data)
    with pytest.raises(port.StoreRefused, match="it holds cell 3. Put"):
        must_be_cell(directories.place(entry), own)


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_a_map_that_was_lost_is_not_begun_anew(
    directories: OneInstallation, is_made_anew: bool
) -> None:
    """It would give the ranges of other cells a second time."""
    directories.add()
    shutil.rmtree(directories.settings.data / MAP_DIRECTORY)
    if is_made_anew:
        make_cell_map(directories.settings)
    with pytest.raises(CellRefused, match="from a backup"):
        directories.add()
    assert is_made_anew or not (directories.settings.data / MAP_DIRECTORY).exists()


def test_a_map_of_another_installation_is_refused(
    directories: OneInstallation, tmp_path: Path
) -> None:
    foreign = on_directories(tmp_path / "foreign")
    foreign.settings.data.parent.mkdir()
    foreign.serve_once()
    foreign.add()
    with owned(directories.settings) as writing, writing.numbers.transaction():
        writing.numbers.take("event", 200 << RANGE_BITS)
        writing.numbers.keep("event")
    foreign_map = foreign.settings.data / MAP_DIRECTORY
    shutil.copytree(foreign_map, directories.settings.data / MAP_DIRECTORY)
    with pytest.raises(Exception, match="Name the map of this installation"):
        directories.add()


def test_what_cannot_be_added_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    never = on_directories(tmp_path)
    with pytest.raises(CellRefused, match="served once"):
        never.add()
    assert not never.settings.data.exists()
    never.serve_once()
    with pytest.raises(CellRefused, match="Leave --schema out"):
        add_cell(never.settings, "two")
    database = in_database(tmp_path)
    with pytest.raises(CellRefused, match="served once"):
        database.add()
    database.serve_once()
    for schema, problem in (
        (None, "must name its schema"),
        ("tidings", "a schema of its own"),
        ("tidings_map", "a schema of its own"),
    ):
        with pytest.raises(CellRefused, match=problem):
            add_cell(database.settings, schema)
    for made in (never, database):
        with owned(made.settings) as writing:
            assert writing.numbers.ranges().is_endless
    with pytest.raises(Exception, match="map"), closing(open_map_rows(never.settings)):
        pass


def test_a_cell_is_served_with_its_map_alone_and_in_its_place_alone(
    directories: OneInstallation,
) -> None:
    must_be_the_only_cell(directories.settings)
    second = directories.place(directories.add().entry)
    for place, remedy in (
        (directories.settings, "Restore its folder map"),
        (second, "Serve the data directory of the installation"),
    ):
        with pytest.raises(port.StoreRefused, match=remedy):
            must_be_the_only_cell(place)
    must_be_there(second, TWO)
    for place, cell in ((second, THREE), (directories.settings, TWO)):
        with pytest.raises(port.StoreRefused, match="Put the right one there"):
            must_be_there(place, cell)
    shutil.rmtree(second.data)
    with pytest.raises(port.StoreRefused, match="there is none"):
        must_be_there(second, TWO)
    assert not second.data.exists()


def test_the_role_that_serves_the_first_cell_may_serve_the_others_and_read_the_map(
    tmp_path: Path,
) -> None:
    installation = in_database(tmp_path)
    installation.serve_once()
    assert installation.settings.database is not None
    with psycopg.connect(installation.settings.database.reveal(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS tidings_of_cells")
        connection.execute("CREATE ROLE tidings_of_cells LOGIN")
        try:
            migrate(connection, "tidings", "tidings_of_cells")
            installation.add()
            for table in ("cell_2.event", "tidings_map.cell_entry", "tidings_map.range_grant"):
                right = "SELECT has_table_privilege('tidings_of_cells', %s, 'INSERT')"
                assert connection.execute(right, (table,)).fetchone() == (True,), table
        finally:
            connection.execute("DROP OWNED BY tidings_of_cells")
            connection.execute("DROP ROLE tidings_of_cells")
