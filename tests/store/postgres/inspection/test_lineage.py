"""A store that is started on another database than it was last served from: numbers that were given
since may be known to receivers, so none of them is given again."""

from collections.abc import Iterator
from unittest.mock import patch

import psycopg
import pytest

from tests.store.postgres.databases import SCHEMA, connect, migrated, rows
from tests.store.rows import event, new
from tidings.core.cells.ranges import range_of
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection import lineage
from tidings.store.postgres.inspection.lineage import LEAP
from tidings.store.postgres.ownership import OwnerWatch, release
from tidings.store.postgres.process import OwnedDatabase, _Writer

ANOTHER = "UPDATE meta SET value = value + 1 WHERE key = 'lineage' RETURNING 1"
RESTORED = """
ALTER TABLE meta RENAME TO former;
CREATE TABLE meta (LIKE former INCLUDING ALL);
INSERT INTO meta TABLE former;
DROP TABLE former
"""
KNOWN = "SELECT value FROM meta WHERE key = 'lineage'"


@pytest.fixture
def database() -> Iterator[StoreDatabase]:
    yield StoreDatabase(migrated(), SCHEMA)


def started(database: StoreDatabase) -> _Writer:
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    return _Writer(
        OwnedDatabase(
            uri=database.uri, schema=database.schema, epoch=ours.epoch, holder=ours.holder
        )
    )


def ended(writer: _Writer) -> None:
    connection = writer._half.connection
    release(connection.driver, writer._given.ours)
    connection.close()


def given(writer: _Writer) -> tuple[int, int]:
    """The numbers of one more event, and of its delivery."""
    receipt = writer._half.commit(port.Batch(1, [event(str(writer._half.writer.seq), new(1))]))
    [seq], [first] = receipt.seqs, receipt.firsts
    assert first is not None
    return int(seq), int(first)


def change(database: StoreDatabase) -> None:
    """Have the store note another database than it is in, as a copy of it would find."""
    with connect(database.uri) as connection:
        assert rows(connection, ANOTHER)


def test_a_start_on_the_same_database_goes_on_where_it_was(
    database: StoreDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2, 3):
        writer = started(database)
        assert given(writer) == (number, number)
        ended(writer)
    assert capfd.readouterr().err == ""


def test_a_start_on_another_database_leaps_once_and_says_so(
    database: StoreDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = started(database)
    assert given(writer) == (1, 1)
    ended(writer)
    change(database)
    writer = started(database)
    assert given(writer) == (LEAP + 2, LEAP + 2)
    ended(writer)
    assert "what was acknowledged after the point" in capfd.readouterr().err
    writer = started(database)
    assert given(writer) == (LEAP + 3, LEAP + 3)
    ended(writer)
    change(database)
    ended(started(database))
    change(database)  # also where nothing was given since
    writer = started(database)
    assert given(writer) == (3 * LEAP + 4, 3 * LEAP + 4)
    ended(writer)


def test_tables_that_were_restored_from_a_dump_in_the_same_database_are_other_ones(
    database: StoreDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = started(database)
    assert given(writer) == (1, 1)
    ended(writer)
    with connect(database.uri) as connection:
        connection.execute(RESTORED.encode())
    for number in (LEAP + 2, LEAP + 3):
        writer = started(database)
        assert given(writer) == (number, number)
        ended(writer)
    assert capfd.readouterr().err.count("what was acknowledged after the point") == 1


def test_a_store_of_a_release_that_has_not_noted_its_tables_goes_on(
    database: StoreDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    ended(started(database))
    with connect(database.uri) as connection:
        connection.execute(b"DELETE FROM meta WHERE key = 'tables'")
    writer = started(database)
    assert given(writer) == (1, 1)
    ended(writer)
    assert capfd.readouterr().err == ""


def test_what_is_owed_and_what_was_dropped_is_not_given_again_either(
    database: StoreDatabase,
) -> None:
    ended(started(database))
    with connect(database.uri) as connection:
        for floor, value in (("seq_floor", 70), ("delivery_floor", 90)):
            rows(connection, f"UPDATE meta SET value = {value} WHERE key = '{floor}' RETURNING 1")
    change(database)
    writer = started(database)
    assert given(writer) == (LEAP + 71, LEAP + 91)
    ended(writer)


def test_a_store_of_ranges_gives_up_those_that_it_has(database: StoreDatabase) -> None:
    writer = started(database)
    writer._half.numbers.grant([3, 4, 5])
    [seq, delivery] = given(writer)
    assert range_of(seq) == range_of(delivery) == 3
    ended(writer)
    change(database)
    writer = started(database)
    with pytest.raises(port.NoNumbers):
        given(writer)
    writer._half.numbers.grant([9])
    assert [range_of(number) for number in given(writer)] == [9, 9]
    ended(writer)


def test_an_owner_that_has_lost_nothing_notes_where_it_is_and_leaps_not(
    database: StoreDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    """As behind a failover to a standby that was in step."""
    writer = started(database)
    assert given(writer) == (1, 1)
    with connect(database.uri) as connection:
        [(before,)] = rows(connection, KNOWN)
    change(database)
    writer._half.connection.close()
    writer.open_again()
    assert given(writer) == (2, 2)
    ended(writer)
    with connect(database.uri) as connection:
        assert rows(connection, KNOWN) == [(before,)]
    writer = started(database)
    assert given(writer) == (3, 3)
    ended(writer)
    assert capfd.readouterr().err == ""


def test_a_server_that_tells_nothing_of_itself_is_served_from(database: StoreDatabase) -> None:
    with patch.object(lineage, "_LINEAGE", "SELECT no_such_function()"):
        writer = started(database)
        assert given(writer) == (1, 1)
        ended(writer)
    with connect(database.uri) as connection:
        assert rows(connection, KNOWN) == []


def test_a_server_that_is_gone_meanwhile_is_no_other_one(database: StoreDatabase) -> None:
    ended_by_server = "SELECT pg_terminate_backend(pg_backend_pid())"
    with (
        patch.object(lineage, "_LINEAGE", ended_by_server),
        pytest.raises(psycopg.OperationalError),
    ):
        started(database)
