"""A host reads who owns the stores in several schemas of a database."""

from collections.abc import Iterator

import pytest

from tests.store.postgres.databases import connect, migrated, rows
from tidings.core.cells.owners_seen import WatchedOwner
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection.owner_rows import CONNECTION_NAME, OwnerRowReader
from tidings.store.postgres.ownership import AnotherOwns, OwnerWatch

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture
def uri() -> Iterator[str]:
    yield migrated()


def test_each_schema_is_read_and_one_without_a_store_keeps_no_other_from_it(uri: str) -> None:
    reader = OwnerRowReader(StoreDatabase(uri, "tidings"))
    with connect(uri) as connection:
        connection.execute("CREATE SCHEMA odd")
        connection.execute("UPDATE owner SET epoch = 7, holder = 'h', renewed = 3")
        found = reader.read(["nothing", "odd", "tidings"])
        assert found == {"nothing": None, "odd": None, "tidings": WatchedOwner(7, "h", 3)}
        assert rows(connection, COUNT, CONNECTION_NAME) == [(1,)]
        reader.close()


def test_a_connection_that_is_lost_is_opened_again(uri: str) -> None:
    reader = OwnerRowReader(StoreDatabase(uri, "tidings"))
    reader.read(["tidings"])
    with connect(uri) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity"
            f" WHERE application_name = '{CONNECTION_NAME}'"
        )
    with pytest.raises(port.StoreDown):
        reader.read(["tidings"])
    assert reader.read(["tidings"])["tidings"] is not None
    reader.close()


def test_an_owner_that_was_watched_for_a_lease_is_taken_over_from_at_once(uri: str) -> None:
    """By a process that begins only now: its host has watched the row before."""
    database = StoreDatabase(uri, "tidings")
    former = OwnerWatch(database.connect, lambda: 0.0, 1).take()
    seen = WatchedOwner(former.epoch, former.holder, 0, since_s=0.0)
    with pytest.raises(AnotherOwns):  # nobody has watched it
        OwnerWatch(database.connect, lambda: 20.0, 1).take()
    with pytest.raises(AnotherOwns):  # not for long enough
        OwnerWatch(database.connect, lambda: 9.0, 1, seen).take()
    with pytest.raises(AnotherOwns):  # it has renewed since
        OwnerWatch(database.connect, lambda: 20.0, 1, seen._replace(renewed=5)).take()
    assert OwnerWatch(database.connect, lambda: 20.0, 1, seen).take().epoch == former.epoch + 1
