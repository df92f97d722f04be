"""The driver over a scripted broker, which runs in a loop of its own: what a test says is sync."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from zlib import crc32

from tests.loops.threads import LoopThread
from tests.sources.conformance.subject import Made
from tests.sources.kafka.scripted import Message, ScriptedBroker
from tests.sources.kafka.subject import INSTALLATION, MemoryPlaces
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import KafkaTopics, Source
from tidings.core.sources.source_types import KAFKA
from tidings.sources.kafka.driver import KafkaDriver
from tidings.sources.port import OpenSource

_Answer = TypeVar("_Answer")
TOPIC = "events"


class ScriptedSubject:
    """See `Subject`: a topic of the broker, and a source of it."""

    def __init__(self, thread: LoopThread) -> None:
        self._thread = thread
        self.broker = ScriptedBroker()
        self.places = MemoryPlaces()
        self.number = 7
        self.run(self.broker.start())
        self.broker.make_topic(TOPIC, 3)

    def run(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Have the broker's loop do something."""
        return self._thread.run(work, 10)

    def fill(self, bodies: Sequence[bytes], topic: str = TOPIC, partition: int = 0) -> None:
        """Produce messages to a partition."""
        messages: list[Message] = [(None, (), body) for body in bodies]
        self.run(self.broker.produce(topic, messages, partition))

    async def produce(self, *messages: Made) -> None:
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            partition = crc32(message.key.encode()) % 3
            by_partition.setdefault(partition, []).append((message.key, headers, message.body))
        for partition, ours in by_partition.items():
            size = 1 if len(ours[0][2] or b"") > 100_000 else 500
            self.run(self.broker.produce(TOPIC, ours, partition, size))

    async def open(self, installation: str = INSTALLATION, **kafka: Any) -> OpenSource:
        """As a process of an installation does. ConnectionDown."""
        source = Source(
            "events",
            KAFKA,
            connection="main",
            kafka=KafkaTopics(**{"topics": (TOPIC,)} | kafka),
        )
        connection = Connection("main", KAFKA, {"servers": self.broker.servers})
        driver = KafkaDriver(self.places, installation)
        return await driver.open(source, connection, self.number)

    async def read(self, count: int, **kafka: Any) -> list[bytes]:
        """Open, read so many messages, and close: what they are."""
        reading = await self.open(**kafka)
        try:
            found: list[ForeignMessage] = []
            async with asyncio.timeout(60):
                while len(found) < count:
                    found += await reading.read()
                    await reading.acknowledge()
            return sorted(message.body for message in found)
        finally:
            await reading.close()

    def stop_server(self) -> None:
        self.run(self.broker.die())

    def start_server(self) -> None:
        self.run(self.broker.start())


@contextmanager
def scripted_subject() -> Iterator[ScriptedSubject]:
    """A broker for as long as the block lasts."""
    with LoopThread() as thread:
        subject = ScriptedSubject(thread)
        try:
            yield subject
        finally:
            subject.stop_server()


def new_scripted(request: Any) -> ScriptedSubject:
    """For one test."""
    made: ScriptedSubject = request.getfixturevalue("scripted")
    return made
