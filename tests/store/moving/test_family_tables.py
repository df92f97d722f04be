"""Each table and column of the schemas goes with a family, or it is said why not."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chosen_store import on_postgres
from tests.postgres_server import shared_server
from tests.store.postgres.databases import MIGRATED, SCHEMA
from tidings.store.copying.sqlite_side import SqliteSide
from tidings.store.postgres.catalogue import read_tables
from tidings.store.postgres.database import StoreDatabase
from tidings.store.sql.moving.family_tables import DERIVED, FAMILY_ROWS, OF_THE_STORE, FoundBy
from tidings.store.sql.moving.family_walks import LONG
from tidings.store.sqlite.search_file import table_names

Columns = Mapping[str, Mapping[str, str]]
_LONG_TYPES = ("TEXT", "BLOB", "text", "bytea")
_OF_SQLITE = {"owner", "schema_version"}  # a file needs neither


def of_sqlite(place: Path) -> Columns:
    """The columns of each table of a data directory, with their types."""
    side = SqliteSide(place, make=True)
    found = {name: dict(shape.columns) for name, shape in side.tables().items()}
    side.close()
    return found | {name: {} for name in table_names()}


def of_postgres() -> Columns:
    """The columns of each table of a schema, with their types."""
    database = StoreDatabase(shared_server().lend_database(MIGRATED), SCHEMA)
    with database.connect("tests") as connection:
        return {name: dict(table.types) for name, table in read_tables(connection).items()}


@pytest.fixture
def columns(tmp_path: Path) -> Columns:
    """Those of the database that this run tries."""
    return of_postgres() if on_postgres() else of_sqlite(tmp_path / "data")


def test_each_table_and_column_goes_with_its_family_or_is_said_to_stay(columns: Columns) -> None:
    listed = {rows.table: {*rows.columns} for rows in FAMILY_ROWS}
    named = [*listed, *OF_THE_STORE, *DERIVED]
    assert len(named) == len({*named})
    assert {*named} - (set() if on_postgres() else _OF_SQLITE) == columns.keys()
    assert {table: {*columns[table]} for table in listed} == listed


def test_what_may_be_long_is_a_text_or_bytes(columns: Columns) -> None:
    for rows in FAMILY_ROWS:
        long = {column for column in rows.columns if column in LONG}
        assert {column for column in long if columns[rows.table][column] in _LONG_TYPES} == long


def test_each_list_is_found_by_what_goes_before_it() -> None:
    """Of what a row is, the target must know before: it refuses what is another family's."""
    assert max(Counter(rows.name for rows in FAMILY_ROWS).values()) == 1
    seen: set[str] = set()
    for rows in FAMILY_ROWS:
        if rows.of and rows.of != rows.table:
            assert rows.of in seen, rows.name
        if rows.found is not FoundBy.ORGS and rows.table not in ("person", "session"):
            assert rows.of, rows.name
            assert rows.column in rows.columns, rows.name
        seen.add(rows.table)
