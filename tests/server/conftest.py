"""What holds for these tests: they run on the loop that the service runs on, and for both ways in
which a call is answered."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator

import pytest
import uvloop

from .support import Directly, ways


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """For the plugin: the one loop of this folder's coroutine tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True, params=["as ASGI", "directly"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """How the application is asked first for a call whose body has come."""
    direct = request.param == "directly"
    ways.append(Directly if direct else lambda app: None)
    yield request.param
    ways.pop()
