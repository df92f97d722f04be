"""What holds for these tests: they run on the loop that the service runs on."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.sources.kafka.server import KafkaServer, kafka_server


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """For the plugin: the one loop of this folder's coroutine tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """One broker of Kafka for all tests of a worker; each takes topics of its own."""
    with kafka_server(tmp_path_factory.mktemp("kafka")) as made:
        yield made
