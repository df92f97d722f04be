"""What holds for these tests: they run on the loop that the service runs on, over real servers."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.postgres_server import PostgresServer


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """For the plugin: the one loop of this folder's coroutine tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server that the tests of a process share; each has a database of its own."""
    server = PostgresServer()
    yield server
    server.end()
