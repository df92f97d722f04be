"""One broker for all tests of a worker; each takes topics of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.sources.kafka.server import KafkaServer, kafka_server
from tests.sources.kafka.subject import KafkaSubject


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker that runs."""
    with kafka_server(tmp_path_factory.mktemp("kafka")) as made:
        yield made


@pytest.fixture
async def subject(server: KafkaServer) -> AsyncIterator[KafkaSubject]:
    """A topic of three partitions, and the driver."""
    async with KafkaSubject(server) as made:
        yield made
