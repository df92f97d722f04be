"""What holds for these tests: they run on the loop that the service runs on."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.destinations.sql.bench import end_server


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """For the plugin: the one loop of this folder's coroutine tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """What tests have started ends with them."""
    yield
    end_server()
