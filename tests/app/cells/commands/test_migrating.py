"""`tidings migrate` goes through all cells, and through their map; between any two of them this
release and the one before serve each."""

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.app.cells.commands.one_installation import OneInstallation, in_database
from tests.store.postgres.databases import connect
from tidings.app.cells.commands.cell_facts import read_cells
from tidings.app.cells.commands.places import migrate_all
from tidings.app.cells.map_place import open_map_rows
from tidings.app.database_operations import DatabaseUnusable, Migrated
from tidings.store.cell_map import postgres_schema
from tidings.store.port.cell_map import MapPlace
from tidings.store.postgres import migration
from tidings.store.postgres.migration import SchemaScript, check_schema, load_scripts, schema_of

NEWEST = migration.newest_schema()
SCHEMAS = ("tidings", "cell_2", "cell_3")


@pytest.fixture
def cells(tmp_path: Path) -> OneInstallation:
    """Three cells, each a schema."""
    made = in_database(tmp_path)
    made.serve_once()
    made.add(2)
    made.add(3)
    return made


def follow(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Have this release know further scripts."""
    further = [SchemaScript(NEWEST + at, text) for at, text in enumerate(statements, start=1)]
    known = [*load_scripts(), *further]
    monkeypatch.setattr(migration, "load_scripts", lambda: known)


def numbers(cells: OneInstallation) -> list[int]:
    """The schema of each cell; each of them is one on which this release serves."""
    assert cells.settings.database is not None
    found = []
    for schema in SCHEMAS:
        with connect(cells.settings.database.reveal(), schema) as connection:
            found.append(schema_of(connection))
            assert check_schema(connection) == found[-1]
    return found


def test_ended_behind_any_cell_it_goes_on_and_each_is_served_meanwhile(
    cells: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, "CREATE TABLE fresh (id int8)")
    for done in range(1, 4):
        schemas = migrate_all(cells.settings, None)
        found = [next(schemas) for _ in range(done)]
        del schemas  # it is killed
        assert [made.schema for made in found] == [*SCHEMAS[:done]]
        assert [made.before for made in found] == [NEWEST + 1] * (done - 1) + [NEWEST]
        assert numbers(cells) == [NEWEST + 1] * done + [NEWEST] * (3 - done)
        facts = read_cells(cells.settings)
        assert facts is not None and [cell.problem for cell in facts.cells] == [None] * 3
    assert [made.before for made in migrate_all(cells.settings, None)] == [NEWEST + 1] * 3


def test_one_that_fails_leaves_those_before_it_migrated_and_those_behind_it_served(
    cells: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(monkeypatch, "CREATE TABLE fresh (id int8)")
    assert cells.settings.database is not None
    with connect(cells.settings.database.reveal(), "cell_2") as connection:
        connection.execute("CREATE TABLE fresh (id int8)")  # somebody's
        found: list[Migrated] = []
        with pytest.raises(DatabaseUnusable, match="fresh"):
            found.extend(migrate_all(cells.settings, None))
        assert numbers(cells) == [NEWEST + 1, NEWEST, NEWEST]
        connection.execute("DROP TABLE fresh")
    assert [made.after for made in migrate_all(cells.settings, None)] == [NEWEST + 1] * 3


def test_a_cell_that_lies_two_schemas_behind_or_before_is_named_with_what_to_do(
    cells: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = ("CREATE TABLE fresh (id int8)", "CREATE TABLE newer (id int8)")
    with monkeypatch.context() as later:
        follow(later, *scripts)
        next(migrate_all(cells.settings, None))
        facts = read_cells(cells.settings)
        assert facts is not None
        assert [cell.problem for cell in facts.cells[1:]] == [
            f"The database has schema {NEWEST}; this release needs {NEWEST + 1} or {NEWEST + 2}. "
            "Run: tidings migrate"
        ] * 2
    facts = read_cells(cells.settings)
    assert facts is not None and facts.cells[1].problem is None
    assert "Start the newer release." in (facts.cells[0].problem or "")


def test_the_schema_of_the_map_comes_before_the_further_cells(
    cells: OneInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nothing serves a cell of a release whose map is not there yet."""
    made: list[list[str]] = []
    migrated: list[str] = []
    make = postgres_schema.make_postgres_map

    def note(connection: psycopg.Connection[Any], schema: str, role: str | None) -> None:
        made.append([*migrated])
        make(connection, schema, role)

    monkeypatch.setattr(postgres_schema, "make_postgres_map", note)
    for schema in migrate_all(cells.settings, None):
        migrated.append(schema.schema)
    assert made and made[0] == ["tidings"]
    with closing(open_map_rows(cells.settings)) as rows:
        assert len(rows.changes.read(MapPlace()).cells) == 3
