"""The lanes of webhooks that are drained: asked at once, told what is due, and looked at until
nothing of it is left."""

import asyncio

from tidings.core.delivery.drain import LanePotential
from tidings.core.delivery.learned_rate import AskedWait
from tidings.core.delivery.receivers.breaker import Position
from tidings.core.ids import DeliveryId
from tidings.engine.delivery.breakers import Breakers
from tidings.engine.delivery.lanes.runners import WebhookRunners
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import LaneDriver


class DrainedLanes:
    """Changes of a lane no more than its breaker's pause, and what its receiver has asked for."""

    def __init__(
        self,
        *,
        runners: WebhookRunners,
        lanes: LaneDriver,
        breakers: Breakers,
        claims: RetryClaims,
    ) -> None:
        self._runners = runners
        self._lanes = lanes
        self._breakers = breakers
        self._claims = claims
        self._loop = asyncio.get_running_loop()

    def potential_of(self, webhook: int) -> LanePotential:
        """Return what bounds how fast a webhook can be sent to."""
        runner = self._runners.runner_of(webhook)
        if runner is None:
            return LanePotential(1)
        lane = runner.lane
        limit = None if lane.rate_limit is None else lane.rate_limit.rate
        rates = [rate for rate in (limit, lane.learned.rate) if rate is not None]
        took_s = runner.pace.took_s if runner.well else 0.0  # that of failures says nothing
        return LanePotential(lane.cap, min(rates, default=None), took_s)

    def has_work(self, webhook: int, now_ms: int) -> bool:
        """Return whether something waits that can be the probe: none has to be made due."""
        runner = self._runners.runner_of(webhook)
        if runner is None:
            return False
        lane, due_ms = runner.lane, runner.next_due_ms
        return bool(lane.queued or lane.behind or (due_ms is not None and due_ms <= now_ms))

    def is_idle(self, webhook: int, now_ms: int) -> bool:
        """Return whether nothing waits that can be the probe, is asked for or has begun."""
        runner = self._runners.runner_of(webhook)
        is_busy = runner is not None and (runner.claiming or bool(runner.lane.unsettled_attempts))
        return not is_busy and not self.has_work(webhook, now_ms)

    def is_closed(self, webhook: int) -> bool:
        """Return whether its breaker holds nothing back."""
        return self._is_at(webhook, Position.CLOSED)

    def is_left_alone(self, webhook: int) -> bool:
        """Return whether its breaker is open."""
        return self._is_at(webhook, Position.OPEN)

    def _is_at(self, webhook: int, position: Position) -> bool:
        runner = self._runners.runner_of(webhook)
        return runner is not None and runner.lane.breaker.position is position

    def ask(self, webhook: int) -> AskedWait | None:
        """Let one attempt start at once; return the wait that the receiver had asked for, which
        this one comes before."""
        runner = self._runners.runner_of(webhook)
        if runner is None:
            return None
        waited = runner.lane.learned.ask(self._loop.time())
        self._breakers.ask(runner)
        self._lanes.pump(runner)
        return waited

    def go_on_waiting(self, webhook: int, waited: AskedWait) -> None:
        """Wait as before `ask`, which has come to nothing."""
        if (runner := self._runners.runner_of(webhook)) is not None:
            runner.lane.learned.go_on_waiting(waited)
            self._lanes.pump(runner)

    def note_due(self, webhook: int, due_ms: int) -> None:
        """Have the lane ask for what is due since then."""
        if (runner := self._runners.runner_of(webhook)) is not None:
            self._claims.note(runner, due_ms)
            self._lanes.pump(runner)

    def holds_older(self, webhook: int, before_ms: int) -> bool:
        """Return whether something is due or waits in the lane that was accepted before, or may
        have been. What has begun does not count."""
        runner = self._runners.runner_of(webhook)
        if runner is None:
            return False
        due_ms = runner.next_due_ms
        is_due = due_ms is not None and due_ms <= before_ms
        return is_due or runner.claiming or runner.lane.behind or runner.lane.waits_since(before_ms)

    def begun(self, webhook: int) -> frozenset[tuple[DeliveryId, int]]:
        """Return the attempts of a webhook that have begun and are not written, with their
        numbers."""
        runner = self._runners.runner_of(webhook)
        return frozenset() if runner is None else frozenset(runner.lane.unsettled_attempts.items())
