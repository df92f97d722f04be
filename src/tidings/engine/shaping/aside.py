"""Work on a large message beside the event loop: in one thread, where orgs take turns.

For work in Python alone: the interpreter lets the loop go on every moment. Small work is done at
once, because it takes less than going there and back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tidings.core.ids import OrgId
from tidings.transform.turns import FairQueue

SMALL_BYTES = 16 * 1024


class _Task:
    __slots__ = ("done", "org", "work")

    def __init__(
        self, org: OrgId, work: Callable[[], bytes], done: "asyncio.Future[bytes]"
    ) -> None:
        self.org = org
        self.work = work
        self.done = done


class Aside:
    """One thread, started when it is first needed."""

    def __init__(self) -> None:
        self._waiting: FairQueue[_Task] = FairQueue()
        self._thread: ThreadPoolExecutor | None = None
        self._running: asyncio.Task[None] | None = None

    async def run(self, org: OrgId, size: int, work: Callable[[], bytes]) -> bytes:
        """What `work` makes of a message of so many bytes."""
        if size <= SMALL_BYTES:
            return work()
        loop = asyncio.get_running_loop()
        task = _Task(org, work, loop.create_future())
        self._waiting.push(task)
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        return await task.done

    async def _run(self) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "aside")
        loop = asyncio.get_running_loop()
        while self._waiting:
            task = self._waiting.pop()
            if task.done.done():
                continue  # nobody waits for it any more
            try:
                made = await loop.run_in_executor(self._thread, task.work)
            except Exception as error:
                if not task.done.done():
                    task.done.set_exception(error)
            else:
                if not task.done.done():
                    task.done.set_result(made)
