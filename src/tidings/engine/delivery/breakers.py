"""The breakers of all lanes at work: what endings do to them, and when one may ask again."""

import asyncio
import random

from tidings.core.delivery.advice import first_sentence
from tidings.core.delivery.exchange import (
    AttemptResult,
    ReceiverAnswer,
    TransportFault,
    is_the_receivers,
)
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import LANE_PAUSE_MAX_S, Delivered, Outcome
from tidings.core.delivery.receivers.breaker import Position
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.runner import LaneDriver, Rest, WebhookRunner


class Breakers:
    """Stateless but for its timers: the state is the lanes' and the healths'."""

    def __init__(
        self,
        healths: HealthTracker,
        rng: random.Random,
        lanes: LaneDriver,
    ) -> None:
        """Open, close and pump `lanes` as the breakers decide."""
        self._lanes = lanes
        self._healths = healths
        self._rng = rng
        self._loop = asyncio.get_running_loop()

    def restore(self, runner: WebhookRunner) -> None:
        """Take up the pause that a former owner of the lane has left, or what its receiver said."""
        number, now_s = runner.webhook.number, self._loop.time()
        if (pause := self._healths.pause_of(number)) is not None:
            runner.lane.breaker.resume(pause, now_s)
            self._moved(runner)
        elif (lane_pause_s := self._healths.lane_pause_of(number)) is not None:
            runner.lane.learned.resume(now_s, lane_pause_s)

    def charge(
        self, runner: WebhookRunner, job: Job, result: AttemptResult, outcome: Outcome
    ) -> str | None:
        """Hold an ending against the receiver, or to its credit; faults of our own are neither.
        Why the webhook is to be disabled, if it has failed for too long with it.

        A replay opens the breaker as anything else does: it spares the receiver. That the webhook
        fails, and since when, is told by today's events alone; that it does so no more, by a
        replay's success as well.
        """
        breaker, ending = runner.lane.breaker, result.ending
        if result.spares_receiver or (
            ending.__class__ is TransportFault and not is_the_receivers(ending)
        ):
            breaker.unproven()
            return None
        number = runner.webhook.number
        hopeless: str | None = None
        if isinstance(outcome, Delivered):
            self._healths.good(number, counts=job.replay is None)
        elif job.replay is None:
            cause = str(ending.status) if isinstance(ending, ReceiverAnswer) else ending.kind
            hopeless = self._healths.bad(number, cause)
        now_s = self._loop.time()
        started_s = now_s - ending.duration_ms / 1000
        if runner.lane.judge(result, outcome, now_s, started_s, self._rng):
            self._moved(runner)
        elif (lane_pause_s := runner.lane.learned.requested_wait_s(now_s)) > 0:
            self._healths.wait(number, lane_pause_s)
        return hopeless

    def ask(self, runner: WebhookRunner) -> None:
        """Let a probe start at once: somebody has mended something, and wants to see."""
        if runner.lane.breaker.ask(self._loop.time()):
            self._set_probe(runner, 0.0)

    def succeeded_outside(self, runner: WebhookRunner) -> None:
        """Count a success that was none of the lane's, as of a test message."""
        now_s = self._loop.time()
        self._healths.good(runner.webhook.number, counts=False)
        if runner.lane.breaker.succeeded_outside(now_s):
            self._moved(runner)
        if runner.lane.breaker.position is not Position.CLOSED:
            self._set_probe(runner, 0.0)

    def rest(self, runner: WebhookRunner, pause_s: float, detail: str) -> None:
        """Start nothing of a webhook for a while, by a limit of ours: its receiver is not asked,
        and nothing is learned of it. `detail`: the limit, in sentences."""
        pause_s = min(LANE_PAUSE_MAX_S, pause_s)
        if runner.rest is None:
            self._loop.call_later(pause_s, self._end_rest, runner)
            runner.rest = Rest(self._loop.time() + pause_s, first_sentence(detail))
            self._lanes.open_or_close(runner)

    def _end_rest(self, runner: WebhookRunner) -> None:
        runner.rest = None
        self._lanes.open_or_close(runner)

    def changed(self, runner: WebhookRunner, was: WebhookStatus) -> None:
        """Follow a change of the webhook: its owner wants to see what comes of that now. `was`: its
        status before."""
        if runner.lane.breaker.position is not Position.CLOSED:
            runner.lane.breaker.reset()
            self._moved(runner)
        else:
            lane_pause_s = runner.lane.learned.requested_wait_s(self._loop.time())
            self._healths.wait(runner.webhook.number, lane_pause_s)
        if runner.webhook.sends and was is not WebhookStatus.ACTIVE:
            anew = was is WebhookStatus.DISABLED
            self._healths.resume(runner.webhook.number, anew=anew)

    def drop(self, runner: WebhookRunner) -> None:
        """Drop the breaker of a webhook that is deleted."""
        self._healths.forget(runner.webhook.number)
        self._set_probe(runner, None)

    def _moved(self, runner: WebhookRunner) -> None:
        lane = runner.lane
        breaker = lane.breaker
        if breaker.position is Position.OPEN:
            lane.sleep()
            self._set_probe(runner, breaker.wait_s(self._loop.time()))
        elif breaker.position is Position.CLOSED:
            lane.ramp()
            self._set_probe(runner, None)
        now_s = self._loop.time()
        self._healths.moved(
            runner.webhook.number, breaker, now_s, lane.learned.requested_wait_s(now_s)
        )

    def _set_probe(self, runner: WebhookRunner, wait_s: float | None) -> None:
        if runner.probe is not None:
            runner.probe.cancel()
        runner.probe = None if wait_s is None else self._loop.call_later(wait_s, self._wake, runner)

    def _wake(self, runner: WebhookRunner) -> None:
        runner.probe = None
        runner.lane.wake()
        self._lanes.pump(runner)
