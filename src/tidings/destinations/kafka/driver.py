"""The driver of webhooks of type KAFKA, and of those of the platform's own queue where that is one
of Kafka: each message is a record of a topic. The client library is imported with the first one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tidings.connections.kafka_login import login_of
from tidings.connections.kafka_type import EXTRA
from tidings.connections.port import ConnectionDown, comes_with
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    TransportFault,
    of_fault,
)
from tidings.core.events.names import CONTENT_TYPE, name_in
from tidings.core.webhooks.targets.kafka_topic import not_published, queue_topic
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.kafka.records import OF_RECORD, carried, key_of
from tidings.destinations.port import Headers, Message, MessagePreview

if TYPE_CHECKING:
    from tidings.destinations.kafka.producer import KafkaProducer

PRODUCE = "PRODUCE"
KEY = "kafka-key"  # a record's key is shown so, as sources show it


class KafkaDestination:
    """See `Driver`."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """`now_s`: seconds since the epoch."""
        self._producers = Producers(now_s)

    def open(self, webhook: Webhook, connection: Connection | None) -> "KafkaChannel":
        assert connection is not None  # webhooks of the type name one
        return KafkaChannel(webhook, connection, self._producers)

    def overdue_s(self) -> float:
        """Tell for how long a task has been at records whose time is over, in seconds."""
        return self._producers.overdue_s()

    def carried(self, webhook: Webhook) -> Headers:
        return carried(CONTENT_TYPE, "")

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        if not headers:  # nothing has left
            return MessagePreview(PRODUCE, headers, body)
        of_message = [header for header in headers if header[0] not in OF_RECORD]
        record_key = key_of(key)
        of_record = [] if record_key is None else [(KEY, record_key.decode())]
        of_record += carried(CONTENT_TYPE, name_in(body))
        return MessagePreview(PRODUCE, [*of_record, *of_message], body)


class Producers:
    """The producer of each connection, which all its channels share; it ends with the last."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._by_connection: dict[str, KafkaProducer] = {}

    def take(self, connection: Connection) -> "KafkaProducer":
        """Take the producer of a connection for one channel, until it gives it back. Raise
        ConnectionDown where none can be made."""
        producer = self._by_connection.get(connection.name)
        if producer is None:
            login = login_of(connection)
            with comes_with(EXTRA):
                from tidings.destinations.kafka.producer import KafkaProducer  # noqa: PLC0415
            producer = KafkaProducer(login, connection.name, self._now_s)
            self._by_connection[connection.name] = producer
        producer.users += 1
        return producer

    def overdue_s(self) -> float:
        """Tell how overdue the slowest of them is, in seconds."""
        return max((producer.overdue_s() for producer in self._by_connection.values()), default=0.0)

    async def give_back(self, connection: Connection, producer: "KafkaProducer") -> None:
        """Close it, where nobody else has it."""
        producer.users -= 1
        if not producer.users:
            del self._by_connection[connection.name]
            await producer.close()


class KafkaChannel:
    """See `Channel`."""

    def __init__(self, webhook: Webhook, connection: Connection, producers: Producers) -> None:
        self._connection = connection
        self._producers = producers
        self._producer: KafkaProducer | None = None
        self._webhook = webhook
        self._topic = topic_of(webhook, connection)
        self._barred = not_published(connection, self._topic, webhook.org)

    async def send(self, message: Message, record_key: bytes | None = None) -> AttemptResult | None:
        """See `Channel`. `record_key`: of its own, where it has one; None: that of its order."""
        if self._barred is not None:
            return of_fault(TransportFault(FaultKind.POLICY, False, self._barred, duration_ms=0.0))
        if self._producer is None:
            try:
                self._producer = self._producers.take(self._connection)
            except ConnectionDown as down:
                fault = TransportFault(FaultKind.OURS, False, str(down), duration_ms=0.0)
                return AttemptResult(DeliveryVerdict.AGAIN, fault, unusable=True)
        headers = carried(message.content_type, message.event_name)
        key = record_key or key_of(message.key)
        return await self._producer.send(self._topic, key, message, headers, self._webhook.retry)

    def follow(self, webhook: Webhook) -> bool:
        was = self._webhook
        if (webhook.kind, webhook.connection) != (was.kind, was.connection):
            return False
        if topic_of(webhook, self._connection) != self._topic:
            return False
        self._webhook = webhook
        return True

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._producers.give_back(self._connection, producer)


def topic_of(webhook: Webhook, connection: Connection) -> str:
    """Choose the topic for the records of a webhook: the one that it names, or that of the default
    connection."""
    if webhook.kafka is not None:
        return webhook.kafka.topic
    return queue_topic(connection, webhook.org, webhook.id)
