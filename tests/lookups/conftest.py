"""What holds for these tests: they run on the loop that the service runs on."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from tests.lookups.csv_file import File


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """For the plugin: the one loop of this folder's coroutine tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[File]:
    made = File(tmp_path)
    yield made
    await made.source.close()
