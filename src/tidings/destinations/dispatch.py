"""Every kind of destination, by the type of the webhook."""

from collections.abc import Mapping

from tidings.core.connections.connection import Connection, Connections
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KINDS, QUEUE
from tidings.destinations.port import Channel, Driver, HasTasks, Headers, MessagePreview
from tidings.destinations.unreachable import UndialledChannel, Unreachable


class DriverDispatch:
    """`Destination` of all webhooks: the driver of its kind does it."""

    def __init__(self, drivers: Mapping[str, Driver], connections: Connections) -> None:
        """`drivers` by `webHookType`. Webhooks of the platform's own queue have that of the default
        connection."""
        self._drivers = dict(drivers)
        self._connections = connections
        if (default := connections.default) is not None:
            of_type = {KINDS[kind].connection: driver for kind, driver in drivers.items()}
            self._drivers[QUEUE] = of_type[default.kind]
        else:
            self._drivers[QUEUE] = Unreachable()
        all_drivers = self._drivers.values()
        self._with_tasks = [driver for driver in all_drivers if isinstance(driver, HasTasks)]

    def overdue_s(self) -> float:
        """Tell for how long a task of a driver has been at what should have ended, in seconds."""
        return max((driver.overdue_s() for driver in self._with_tasks), default=0.0)

    def open(self, webhook: Webhook) -> Channel:
        connection: Connection | None = None
        if webhook.connection:
            connection = self._connections.get(webhook.connection)
            if connection is None:
                return UndialledChannel(
                    webhook,
                    f"The connection {webhook.connection} must be declared by the operator; it is "
                    "not any more. Ask the operator, or name another one.",
                    unusable=True,
                )
        return self._drivers[webhook.kind].open(webhook, connection)

    def carried(self, webhook: Webhook) -> Headers:
        return self._drivers[webhook.kind].carried(webhook)

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return self._drivers[webhook.kind].show(webhook, headers, body, key)
