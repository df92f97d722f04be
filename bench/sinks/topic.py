"""A topic of a real Kafka, read when a run has ended, and counted by the ends of its partitions."""

import array
import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.ledger import Received
from bench.product import Product
from bench.sinks.sink import monotonic_ns_of
from tests.destinations.trials.kafka import KafkaTrial, records_of
from tests.sources.kafka.server import KafkaServer, kafka_server
from tidings.core.webhooks.webhook_types import KAFKA, QUEUE

POLL_SECONDS = 0.5  # each look is a client of its own, on the cores of the service


class TopicSink:
    """See `Sink`. `kind`: the webhook names the topic, or it is the platform's queue."""

    poll_seconds = POLL_SECONDS

    def __init__(self, server: KafkaServer, kind: str = KAFKA) -> None:
        self.server = server
        self._trial = KafkaTrial(server)
        self._kind = kind
        self._begun: dict[int, int] = {}

    @property
    def connections(self) -> str:
        """See `Sink`."""
        written = self._trial.connections
        if self._kind == QUEUE:
            written += f'orgs = "all"\ndefault = true\ntopic = "{self._trial.topic}"\n'
        return written

    @property
    def webhook(self) -> dict[str, Any]:
        """See `Sink`."""
        if self._kind == QUEUE:
            return {"webHookType": QUEUE, "webHookUrl": ""}
        return {"webHookUrl": "", **self._trial.webhook}

    def begin(self, product: Product) -> None:
        """See `Sink`: records arrive by themselves."""

    def reset(self) -> None:
        """See `Arrivals`."""
        self._begun = self._ends()

    def count(self) -> int:
        """See `Arrivals`."""
        return sum(self._ends().values()) - sum(self._begun.values())

    def received(self) -> Received:
        """See `Arrivals`. A record's time is that which its producer gave it."""
        ids, times, unreadable = [], array.array("q"), 0
        for record in asyncio.run(records_of(self.server, self._trial.topic)):
            if record.offset < self._begun.get(record.partition, 0):
                continue
            id = dict(record.headers).get("webhook-id")
            if id is None:
                unreadable += 1
                continue
            ids.append(id)
            times.append(monotonic_ns_of(record.timestamp / 1e3))
        return Received(
            ids, [b"0"] * len(ids), array.array("q", sorted(times)).tobytes(), 0, 0, unreadable, 0.0
        )

    def _ends(self) -> dict[int, int]:
        return asyncio.run(ends_of(self.server, self._trial.topic))


async def ends_of(server: KafkaServer, topic: str) -> dict[int, int]:
    """Return how far each partition of a topic goes."""
    consumer = AIOKafkaConsumer(bootstrap_servers=server.servers)
    await consumer.start()
    try:
        found = await consumer._client._wait_on_metadata(topic)
        ends = await consumer.end_offsets([TopicPartition(topic, row) for row in found])
    finally:
        await consumer.stop()
    return {place.partition: end for place, end in ends.items()}


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[KafkaServer]:
    """A broker for as long as the block lasts."""
    directory = folder / "kafka"
    directory.mkdir()
    with kafka_server(directory) as server:
        yield server


@contextlib.contextmanager
def topic(folder: Path) -> Iterator[TopicSink]:
    """A topic that the webhook names."""
    with broker(folder) as server:
        yield TopicSink(server)


@contextlib.contextmanager
def queue(folder: Path) -> Iterator[TopicSink]:
    """The topic of the platform's own queue."""
    with broker(folder) as server:
        yield TopicSink(server, QUEUE)
