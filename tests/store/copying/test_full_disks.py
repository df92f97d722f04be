"""A disk that is full on the way of a copy: the store that has no room is named with what to do,
the source is as it was, and the copy goes on once there is room."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import apsw
import pytest

from tests.store.copying.filled import (
    FilledStore,
    empty_database,
    empty_directory,
    filled_directory,
    opened,
    rows_of,
)
from tests.store.migrated import _migrate
from tidings.app.store_copying import copy_store, take_back_store
from tidings.engine import vault
from tidings.store.copying import sqlite_side, table_rows
from tidings.store.copying.sides import CopyRefused
from tidings.store.port import StoreRefused
from tidings.store.sql.copy_marks import begin_to_serve, read_mark
from tidings.store.sqlite import database as sqlite
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE, newest_schema, open_writer

MOST_TRIES = 40


@contextmanager
def room_for(store: FilledStore, pages: int) -> Iterator[None]:
    """Have the database of a data directory grow by so many pages, and no further: SQLite says then
    what it says of a full disk."""

    def bounded(path: Path, *, vfs: str | None = None) -> SqliteConnection:
        connection = open_writer(path, vfs=vfs)
        if path == store.path / FILE:
            [(have,)] = connection.execute("PRAGMA page_count")
            connection.execute(f"PRAGMA max_page_count = {have + pages}").fetchall()
        return connection

    with patch.object(sqlite_side, "open_writer", bounded):
        yield


def refusal(source: FilledStore, target: FilledStore) -> str:
    with pytest.raises(CopyRefused) as caught:
        copy_store(source.path, target.path, lambda *_: None)
    return str(caught.value)


def mark_of(store: FilledStore) -> str:
    side = opened(store)
    mark = read_mark(side.connection)
    side.close()
    return "" if mark is None else mark.side


@pytest.fixture(params=["directory", "database"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> FilledStore:
    """A store with everything, in either database."""
    directory = filled_directory(tmp_path / "a")
    if request.param == "directory":
        return directory
    database = empty_database(tmp_path / "b")
    copy_store(directory.path, database.path, lambda *_: None)
    side = opened(database)
    begin_to_serve(side.connection)
    side.close()
    return database


def test_a_copy_goes_on_from_each_point_at_which_its_target_was_full(
    source: FilledStore, tmp_path: Path
) -> None:
    rows = rows_of(source)
    target = empty_directory(tmp_path / "c")
    options = f"--from {source.path} --to {target.path}"
    full = 0
    with patch.object(table_rows, "ROWS_MAX", 2):
        while full < MOST_TRIES:
            with room_for(target, pages=2 + full):
                try:
                    copy_store(source.path, target.path, lambda *_: None)
                    break
                except CopyRefused as refused:
                    text = str(refused)
            full += 1
            assert text.startswith(f"{target.path} must have room for what is copied; got: "), text
            assert "full. Free space there, and run the command again: it goes on" in text
            assert f"`tidings store take-back {options}`" in text
            assert (mark_of(source), mark_of(target)) == ("leaving", "arriving")
            side = opened(target)
            with pytest.raises(StoreRefused, match="must be whole to start"):
                begin_to_serve(side.connection)
            side.close()
            assert rows_of(source) == rows
    assert 1 < full < MOST_TRIES
    assert rows_of(target) == rows


def test_a_source_whose_copy_has_no_room_is_given_back(source: FilledStore, tmp_path: Path) -> None:
    rows = rows_of(source)
    target = empty_directory(tmp_path / "c")
    with room_for(target, pages=2):
        assert "must have room" in refusal(source, target)
        take_back_store(source.path, target.path)
    assert (mark_of(source), rows_of(source)) == ("", rows)


@pytest.mark.parametrize("what", ["open_writer", "key"])
def test_a_target_for_which_there_is_no_room_at_all_leaves_the_source_as_it_was(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = filled_directory(tmp_path / "a"), FilledStore(tmp_path / "b", b"")

    def full(*_: object, **__: object) -> None:
        if what == "key":
            raise OSError(28, "No space left on device")
        raise apsw.FullError("database or disk is full")

    with monkeypatch.context() as context:
        if what == "key":
            context.setattr(vault, "_make_key", full)
        else:
            context.setattr(
                sqlite_side,
                "open_writer",
                lambda path, **how: (
                    full() if path.parent == target.path else open_writer(path, **how)
                ),
            )
        text = refusal(source, target)
    assert text.startswith(f"{target.path} must have room for what is copied; got: ")
    assert "Free space there, and run the command again. No row" in text
    assert mark_of(source) == ""
    copy_store(source.path, target.path, lambda *_: None)


def migrated_to(number: int, file: str) -> SqliteConnection:
    """A database whose migration was ended behind a script."""
    scripts = sqlite._scripts()[:number]
    connection = SqliteConnection(file)
    with patch.object(sqlite, "_scripts", lambda: scripts):
        _migrate(connection)
    return connection


def test_a_target_whose_tables_were_made_in_part_is_gone_on_with(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    migrated_to(newest_schema() // 2, str(target.path / FILE)).close()
    copy_store(source.path, target.path, lambda *_: None)
    for number in range(1, newest_schema()):  # none of them leaves rows of a store
        assert sqlite_side._is_new(migrated_to(number, ":memory:")), number


def test_a_store_of_an_older_release_is_not_taken_for_a_target_that_was_not_made(
    tmp_path: Path,
) -> None:
    target = filled_directory(tmp_path / "b")
    side = opened(target)
    side.connection.execute("PRAGMA user_version = 29").fetchall()
    side.close()
    with pytest.raises(CopyRefused, match="to be copied; it has 29"):
        sqlite_side.SqliteSide(target.path, make=True)


@pytest.mark.parametrize("step", ["marking the target", "compared"])
def test_a_source_that_cannot_be_marked_is_named_itself(step: str, tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    connections = {}

    def noted(path: Path, *, vfs: str | None = None) -> SqliteConnection:
        connections[path.parent] = open_writer(path, vfs=vfs)
        return connections[path.parent]

    def progress(what: str, _done: int, _of: int) -> None:
        if what == step:
            connections[source.path].execute("PRAGMA query_only = 1").fetchall()

    with patch.object(sqlite_side, "open_writer", noted), pytest.raises(Exception) as caught:
        copy_store(source.path, target.path, progress)
    assert str(caught.value).startswith(f"{source.path}: ")


@pytest.mark.parametrize(
    ("code", "is_full"),
    [
        (apsw.SQLITE_FULL, True),
        (apsw.SQLITE_IOERR_WRITE, True),  # a quota, or a bound of a file's length
        (apsw.SQLITE_IOERR_FSYNC, True),
        (apsw.SQLITE_IOERR_SHMSIZE, True),
        (apsw.SQLITE_IOERR_READ, False),
        (apsw.SQLITE_CANTOPEN, False),
        (apsw.SQLITE_READONLY, False),
    ],
)
def test_what_sqlite_says_of_a_disk_that_takes_nothing_more(code: int, is_full: bool) -> None:
    assert sqlite_side.is_full(apsw.exception_for(code)) is is_full
