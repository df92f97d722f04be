"""Which drivers a service has, as its adapters are put together."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tests.destinations.messages import hook
from tests.destinations.noted import Noted
from tidings.app.drivers import destinations
from tidings.core.actions.action import EVENTS
from tidings.core.connections.connection import Connection, Connections
from tidings.core.webhooks.webhook_types import ACTION, EMAIL, KAFKA, PULL, QUEUE, SQL
from tidings.destinations.kafka.driver import KafkaChannel
from tidings.destinations.port import Driver
from tidings.egress.address import parse_target
from tidings.engine.clock import WallClock

MAIN = Connection("main", "kafka", {"servers": "127.0.0.1:1", "topic": "crm.{org}"})


def test_the_platforms_queue_goes_over_the_default_connection_beside_all_other_drivers() -> None:
    """Also beside the engine's own driver of new events, which is no type of webhooks."""
    given: dict[str, Driver] = {}
    acts = Noted()

    def acting(drivers: Mapping[str, Driver]) -> Driver:
        given.update(drivers)
        return acts

    nobody: Any = None
    made = destinations(
        nobody,
        lambda url: parse_target(url, allow_http=True),
        WallClock(),
        Connections([MAIN], "main"),
        {PULL: Noted(), EVENTS: Noted()},
        lambda org, address: False,
        acting,
    )
    queue = msgspec.structs.replace(hook("https://a.b/"), kind=QUEUE, connection="main")
    assert isinstance(made.open(queue), KafkaChannel)
    made.open(msgspec.structs.replace(queue, kind=ACTION, connection=""))
    assert acts.opened == [(ACTION, None)]
    assert {EMAIL, SQL, KAFKA, EVENTS} <= given.keys()
