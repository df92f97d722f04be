"""Work beside the event loop, in threads: for what takes longer than the loop has.

`ThreadOffload` has one thread in which orgs take turns. It is for work in Python alone: the
interpreter lets the loop go on every moment. Small work is done at once, because it takes less than
going there and back. All other threads are those of asyncio's own pool; `ThreadProbe` shows that
they still take work.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, TypeVar

from tidings.core.ids import OrgId
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart
from tidings.transform.turns import FairQueue

SMALL_BYTES = 16 * 1024
PROBE_S = 5.0  # between two looks at the pool
OFFLOAD = ServicePart(
    "thread of large messages",
    "events over 16 KB, and event types, wait",
    restarts=False,
)
POOL = ServicePart(
    "threads", "passwords are not checked, and files of look-ups are not read", restarts=False
)

Made = TypeVar("Made")


class _Task:
    __slots__ = ("done", "org", "work")

    def __init__(self, org: OrgId, work: Callable[[], Any], done: "asyncio.Future[Any]") -> None:
        self.org = org
        self.work = work
        self.done = done


class ThreadOffload:
    """One thread, started when it is first needed."""

    def __init__(self) -> None:
        self._waiting: FairQueue[_Task] = FairQueue()
        self._thread: ThreadPoolExecutor | None = None
        self._running: asyncio.Task[None] | None = None
        self._since_s: float | None = None  # when the thread was given what it does now

    def silent_s(self) -> float:
        """Tell for how long the thread has been at one piece of work, in seconds."""
        return 0.0 if self._since_s is None else monotonic() - self._since_s

    async def run(self, org: OrgId, size: int, work: Callable[[], Made]) -> Made:
        """Return what `work` makes of a message of so many bytes."""
        if size <= SMALL_BYTES:
            return work()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Made] = loop.create_future()
        self._waiting.push(_Task(org, work, done))
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        return await done

    async def _run(self) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "offload")
        loop = asyncio.get_running_loop()
        while self._waiting:
            task = self._waiting.pop()
            if task.done.done():
                continue  # nobody waits for it any more
            self._since_s = monotonic()
            try:
                made = await loop.run_in_executor(self._thread, task.work)
            except Exception as error:
                if not task.done.done():
                    task.done.set_exception(error)
            else:
                if not task.done.done():
                    task.done.set_result(made)
            finally:
                self._since_s = None


class ThreadProbe:
    """Asks the pool for nothing, again and again: whoever waits for a thread waits as long."""

    async def run(self, heart: Heart) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.to_thread(monotonic)
            heart.beat()
            await heart.sleep(PROBE_S)
