"""Work behind the calls that lives as long as the service, and a farewell before its end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from tidings.core.running.service_part import ServicePart
from tidings.engine.running.supervisor import Job, SupervisedTask, Supervisor

FAREWELL_S = 2.0

log = structlog.get_logger(__name__)


class BackgroundTasks:
    """Runs each job until `stop`. `farewell` is what is done before the jobs are ended."""

    def __init__(
        self,
        supervisor: Supervisor,
        jobs: Mapping[ServicePart, Job],
        farewell: Callable[[], Awaitable[None]],
    ) -> None:
        self._supervisor = supervisor
        self._jobs = jobs
        self._farewell = farewell
        self._tasks: list[SupervisedTask] = []

    def start(self) -> None:
        """Begin all of them."""
        self._tasks = [self._supervisor.start(part, job) for part, job in self._jobs.items()]

    async def stop(self) -> None:
        """Say farewell, within two seconds, and end them. Idempotent."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._farewell()
        except Exception as error:  # a stop goes on, whatever is left unsaid
            log.warning("a job has left something undone", error=repr(error))
        await asyncio.gather(*(task.stop() for task in tasks))
