"""The pumps of all sources that messages are fetched from: started, stopped, and made anew where a
source is changed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.running.lease import OwnerLease
from tidings.core.running.service_part import ServicePart
from tidings.core.sources.source import Source
from tidings.core.sources.source_types import OUTBOX, WEBHOOK
from tidings.engine.families import AwayFamilies
from tidings.engine.heartbeats import Heart
from tidings.engine.listeners import OrgNotices
from tidings.engine.running.supervisor import SupervisedTask, Supervisor
from tidings.engine.sources.lines import SourceLines
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.pump import Pump
from tidings.engine.sources.sources import Sources
from tidings.sources.port import SourceDriver

END_S = 10.0  # in which a source that is paused or deleted finishes what it has read

PART = ServicePart("sources", "messages of a source that is fetched from wait", work_s=25.0)


class _RunningPump(NamedTuple):
    """A pump, and the source as it was when it began."""

    pump: Pump
    task: SupervisedTask
    source: Source


class Pumps:
    """One task for each source that is not paused."""

    def __init__(
        self,
        sources: Sources,
        drivers: Mapping[str, SourceDriver],
        connections: Mapping[str, Connection],
        notices: OrgNotices,
        notify_after_ms: int,
        supervisor: Supervisor,
        lease: OwnerLease,
        families: AwayFamilies | None = None,
    ) -> None:
        """`notify_after_ms`: how long a source must have failed before its org is told; nothing is
        fetched for an org whose family is not here."""
        self._families = families
        self._lease = lease
        self._sources = sources
        self._drivers = drivers
        self._connections = connections
        self._notices = notices
        self._notify_after_ms = notify_after_ms
        self._lines: dict[str, SourceLines] = {}  # one for each connection of the operator's
        self._supervisor = supervisor
        self._running: dict[int, _RunningPump] = {}
        self._ending: dict[int, SupervisedTask] = {}  # the last one of a source that runs no more
        self._tasks: dict[SupervisedTask, None] = {}  # all that have not ended, the first one first
        self._held: set[int] = set()  # sources whose family is not here
        self._stopping = False
        sources.changed.add(self.follow)

    def start(self) -> None:
        """Fetch, for every source that is not paused."""
        for live in self._sources.all():
            self.follow(live)

    def follow_families(self) -> None:
        """Fetch no more for orgs whose family is not here any more, and again where it is."""
        for live in self._sources.all():
            number = live.stored.number
            if (number in self._running) if self._is_away(live) else (number in self._held):
                self.follow(live)

    def under_way(self, is_of: Callable[[OrgId], bool]) -> int:
        """Count the sources of some orgs whose last reading has not ended."""
        ending = {number for number, task in self._ending.items() if not task.ended.done()}
        return sum(
            live.stored.number in ending or live.stored.number in self._running
            for live in self._sources.all()
            if is_of(live.org)
        )

    async def stop(self) -> None:
        """Fetch nothing more; what was not acknowledged is fetched again after the next start."""
        self._stopping = True
        self._running.clear()
        await asyncio.gather(*(task.stop() for task in list(self._tasks)))

    def follow(self, live: LiveSource) -> None:
        """Follow a source that is new, changed or deleted: fetch as it says now."""
        number = live.stored.number
        before = self._end(live)
        live.well()
        live.lag, live.lag_at_ms, live.others = None, None, ()
        if self._stopping or live.deleted or live.source.paused or live.source.kind == WEBHOOK:
            return
        self._held.discard(number)
        if self._is_away(live):
            self._held.add(number)
            return
        driver = self._drivers.get(live.source.kind)
        connection = self._connections.get(live.source.connection)
        if driver is None or connection is None or connection.kind != live.source.kind:
            live.troubled(
                f"The connection {live.source.connection} must be one of type {live.source.kind} "
                "that the operator has declared; there is none. Ask the operator.",
                self._sources.intake.clock_ms(),
            )
            return
        pump = Pump(
            live,
            driver,
            connection,
            self._sources.intake,
            self._notices,
            lease=self._lease,
            lines=self._lines_of(connection) if live.source.kind == OUTBOX else None,
            notify_after_ms=self._notify_after_ms,
        )
        task = self._supervisor.start(PART, lambda heart: _after(before, pump, heart), again=False)
        self._running[number] = _RunningPump(pump, task, live.source)
        self._tasks[task] = None
        task.ended.add_done_callback(lambda _: self._tasks.pop(task, None))

    def _end(self, live: LiveSource) -> SupervisedTask | None:
        """End the pump of a source, and return its task if it has not ended yet. One that is only
        paused or deleted finishes first what it has read, and says that it reads no more; where the
        source is changed what is read is read again as it says now."""
        number = live.stored.number
        running = self._running.pop(number, None)
        if running is None:
            return self._ending.get(number)
        task = running.task
        self._ending[number] = task
        task.ended.add_done_callback(lambda _: self._forget(number, task))
        as_before = msgspec.structs.replace(live.source, paused=running.source.paused)
        ends = live.source.paused or self._is_away(live)
        if live.deleted or (ends and as_before == running.source):
            running.pump.end()
            later = asyncio.get_running_loop().call_later(END_S, task.cancel)
            task.ended.add_done_callback(lambda _: later.cancel())
        else:
            task.cancel()
        return task

    def _is_away(self, live: LiveSource) -> bool:
        return self._families is not None and self._families.is_away(live.org)

    def _forget(self, number: int, task: SupervisedTask) -> None:
        if self._ending.get(number) is task:
            del self._ending[number]

    def _lines_of(self, connection: Connection) -> SourceLines:
        if connection.name not in self._lines:
            self._lines[connection.name] = SourceLines(connection)
        return self._lines[connection.name]


async def _after(before: SupervisedTask | None, pump: Pump, heart: Heart) -> None:
    """Run a pump once the one before it has ended: only one may run at a time."""
    if before is not None:
        await asyncio.wait([before.ended])
    await pump.run(heart)
