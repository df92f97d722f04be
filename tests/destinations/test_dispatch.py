"""Which driver has a webhook, and over which connection."""

from typing import Any

import pytest

from tests.destinations.messages import TestMessage
from tests.destinations.noted import Noted, webhook
from tidings.core.connections.connection import Connection, Connections
from tidings.core.delivery.exchange import AttemptResult, FaultKind, TransportFault
from tidings.core.webhooks.webhook_types import HTTP, KAFKA, KINDS, QUEUE
from tidings.destinations.dispatch import DriverDispatch

MAIN = Connection("main", "kafka", {"servers": "a:9092"})


@pytest.fixture
def drivers() -> dict[str, Any]:
    return {HTTP: Noted(), KAFKA: Noted()}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != QUEUE])
def test_each_type_has_its_driver_and_the_connection_that_it_names(kind: str) -> None:
    noted = {name: Noted() for name in KINDS if name != QUEUE}
    over = KINDS[kind].connection
    main = None if over is None else Connection("main", over, {})
    known = DriverDispatch(noted, Connections([] if main is None else [main]))
    known.open(webhook(kind, "" if main is None else "main"))
    opened = {name: driver.opened for name, driver in noted.items() if driver.opened}
    assert opened == {kind: [(kind, main)]}


def test_the_platforms_queue_is_the_default_connection(drivers: Any) -> None:
    known = DriverDispatch(drivers, Connections([MAIN], default="main"))
    known.open(webhook(QUEUE, "main"))
    assert drivers[KAFKA].opened == [(QUEUE, MAIN)]
    assert known.show(webhook(QUEUE, "main"), [], b"", None).method == "NOTE"


async def test_where_nothing_leads_nothing_is_sent_and_no_receiver_is_charged(
    drivers: Any,
) -> None:
    known = DriverDispatch(drivers, Connections())
    for element, said in (
        (webhook(KAFKA, "main"), "main must be declared"),
        (webhook(QUEUE), "QUEUE"),
    ):
        message = TestMessage()
        channel = known.open(element)
        result = await channel.send(message)
        await channel.close()
        assert isinstance(result, AttemptResult) and isinstance(result.ending, TransportFault)
        assert result.ending.kind is FaultKind.OURS and message.asked == 0
        if said != "QUEUE":
            assert said in result.ending.detail
    assert not drivers[KAFKA].opened
