"""The check of a data directory names what is wrong with its rows, and writes nothing."""

from pathlib import Path

import apsw
import pytest

from tests.store.broken_rows import CASES, SOUND, BrokenRows
from tidings.store.sql.invariants import INVARIANTS
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.store_check import StoreUncheckable, check_store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    WritingHalf(tmp_path / FILE).close(clean=True)
    return tmp_path


def run(data: Path, statements: list[str]) -> None:
    connection = apsw.Connection(str(data / FILE))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_nothing_is_wrong_with_a_fresh_store_and_with_sound_rows(data: Path) -> None:
    assert check_store(data) == []
    run(data, SOUND)
    assert check_store(data) == []


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: broken.finding[:40])
def test_each_thing_that_is_wrong_is_found(broken: BrokenRows, data: Path) -> None:
    run(data, broken.statements)
    before = (data / FILE).read_bytes()
    assert check_store(data) == [broken.finding]
    assert (data / FILE).read_bytes() == before


def test_each_invariant_has_rows_that_break_it() -> None:
    for invariant in INVARIANTS:
        assert [case for case in CASES if invariant.finding in case.finding], invariant.finding


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUncheckable, match="must be a data directory with"):
        check_store(tmp_path)
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUncheckable, match="must be a store that can be read"):
        check_store(tmp_path)


def test_a_store_of_another_release_is_refused(data: Path) -> None:
    run(data, ["PRAGMA user_version = 27"])
    with pytest.raises(StoreUncheckable, match="has schema 27; this release checks"):
        check_store(data)
