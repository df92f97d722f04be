"""What the driver of Kafka says before it has reached any broker. No broker."""

import sys
import time
from typing import Any

import msgspec
import pytest

from tests.destinations.messages import TestMessage, hook
from tidings.connections.port import command_of
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.webhooks.targets.kafka_topic import KafkaTopic
from tidings.core.webhooks.webhook_types import KAFKA
from tidings.destinations.kafka.driver import KafkaDestination

MADE = hook("", kind=KAFKA, connection="main", kafka=KafkaTopic("crm.loyalty"))


def main(**fields: Any) -> Connection:
    return Connection("main", "kafka", {"servers": "127.0.0.1:1"} | fields)


async def fault(connection: Connection, *, unusable: bool = True) -> TransportFault:
    """Of an attempt of which nothing leaves."""
    channel = KafkaDestination(time.time).open(MADE, connection)
    message = TestMessage()
    result = await channel.send(message)
    await channel.close()
    assert result is not None and isinstance(result.ending, TransportFault) and message.asked == 0
    assert result.unusable is unusable
    assert result.ending.kind is (FaultKind.OURS if unusable else FaultKind.POLICY)
    return result.ending


async def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    for name in [
        module for module in sys.modules if module.startswith("tidings.destinations.kafka.")
    ]:
        monkeypatch.delitem(sys.modules, name)
    assert command_of("kafka") in (await fault(main())).detail


async def test_a_topic_that_the_connection_is_not_for_any_more_is_not_written_to() -> None:
    assert "must be one that" in (await fault(main(publishes=["orders"]), unusable=False)).detail


def test_a_channel_follows_where_the_topic_stays() -> None:
    channel = KafkaDestination(time.time).open(MADE, main())
    assert channel.follow(msgspec.structs.replace(MADE, version=2))
    assert not channel.follow(msgspec.structs.replace(MADE, kafka=KafkaTopic("other")))
