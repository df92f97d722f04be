"""The pump of one source that messages are fetched from: read, accept or put aside, acknowledge.

A batch is acknowledged when all that became of it is on stable storage. While nothing can be kept
the batch waits, and nothing more is read: so what is behind us holds back. Whatever fails is tried
again, more and more rarely; what is wrong is told by the source's page.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.notices.kinds import SOURCE_FAILING, source_failing
from tidings.core.sources.line_share import TURN_S
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.reach import outside_connection
from tidings.engine.events.intake import Overloaded
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.sources.dead_letters import Tell
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.lag_watch import LagWatch
from tidings.engine.sources.lines import SourceLines
from tidings.engine.sources.live_source import AsideFull, LiveSource
from tidings.errors import Throttled
from tidings.sources.port import Reading, SourceDriver
from tidings.store.port import StoreDown

AGAIN_S, AGAIN_MAX_S = 0.5, 30.0
WAIT_S, WAIT_MAX_S = 0.05, 5.0  # while nothing can be kept
LOOK_S = 0.5  # how often one that waits for messages looks whether others wait for its line
TOLD_AFTER_MS = 900_000
NOTHING_KEPT = "Nothing can be kept now. It goes on by itself."

log = structlog.get_logger(__name__)


class _TurnOver(Exception):
    """Another source has its turn."""


class Pump:
    """Of one source, until it is cancelled."""

    def __init__(
        self,
        live: LiveSource,
        driver: SourceDriver,
        connection: Connection,
        intake: SourceIntake,
        tell: Tell,
        *,
        lines: SourceLines | None = None,
        told_after_ms: int = TOLD_AFTER_MS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._live = live
        self._driver = driver
        self._connection = connection
        self._intake = intake
        self._tell = tell
        self._lines = lines
        self._told_after_ms = told_after_ms
        self._sleep = sleep
        self._heart = unwatched_heart("sources")

    async def run(self, heart: Heart | None = None) -> None:
        """Fetch until cancelled."""
        self._heart = heart = heart or self._heart
        live, again_s = self._live, AGAIN_S
        while True:
            reading: Reading | None = None
            watch: LagWatch | None = None
            try:
                await self._wait_for_line()
                if (why := outside_connection(live.source, self._connection, live.org)) is not None:
                    raise ConnectionDown(why)
                reading = await self._driver.open(live.source, self._connection, live.stored.number)
                watch = LagWatch(live, reading, self._intake.clock_ms)
                live.well()
                ends_s = asyncio.get_running_loop().time() + TURN_S
                while True:
                    heart.rest()  # until something comes, however long that takes
                    messages = await self._next(reading, ends_s)
                    heart.beat()
                    watch.note_read(len(messages))
                    await self._keep(messages)
                    await reading.acknowledge()
                    again_s = AGAIN_S
                    live.well()
            except _TurnOver:
                again_s = 0.0
            except ConnectionDown as down:
                self._troubled(str(down))
            except StoreDown:  # where it has read up to cannot be kept
                self._troubled(NOTHING_KEPT)
            except Exception as error:
                # The driver's fault, or ours: never the end of the source.
                self._troubled("Tidings failed at it; its log says why.")
                log.exception("a source failed", source=live.id, reason=repr(error))
            finally:
                await self._let_go(reading, watch)
            heart.rest()
            await self._sleep(again_s)
            heart.beat()
            again_s = min(AGAIN_MAX_S, again_s * 2) or AGAIN_S

    async def _let_go(self, reading: Reading | None, watch: LagWatch | None) -> None:
        """Close what was opened, and give the line back, also where it is cancelled meanwhile."""
        try:
            if watch is not None:
                await watch.end()
        finally:
            try:
                if reading is not None:
                    await reading.close()
            finally:
                if self._lines is not None:
                    self._lines.give(self._live.stored.number)

    async def _wait_for_line(self) -> None:
        """Have a line of the connection, where there are so many; while there is none, say so."""
        if self._lines is None:
            return
        admitted = self._lines.take(self._live.stored.number, self._live.org)
        while not admitted.done():
            self._heart.rest()
            self._troubled(self._lines.waits_because)
            await asyncio.wait([admitted], timeout=TURN_S)
        self._heart.beat()

    async def _next(self, reading: Reading, ends_s: float) -> Sequence[ForeignMessage]:
        """Read what comes next. _TurnOver after the turn, where another waits for the line."""
        lines, number = self._lines, self._live.stored.number
        if lines is None:
            return await reading.read()
        loop = asyncio.get_running_loop()
        read = loop.create_task(reading.read())
        try:
            while True:
                if loop.time() >= ends_s and lines.is_wanted(number):
                    raise _TurnOver
                await asyncio.wait([read], timeout=LOOK_S)
                if read.done():
                    return read.result()
        finally:
            if not read.done():
                read.cancel()
                await asyncio.wait([read])

    async def _keep(self, messages: Sequence[ForeignMessage]) -> None:
        """All of them are on stable storage, however long that takes."""
        live, wait_s = self._live, WAIT_S
        while True:
            self._heart.beat()
            try:
                await self._intake.take(live, messages)
                return
            except Throttled as much:
                self._troubled("The org's limit of events holds it back. It goes on by itself.")
                self._heart.rest()
                await self._sleep(much.wait_s or WAIT_S)
                continue
            except AsideFull as full:
                self._troubled(full.reason.message)
            except (Overloaded, StoreDown):
                self._troubled(NOTHING_KEPT)
            self._heart.rest()
            await self._sleep(wait_s)
            wait_s = min(WAIT_MAX_S, wait_s * 2)

    def _troubled(self, why: str) -> None:
        live, now_ms = self._live, self._intake.clock_ms()
        since_ms = live.troubled(why, now_ms)
        if not live.trouble_told and now_ms - since_ms >= self._told_after_ms:
            live.trouble_told = True
            self._tell(SOURCE_FAILING, live.org, source_failing(live.words, since_ms, why))
