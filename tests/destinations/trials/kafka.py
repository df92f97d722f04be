"""A topic of a real Kafka as a destination on trial."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.destinations.trials.ledger import Arrival, arrival_of
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tidings.core.webhooks.webhook_types import KAFKA


class KafkaTrial:
    """See `Destination`."""

    name = "Kafka"

    def __init__(self, server: KafkaServer) -> None:
        self._subject = KafkaSubject(server)
        self.make_topic()

    def make_topic(self) -> None:
        """Make the topic, without records."""
        asyncio.run(self._subject.make_topic())

    def delete_topic(self) -> None:
        """Delete it; what is sent to it is tried again."""
        asyncio.run(self._subject.delete_topic())

    @property
    def topic(self) -> str:
        """Where its records go."""
        return self._subject.topic

    @property
    def connections(self) -> str:
        """See `Destination`."""
        return f'[main]\ntype = "kafka"\nservers = "{self._subject.server.servers}"\n'

    @property
    def webhook(self) -> dict[str, Any]:
        """See `Destination`."""
        return {"webHookType": KAFKA, "connection": "main", "kafka": {"topic": self.topic}}

    def restart(self) -> None:
        """See `Destination`."""
        self._subject.server.restart()

    def arrivals(self) -> list[Arrival]:
        """Of each partition in its order; a key has one partition."""
        records = asyncio.run(records_of(self._subject.server, self.topic))
        return [arrival_of(record.value) for record in records]


async def records_of(server: KafkaServer, topic: str) -> list[Any]:
    """Every record of a topic, partition after partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=server.servers)
    await consumer.start()
    try:
        found = await consumer._client._wait_on_metadata(topic)
        partitions = [TopicPartition(topic, row) for row in sorted(found)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        records: dict[TopicPartition, list[Any]] = {partition: [] for partition in partitions}
        ends = await consumer.end_offsets(partitions)
        async with asyncio.timeout(60):
            while any([await consumer.position(row) < end for row, end in ends.items()]):
                for row, more in (await consumer.getmany(timeout_ms=200)).items():
                    records[row] += more
    finally:
        await consumer.stop()
    return [record for partition in partitions for record in records[partition]]
