"""What happens to webhooks outside of attempts, followed by their lanes.

A webhook is changed or deleted, a stop switch thrown, a connection held, a reader asks, an owner
wants to see it sent to: each is heard of through `EngineListeners`.
"""

import asyncio

from tidings.core.delivery.learned_rate import LearnedRate
from tidings.core.delivery.turns import LanePace
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.breakers import Breakers
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.lanes.channels import Channels
from tidings.engine.delivery.lanes.runners import WebhookRunners
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import LaneDriver, WebhookRunner
from tidings.engine.listeners import EngineListeners


class LaneChanges:
    """Changes lanes as their webhooks change."""

    def __init__(
        self,
        *,
        heard: EngineListeners,
        runners: WebhookRunners,
        lanes: LaneDriver,
        channels: Channels,
        breakers: Breakers,
        claims: RetryClaims,
        connections: ConnectionWatch | None,
    ) -> None:
        """Listen to all events of `heard`, by which the parts inform each other."""
        self._runners = runners
        self._at_work = runners.at_work
        self._lanes = lanes
        self._channels = channels
        self._breakers = breakers
        self._claims = claims
        self._connections = connections
        heard.changed.add(self.changed)
        heard.switched.add(self.switched)
        heard.parked.add(self.parked)
        heard.held.add(self.held)
        heard.asked.add(self.ask)
        heard.probed.add(self.probe)
        heard.due.add(self.due)

    def changed(self, webhook: Webhook) -> None:
        """Follow a new version of a webhook; what is under way ends as it began."""
        runner = self._at_work.get(webhook.number)
        if runner is None:
            return
        was = runner.webhook
        runner.follow(webhook)
        lane = runner.lane
        if webhook.status is WebhookStatus.DELETED:
            del self._at_work[webhook.number]
            self._channels.forget(webhook.number)
            self._claims.forget(webhook.number)
            lane.open = False
            lane.start_over(keep_retries=False)
            self._breakers.drop(runner)
            self._runners.deleted[webhook.number] = runner
            self._lanes.spawn(self._close_when_quiet(runner))
            return
        if (webhook.connections_max, webhook.rate_per_s) != (was.connections_max, was.rate_per_s):
            lane.set_pace(webhook.connections_max, webhook.rate_per_s)
        self._channels.follow(runner)
        if webhook.url != was.url:
            lane.learned = LearnedRate()  # what another receiver takes is another matter
            runner.pace = LanePace()
        self._breakers.changed(runner, was.status)
        opens = runner.rest is None and self._runners.opens(webhook)
        if opens != lane.open or webhook.sends != was.sends:
            lane.open = opens
            lane.start_over()
        if webhook.status is not was.status:
            if webhook.status is WebhookStatus.DISABLED:
                lane.start_over(keep_retries=False)  # they are parked
                runner.claims_void = runner.claiming
            elif was.status is WebhookStatus.DISABLED:
                self._claims.release(runner)
        self._lanes.pump(runner)

    def switched(self) -> None:
        """Close lanes, which then hold nothing in memory, or open them again: a stop switch was
        thrown."""
        for runner in list(self._at_work.values()):
            self._lanes.open_or_close(runner)

    def held(self, connection: str) -> None:
        """Close the lanes that go over a connection that is held, or open them again where it
        works."""
        watch = self._connections
        for runner in list(self._at_work.values()) if watch is not None else ():
            if watch is None or watch.connection_of(runner.webhook) != connection:
                continue
            if not watch.bars(runner.webhook):
                self._channels.renew(runner)  # it may be for a connection that was not there
            self._lanes.open_or_close(runner)

    def ask(self, number: int, wanted: int, out: int) -> None:
        """Note how many messages the readers of a fetched webhook want now, and how many they have
        (`out`)."""
        runner = self._runners.runner_of(number)
        if runner is not None and runner.lane.wanted is not None:
            runner.lane.wanted, runner.lane.out = wanted, out
            self._lanes.pump(runner)

    def probe(self, webhook: int) -> None:
        """Ask a webhook's receiver at once, if its breaker is open, or the connection that it goes
        over, if that is held: somebody wants to see."""
        if (runner := self._runners.runner_of(webhook)) is not None:
            self._breakers.ask(runner)
            if self._connections is not None:
                self._connections.hasten(runner.webhook)

    def due(self, webhook: int, due_ms: int) -> None:
        """Note that a retry of a webhook is due then: somebody has asked for it."""
        if (runner := self._runners.runner_of(webhook)) is not None:
            self._claims.note(runner, due_ms)
            self._lanes.pump(runner)

    def parked(self, webhook: Webhook, _: int) -> None:
        """Start a webhook's lane over: the store has ended some of its deliveries. What is in
        memory may be of those, and so may what was started and has not left."""
        if (runner := self._at_work.get(webhook.number)) is not None:
            runner.doubted |= runner.lane.unsettled_attempts.keys()
            runner.lane.start_over()
            self._lanes.pump(runner)

    def is_under_way(self, webhook: int, delivery: DeliveryId) -> bool:
        """Return whether an attempt of a delivery is in its webhook's lane, whatever its state."""
        runner = self._at_work.get(webhook)
        return runner is not None and delivery in runner.lane.under_way

    async def _close_when_quiet(self, runner: WebhookRunner) -> None:
        if runner.slots:
            await asyncio.wait(list(runner.slots))
        self._runners.deleted.pop(runner.webhook.number, None)
        await runner.channel.close()
