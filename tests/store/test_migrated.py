"""New databases of the tests are as the service would have made them."""

from pathlib import Path

import apsw
import pytest

from tests.store import migrated
from tidings.store.sqlite import database

_TOLD = ("user_version", "page_size", "auto_vacuum", "journal_mode", "synchronous", "encoding")


def told(connection: apsw.Connection) -> list[object]:
    schema = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2")
    return [schema.fetchall(), *(connection.pragma(name) for name in _TOLD)]


@pytest.mark.parametrize("place", ["memory", "file"])
def test_a_copy_is_what_the_migrations_make(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(name: str) -> apsw.Connection:
        return database.open_writer(tmp_path / name if place == "file" else ":memory:")

    copied = opened("copied")
    monkeypatch.setattr(database, "migrate", migrated._migrate)
    made = opened("made")
    assert told(copied) == told(made) and told(made)[0]


def test_what_one_test_writes_is_in_no_other_copy() -> None:
    one = database.open_writer(":memory:")
    one.execute("CREATE TABLE mine (number INTEGER)").fetchall()
    assert told(one) != told(database.open_writer(":memory:"))
