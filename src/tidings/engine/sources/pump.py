"""The pump of one source that messages are fetched from: read, accept or set aside, acknowledge.

A batch is acknowledged when all that became of it is on stable storage. While nothing can be kept
the batch waits, and nothing more is read: so what is behind us holds back. Whatever fails is tried
again, more and more rarely; what is wrong is told by the source's page.
"""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import structlog

from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.notices.operational_events import SOURCE_FAILING, source_failing
from tidings.core.running.lease import OwnerLease
from tidings.core.sources.line_share import TURN_S
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.reach import outside_connection
from tidings.engine.events.intake import Overloaded
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.listeners import OrgNotices
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.lag_watch import LagWatch
from tidings.engine.sources.lines import SourceLines
from tidings.engine.sources.live_source import DeadLettersFull, LiveSource
from tidings.errors import Throttled
from tidings.sources.port import OpenSource, SourceDriver
from tidings.store.port import StoreDown

AGAIN_S, AGAIN_MAX_S = 0.5, 30.0
WAIT_S, WAIT_MAX_S = 0.05, 5.0  # while nothing can be kept
LOOK_S = 0.5  # how often one that waits for messages looks whether others wait for its line
# Of a reading that waits for messages after a failure: when its trouble is no longer shown, and
# when it is forgotten, which is later than the longest pause before the next try.
OPEN_AFTER_S, WELL_AFTER_S = 2.0, 60.0
NOTIFY_AFTER_MS = 900_000
NOTHING_KEPT = "Tidings cannot store anything now. It goes on by itself."

log = structlog.get_logger(__name__)


class _TurnOver(Exception):
    """Another source has its turn."""


class _Ending(Exception):
    """The source is paused or deleted."""


