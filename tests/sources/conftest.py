"""What holds for these tests: they run on the loop that the service runs on, over real servers."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.postgres_server import PostgresServer, shared_server
from tests.sources.kafka.scripted_subject import ScriptedSubject, scripted_subject
from tests.sources.kafka.server import KafkaServer, kafka_server


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """For the plugin: the one loop of this folder's coroutine tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """A server that the tests of a process share; each has a database of its own."""
    return shared_server()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """One broker for all tests of a worker; each takes topics of its own."""
    with kafka_server(tmp_path_factory.mktemp("kafka")) as made:
        yield made


@pytest.fixture
def scripted() -> Iterator[ScriptedSubject]:
    """A Kafka broker in this process, and a source of a topic of it."""
    with scripted_subject() as made:
        yield made
