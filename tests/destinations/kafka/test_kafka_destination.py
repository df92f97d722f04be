"""The driver against a real Kafka: what a record is, how many share a producer, and what is said
where there is no broker."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.destinations.kafka.bench import SETTLED_S, KafkaBench, bound, new_bench
from tests.destinations.messages import BODY, HOPS, TestMessage, hook
from tests.destinations.trials.kafka import records_of
from tests.e2e.harness.service import free_port
from tests.sources.kafka.server import ALICE, MALLORY, SCRAM, KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.webhooks.targets.kafka_topic import KafkaTopic
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KAFKA, QUEUE
from tidings.destinations.kafka.driver import KafkaDestination
from tidings.destinations.port import MessagePreview

pytestmark = pytest.mark.systems


class Keyed(TestMessage):
    """A message with an order."""

    def __init__(self, key: int | None, body: bytes = BODY, **more: Any) -> None:
        super().__init__(body, **more)
        self.key = key  # type: ignore[assignment]


@pytest.fixture
async def subject(broker: KafkaServer) -> AsyncIterator[KafkaSubject]:
    async with KafkaSubject(broker) as made:
        await asyncio.sleep(SETTLED_S)
        yield made


@pytest.fixture
async def bench(subject: KafkaSubject) -> AsyncIterator[KafkaBench]:
    async with new_bench(subject) as made:
        yield made


def webhook(topic: str, **fields: Any) -> Webhook:
    place = {"kind": KAFKA, "connection": "main", "kafka": KafkaTopic(topic)}
    return hook("", **place | fields)


def connection(server: KafkaServer, **fields: Any) -> Connection:
    return Connection("main", "kafka", {"servers": server.servers} | fields)


async def sent(
    webhook: Webhook, connection: Connection, message: TestMessage | None = None
) -> AttemptResult:
    channel = KafkaDestination(time.time).open(webhook, connection)
    result = await channel.send(message or TestMessage())
    await channel.close()
    assert result is not None
    return result


async def test_a_record_has_the_key_the_headers_and_the_bytes_and_is_shown_so(
    subject: KafkaSubject,
) -> None:
    made = webhook(subject.topic)
    result = await sent(made, connection(subject.server), Keyed(255))
    [record] = await records_of(subject.server, subject.topic)
    headers = [(name, value.decode()) for name, value in record.headers]
    assert record.key == b"00000000000000ff" and record.value == BODY
    assert headers == [
        ("content-type", "application/json"),
        ("tidings-event", "pointsIssued"),
        ("webhook-id", "msg_1"),
        ("tidings-hops", HOPS),
    ]
    assert isinstance(result.ending, ReceiverAnswer)
    assert ("kafka-partition", str(record.partition)) in result.ending.headers
    destination = KafkaDestination(time.time)
    left = [*destination.carried(made), ("webhook-id", "msg_1"), ("tidings-hops", HOPS)]
    key = ("kafka-key", record.key.decode())
    assert destination.show(made, left, BODY, 255) == MessagePreview(
        "PRODUCE", [key, *headers], BODY
    )
    assert destination.show(made, left, BODY, None) == MessagePreview("PRODUCE", headers, BODY)


async def test_records_of_a_key_are_on_one_partition_and_others_on_all(
    subject: KafkaSubject,
) -> None:
    made = webhook(subject.topic)
    channel = KafkaDestination(time.time).open(made, connection(subject.server))
    for n in range(6):
        await asyncio.gather(*(channel.send(Keyed(key, b"%d" % n)) for key in range(20)))
        await channel.send(Keyed(None))
    await channel.close()
    records = await records_of(subject.server, subject.topic)
    places: dict[bytes | None, set[int]] = {}
    bodies: dict[bytes | None, list[bytes]] = {}
    for record in records:
        places.setdefault(record.key, set()).add(record.partition)
        bodies.setdefault(record.key, []).append(record.value)
    assert places.pop(None) == {0, 1, 2}
    del bodies[None]
    assert len(places) == 20 and all(len(place) == 1 for place in places.values())
    assert all(body == [b"%d" % n for n in range(6)] for body in bodies.values())


async def test_all_webhooks_of_a_connection_share_a_producer_that_ends_with_the_last(
    subject: KafkaSubject,
) -> None:
    destination = KafkaDestination(time.time)
    main = connection(subject.server)
    channels = [destination.open(webhook(subject.topic), main) for _ in range(3)]
    for channel in channels:
        await channel.send(TestMessage())
    held = destination._producers._by_connection
    [producer] = held.values()
    assert producer.users == 3
    for channel in channels:
        assert held
        await channel.close()
        await channel.close()
    assert not held
    assert await channels[0].send(TestMessage()) is not None
    await channels[0].close()


async def test_what_waits_at_the_deadline_or_is_cancelled_does_not_leave_later(
    bench: KafkaBench,
) -> None:
    main = bench.inner.open(bench.webhook())
    assert await main.send(TestMessage(may=lambda: False)) is None  # connected
    bench._proxy.answers(False)
    first = asyncio.create_task(main.send(TestMessage(b"1", deadline_s=1.0)))
    await asyncio.sleep(0.1)
    late, given_up = TestMessage(b"2", deadline_s=0.3), TestMessage(b"3")
    cancelled = asyncio.create_task(main.send(given_up))
    result = await main.send(late)
    cancelled.cancel()
    assert isinstance(result, AttemptResult) and isinstance(result.ending, TransportFault)
    assert result.ending.kind is FaultKind.TIMEOUT and not result.ending.sent
    assert late.asked == given_up.asked == 0
    ended = await first
    assert (
        isinstance(ended, AttemptResult)
        and isinstance(ended.ending, TransportFault)
        and ended.ending.sent
    )
    bench._proxy.answers(True)
    after = await main.send(TestMessage(b"4"))
    await main.close()
    assert isinstance(after, AttemptResult) and after.verdict is DeliveryVerdict.DELIVERED
    assert sorted(pair.body for pair in bench.got) == [b"1", b"4"]


async def test_of_many_in_one_request_only_the_one_that_is_too_large_is_refused(
    subject: KafkaSubject,
) -> None:
    await bound(subject.server, subject.topic, "2000")
    channel = KafkaDestination(time.time).open(webhook(subject.topic), connection(subject.server))
    bodies = [b"x" * (3000 if n == 7 else 300) for n in range(20)]
    results = await asyncio.gather(*(channel.send(Keyed(1, body)) for body in bodies))
    await channel.close()
    for n, result in enumerate(results):
        assert result is not None
        assert result.verdict is (DeliveryVerdict.NEVER if n == 7 else DeliveryVerdict.DELIVERED), n
    assert len(await records_of(subject.server, subject.topic)) == 19


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"servers": "127.0.0.1:{free}"}, FaultKind.REFUSED),
        ({"servers": "no-such-host.invalid:9092"}, FaultKind.DNS),
        ({"servers": "127.0.0.1:{tls}", "security": "ssl"}, FaultKind.TLS),
    ],
)
async def test_a_broker_that_is_not_reached_is_a_fault_by_its_cause(
    subject: KafkaSubject, fields: Mapping[str, str], kind: FaultKind
) -> None:
    ports = {"free": free_port(), "tls": subject.server.tls_port}
    said = {name: value.format(**ports) for name, value in fields.items()}
    message = TestMessage()
    result = await sent(webhook(subject.topic), Connection("main", "kafka", said), message)
    assert isinstance(result.ending, TransportFault) and result.ending.kind is kind
    assert not result.ending.sent and message.asked == 0
    assert "127.0.0.1" not in result.ending.detail and "invalid" not in result.ending.detail


@pytest.mark.parametrize(
    ("user", "password", "status"), [(ALICE[0], "wrong-5ecret", 401), (*MALLORY, 403)]
)
async def test_a_login_or_a_right_that_lacks_is_the_operators_to_mend(
    subject: KafkaSubject, user: str, password: str, status: int
) -> None:
    said = {
        "servers": f"127.0.0.1:{subject.server.sasl_port}",
        "security": "sasl_plaintext",
        "mechanism": SCRAM,
        "username": user,
        "password": password,
    }
    result = await sent(webhook(subject.topic), Connection("main", "kafka", said))
    assert isinstance(result.ending, ReceiverAnswer) and result.verdict is DeliveryVerdict.AGAIN
    assert result.ending.status == status
    assert user not in repr(result) and "5ecret" not in repr(result)


async def test_the_platforms_queue_is_the_topic_of_the_default_connection(
    subject: KafkaSubject,
) -> None:
    main = connection(subject.server, topic=subject.topic.replace("events", "{org}"))
    made = hook("", kind=QUEUE, connection="main")
    result = await sent(made, main)
    assert isinstance(result.ending, ReceiverAnswer) and result.ending.status == 404
    assert ("kafka-topic", subject.topic.replace("events", "1")) in result.ending.headers
    result = await sent(made, connection(subject.server, topic=subject.topic))
    assert result.verdict is DeliveryVerdict.DELIVERED