class Pump:
    """Of one source, until it is cancelled."""

    def __init__(
        self,
        live: LiveSource,
        driver: SourceDriver,
        connection: Connection,
        intake: SourceIntake,
        notices: OrgNotices,
        *,
        lease: OwnerLease,
        lines: SourceLines | None = None,
        notify_after_ms: int = NOTIFY_AFTER_MS,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """Without the `lease` nothing is said to the source. `sleep`: instead of waiting, for
        tests."""
        self._lease = lease
        self._live = live
        self._source = live.source
        self._driver = driver
        self._connection = connection
        self._intake = intake
        self._notices = notices
        self._lines = lines
        self._notify_after_ms = notify_after_ms
        self._sleep = sleep
        self._heart = unwatched_heart("sources")
        self._again_s = AGAIN_S
        self._failed_s: float | None = None  # when it last failed though it had opened
        self._is_down = False  # whether it failed since it was last opened
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._was_open = False
        # What was kept before a crash may be left; and what this pump keeps, until it is marked.
        self._all_acknowledged = False

    def end(self) -> None:
        """Have it keep and mark what it has read, say where the messages are that they are read no
        more, and return. Idempotent."""
        if not self._end.done():
            self._end.set_result(None)

    async def run(self, heart: Heart | None = None) -> None:
        """Fetch until cancelled, or told to end."""
        self._heart = heart = heart or self._heart
        while not self._is_over():
            reading: OpenSource | None = None
            watch: LagWatch | None = None
            try:
                await self._wait_for_line()
                await self._wait_for_lease()
                reading = await self._open()
                watch = LagWatch(self._live, reading, self._intake.clock_ms)
                await self._fetch(reading, watch)
            except _TurnOver:
                self._again_s = 0.0
            except _Ending:
                await self._say_let_go(reading)
                return
            except ConnectionDown as down:
                self._fail(str(down), opened=reading is not None)
            except StoreDown:  # where it has read up to cannot be kept
                self._fail(NOTHING_KEPT, opened=reading is not None)
            except Exception as error:
                # The driver's fault, or ours: never the end of the source.
                self._fail("Tidings failed at it; its log says why.", opened=reading is not None)
                log.exception("a source failed", source=self._live.id, reason=repr(error))
            finally:
                await self._close(reading, watch)
            heart.rest()
            await self._rest(self._again_s)
            heart.beat()
            self._again_s = min(AGAIN_MAX_S, self._again_s * 2) or AGAIN_S

    def _is_over(self) -> bool:
        """Tell whether it is told to end, and has nothing that it could say it lets go of."""
        return self._end.done() and (self._is_down or not self._was_open)

    async def _open(self) -> OpenSource:
        """Open the source. ConnectionDown."""
        live = self._live
        if (why := outside_connection(self._source, self._connection, live.org)) is not None:
            raise ConnectionDown(why)
        reading = await self._driver.open(self._source, self._connection, live.stored.number)
        self._was_open, self._is_down = True, False
        if self._failed_s is None:
            live.well()  # it waited for its turn, or could not be opened
        return reading

    async def _fetch(self, reading: OpenSource, watch: LagWatch) -> NoReturn:
        """Read, keep and acknowledge, until that ends by what it raises."""
        loop = asyncio.get_running_loop()
        opened_s = loop.time()
        while True:
            self._heart.rest()  # until something comes, however long that takes
            messages = await self._next(reading, opened_s)
            self._heart.beat()
            watch.note_read(len(messages))
            self._all_acknowledged = False
            await self._keep(messages)
            await self._wait_for_lease()
            await reading.acknowledge()
            self._all_acknowledged = True
            self._be_well()

    async def _say_let_go(self, reading: OpenSource | None) -> None:
        """Say that the source is read no more. Where that fails it stays ours, and so it does where
        another owner of the store may read it by now."""
        if reading is None or not self._lease.holds():
            return
        try:
            await reading.let_go(all_acknowledged=self._all_acknowledged)
        except Exception as error:
            log.warning("a source stays ours", source=self._live.id, reason=repr(error))

    async def _close(self, reading: OpenSource | None, watch: LagWatch | None) -> None:
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
            if self._is_over():
                raise _Ending
            self._heart.rest()
            self._troubled(self._lines.waits_because)
            ends = [] if self._end.done() else [self._end]
            await asyncio.wait([admitted, *ends], timeout=TURN_S, return_when=FIRST_COMPLETED)
        self._heart.beat()

    async def _next(self, reading: OpenSource, opened_s: float) -> Sequence[ForeignMessage]:
        """Read what comes next. _TurnOver after the turn, where another waits for the line; _Ending
        where it is told to end."""
        if self._end.done():
            raise _Ending
        loop = asyncio.get_running_loop()
        read = loop.create_task(reading.read())
        either: list[asyncio.Future[Any]] = [read, self._end]
        try:
            while True:
                look_s = self._look_at_wait(opened_s, loop.time())
                await asyncio.wait(either, timeout=look_s, return_when=FIRST_COMPLETED)
                if read.done():
                    return read.result()
                if self._end.done():
                    raise _Ending
        finally:
            if not read.done():
                read.cancel()
                await asyncio.wait([read])

    def _look_at_wait(self, opened_s: float, now_s: float) -> float | None:
        """Look at a reading that waits for messages; return after how long to look again, None:
        never. What opens and then fails is not well because it was open for a moment: its trouble
        is shown no more once it stays open, and forgotten once it did so for a while. _TurnOver."""
        lines = self._lines
        if lines is not None and now_s >= opened_s + TURN_S:
            if lines.is_wanted(self._live.stored.number):
                raise _TurnOver
        if self._failed_s is not None:
            if now_s >= opened_s + OPEN_AFTER_S:
                self._live.trouble = ""
            if now_s >= self._failed_s + WELL_AFTER_S:
                self._be_well()
        return None if lines is None and self._failed_s is None else LOOK_S

    async def _keep(self, messages: Sequence[ForeignMessage]) -> None:
        """Store all of the messages, however long that takes. Raise _Ending if the end comes
        first."""
        live, wait_s = self._live, WAIT_S
        while True:
            self._heart.beat()
            try:
                await self._intake.take(live, messages)
                return
            except Throttled as much:
                self._troubled("The org's limit of events holds it back. It goes on by itself.")
                self._heart.rest()
                await self._rest(much.wait_s or WAIT_S)
                self._end_waiting()
                continue
            except DeadLettersFull as full:
                self._troubled(full.reason.message)
            except (Overloaded, StoreDown):
                self._troubled(NOTHING_KEPT)
            self._heart.rest()
            await self._rest(wait_s)
            self._end_waiting()
            wait_s = min(WAIT_MAX_S, wait_s * 2)

    async def _wait_for_lease(self) -> None:
        """Wait until the store is surely ours: what is said to a source is about what is kept in
        it, and a former owner has nothing to say. _Ending where the end comes first."""
        while not self._lease.holds():
            self._troubled(NOTHING_KEPT)
            self._heart.rest()
            await self._rest(WAIT_S)
            self._end_waiting()
        self._heart.beat()

    def _end_waiting(self) -> None:
        """Raise _Ending if the pump is told to end."""
        if self._end.done():
            raise _Ending

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until it is told to end."""
        if self._sleep is not None:
            await self._sleep(seconds)
        elif not self._end.done():
            await asyncio.wait([self._end], timeout=seconds)

    def _be_well(self) -> None:
        self._failed_s, self._again_s = None, AGAIN_S
        self._live.well()

    def _fail(self, why: str, *, opened: bool) -> None:
        """Note that nothing is fetched."""
        self._is_down = True
        if opened:
            self._failed_s = asyncio.get_running_loop().time()
        self._troubled(why)

    def _troubled(self, why: str) -> None:
        if self._end.done():
            return  # whoever is paused is in no trouble
        live, now_ms = self._live, self._intake.clock_ms()
        since_ms = live.troubled(why, now_ms)
        if not live.trouble_notified and now_ms - since_ms >= self._notify_after_ms:
            live.trouble_notified = True
            self._notices.tell(SOURCE_FAILING, live.org, source_failing(live.words, since_ms, why))
