"""A record counts as delivered when all replicas have it: whoever dies, it is there. Over a
scripted broker, which can die before its replicas have what it took."""

import asyncio
import time

from tests.destinations.messages import TestMessage, hook
from tests.sources.kafka.scripted import ALL_REPLICAS, ScriptedBroker
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict
from tidings.core.webhooks.targets.kafka_topic import KafkaTopic
from tidings.core.webhooks.webhook_types import KAFKA
from tidings.destinations.kafka.driver import KafkaDestination

TOPIC = "crm.loyalty"
MADE = hook("", kind=KAFKA, connection="main", kafka=KafkaTopic(TOPIC))


async def sent(
    broker: ScriptedBroker, *bodies: bytes, deadline_s: float = 30.0
) -> list[AttemptResult]:
    """What is said of messages that are sent at once."""
    connection = Connection("main", "kafka", {"servers": broker.servers})
    channel = KafkaDestination(time.time).open(MADE, connection)
    try:
        messages = [TestMessage(body, deadline_s=deadline_s) for body in bodies]
        found = await asyncio.gather(*(channel.send(message) for message in messages))
        return [result for result in found if result is not None]
    finally:
        await channel.close()


async def test_what_was_delivered_outlives_a_broker_that_dies_with_what_it_has_alone() -> None:
    async with ScriptedBroker() as broker:
        partition = broker.make_topic(TOPIC).partitions[0]
        [first] = await sent(broker, b"1")
        assert first.verdict is DeliveryVerdict.DELIVERED
        broker.replicates = False
        sending = asyncio.create_task(sent(broker, b"2", b"3"))
        async with asyncio.timeout(60):
            while len(partition.records()) < 3:
                await asyncio.sleep(0.01)
        await broker.die()  # and one of its replicas leads
        lost = await sending
        assert {result.verdict for result in lost} == {DeliveryVerdict.AGAIN}
        assert partition.records() == [b"1"]
        broker.replicates = True
        await broker.start()
        again = await sent(broker, b"2", b"3")
        assert {result.verdict for result in again} == {DeliveryVerdict.DELIVERED}
        await broker.die()
        assert sorted(filter(None, partition.records())) == [b"1", b"2", b"3"]
        assert set(broker.acks) == {ALL_REPLICAS}


async def test_what_the_replicas_do_not_have_within_the_time_is_not_delivered() -> None:
    async with ScriptedBroker() as broker:
        broker.make_topic(TOPIC)
        broker.replicates = False
        [result] = await sent(broker, b"1", deadline_s=0.5)
        assert result.verdict is DeliveryVerdict.AGAIN
