"""What follows from an attempt that has ended: for its delivery, its receiver and its webhook.

Our own decisions may fail too. What is known by then stands: what was delivered is delivered; else
the delivery is tried again on the schedule, as after any fault of ours.
"""

import random

from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, Ending, TransportFault
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import DELIVERED, Failed, Outcome, Retry, classify
from tidings.core.delivery.receivers.health import GONE, GONE_OF_ACTION
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.core.delivery.waits import NotYet
from tidings.core.steady_clock import SURE_AFTER_S
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import Clock, leaping, sure
from tidings.engine.delivery import attempt_results
from tidings.engine.delivery.breakers import Breakers
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors
from tidings.engine.delivery.retries.manual_retries import PromisedRetries
from tidings.engine.delivery.runner import WebhookRunner
from tidings.store import port

AGAIN_S = 300.0  # where not even the schedule can be asked


JudgedAttempt = tuple[Ending, Outcome, str | None, port.Settlement]
"""How it ended, what follows, why its webhook is to be disabled for it, and what is written."""


class AttemptJudge:
    """Judges attempts; it changes breakers and healths, and nothing else."""

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        promised: PromisedRetries,
        breakers: Breakers,
        errors: UnforeseenErrors,
    ) -> None:
        """`clock`: whose date may end a delivery, where it is sure."""
        self._clock = clock
        self._rng = rng
        self._promised = promised
        self._breakers = breakers
        self._errors = errors
        self.began_ms = clock.now_ms()

    def judge(
        self,
        runner: WebhookRunner,
        webhook: Webhook,
        job: Job,
        started_ms: int,
        result: AttemptResult,
    ) -> JudgedAttempt:
        """Judge the ending of an attempt begun at `started_ms` (milliseconds since the epoch).
        Raises nothing."""
        disable = None
        try:
            outcome = self._outcome(webhook, job, started_ms, result)
        except Exception as error:
            was = result.verdict
            result = self._failed(error, webhook, result)
            outcome = (
                DELIVERED
                if was is DeliveryVerdict.DELIVERED
                else self._again(job, started_ms, result)
            )
        try:
            outcome = self._promised.keep(job.delivery, outcome, self._clock)
        except Exception as error:
            self._errors.note(error, AttemptStep.JUDGE, webhook.kind)
        try:
            disable = self._breakers.charge(runner, job, result, outcome)
        except Exception as error:
            self._errors.note(error, AttemptStep.JUDGE, webhook.kind)
            runner.lane.breaker.unproven()
        if isinstance(outcome, Failed) and outcome.disable:
            disable = GONE_OF_ACTION if webhook.type.acts else GONE
        ending = result.ending
        try:
            settlement = attempt_results.settled(webhook, job, started_ms, ending, outcome, disable)
        except Exception as error:
            ending = self._failed(error, webhook, result).ending
            settlement = attempt_results.settled(webhook, job, started_ms, ending, outcome, disable)
        return ending, outcome, disable, settlement

    def wait_s(self, webhook: Webhook, job: Job, started_ms: int, not_yet: NotYet) -> float | None:
        """Return the seconds until what is not to be done yet is looked at again; None: its time is
        over. Raises nothing."""
        try:
            age_s = self._age_s(webhook, job, started_ms, 0.0)
            return not_yet.delay_s(webhook.retry.schedule.window_s, age_s)
        except Exception as error:
            self._errors.note(error, AttemptStep.JUDGE, webhook.kind)
            return not_yet.wait_s

    def rest(self, runner: WebhookRunner, not_yet: NotYet) -> None:
        """Start nothing of a webhook while a limit of ours admits nothing. Raises nothing."""
        try:
            self._breakers.rest(runner, not_yet.lane_pause_s, not_yet.waits.detail)
        except Exception as error:
            self._errors.note(error, AttemptStep.JUDGE, runner.webhook.kind)

    def _outcome(
        self, webhook: Webhook, job: Job, started_ms: int, result: AttemptResult
    ) -> Outcome:
        age_s = self._age_s(webhook, job, started_ms, result.ending.duration_ms)
        return classify(result, webhook.retry, job.step, age_s, self._rng)

    def _age_s(self, webhook: Webhook, job: Job, started_ms: int, took_ms: float) -> float:
        # By its own begin and length: a leap of the clock meanwhile is no age.
        age_s = max(0.0, (started_ms - job.accepted_ms + took_ms) / 1000)
        nearly_s = max(0.0, webhook.retry.schedule.window_s - SURE_AFTER_S)
        if age_s > nearly_s:
            is_old = job.accepted_ms < self.began_ms and not sure(self._clock)
            if is_old or leaping(self._clock):
                # The first date of this process may be a wrong one, and around a leap the store
                # has followed it before we hear of it: one more attempt, when it is surer.
                age_s = nearly_s
        return age_s

    def _failed(self, error: Exception, webhook: Webhook, result: AttemptResult) -> AttemptResult:
        ending = getattr(result, "ending", None)
        sent = not isinstance(ending, TransportFault) or ending.sent
        return self._errors.result(error, AttemptStep.JUDGE, webhook.kind, sent=sent)

    def _again(self, job: Job, started_ms: int, result: AttemptResult) -> Outcome:
        """Decide by the default retry policy, within its window."""
        try:
            age_s = max(0.0, (started_ms - job.accepted_ms) / 1000)
            return classify(result, DEFAULT_POLICY, job.step, age_s, self._rng)
        except Exception as error:
            self._errors.note(error, AttemptStep.JUDGE)
            return Retry(AGAIN_S, ours=True)
