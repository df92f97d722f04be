"""A cell whose store is in another database than the first one's."""

import asyncio
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.app.cells.commands.in_two_databases import (
    OTHER,
    SCHEMA,
    in_two_databases,
    with_other,
    without_other,
)
from tests.app.cells.commands.one_installation import in_database
from tests.postgres_server import PostgresServer, shared_server
from tidings.app.cells.cell_settings import FIRST_CELL, SchemaPlace
from tidings.app.cells.commands.adding import add_cell
from tidings.app.cells.commands.cell_databases import list_databases
from tidings.app.cells.commands.cell_facts import check_cells, read_cells
from tidings.app.cells.commands.owned_store import owned
from tidings.app.cells.commands.places import migrate_all
from tidings.app.cells.map_place import open_map_rows
from tidings.app.cells.owner_rows import OwnerRows
from tidings.app.cells.store_identity import CellRefused, identity_of, must_be_there
from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import range_of
from tidings.store import port
from tidings.store.port.cell_map import MapRefused
from tidings.store.postgres.migration import DatabaseRefused, migrate

TWO, THREE = CellId(2), CellId(3)
AWAY = "postgresql://tidings:hush@127.0.0.1:1/away"


def test_it_is_made_there_and_the_map_knows_it_by_the_name_alone(tmp_path: Path) -> None:
    installation = in_two_databases(tmp_path)
    added = installation.add()
    assert added.entry.cell == TWO and added.is_new and added.is_first_time
    assert added.entry.setting == f"{OTHER}/{SCHEMA}" and not added.entry.sealed
    assert installation.add() == added._replace(is_new=False, is_first_time=False)
    place = installation.place(added.entry)
    assert place.database == installation.settings.databases.find(OTHER)
    assert place.database != installation.settings.database and place.database_schema == SCHEMA
    first, second = identity_of(installation.settings), identity_of(place)
    assert first is not None and second == first._replace(cell=TWO)
    given = installation.give(installation.settings, 2), installation.give(place, 2)
    assert {range_of(number) for number in given[0]} & {
        range_of(number) for number in given[1]
    } == set()
    third = add_cell(installation.settings, "third")  # beside it in the first one
    assert third.entry.cell == THREE and third.entry.setting == "third"
    found = read_cells(installation.settings)
    assert found is not None
    assert [(cell.place, cell.problem) for cell in found.cells] == [
        (SCHEMA, None),
        (f"{OTHER}/{SCHEMA}", None),
        ("third", None),
    ]
    assert check_cells(installation.settings) == []
    migrated = [(made.schema, made.database) for made in migrate_all(installation.settings, None)]
    assert installation.settings.database is not None and place.database is not None
    home, away = installation.settings.database.describe(), place.database.describe()
    assert migrated == [(SCHEMA, home), (SCHEMA, away), ("third", home)]
    databases = list_databases(installation.settings)
    assert [(found.name, dict(found.schemas), found.map_schema) for found in databases] == [
        ("", {FIRST_CELL: SCHEMA, THREE: "third"}, "tidings_map"),
        (OTHER, {TWO: SCHEMA}, ""),
    ]


def test_a_database_may_be_of_another_server(tmp_path: Path) -> None:
    server = PostgresServer()
    try:
        installation = in_two_databases(tmp_path, server.database("far"))
        place = installation.place(installation.add().entry)
        assert installation.give(place, 3)
        assert check_cells(installation.settings) == []
        with server.crashed():
            found = read_cells(installation.settings)
            assert found is not None and place.database is not None
            first, second = found.cells
            assert first.problem is None
            assert second.problem is not None
            assert place.database.describe() in second.problem
            assert installation.give(installation.settings, 1)
        assert check_cells(installation.settings) == []
    finally:
        server.end()


