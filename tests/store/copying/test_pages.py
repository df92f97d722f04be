"""A page of a table that is copied is bounded in bytes, whatever the rows before it were."""

from collections.abc import Iterator
from typing import Any, cast

import apsw
import pytest

from tests.store.postgres.databases import connect, migrated
from tidings.store.copying.plan import TablePlan
from tidings.store.copying.sides import StoreSecrets
from tidings.store.copying.table_rows import PAGE_BYTES, ROWS_MAX, TableRows
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.sql.connection import StoreConnection
from tidings.store.sqlite.database import migrate

BODY = TablePlan("body", ("seq", "bytes"), ("seq",), long=("bytes",))
LONG = 300_000


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest) -> Iterator[StoreConnection]:
    """The tables of a store, with nothing in them."""
    if request.param == "sqlite":
        embedded = apsw.Connection(":memory:")
        migrate(embedded)
        yield cast(StoreConnection, embedded)
        embedded.close()
    else:
        with connect(migrated()) as driver:
            yield PostgresConnection(driver)


def pages_of(connection: StoreConnection, lengths: list[int]) -> list[list[list[Any]]]:
    """The pages of bodies that are so long."""
    rows = TableRows(BODY, connection, cast(StoreSecrets, None))  # nothing in it is sealed
    with connection:
        rows.insert([[number, b"a" * length] for number, length in enumerate(lengths, 1)])
    return list(rows.pages())


@pytest.mark.parametrize(
    "lengths", [[100] * 6000 + [LONG] * 40, [LONG] * 40 + [0] * 9000, [PAGE_BYTES + 1] * 3]
)
def test_a_page_of_rows_is_bounded_in_bytes(
    connection: StoreConnection, lengths: list[int]
) -> None:
    pages = pages_of(connection, lengths)
    read = [len(body) for page in pages for _, body in page]
    assert read == lengths
    for page in pages:
        assert len(page) <= ROWS_MAX
        assert len(page) == 1 or sum(len(body) for _, body in page) <= PAGE_BYTES
    assert len(pages) <= 3 + sum(lengths) // (PAGE_BYTES - LONG)


def test_an_empty_table_has_no_pages(connection: StoreConnection) -> None:
    assert pages_of(connection, []) == []
