"""The map is made once, whoever makes it and how often, and opened where it was made."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.store.postgres.databases import connect
from tidings.store.cell_map import postgres_schema, sqlite_map
from tidings.store.cell_map.postgres_map import (
    map_schema_beside,
    open_postgres_map,
)
from tidings.store.cell_map.postgres_schema import make_postgres_map
from tidings.store.cell_map.schema_number import must_bring_forward, must_serve
from tidings.store.cell_map.sqlite_map import MAP_FILE, make_sqlite_map, open_sqlite_map
from tidings.store.cell_map.tables import PROCESS
from tidings.store.port.cell_map import MapDown, MapPlace, MapRefused, ProcessEntry

SCHEMA = "tidings_map"
AT_ONCE = 4
PEOPLE = "CREATE ROLE {0} LOGIN"


def at_once(make: Callable[[], None]) -> None:
    """Make it by several at the same time."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            make()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_directory_has_one_map_whoever_makes_it(tmp_path: Path) -> None:
    directory = tmp_path / "map"
    at_once(lambda: make_sqlite_map(directory))
    rows = open_sqlite_map(directory)
    place = rows.changes.read(MapPlace()).place
    assert place.version == 1
    make_sqlite_map(directory)
    assert rows.changes.read(place).place == place
    rows.close()


def test_a_change_is_on_the_disk_when_it_is_answered_and_readers_wait_for_nobody(
    tmp_path: Path,
) -> None:
    make_sqlite_map(tmp_path)
    rows = open_sqlite_map(tmp_path)
    connection = rows.processes._transactions.connection
    assert connection.execute("PRAGMA synchronous").fetchall() == [(2,)]
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    rows.close()


def test_a_change_in_a_file_that_was_replaced_meanwhile_is_not_answered(tmp_path: Path) -> None:
    make_sqlite_map(tmp_path)
    rows = open_sqlite_map(tmp_path)
    with pytest.raises(MapDown, match="another file"):
        with rows.processes._transactions.changing():
            beat = ProcessEntry(name="p", address="", beat=1)
            connection = rows.processes._transactions.connection
            connection.execute(PROCESS.upsert("name"), PROCESS.write(beat))
            for path in tmp_path.iterdir():
                path.unlink()
            (tmp_path / MAP_FILE).touch()
    assert rows.is_lost()
    rows.close()


def test_a_schema_has_one_map_whoever_makes_it() -> None:
    uri = shared_server().lend_database()

    def make() -> None:
        with psycopg.connect(uri, autocommit=True) as connection:
            make_postgres_map(connection, SCHEMA)

    at_once(make)
    rows = open_postgres_map(uri, SCHEMA)
    place = rows.changes.read(MapPlace()).place
    assert place.version == 1
    make()
    assert rows.changes.read(place).place == place
    rows.close()


def test_only_its_owner_may_read_the_files(tmp_path: Path) -> None:
    directory = tmp_path / "map"
    former = os.umask(0)
    try:
        make_sqlite_map(directory)
        rows = open_sqlite_map(directory)
        rows.processes.beat(ProcessEntry(name="p", address="", beat=1))
    finally:
        os.umask(former)
    files = [directory, *directory.iterdir()]
    assert len(files) > 2
    assert [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    rows.close()


def test_a_map_that_was_not_made_is_not_made_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(MapDown):
        open_sqlite_map(tmp_path / "map")
    assert [*tmp_path.iterdir()] == []
    uri = shared_server().lend_database()
    with pytest.raises(MapRefused, match="tidings cells create"):
        open_postgres_map(uri, SCHEMA)


def test_a_first_start_that_was_cut_off_is_finished_by_the_next(tmp_path: Path) -> None:
    (tmp_path / MAP_FILE).touch()
    with pytest.raises(MapRefused, match="tidings cells create"):
        open_sqlite_map(tmp_path)
    make_sqlite_map(tmp_path)
    open_sqlite_map(tmp_path).close()


def test_what_is_no_map_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MAP_FILE).write_bytes(b"no database at all " * 500)
    before = (tmp_path / MAP_FILE).read_bytes()
    for use in (make_sqlite_map, open_sqlite_map):
        with pytest.raises(MapDown):
            use(tmp_path)
    assert (tmp_path / MAP_FILE).read_bytes() == before
    uri = shared_server().lend_database()
    with connect(uri) as connection:
        connection.execute("CREATE SCHEMA tidings_map CREATE TABLE other (a int)")
        with pytest.raises(MapRefused, match="other tables"):
            make_postgres_map(connection, SCHEMA)


def test_a_role_that_serves_reads_and_writes_rows_and_nothing_else() -> None:
    uri = shared_server().lend_database()
    with connect(uri, SCHEMA) as connection:
        for role in ("map_server", "map_stranger"):
            if not connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)
            ).fetchone():
                connection.execute(PEOPLE.format(role).encode())
        for _ in range(2):
            make_postgres_map(connection, SCHEMA, "map_server")
        with pytest.raises(MapRefused, match="nobody"):
            make_postgres_map(connection, SCHEMA, "nobody_is_called_so")
        connection.execute("SET ROLE map_stranger")
        with pytest.raises(MapRefused, match="denied"):
            make_postgres_map(connection, "another_map")
        connection.execute("SET ROLE map_server")
        connection.execute("UPDATE map_meta SET version = version")
        for refused in ("DROP TABLE map_meta", "DELETE FROM schema_version"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused.encode())


def test_a_release_serves_on_its_schema_and_on_the_one_before() -> None:
    for have in (3, 4):
        must_serve(have, 4)
    for have, text in ((0, "cells create"), (2, "needs 3 or 4.*migrate"), (5, "newer release")):
        with pytest.raises(MapRefused, match=text):
            must_serve(have, 4)
    must_bring_forward(0, 4)
    with pytest.raises(MapRefused, match="newer release"):
        must_bring_forward(5, 4)


def test_both_databases_have_the_same_scripts() -> None:
    assert sqlite_map.newest_map_schema() == postgres_schema.newest_map_schema()


def test_the_schema_of_the_map_stands_beside_that_of_the_store() -> None:
    assert map_schema_beside("tidings") == "tidings_map"
    assert len(map_schema_beside("a" * 59)) == 63
    with pytest.raises(MapRefused, match="59"):
        map_schema_beside("a" * 60)
