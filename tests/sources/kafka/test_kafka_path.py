"""From a real Kafka to accepted events, with everything killed on the way."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.harness.fixtures import NewService, own_service
from tests.sources.kafka.cluster import KafkaCluster
from tests.sources.kafka.server import KafkaServer
from tests.sources.trials.kafka import kafka_trial

__all__ = ["own_service"]
pytestmark = [pytest.mark.systems, pytest.mark.timeout(240)]
MESSAGES = 5000


async def test_each_message_is_accepted_once_in_the_order_of_its_key_whatever_is_killed(
    server: KafkaServer, own_service: NewService, tmp_path: Path
) -> None:
    """The service is killed twice, and the broker is killed and started again. The long form is a
    figure."""
    books = await asyncio.to_thread(kafka_trial, own_service, server, tmp_path, MESSAGES)
    assert books.events == MESSAGES
    assert books.accepted == books.due


async def test_of_three_brokers_one_is_killed_and_another_takes_over(
    own_service: NewService, tmp_path: Path
) -> None:
    """It led a third of the partitions, and does not come again; the service is killed twice."""
    directory = tmp_path / "brokers"
    directory.mkdir()
    cluster = await asyncio.to_thread(KafkaCluster, directory)
    try:
        await asyncio.to_thread(cluster.start)
        books = await asyncio.to_thread(kafka_trial, own_service, cluster, tmp_path, MESSAGES)
    finally:
        cluster.end()
    assert books.events == MESSAGES
    assert books.accepted == books.due
