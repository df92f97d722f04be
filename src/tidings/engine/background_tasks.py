"""Work behind the calls that lives as long as the service: a job that fails is begun anew."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

AGAIN_S = 5.0
FAREWELL_S = 2.0

log = structlog.get_logger(__name__)


class BackgroundTasks:
    """Runs each job until `stop`. `farewell` is what is done before the jobs are ended."""

    def __init__(
        self,
        jobs: dict[str, Callable[[], Awaitable[None]]],
        farewell: Callable[[], Awaitable[None]],
    ) -> None:
        self._jobs = jobs
        self._farewell = farewell
        self._tasks: list[asyncio.Task[None]] = []
        self.failures = 0

    def start(self) -> None:
        """Begin all of them."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._run(name, job), name=name) for name, job in self._jobs.items()
        ]

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
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await job()
            except Exception as error:
                self.failures += 1
                log.error("a job has failed and is begun anew", job=name, error=repr(error))
            await asyncio.sleep(AGAIN_S)
