"""The driver on trial, with topics and messages of its own on a real broker."""

import asyncio
import itertools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.sources.conformance.subject import Made
from tests.sources.kafka.server import KafkaServer
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import KafkaTopics, Source
from tidings.core.sources.source_types import KAFKA
from tidings.core.sources.topic_places import TopicPlace
from tidings.sources.kafka.driver import KafkaDriver
from tidings.sources.port import OpenSource

OPEN_S = 120.0
INSTALLATION = "1f" * 8
_numbers = itertools.count(1)


class MemoryPlaces:
    """`TopicPlaceStore` of one installation, which outlives its processes."""

    def __init__(self) -> None:
        self.kept: dict[int, dict[tuple[str, int], TopicPlace]] = {}

    async def topic_places(self, source: int) -> list[TopicPlace]:
        return list(self.kept.get(source, {}).values())

    async def put_topic_places(self, source: int, places: Sequence[TopicPlace]) -> None:
        ours = self.kept.setdefault(source, {})
        ours.update({(place.topic, place.partition): place for place in places})


class KafkaSubject:
    """A source of one topic."""

    def __init__(self, server: KafkaServer, partitions: int = 3) -> None:
        self.server = server
        self.topic = f"events.{uuid.uuid4().hex[:8]}"
        self.number = next(_numbers)  # of the source, and so of its group
        self.partitions = partitions
        self.places = MemoryPlaces()
        self.driver = KafkaDriver(self.places, INSTALLATION)

    async def __aenter__(self) -> "KafkaSubject":
        await self.make_topic()
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def make_topic(self) -> None:
        """Make the topic, or make it anew, and wait until the broker names its leaders."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.server.servers)
        await admin.start()
        try:
            await admin.delete_topics([self.topic])
            fresh = NewTopic(self.topic, self.partitions, self.server.replicas)
            while True:  # a topic is gone some time after it was deleted
                made = await admin.create_topics([fresh])
                if made.topic_errors[0][1] == 0:
                    break
                await asyncio.sleep(0.05)
            while not await self._is_led(admin):
                await asyncio.sleep(0.05)
        finally:
            await admin.close()

    async def _is_led(self, admin: AIOKafkaAdminClient) -> bool:
        [found] = await admin.describe_topics([self.topic])
        partitions = found["partitions"]
        led = [partition for partition in partitions if partition["leader"] >= 0]
        return found["error_code"] == 0 and len(led) == self.partitions

    async def delete_topic(self) -> None:
        """Delete the topic, and wait until the cluster does not know it any more."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.server.servers)
        await admin.start()
        try:
            await admin.delete_topics([self.topic])
            while self.topic in await admin.list_topics():
                await asyncio.sleep(0.05)
        finally:
            await admin.close()

    async def produce(
        self, key: str | None, headers: Sequence[tuple[str, str]], body: bytes | None
    ) -> None:
        """One message, on the broker's disk when it returns."""
        await self.produce_all([(key, headers, body)])

    async def produce_all(
        self,
        messages: Sequence[tuple[str | None, Sequence[tuple[str, str]], bytes | None]],
        **options: Any,
    ) -> None:
        """Many, in order. It waits for a broker that is away."""
        async with asyncio.timeout(OPEN_S):
            while True:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.server.servers, enable_idempotence=True, **options
                )
                try:
                    await producer.start()
                    break
                except KafkaError:
                    await producer.stop()
                    await asyncio.sleep(0.2)
        try:
            sent = [
                await producer.send(
                    self.topic,
                    body,
                    None if key is None else key.encode(),
                    headers=[(name, value.encode()) for name, value in headers],
                )
                for key, headers, body in messages
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    def restart_server(self) -> None:
        """The broker is killed, and started again."""
        self.server.restart()

    def source(self, **kafka: Any) -> Source:
        """As an owner makes it."""
        topics = KafkaTopics(**{"topics": (self.topic,)} | kafka)
        return Source("events", KAFKA, connection="main", kafka=topics)

    async def open(
        self,
        connection: Mapping[str, object] | None = None,
        driver: KafkaDriver | None = None,
        **kafka: Any,
    ) -> OpenSource:
        """One reading of it. ConnectionDown."""
        fields = {"servers": self.server.servers} if connection is None else connection
        made = Connection("main", KAFKA, fields)
        return await (driver or self.driver).open(self.source(**kafka), made, self.number)

    async def reopened(self) -> OpenSource:
        """As the pump does it: again until it succeeds."""
        async with asyncio.timeout(OPEN_S):
            while True:
                try:
                    return await self.open()
                except (ConnectionDown, KafkaError):
                    await asyncio.sleep(0.2)


class Conforming:
    """The same as the suite of all drivers takes it."""

    def __init__(self, server: KafkaServer) -> None:
        self._topic = KafkaSubject(server)
        self._made = False

    async def _make(self) -> None:
        if not self._made:
            self._made = True
            await self._topic.make_topic()

    async def produce(self, *messages: Made) -> None:
        await self._make()
        await self._topic.produce_all(
            [(message.key, list(message.headers.items()), message.body) for message in messages]
        )

    async def open(self) -> OpenSource:
        await self._make()
        return await self._topic.open()

    def stop_server(self) -> None:
        self._topic.server.kill()

    def start_server(self) -> None:
        self._topic.server.start()


def new_topic(request: Any) -> Conforming:
    """For one test."""
    return Conforming(request.getfixturevalue("broker"))


async def read_all(reading: OpenSource, count: int, seconds: float = 60.0) -> list[ForeignMessage]:
    """At least `count` messages, none acknowledged."""
    found: list[ForeignMessage] = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            found += await reading.read()
    return found
