"""The worker processes of a machine: one for each cell that it is to own.

A worker is the whole service over one cell's store. It ends with its host: the host holds the other
end of its standard input, and never writes. Where a worker ends by itself, its cell alone is begun
anew, later each time that it fails in a row; the others hear nothing of it. One that ends to take
up its store anew, after families have moved, is begun again at once.
"""

import asyncio
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

import structlog

from tidings.app.cells.worker_ends import WorkerEnds
from tidings.core.cells.families import CellId
from tidings.core.running.restarts import AGAIN_CODE, count_failures, restart_delay_s
from tidings.process_end import describe_end

Process = asyncio.subprocess.Process

log = structlog.get_logger(__name__)


class WorkerStart(NamedTuple):
    """Say how a worker is started: its command, and the open files that it is given by number.
    `spawned` is called once it has them, or there is none."""

    command: Sequence[str]
    inherits: Sequence[int] = ()
    spawned: Callable[[], None] = lambda: None


class CellWorkers:
    """Runs a worker for each cell that is wanted. To be used within one event loop."""

    def __init__(
        self,
        start_of: Callable[[CellId], WorkerStart],
        stop_s: float,
        delay_s: Callable[[int], float] = restart_delay_s,
        refusal_of: Callable[[CellId], str | None] = lambda cell: None,
    ) -> None:
        """`stop_s`: how long a worker may take to end, until it is killed; `delay_s`: how long a
        cell is left without one, by how often it has failed in a row; `refusal_of` returns why the
        last one of a cell was refused, if it was."""
        self._start_of = start_of
        self._stop_s = stop_s
        self._delay_s = delay_s
        self._refusal_of = refusal_of
        self.ends = WorkerEnds(time.monotonic)
        self._tasks: dict[CellId, asyncio.Task[None]] = {}
        self._processes: dict[CellId, Process] = {}
        self._ending: defaultdict[CellId, set[asyncio.Task[None]]] = defaultdict(set)

    @property
    def running(self) -> dict[CellId, int]:
        """List the processes that run, by their cells."""
        return {cell: process.pid for cell, process in self._processes.items()}

    def want(self, cells: Collection[CellId]) -> None:
        """Have a worker for these cells alone: start what is missing, end what is there besides."""
        for cell in set(self._tasks) - set(cells):
            self._end(cell)
        for cell in cells:
            if cell not in self._tasks:
                former = tuple(self._ending[cell])
                self._tasks[cell] = asyncio.create_task(self._keep(cell, former))

    async def close(self) -> None:
        """End all workers, each in order, and wait for it. Idempotent."""
        self.want(())
        if ending := list(chain.from_iterable(self._ending.values())):
            await asyncio.wait(ending)

    def _end(self, cell: CellId) -> None:
        """End the worker of a cell. Where it still waits for former ones, they go on to end."""
        task = self._tasks.pop(cell)
        self._ending[cell].add(task)
        task.add_done_callback(self._ending[cell].discard)
        task.cancel()

    async def _keep(self, cell: CellId, former: Collection[asyncio.Task[None]]) -> None:
        """Have a worker of a cell, once the former ones have ended, until nobody wants it."""
        if former:
            await asyncio.wait(former)
        failures = 0
        passed_s = asyncio.get_running_loop().time
        while True:
            began_s = passed_s()
            why = await self._run(cell)
            if why is None:
                failures = 0
                log.info("the process of a cell takes up its store anew", cell=cell)
                continue
            failures = count_failures(failures, passed_s() - began_s)
            delay_s = self._delay_s(failures)
            self.ends.note(cell, self._refusal_of(cell) or why, delay_s)
            await asyncio.sleep(delay_s)

    async def _run(self, cell: CellId) -> str | None:
        """Run one worker to its end, and say why it has ended; None: to be begun again."""
        start = self._start_of(cell)
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *start.command, stdin=subprocess.PIPE, pass_fds=start.inherits
            )
        )
        try:  # a start that is not wanted any more is let come to its end, to be ended itself
            process = await asyncio.shield(starting)
            self._processes[cell] = process
            start.spawned()
            code = await process.wait()
            return None if code == AGAIN_CODE else describe_end(code)
        except OSError as error:  # no process, no memory, no open file
            return f"It could not be started: {error.strerror or error}."
        except asyncio.CancelledError:
            with suppress(OSError):
                await self._stop(await starting, cell)
            raise
        finally:
            self._processes.pop(cell, None)
            start.spawned()

    async def _stop(self, process: Process, cell: CellId) -> None:
        """End a worker as its operator would; kill it where that takes too long."""
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_s):
                await process.wait()
        except TimeoutError:
            log.error("the process of a cell does not end and is killed", cell=cell)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
