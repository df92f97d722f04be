"""What cannot be copied is refused before anything is written, in words that say what to do."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.copying.filled import (
    FilledStore,
    database_of,
    empty_database,
    empty_directory,
    filled_directory,
    opened,
    rows_of,
)
from tests.store.postgres.databases import SCHEMA
from tidings import app
from tidings.app.store_copying import copy_store, take_back_store
from tidings.errors import Unusable
from tidings.store.copying.plan import plan_tables
from tidings.store.copying.sides import CopyRefused, TableShape
from tidings.store.copying.transitions import CopyStep, next_step
from tidings.store.port import StoreRefused
from tidings.store.postgres.migration import migrate
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.sql.copy_marks import CopyMark, CopySide, begin_to_serve, read_mark
from tidings.store.sqlite import database as sqlite
from tidings.store.sqlite.directory_lock import DirectoryLock

Pair = tuple[FilledStore, FilledStore]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A store with everything, and an empty database."""
    return filled_directory(tmp_path / "a"), empty_database(tmp_path / "b")


def refusal(source: FilledStore, target: FilledStore) -> str:
    with pytest.raises(Unusable) as caught:
        copy_store(source.path, target.path, lambda *_: None)
    return str(caught.value)


def change(store: FilledStore, statement: str) -> None:
    """Change a store behind the back of its service."""
    side = opened(store)
    side.connection.execute(statement).fetchall()
    side.close()


def mark_of(store: FilledStore) -> str:
    side = opened(store)
    mark = read_mark(side.connection)
    side.close()
    return "" if mark is None else mark.side


def kill_behind(step: str, pair: Pair) -> None:
    """Copy up to a step."""

    def progress(what: str, _done: int, _of: int) -> None:
        if what == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(pair[0].path, pair[1].path, progress)


def test_a_directory_that_is_served_is_not_copied(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "OWNER_WAIT_S", 0.0)
    lock = DirectoryLock(pair[0].path)
    assert "belongs to process" in refusal(*pair)
    lock.release()


@pytest.mark.usefixtures("real_leases")
def test_a_database_that_is_served_is_not_copied(pair: Pair) -> None:
    database = database_of(pair[1])
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    writer, stopped = database.open_writer(ours), threading.Event()

    def renew() -> None:
        while not stopped.wait(0.01):
            with writer:
                pass

    owner = threading.Thread(target=renew)
    owner.start()
    try:
        assert "must be owned by no running service" in refusal(*pair)
    finally:
        stopped.set()
        owner.join()
        writer.close()
    assert mark_of(pair[0]) == ""


def test_a_store_that_was_killed_is_not_copied(pair: Pair) -> None:
    change(pair[0], "UPDATE meta SET value = 0 WHERE key = 'clean_stop'")
    assert "must have been stopped in order" in refusal(*pair)
    assert mark_of(pair[0]) == mark_of(pair[1]) == ""


def test_another_key_than_its_own_does_not_open_the_source(pair: Pair) -> None:
    key = pair[0].path / "key"
    key.write_bytes(bytes(32))
    assert "the one that this store was first served with; it is another one" in refusal(*pair)
    change(pair[0], "DELETE FROM meta WHERE key = 'key_check'")  # as a release before has left it
    assert "must have been started by this release, so that its key is known" in refusal(*pair)
    assert mark_of(pair[0]) == mark_of(pair[1]) == ""
    key.unlink()
    assert "must hold its file key to be copied" in refusal(*pair)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("CREATE TABLE newer (id INTEGER PRIMARY KEY)", "only one of them has newer"),
        ("ALTER TABLE webhook ADD COLUMN hue TEXT", "table webhook must .* differs in hue"),
        ("PRAGMA user_version = 29", r"must have schema \d+ to be copied; it has 29"),
    ],
)
def test_what_only_one_of_the_stores_has_is_not_copied(
    statement: str, text: str, pair: Pair
) -> None:
    change(pair[0], statement)
    with pytest.raises(CopyRefused, match=text):
        copy_store(pair[0].path, pair[1].path, lambda *_: None)