def test_a_role_that_only_the_first_server_has_keeps_no_cell_from_being_made(
    tmp_path: Path,
) -> None:
    server = PostgresServer()
    installation = in_two_databases(tmp_path, server.database("far"))
    assert installation.settings.database is not None
    with psycopg.connect(installation.settings.database.reveal(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS tidings_of_one_server")
        connection.execute("CREATE ROLE tidings_of_one_server LOGIN")
        try:
            migrate(connection, SCHEMA, "tidings_of_one_server")
            assert installation.add().is_new
            with pytest.raises(DatabaseRefused, match="must exist, for it is to serve"):
                add_cell(installation.settings, "x", "tidings_of_one_server", database=OTHER)
        finally:
            connection.execute("DROP OWNED BY tidings_of_one_server")
            connection.execute("DROP ROLE tidings_of_one_server")
            server.end()


def test_what_names_no_database_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    installation = in_two_databases(tmp_path)
    for name in ("none", ""):
        with pytest.raises(CellRefused, match=r"databases must name|a schema of its own"):
            add_cell(installation.settings, SCHEMA, database=name)
    with pytest.raises(CellRefused, match="must name its schema"):
        add_cell(installation.settings, None, database=OTHER)
    with owned(installation.settings) as writing:
        assert writing.numbers.ranges().is_endless


def test_a_name_that_leads_to_another_store_adds_nothing(tmp_path: Path) -> None:
    installation = in_two_databases(tmp_path)
    installation.add()
    assert installation.settings.database is not None
    again = with_other(installation, installation.settings.database.reveal())
    with pytest.raises(CellRefused, match="must hold the store of cell 2; it holds cell 1"):
        add_cell(again.settings, SCHEMA, database=OTHER)
    add_cell(installation.settings, "third")
    with pytest.raises(CellRefused, match="must be empty; this one is cell 3"):
        add_cell(again.settings, "third", database=OTHER)


def test_a_machine_that_does_not_name_it_refuses_that_cell_alone(tmp_path: Path) -> None:
    installation = in_two_databases(tmp_path)
    entry = installation.add().entry
    machine = without_other(installation)
    with pytest.raises(MapRefused, match=r"databases must name other; .* name none. Cell 2 has"):
        machine.place(entry)
    found = read_cells(machine.settings)
    assert found is not None
    first, second = found.cells
    assert first.problem is None and "databases must name other" in str(second.problem)


def test_another_server_than_the_cell_was_made_in_is_refused_with_both(tmp_path: Path) -> None:
    installation = in_two_databases(tmp_path)
    entry = installation.add().entry
    must_be_there(installation.place(entry), TWO, installation.settings)
    empty = with_other(installation, shared_server().lend_database())
    with pytest.raises(port.StoreRefused, match="must hold the store of cell 2; there is none"):
        must_be_there(empty.place(entry), TWO, empty.settings)
    foreign = in_database(tmp_path)
    foreign.serve_once("that one")
    add_cell(foreign.settings, "unused")
    add_cell(foreign.settings, "unused_too")
    with owned(foreign.settings) as writing, writing.connection:
        writing.connection.execute("UPDATE meta SET value = 2 WHERE key = 'cell'")
    assert foreign.settings.database is not None
    wrong = with_other(installation, foreign.settings.database.reveal())
    with pytest.raises(
        port.StoreRefused,
        match="hold the store of cell 2 of this one; it holds cell 2 of the installation that one",
    ):
        must_be_there(wrong.place(entry), TWO, wrong.settings)
    found = read_cells(wrong.settings)
    assert found is not None
    assert "cell 2 of the installation that one" in str(found.cells[1].problem)


def test_a_database_that_is_away_keeps_no_other_owner_from_being_seen(tmp_path: Path) -> None:
    installation = in_two_databases(tmp_path)
    second = installation.add().entry
    cells = installation.read().cells

    async def look(machine: Path, other: str | None) -> set[CellId]:
        made = without_other(installation) if other is None else with_other(installation, other)
        rows = OwnerRows(made.settings)
        try:
            return {*await rows.look(cells)}
        finally:
            await rows.close()

    uri = installation.settings.databases.find(OTHER)
    assert uri is not None
    assert asyncio.run(look(tmp_path, uri.reveal())) == {FIRST_CELL, TWO}
    assert asyncio.run(look(tmp_path, AWAY)) == {FIRST_CELL}
    assert asyncio.run(look(tmp_path, None)) == {FIRST_CELL}
    away = read_cells(with_other(installation, AWAY).settings)
    assert away is not None and away.cells[0].problem is None
    problem = str(away.cells[1].problem)
    assert problem.startswith("postgresql://tidings@127.0.0.1:1/away: ") and "hush" not in problem
    with closing(open_map_rows(installation.settings)) as rows:
        assert rows.entries.remove_cell(second.cell) is False


@pytest.mark.parametrize(
    ("setting", "place"),
    [("two", SchemaPlace("two")), ("far/two", SchemaPlace("two", "far"))],
)
def test_the_map_names_a_schema_and_its_database(setting: str, place: SchemaPlace) -> None:
    assert SchemaPlace.read(setting) == place and place.write() == setting
