"""Send slots: the tasks in which the attempts of lanes are made, one after the other.

A slot runs on demand: it is opened where a lane has something that may start and the process admits
it, and ends when its lane has nothing more.
"""

import asyncio
from collections.abc import Callable

from tidings.core.delivery.job import Job
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.attempts import Attempts
from tidings.engine.delivery.runner import WebhookRunner


class SendSlots:
    """Opens slots for the lanes of a process, in turn where there are too few for all."""

    def __init__(
        self,
        *,
        admission: Admission,
        attempts: Attempts,
        keep_warm: Callable[[WebhookRunner], None],
        pump: Callable[[WebhookRunner], None],
    ) -> None:
        """`keep_warm` its connections; `pump` what else its lane wants now."""
        self._admission = admission
        self._attempts = attempts
        self._keep_warm = keep_warm
        self._pump = pump
        self._loop = asyncio.get_running_loop()

    def fill(self, runner: WebhookRunner) -> None:
        """Start what its lane may start, or have it wait for its turn."""
        lane, now_s = runner.lane, self._loop.time()
        crowded = self._admission.crowded and not runner.webhook.pulled
        while not crowded and self._admission.admits(runner, now_s) and self._open(runner, now_s):
            pass
        if lane.can_start and not self._paced(runner, now_s):
            self._admission.wait(runner, now_s)
            self.give()

    def give(self) -> None:
        """As many turns as there are slots, where lanes have to wait for them."""
        now_s = self._loop.time()
        while (runner := self._admission.next(now_s)) is not None:
            started = self._open(runner, now_s)
            if not started:
                self._admission.bring(runner.webhook.org, now_s)
            if runner.lane.can_start and not self._paced(runner, now_s) and started:
                self._admission.wait(runner, now_s)

    def _open(self, runner: WebhookRunner, now_s: float) -> bool:
        job = runner.lane.start(now_s)
        if job is None:
            return False
        self._admission.began(runner, now_s)
        runner.waiting_since_s = None
        slot = self._loop.create_task(self._run(runner, job, self._attempts.leapt_ms))
        runner.slots.add(slot)
        slot.add_done_callback(runner.slots.discard)
        return True

    def _paced(self, runner: WebhookRunner, now_s: float) -> bool:
        """Whether the lane itself starts nothing now; it is woken when its time has come."""
        wait_s = runner.lane.wait_s(now_s)
        if wait_s and runner.paced is None:
            runner.paced = self._loop.call_later(wait_s, self._unpace, runner)
        return wait_s != 0  # None: the end of a probe wakes it

    def _unpace(self, runner: WebhookRunner) -> None:
        runner.paced = None
        self._pump(runner)

    async def _run(self, runner: WebhookRunner, first: Job, leapt_ms: int) -> None:
        job: Job | None = first
        lane, loop = runner.lane, self._loop
        self._keep_warm(runner)
        while job is not None:
            await self._attempts.make(runner, job, leapt_ms)
            if lane.page_wanted:
                self._pump(runner)
            now_s, job, leapt_ms = loop.time(), None, self._attempts.leapt_ms
            if not self._admission.crowded and self._admission.admits(runner, now_s):
                if (job := lane.start(now_s)) is not None:
                    self._admission.began(runner, now_s)
                    runner.waiting_since_s = None
        self._pump(runner)
