"""What becomes of attempts: put back or judged, written, and out of their lanes.

`attempt_ended` judges an attempt and queues its settlement; `settled`, once that is written, takes
the delivery out of its lane, and disables the webhook where the attempt has led to that.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from tidings.core.delivery.exchange import AttemptResult, Ending, ReceiverAnswer, is_answered
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Delivered, Outcome, Retry
from tidings.core.delivery.waits import NotYet
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.running.lease import OwnerLease
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import Notify
from tidings.engine.delivery import attempt_results
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.judgement import AttemptJudge
from tidings.engine.delivery.guards.lane_rescue import LaneRescuer
from tidings.engine.delivery.guards.slot import Slot
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import QUICK_S, LaneDriver, WebhookRunner
from tidings.engine.events.commit_queue import Commits
from tidings.store import port


class WebhookEnds(Protocol):
    """Disables webhooks."""

    def disable(self, webhook: Webhook, reason: str) -> None:
        """Disable a webhook, for a reason in a sentence."""


class AttemptObserver(Protocol):
    """Counts attempts, and tells of them."""

    def observe(
        self, webhook: Webhook, job: Job, started_ms: int, ending: Ending, outcome: Outcome
    ) -> None:
        """Hear how an attempt has ended, begun at `started_ms` of the epoch, and what follows."""


class AttemptSettler:
    """See `AttemptListener`: hears of each attempt once."""

    def __init__(
        self,
        *,
        runners: Mapping[int, WebhookRunner],
        lanes: LaneDriver,
        registry: Registry,
        admission: Admission,
        judge: AttemptJudge,
        commits: Commits,
        lease: OwnerLease,
        claims: RetryClaims,
        rescuer: LaneRescuer,
        in_flight: port.InFlight,
        ends: WebhookEnds,
        observer: AttemptObserver,
        errors: UnforeseenErrors,
        connections: ConnectionWatch | None,  # None: what attempts say of them is taken
    ) -> None:
        """`runners`: those at work, by the numbers of their webhooks; `ends` disable webhooks,
        `observer` hears of each attempt."""
        self._at_work = runners
        self._lanes = lanes
        self._registry = registry
        self._admission = admission
        self._judge = judge
        self._commits = commits
        self._lease = lease
        self._claims = claims
        self._rescuer = rescuer
        self._in_flight = in_flight
        self._webhook_ends = ends
        self._ends: dict[int, tuple[Webhook, str]] = {}  # by the delivery that disables it
        self._observer = observer
        self._errors = errors
        self._connections = connections
        self._loop = asyncio.get_running_loop()

    def may_leave(self, runner: WebhookRunner, job: Job) -> bool:
        """Return whether nothing decided after its start keeps an attempt from being made: the
        webhook was ended, paused or stopped, the delivery cancelled, maybe by a commit whose answer
        was lost, the store refuses, or it may be another's by now."""
        return (
            runner.lane.open
            and not self._lanes.stopping
            and not self._commits.halted
            and job.delivery not in runner.cancelled
            and job.delivery not in runner.doubted
            and self._lease.holds()
        )

    def put_back(self, slot: Slot, job: Job) -> None:
        """Put back what has not left: it is charged to nobody, and waits as before."""
        runner = slot.runner
        slot.free(self._loop.time())
        cancelled = job.delivery in runner.cancelled
        doubted = job.delivery in runner.doubted
        runner.cancelled.discard(job.delivery)
        runner.doubted.discard(job.delivery)
        runner.lane.breaker.unproven()
        ended = runner.webhook.status in (WebhookStatus.DISABLED, WebhookStatus.DELETED)
        runner.lane.put_back(job, wanted=not (cancelled or ended or doubted))
        if doubted and job.retry and not ended:
            self._claims.release(runner)  # due again, unless the store has ended it

    def unusable(
        self,
        slot: Slot,
        webhook: Webhook,
        job: Job,
        started_ms: int,
        result: AttemptResult,
        restore: Notify,
    ) -> bool:
        """Put back an attempt that has not left, for its connection could not be used: where that
        is so for everybody. Its slot is free meanwhile, and its lane starts nothing."""
        runner = slot.runner
        over = Slot(self._admission, runner)  # the attempt's own may be in use again by then

        def decided(is_held: bool) -> None:
            try:
                if is_held:
                    restore()
                    self.put_back(over, job)
                else:
                    self.attempt_ended(over, webhook, job, started_ms, result)
                self._lanes.open_or_close(runner)
                if self._admission.crowded:
                    self._lanes.give_turns()
            except Exception as error:  # others wait for the same
                self._errors.note(error, AttemptStep.JUDGE, webhook.kind)
                over.free(self._loop.time())
                self._lanes.take_up(runner, job.delivery)

        if self._connections is None or not self._connections.suspect(webhook, decided):
            return False
        slot.hand_body_to(over)
        slot.free(self._loop.time())
        runner.lane.free(job.delivery)
        self._lanes.open_or_close(runner)
        return True

    def attempt_ended(
        self, slot: Slot, webhook: Webhook, job: Job, started_ms: int, result: AttemptResult | None
    ) -> None:
        """See `AttemptListener`."""
        runner = slot.runner
        lane = runner.lane
        if result is None:
            slot.free(self._loop.time())
            lane.ended(job.delivery, slow=False, delivered=False)
            lane.breaker.unproven()
            self._commits.settle(attempt_results.lost(webhook, job, started_ms))
            return
        ending = result.ending
        took_s = ending.duration_ms / 1000
        answered = ending.__class__ is ReceiverAnswer or is_answered(ending)
        slot.free(self._loop.time(), answered=answered)
        ending, outcome, disable, settlement = self._judge.judge(
            runner, webhook, job, started_ms, result
        )
        delivered = isinstance(outcome, Delivered)
        slow = isinstance(outcome, Retry) and outcome.slow
        lane.ended(job.delivery, slow=slow, delivered=delivered)
        runner.well = delivered and took_s < QUICK_S
        if disable is not None:
            self._ends[job.delivery] = webhook, disable
        if delivered and (
            (job.shaped and job.attempt == 1)  # it had waited
            or job.delivery in runner.cancelled
            or job.delivery in runner.doubted
        ):
            settlement = attempt_results.keep_sent(settlement, job)
        self._commits.settle(settlement)
        try:
            self._observer.observe(webhook, job, started_ms, ending, outcome)
        except Exception as error:
            self._errors.note(error, AttemptStep.OBSERVE, webhook.kind)

    def not_yet(
        self, slot: Slot, webhook: Webhook, job: Job, started_ms: int, result: NotYet
    ) -> None:
        """See `AttemptListener`. It waits, and is charged to nobody; where its time is over, it
        has failed."""
        runner = slot.runner
        delay_s = self._judge.wait_s(webhook, job, started_ms, result)
        if result.lane_pause_s > 0:
            self._judge.rest(runner, result)
        if delay_s is None:
            in_vain = attempt_results.in_vain(result)
            self.attempt_ended(slot, webhook, job, started_ms, in_vain)
            return
        slot.free(self._loop.time())
        runner.lane.ended(job.delivery, slow=False, delivered=False)
        runner.lane.breaker.unproven()
        self._commits.settle(
            attempt_results.waiting(webhook, job, started_ms, result.waits, delay_s)
        )

    def settled(self, settled: Sequence[port.Settlement], receipt: port.Receipt) -> None:
        """Note that these are written: their deliveries leave their lanes, and retries have a due
        time."""
        runners, forget = self._at_work, self._in_flight.forget
        for settlement in settled:
            try:
                delivery, attempt = settlement.delivery, settlement.attempt
                if (runner := runners.get(settlement.webhook)) is not None:
                    runner.lane.settled(delivery, attempt)
                    runner.cancelled.discard(delivery)
                    runner.doubted.discard(delivery)
                    if settlement.delay_ms is not None:
                        self._claims.note(runner, receipt.now_ms + settlement.delay_ms)
                    if self._ends and (ends := self._ends.pop(delivery, None)) is not None:
                        self._end_webhook(runner, *ends)  # disabling parks what is unfinished
                forget(delivery, attempt)
            except Exception as error:  # the others have been written too
                self._errors.note(error, AttemptStep.SETTLE)
        for webhook, due_ms in receipt.due:
            if (runner := self._at_work.get(webhook)) is not None:
                try:
                    self._claims.claimed(runner, due_ms)
                except BaseException as error:
                    self._claims.lose(runner)
                    self._rescuer.note(webhook, error)
        if self._admission.crowded:
            self._lanes.give_turns()

    def _end_webhook(self, runner: WebhookRunner, webhook: Webhook, reason: str) -> None:
        """Close the lane of a webhook, so that nothing starts, and disable it: that it must be is
        stored."""
        now = self._registry.get(webhook.number)
        if now is not None and now.sends and now.url == webhook.url:
            runner.lane.open = False
            runner.lane.start_over()
        self._webhook_ends.disable(webhook, reason)
