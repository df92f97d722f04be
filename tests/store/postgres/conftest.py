"""A database of the test's own, with the schema in it."""

from collections.abc import Iterator

import pytest

from tests.store.postgres.databases import connect, migrated
from tidings.store.postgres.migration import DriverConnection


@pytest.fixture
def database() -> Iterator[DriverConnection]:
    """A connection to a migrated database."""
    with connect(migrated()) as connection:
        yield connection
