"""PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server that the tests of a process share; each has a database of its own."""
    server = PostgresServer()
    yield server
    server.end()
