"""The drivers that there are: of destinations by the type of the webhook, of sources by theirs.

Add a driver here; the rest follows.
"""

from collections.abc import Callable, Mapping

from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.core.sources.source_types import KAFKA, OUTBOX
from tidings.core.webhooks import webhook_types
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.email.driver import EmailDestination
from tidings.destinations.http.driver import HttpDestination
from tidings.destinations.kafka.driver import KafkaDestination
from tidings.destinations.port import Driver
from tidings.destinations.sql.driver import SqlDestination
from tidings.egress.port import OutletMaker, ReceiverAddress
from tidings.engine.clock import Clock
from tidings.sources.kafka.driver import KafkaDriver
from tidings.sources.outbox.driver import OutboxDriver
from tidings.sources.port import DriverStore, SourceDriver


def destinations(
    sender: OutletMaker,
    target_of: Callable[[str], ReceiverAddress],
    clock: Clock,
    connections: Connections,
    own: Mapping[str, Driver],
    agreed: Callable[[OrgId, str], bool],
    action_driver: Callable[[Mapping[str, Driver]], Driver],
) -> DriverDispatch:
    """Build the dispatch to every kind of destination, each by its driver.

    `own`: the drivers of the engine itself. `agreed`: whether an address's owner wants the e-mails
    of an org. `action_driver`: makes the driver of actions, over the others.
    """

    def now_s() -> float:
        return clock.now_ms() / 1000

    drivers: dict[str, Driver] = {
        webhook_types.HTTP: HttpDestination(sender, target_of, now_s),
        webhook_types.KAFKA: KafkaDestination(now_s),
        webhook_types.EMAIL: EmailDestination(connections, agreed),
        webhook_types.SQL: SqlDestination(connections),
        **own,
    }
    drivers[webhook_types.ACTION] = action_driver(drivers)
    of_webhooks = {kind: driver for kind, driver in drivers.items() if kind in webhook_types.KINDS}
    return DriverDispatch(of_webhooks, connections)


def source_drivers(store: DriverStore, installation: str) -> dict[str, SourceDriver]:
    """Build the drivers that fetch messages of sources, by their type. `installation`: our id, for
    whoever else reads there."""
    return {
        KAFKA: KafkaDriver(store, installation),
        OUTBOX: OutboxDriver(store, installation),
    }
