"""The check of a database names each thing that is wrong with its rows, and writes nothing."""

import pytest

from tests.store.broken_rows import CASES, SOUND, BrokenRows
from tests.store.postgres.databases import connect, migrated
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection.store_check import check_store
from tidings.store.postgres.migration import DatabaseRefused


@pytest.fixture
def uri() -> str:
    return migrated()


def run(uri: str, *statements: str) -> None:
    with connect(uri) as connection:
        for statement in statements:
            connection.execute(statement.replace("x'", "'\\x").encode())


def test_nothing_is_wrong_with_a_fresh_store_and_with_sound_rows(uri: str) -> None:
    assert check_store(StoreDatabase(uri)) == []
    run(uri, *SOUND)
    assert check_store(StoreDatabase(uri)) == []


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: broken.finding[:40])
def test_each_thing_that_is_wrong_is_found(broken: BrokenRows, uri: str) -> None:
    run(uri, *broken.statements)
    assert check_store(StoreDatabase(uri)) == [broken.finding]


def test_a_sequence_below_the_numbers_of_its_table_is_found_with_what_mends_it(uri: str) -> None:
    run(uri, *SOUND, "INSERT INTO touched (mark, block) VALUES (70, 1)")
    found = check_store(StoreDatabase(uri))
    assert [finding.partition(";")[0] for finding in found] == [
        "The sequence tidings.touched_mark must be above the numbers of touched",
    ], "those of webhooks are given by the owner"
    run(uri, *(finding.partition("Set it: ")[2] for finding in found))
    assert check_store(StoreDatabase(uri)) == []


def test_an_owner_that_is_gone_is_found(uri: str) -> None:
    run(uri, "DELETE FROM owner")
    assert check_store(StoreDatabase(uri)) == [
        "The table owner must have one row; it has 0. Restore it from a backup."
    ]


def test_a_schema_of_another_release_is_refused(uri: str) -> None:
    run(uri, "INSERT INTO schema_version VALUES (99)")
    with pytest.raises(DatabaseRefused, match="has schema 99; this release knows"):
        check_store(StoreDatabase(uri))
