"""Send slots: the tasks in which the attempts of lanes are made, one after the other.

A slot runs on demand: it is opened where a lane has something that may start and the process admits
it, and ends when its lane has nothing more. Nothing that is raised in one ends it before, and
however it ends, what it held is free.
"""

import asyncio
from functools import partial

from tidings.core.delivery.job import Job
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.attempts import Attempts
from tidings.engine.delivery.guards.slot import Slot
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors, is_end
from tidings.engine.delivery.lanes.channels import Channels
from tidings.engine.delivery.runner import LaneDriver, WebhookRunner

TAKEN_UP_S = 30.0  # after which what an error of ours has left behind is looked for again


class SendSlots:
    """Opens slots for the lanes of a process, in turn where there are too few for all."""

    def __init__(
        self,
        *,
        admission: Admission,
        attempts: Attempts,
        channels: Channels,
        lanes: LaneDriver,
        errors: UnforeseenErrors,
    ) -> None:
        """Keep the connections in use warm by `channels`."""
        self._lanes = lanes
        self._errors = errors
        self._admission = admission
        self._attempts = attempts
        self._channels = channels
        self._loop = asyncio.get_running_loop()

    def fill(self, runner: WebhookRunner) -> None:
        """Start what its lane may start, or have it wait for its turn."""
        lane, now_s = runner.lane, self._loop.time()
        crowded = self._admission.crowded_for(runner)
        while not crowded and self._admission.admits(runner, now_s) and self._open(runner, now_s):
            pass
        if lane.can_start and not self._paced(runner, now_s):
            self._admission.wait(runner, now_s)
            self.give()
        elif self._admission.leave(runner):
            self.give()

    def give(self) -> None:
        """Give as many turns as there are slots, where lanes have to wait for them."""
        now_s = self._loop.time()
        while (runner := self._admission.next(now_s)) is not None:
            started = self._open(runner, now_s)
            if not started:
                self._admission.bring(runner.webhook.org, now_s)
                self._admission.leave(runner)
            while runner.fetched and self._admission.admits(runner, now_s):
                if not self._open(runner, now_s):
                    break
            if runner.lane.can_start and not self._paced(runner, now_s) and started:
                self._admission.wait(runner, now_s)

    def _open(self, runner: WebhookRunner, now_s: float) -> bool:
        job = runner.lane.start(now_s)
        if job is None:
            return False
        slot = Slot(self._admission, runner)
        slot.take(job, now_s)
        work = self._run(slot, job, self._attempts.leapt_ms)
        slot.task = task = self._loop.create_task(work)
        runner.slots[task] = slot
        task.add_done_callback(partial(self._closed, slot))
        return True

    def _paced(self, runner: WebhookRunner, now_s: float) -> bool:
        """Return whether the lane itself starts nothing now; it is woken when its time has come."""
        wait_s = runner.lane.wait_s(now_s)
        if wait_s and runner.paced is None:
            runner.paced = self._loop.call_later(wait_s, self._unpace, runner)
        return wait_s != 0  # None: the end of a probe wakes it

    def _unpace(self, runner: WebhookRunner) -> None:
        runner.paced = None
        self._lanes.pump(runner)

    async def _run(self, slot: Slot, first: Job, leapt_ms: int) -> None:
        job: Job | None = first
        runner, loop, admission = slot.runner, self._loop, self._admission
        lane = runner.lane
        try:
            self._channels.keep_warm(runner)
        except Exception as error:
            self._errors.note(error, AttemptStep.START, runner.webhook.kind)
        while job is not None:
            try:
                if not job.unread or await self._attempts.read_body(slot, job, leapt_ms):
                    await self._attempts.make(slot, job, leapt_ms)
            except BaseException as error:
                if is_end(error, slot.task):
                    raise
                self._failed(slot, job, error)
            finally:
                if slot.job is not None:
                    slot.free(loop.time())
            if lane.page_wanted:
                self._lanes.pump(runner)
            now_s, job, leapt_ms = loop.time(), None, self._attempts.leapt_ms
            if not admission.crowded_for(runner) and admission.admits(runner, now_s):
                if (job := lane.start(now_s)) is not None:
                    slot.take(job, now_s)
        self._lanes.pump(runner)
        if admission.crowded:
            self.give()

    def _failed(self, slot: Slot, job: Job, error: BaseException) -> None:
        """Handle a failure of the code that ends attempts: the delivery waits a while, and is then
        looked for in the store."""
        self._errors.note(error, AttemptStep.SETTLE, slot.runner.webhook.kind)
        slot.runner.lane.free(job.delivery)
        slot.runner.lane.breaker.unproven()
        self._take_up_later(slot.runner, job)

    def _closed(self, slot: Slot, task: "asyncio.Task[None]") -> None:
        """Free the slot of a task that is over. It may have ended before its first step, or by an
        error of ours."""
        runner, job = slot.runner, slot.job
        runner.slots.pop(task, None)
        if job is not None:
            slot.free(self._loop.time())
            runner.lane.free(job.delivery)
            self._take_up_later(runner, job)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.note(error, AttemptStep.START, runner.webhook.kind)
            self._loop.call_later(TAKEN_UP_S, self._lanes.pump, runner)

    def _take_up_later(self, runner: WebhookRunner, job: Job) -> None:
        self._loop.call_later(TAKEN_UP_S, self._lanes.take_up, runner, job.delivery)
