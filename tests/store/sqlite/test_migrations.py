"""The schema is made by numbered files, forward only; a newer release's database is refused."""

from pathlib import Path

import apsw
import pytest

from tests.store import migrated
from tests.store.rows import event, new
from tidings.store import port
from tidings.store.port import StoreRefused
from tidings.store.sqlite import database
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.halves import WritingHalf

SCHEMA = Path(database.__file__).parent / "schema"
SCRIPTS = sorted(SCHEMA.glob("*.sql"))


@pytest.fixture(autouse=True)
def as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """New files are migrated from the first number on, and are no copies."""
    monkeypatch.setattr(database, "migrate", migrated._migrate)


def schema_of(connection: apsw.Connection) -> list[tuple[object, ...]]:
    """Names and definitions of everything."""
    return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2").fetchall()


def test_the_files_are_numbered_without_a_gap() -> None:
    assert [int(path.name.split("_")[0]) for path in SCRIPTS] == [*range(1, len(SCRIPTS) + 1)]
    assert {path.suffix for path in SCHEMA.iterdir() if path.is_file()} == {".sql"}


@pytest.mark.parametrize("have", range(len(SCRIPTS) + 1))
def test_a_migrated_schema_equals_a_fresh_one(tmp_path: Path, have: int) -> None:
    old = apsw.Connection(str(tmp_path / "old.db"))
    for number, script in enumerate(SCRIPTS[:have], start=1):
        old.execute(script.read_text("utf-8")).fetchall()
        old.pragma("user_version", number)
    old.close()
    brought, fresh = open_writer(tmp_path / "old.db"), open_writer(tmp_path / "fresh.db")
    assert schema_of(brought) == schema_of(fresh)
    assert brought.pragma("user_version") == len(SCRIPTS)
    brought.close()
    fresh.close()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    half = WritingHalf(tmp_path / FILE)
    half.commit(port.Batch(1, [event("a", new(1))]))
    before = schema_of(half.connection)
    database.migrate(half.connection)
    assert schema_of(half.connection) == before
    assert half.writer.page(1, 0, 10)
    half.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = apsw.Connection(str(tmp_path / FILE))
    connection.execute("CREATE TABLE delivery (id)").fetchall()  # in the way of the first file
    before = schema_of(connection)
    with pytest.raises(apsw.SQLError, match="already exists"):
        database.migrate(connection)
    assert schema_of(connection) == before
    assert connection.pragma("user_version") == 0
    assert connection.get_autocommit()
    connection.close()


def test_a_database_of_a_newer_release_is_refused_in_words(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / FILE)
    connection.pragma("user_version", len(SCRIPTS) + 1)
    connection.close()
    with pytest.raises(StoreRefused) as refusal:
        open_writer(tmp_path / FILE)
    assert str(refusal.value) == (
        f"The database has schema {len(SCRIPTS) + 1}; this release knows {len(SCRIPTS)}. "
        "Start the newer release."
    )


def test_the_settings_that_make_an_answer_true_are_in_force(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / FILE)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("wal_autocheckpoint") == 0
    connection.close()


def test_an_sqlite_with_the_fault_in_its_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SQLITE_MIN", 99_000_000)
    with pytest.raises(StoreRefused, match=r"SQLite 3\.51\.3 or newer is needed; got 3\.\d+"):
        open_writer(tmp_path / FILE)
