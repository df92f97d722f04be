"""The webhooks at work in this process, by number; each is put to work when first asked for."""

from collections.abc import Iterable
from typing import Protocol

from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.delivery.lane import Lane
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.breakers import Breakers
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.lanes.channels import Channels
from tidings.engine.delivery.message import HeadersOf
from tidings.engine.delivery.runner import WebhookRunner


class StopSwitches(Protocol):
    """Knows whose sending is stopped."""

    def is_stopped(self, org: OrgId) -> bool:
        """Return whether an org's is, or everybody's."""


class WebhookRunners:
    """Makes runners and keeps them; also those of deleted webhooks, until their attempts end."""

    def __init__(
        self,
        *,
        registry: Registry,
        budget: WindowBudget,
        channels: Channels,
        breakers: Breakers,
        healths: HealthTracker,
        headers_of: HeadersOf,
        stops: StopSwitches,
        connections: ConnectionWatch | None,
    ) -> None:
        """`budget` bounds what all lanes hold; `stops` and `connections` keep lanes closed."""
        self.at_work: dict[int, WebhookRunner] = {}
        self.deleted: dict[int, WebhookRunner] = {}  # with attempts that are under way
        self._registry = registry
        self._budget = budget
        self._channels = channels
        self._breakers = breakers
        self._healths = healths
        self._headers_of = headers_of
        self._stops = stops
        self._connections = connections

    def runner_of(self, number: int) -> WebhookRunner | None:
        """Return the runner of a webhook, which is put to work; None: there is no such webhook."""
        runner = self.at_work.get(number)
        if runner is None:
            webhook = self._registry.get(number)
            if webhook is None:
                return None
            lane = Lane(webhook.connections_max, webhook.rate_per_s, self._budget)
            lane.open = self.opens(webhook)
            lane.wanted = 0 if webhook.type.fetched else None
            runner = self.at_work[number] = WebhookRunner(
                webhook, lane, self._channels.open(webhook), self._headers_of
            )
            self._breakers.restore(runner)
            if self._healths.delivers(number):
                runner.pace.trusted()
        return runner

    def known(self, number: int) -> WebhookRunner | None:
        """Return the webhook's runner, also of a deleted one whose attempts go on; None where there
        is none."""
        return self.at_work.get(number) or self.deleted.get(number)

    def all(self) -> Iterable[WebhookRunner]:
        """List those at work, and those of deleted webhooks whose attempts go on."""
        return (*self.at_work.values(), *self.deleted.values())

    def opens(self, webhook: Webhook) -> bool:
        """Return whether nothing from outside keeps the lane of a webhook closed: its status, a
        stop switch, or its connection."""
        if not webhook.sends or self._stops.is_stopped(webhook.org):
            return False
        return self._connections is None or not self._connections.bars(webhook)