def test_a_database_of_another_schema_is_not_copied(pair: Pair) -> None:
    with database_of(pair[1]).connect("tests") as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    assert "it has 99. Run: tidings migrate" in refusal(*pair)


def test_a_table_without_a_key_is_not_copied() -> None:
    tables = {"odd": TableShape({"a": "TEXT"}, ())}
    with pytest.raises(CopyRefused, match="table odd must have a key"):
        plan_tables(tables, tables, frozenset())
    keyed = {"odd": TableShape({"a": "TEXT"}, ("a",))}
    with pytest.raises(CopyRefused, match=r"sealed column webhook_version\.config"):
        plan_tables(keyed, keyed, frozenset())


def test_a_target_with_rows_is_not_written_to(pair: Pair, tmp_path: Path) -> None:
    change(pair[1], "INSERT INTO stop (org, by, since_ms) VALUES (1, 'me', 1)")
    assert "must be empty; it holds the rows of a store" in refusal(*pair)
    assert mark_of(pair[0]) == ""


def test_a_copy_that_differs_does_not_take_the_place_of_its_source(pair: Pair) -> None:
    kill_behind("replacing the facts", pair)
    change(pair[1], "UPDATE event SET warning = 'other' WHERE seq = (SELECT min(seq) FROM event)")
    change(pair[1], "DELETE FROM attempt")
    assert "it differs in attempt, event." in refusal(*pair)
    assert (mark_of(pair[0]), mark_of(pair[1])) == ("leaving", "arriving")


def test_a_copy_that_is_not_finished_is_given_up(pair: Pair, tmp_path: Path) -> None:
    rows = rows_of(pair[0])
    kill_behind("copied webhook", pair)
    take_back_store(pair[0].path, pair[1].path)
    assert (mark_of(pair[0]), mark_of(pair[1])) == ("", "arriving")
    assert "must be empty; it holds a copy of" in refusal(*pair)
    other = empty_directory(tmp_path / "other")
    copy_store(pair[0].path, other.path, lambda *_: None)
    assert rows_of(other) == rows


def test_a_whole_copy_that_never_started_is_given_up(pair: Pair) -> None:
    copy_store(pair[0].path, pair[1].path, lambda *_: None)
    take_back_store(pair[0].path, pair[1].path)
    assert (mark_of(pair[0]), mark_of(pair[1])) == ("", "withdrawn")
    side = opened(pair[1])
    with pytest.raises(StoreRefused, match="was taken back and serves itself"):
        begin_to_serve(side.connection)
    side.close()
    with pytest.raises(CopyRefused, match="must have been copied to be taken back"):
        take_back_store(pair[0].path, pair[1].path)


def test_once_its_copy_has_started_a_source_is_not_taken_back(pair: Pair) -> None:
    copy_store(pair[0].path, pair[1].path, lambda *_: None)
    side = opened(pair[1])
    begin_to_serve(side.connection)
    side.close()
    with pytest.raises(CopyRefused, match="must never have been started"):
        take_back_store(pair[0].path, pair[1].path)
    assert mark_of(pair[0]) == "left"
    assert "it was copied to postgresql://" in refusal(*pair)


def test_a_source_whose_copy_was_lost_is_taken_back(pair: Pair) -> None:
    copy_store(pair[0].path, pair[1].path, lambda *_: None)
    with database_of(pair[1]).connect("tests") as connection:
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())
        migrate(connection, SCHEMA)
    take_back_store(pair[0].path, pair[1].path)
    assert mark_of(pair[0]) == ""


def test_another_empty_store_than_its_copy_gives_no_source_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, settings = filled_directory(tmp_path / "a"), tmp_path / "target.toml"
    settings.write_text('data = "b"\n')
    monkeypatch.chdir(tmp_path)
    copy_store(source.path, settings, lambda *_: None)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # where `b` is another directory
    for named in (settings, tmp_path / "typo"):
        with pytest.raises(CopyRefused, match="must name the store that the source was copied to"):
            take_back_store(source.path, named)
    assert mark_of(source) == "left"


