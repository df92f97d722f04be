"""A topic for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject


@pytest.fixture
def server(broker: KafkaServer) -> KafkaServer:
    """A broker that runs."""
    return broker


@pytest.fixture
async def subject(server: KafkaServer) -> AsyncIterator[KafkaSubject]:
    """A topic of three partitions, and the driver."""
    async with KafkaSubject(server) as made:
        yield made
