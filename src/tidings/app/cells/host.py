"""The host: what `tidings serve` is where the map names cells. It has a process for each of them.

It opens no store. It has the public port, whose socket all workers share, so that whoever connects
is served while one of them is begun anew; it answers itself only while none has listened for a
while. Which cells there are it reads in the map each second, and goes on with what it knows while
the map is away. Cells of a database are those of several machines: each host has its share
(`shared_cells.py`), and hands that over when it ends.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

import structlog

from tidings.app.cells.cell_workers import CellWorkers, WorkerStart
from tidings.app.cells.files.host_files import HostFiles
from tidings.app.cells.host_answers import HostAnswers
from tidings.app.cells.map_place import open_cell_map
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.shared_cells import SharedCells, share_cells
from tidings.app.cells.worker_post import WorkerPost
from tidings.app.descriptors import LEAST_OF_CELL
from tidings.app.machine import file_refusal
from tidings.core.cells.families import CellId
from tidings.core.running.restarts import restart_delay_s
from tidings.engine.clock import service_clock
from tidings.server import Bounds
from tidings.server.listening import make_listening
from tidings.settings.settings import Settings
from tidings.store.cell_map.map_line import MapLines
from tidings.store.sql.halves import passed_s

EVERY_S = 1.0
HAND_OVER_S = 4.0  # for other hosts to have processes for the cells of one that ends
HAND_OVER_EVERY_S = 0.2
SOONER = 4
STOP_S = 30.0  # for a worker to end, beside what attempts may take
HEARD_BYTES = 1 << 16  # all that a pipe holds

log = structlog.get_logger(__name__)


async def serve_cells(settings: Settings, command: Sequence[str], hold: bool) -> int | None:
    """Serve the cells of the map until the process is told to end; its exit code, or None where the
    map names no cell. `command` serves by the same settings."""
    gc.enable()  # it composes nothing
    if (refusal := file_refusal(LEAST_OF_CELL)) is not None:
        print(refusal, file=sys.stderr)
        return 4
    host = CellHost(settings, command, hold)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, host.end)
    try:
        return await host.run()
    finally:
        await host.close()


def worker_delay_s(failures: int) -> float:
    """Compute how long to wait before a worker is started again, after so many failures in a row:
    less than for a part of a service, since nobody else serves its cell."""
    return restart_delay_s(failures) / SOONER


class CellHost:
    """The workers of a machine and the port that they share. To be used within one event loop."""

    def __init__(self, settings: Settings, command: Sequence[str], hold: bool) -> None:
        """OSError where the port cannot be had."""
        self._settings = settings
        self._command = command
        self._holds: set[CellId] | None = set() if hold else None  # cells that were told so
        self._listening: socket.socket = make_listening(settings.host, settings.port, Bounds())
        self._store = open_cell_map(settings, "host")
        # Of a database all workers ask over the host's one connection.
        self._map_lines = None if settings.database is None else MapLines(self._store)
        self._reader = MapReader(self._store, service_clock().now_ms)
        self._sharing = share_cells(settings, self._store, self._reader, passed_s)
        self._files = HostFiles(settings)
        self._news = asyncio.Event()
        self._ended = False
        self._wanted: list[CellId] = []
        self._workers = CellWorkers(
            self._start_of, settings.drain_s + STOP_S, worker_delay_s, self._refusal_of
        )
        self._hears, self._tells = os.pipe()
        os.set_blocking(self._hears, False)
        self._ready: dict[CellId, int] = {}  # processes that have said that they listen
        self._refusals: dict[CellId, str] = {}  # of those that have said why they end
        self._answers = HostAnswers(settings, self._listening, self._problem)
        asyncio.get_running_loop().add_reader(self._hears, self._hear)

    @property
    def cells(self) -> list[CellId]:
        """List the cells that there are, as far as the map was read."""
        return self._reader.view.current_cells

    def end(self) -> None:
        """Have `run` return."""
        self._ended = True
        self._news.set()

    async def run(self) -> int | None:
        """See `serve_cells`."""
        while not self._ended:
            self._news.clear()
            await self._reader.look()
            if not self.cells and not self._reader.problem:
                return None
            self._want(await self._startable())
            await self._answers.follow(self._is_served)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._news.wait()
        return 0

    async def close(self) -> None:
        """Hand the cells over, end the workers, each in order, and leave the port. Idempotent."""
        if self._sharing is not None:
            await self._hand_over(self._sharing)
        await self._workers.close()
        await self._answers.close()
        if self._map_lines is not None:
            await self._map_lines.close()
        await self._store.close()
        self._listening.close()
        if self._hears >= 0:
            asyncio.get_running_loop().remove_reader(self._hears)
            os.close(self._hears)
            os.close(self._tells)
            self._hears = self._tells = -1

    async def _startable(self) -> list[CellId]:
        """List the cells that have a process, and those that may be given one: by the files of this
        machine."""
        may_start = await self._files.may_start(self._reader.view)
        cells = self.cells
        if self._sharing is not None:
            await self._sharing.step(self._serving, may_take=may_start)
            cells = self._sharing.cells
        running = self._workers.running
        return [cell for cell in cells if may_start or cell in running]

    def _want(self, cells: list[CellId]) -> None:
        """Have a worker for each of these cells, and say so where they are others than before."""
        if cells != self._wanted:
            self._wanted = cells
            log.info("a process is started for each cell", cells=cells)
        self._workers.want(cells)

    async def _hand_over(self, sharing: SharedCells) -> None:
        """End the workers, those first whose cells another host waits for, and tell the other hosts
        meanwhile that this one lives."""
        passed = asyncio.get_running_loop().time
        until_s = passed() + HAND_OVER_S
        is_wanted = await sharing.hand_over(self._serving)
        while is_wanted and sharing.cells and passed() < until_s and not self._reader.problem:
            await sharing.step(self._serving)
            self._workers.want(sharing.cells)
            await asyncio.sleep(HAND_OVER_EVERY_S)
        ending = asyncio.create_task(self._workers.close())
        while not ending.done():
            await sharing.step(self._serving)
            await asyncio.wait((ending,), timeout=EVERY_S)
        await sharing.leave()

    @property
    def _serving(self) -> list[CellId]:
        """List the cells whose process has said that it listens."""
        running = self._workers.running
        return [cell for cell, process in self._ready.items() if running.get(cell) == process]

    @property
    def _is_served(self) -> bool:
        """Return whether a process that runs has said that it listens."""
        return bool(self._serving)

    def _problem(self) -> str:
        """Say why no worker is to be expected; nothing where one is."""
        if problem := self._reader.problem:
            return f"The map of the cells must be read before they can be served: {problem}."
        return "" if self._sharing is None else self._sharing.why_idle

    def _hear(self) -> None:
        for line in os.read(self._hears, HEARD_BYTES).decode(errors="replace").splitlines():
            cell, process, *refusal = line.split(" ", 2)
            if refusal:
                self._refusals[CellId(int(cell))] = refusal[0]
                continue
            self._ready[CellId(int(cell))] = int(process)
            self._workers.ends.forget(CellId(int(cell)))
        self._news.set()

    def _refusal_of(self, cell: CellId) -> str | None:
        with suppress(BlockingIOError):  # what it has said may not be heard yet
            self._hear()
        return self._refusals.pop(cell, None)

    def _start_of(self, cell: CellId) -> WorkerStart:
        listening = self._listening.fileno()
        entry = self._reader.view.cells[cell]
        owner = None if self._sharing is None else self._sharing.watched(cell)
        inherits, spawned, asks = [listening, self._tells], _nothing, None
        if self._map_lines is not None:
            line = self._map_lines.open()
            asks, spawned = line.fileno(), line.close
            inherits.append(asks)
        is_again = cell in self._ready
        post = WorkerPost.of(entry, listening, self._tells, owner, asks, is_again=is_again)
        words = [*self._command, "--cell", post.write()]
        if self._holds is not None and cell not in self._holds:
            self._holds.add(cell)  # once: who has started sending since, has done so
            words.append("--hold")
        return WorkerStart(words, inherits, spawned)


def _nothing() -> None:
    """Close nothing: there is no line."""
