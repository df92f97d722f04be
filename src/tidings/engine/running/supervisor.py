"""Starts every background task, and begins it anew when it fails or freezes.

A task that fails is logged with its name and begun anew after a delay that grows; one that gives no
sign of life within its bound is told of (`heartbeats.py`), cancelled, and begun anew once it has
ended: never is there a second one beside it. All of this is done by callbacks of the loop, so there
is no task that watches tasks and could end itself.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tidings.core.running.restarts import restart_delay_s
from tidings.core.running.service_part import ServicePart
from tidings.engine.audit.current_actor import by_service
from tidings.engine.callables import Ask, ReadSeconds
from tidings.engine.heartbeats import Heart, Heartbeats

Job = Callable[[Heart], Awaitable[None]]

log = structlog.get_logger(__name__)


class SupervisedTask:
    """One job that lives until it is stopped, or until it returns by itself."""

    def __init__(
        self,
        heartbeats: Heartbeats,
        part: ServicePart,
        job: Job,
        *,
        again: bool = True,
        may_restart: Ask = lambda: True,
        silent_s: ReadSeconds | None = None,
    ) -> None:
        """See `Supervisor.start`."""
        self._loop = asyncio.get_running_loop()
        self._heartbeats = heartbeats
        self._part = part
        self._job = job
        self._again = again  # whether it is begun anew where it returns
        self._may_restart = may_restart
        self._cancelled = False  # for it froze; once is enough
        self._heart = heartbeats.heart(part, silent_s)
        self._task: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._stopped = False
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when it has ended for good; holds the failure of one that does not restart."""
        self._begin()

    def restart_if_frozen(self) -> None:
        """Cancel it where it gives no sign of life; its end begins it anew."""
        frozen = self._heart.is_frozen and not self._cancelled
        if frozen and self._task is not None and self._part.restarts and self._may_restart():
            self._cancelled = True
            self._task.cancel("it gives no sign of life")

    def cancel(self) -> None:
        """Have it end; `ended` is done once it has. Idempotent."""
        self._stopped = True
        if self._later is not None:
            self._later.cancel()
        if self._task is None or self._task.done():
            self._finish()
        else:
            self._task.cancel()

    async def stop(self) -> None:
        """Cancel it, and wait for its end. Idempotent."""
        self.cancel()
        await asyncio.wait([self.ended])

    def _begin(self) -> None:
        self._later = None
        self._cancelled = False
        self._heart.begin()
        self._task = self._loop.create_task(self._run(), name=self._part.name)
        self._task.add_done_callback(self._on_done)

    async def _run(self) -> None:
        await by_service(self._job(self._heart))

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        if self._stopped:
            self._finish()
            return
        error = None if task.cancelled() else task.exception()
        if error is None and not task.cancelled() and not self._again:
            self._finish()
            return
        self._heart.fail()
        failures = self._heart.pulse.failures
        delay_s = restart_delay_s(failures)
        if not (self._part.restarts and self._may_restart()):
            log.error("a part has failed", part=self._part.name, error=repr(error), exc_info=error)
            if not self.ended.done():
                fail(self.ended, error or RuntimeError("it was cancelled"))
            return
        log.error(
            "a part has failed and is restarted",
            part=self._part.name,
            error="it gave no sign of life" if task.cancelled() else repr(error),
            failures=failures,
            in_s=delay_s,
            exc_info=error,
        )
        self._heartbeats.count_restart(self._part.name)
        self._later = self._loop.call_later(delay_s, self._begin)

    def _finish(self) -> None:
        self._heart.end()
        self._heartbeats.retire(self._heart)
        if not self.ended.done():
            self.ended.set_result(None)


class Supervisor:
    """Every background task of the service, by what it is a part of."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._tasks: dict[SupervisedTask, None] = {}  # in the order in which they were begun
        heartbeats.on_look(self._restart_frozen)

    def start(
        self,
        part: ServicePart,
        job: Job,
        *,
        again: bool = True,
        may_restart: Ask = lambda: True,
        silent_s: ReadSeconds | None = None,
    ) -> SupervisedTask:
        """Run a job from now on.

        With `again` it is begun anew where it returns, too; `may_restart` says whether it can be at
        this moment; `silent_s` as of `Heartbeats.heart`, where the job does not beat by itself.
        """
        task = SupervisedTask(
            self._heartbeats, part, job, again=again, may_restart=may_restart, silent_s=silent_s
        )
        self._tasks[task] = None
        task.ended.add_done_callback(lambda _: self._tasks.pop(task, None))
        return task

    def _restart_frozen(self) -> None:
        for task in list(self._tasks):
            task.restart_if_frozen()


def fail(ended: "asyncio.Future[None]", error: BaseException) -> None:
    """End a future by a failure that is logged, so that asyncio does not log it once more where
    nobody asks for it: at a stop."""
    ended.set_exception(error)
    ended.exception()