def test_what_a_copy_that_was_given_up_has_noted_is_forgotten(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    side = opened(source)
    rows = side.connection.execute("SELECT * FROM alert_channel").fetchall()
    side.connection.execute("DELETE FROM alert_channel").fetchall()
    side.close()
    kill_behind("copied alert_channel", (source, target))
    take_back_store(source.path, target.path)
    side = opened(source)
    places = ", ".join("?" for _ in rows[0])
    side.connection.executemany(f"INSERT INTO alert_channel VALUES ({places})", rows)
    side.close()
    copy_store(source.path, target.path, lambda *_: None)


def test_a_store_is_named_by_a_file_or_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = filled_directory(tmp_path / "a")
    with pytest.raises(CopyRefused, match="got the URI of a database") as caught:
        copy_store(source.path, Path("postgresql://me:hush@db/tidings"), lambda *_: None)
    assert "hush" not in str(caught.value)
    settings = tmp_path / "target.toml"
    settings.write_text('log_level = "warning"\n')
    with pytest.raises(CopyRefused, match="must name its store, by `database` or `data`"):
        copy_store(source.path, settings, lambda *_: None)
    assert mark_of(source) == "" and {*tmp_path.iterdir()} == {source.path, settings}


def test_a_backup_is_neither_copied_nor_touched(tmp_path: Path) -> None:
    source, target = filled_directory(tmp_path / "a"), empty_directory(tmp_path / "b")
    backup = tmp_path / "backup"
    app.backup(source.path, backup, lambda *_: None)
    assert "it is a backup" in refusal(FilledStore(backup, source.key), target)
    app.restore(backup, tmp_path / "restored", lambda *_: None)


def marked(side: CopySide | None, copy: str = "a") -> CopyMark | None:
    return None if side is None else CopyMark(copy=copy, side=side, other="o", options="--from x")


@pytest.mark.parametrize(
    ("source", "target", "is_empty", "step"),
    [
        (marked(None), marked(None), True, CopyStep.BEGIN),
        (marked(None), marked(CopySide.ARRIVING), True, CopyStep.BEGIN),
        (marked(CopySide.LEAVING), marked(None), True, CopyStep.BEGIN),
        (marked(CopySide.LEAVING), marked(CopySide.ARRIVING, "b"), True, CopyStep.BEGIN),
        (marked(CopySide.LEAVING), marked(CopySide.ARRIVING), False, CopyStep.RESUME),
        (marked(CopySide.LEFT), marked(CopySide.ARRIVING), False, CopyStep.FINISH),
        (marked(CopySide.LEFT), marked(CopySide.ARRIVED), False, CopyStep.NOTHING),
        (marked(None), marked(None), False, "holds the rows of a store"),
        (marked(CopySide.LEAVING), marked(CopySide.ARRIVING, "b"), False, "holds a copy of o"),
        (marked(CopySide.LEFT), marked(None), True, "it was copied to o"),
        (marked(CopySide.LEFT), marked(CopySide.ARRIVING, "b"), True, "it was copied to o"),
        (marked(CopySide.LEFT), marked(CopySide.WITHDRAWN), False, "that was taken back"),
        (marked(CopySide.ARRIVED), marked(None), True, "it is a copy of o"),
    ],
)
def test_the_marks_decide_how_a_copy_goes_on(
    source: CopyMark | None, target: CopyMark | None, is_empty: bool, step: CopyStep | str
) -> None:
    decide: Callable[[], CopyStep] = lambda: next_step(source, target, is_empty)  # noqa: E731
    if isinstance(step, CopyStep):
        assert decide() is step
    else:
        with pytest.raises(CopyRefused, match=step):
            decide()
