"""How much waits at a source that is read: looked at by a timer, whatever the reading does.

A reading that is frozen, or waits behind somebody's open transaction, reads nothing: a look that
came after each batch would say for ever what there was before.
"""

import asyncio
from collections.abc import Sequence

import structlog

from tidings.connections.port import ConnectionDown
from tidings.engine.callables import ReadMs
from tidings.engine.sources.live_source import LiveSource
from tidings.sources.port import OpenSource

LOOK_EVERY_S = 5.0
SOON_S = 0.5  # after a look during which something was read
ANSWER_S = 5.0  # after which how much waits is not known
END_S = 5.0

log = structlog.get_logger(__name__)


class LagWatch:
    """Of one reading, while it is open."""

    def __init__(self, live: LiveSource, reading: OpenSource, clock_ms: ReadMs) -> None:
        self._live = live
        self._reading = reading
        self._clock_ms = clock_ms
        self._looks = self._is_stale = False
        self._task = asyncio.create_task(self._run())

    def note_read(self, messages: int) -> None:
        """Note that so many messages wait no longer. What is read during a look may be counted by
        it or not: then it is looked again soon."""
        live = self._live
        if self._looks:
            self._is_stale = True
        elif live.lag is not None:
            live.lag = max(0, live.lag - messages)

    async def end(self) -> None:
        """Look no more: how much waits is not known from now on. Raises nothing."""
        self._live.set_lag(None, self._clock_ms())
        self._task.cancel()
        await asyncio.wait([self._task], timeout=END_S)

    async def _run(self) -> None:
        while True:
            self._looks, self._is_stale = True, False
            try:
                await self._look()
            finally:
                self._looks = False
            await asyncio.sleep(SOON_S if self._is_stale else LOOK_EVERY_S)

    async def _look(self) -> None:
        """Ask the reading. An answer that is late is waited for: nobody asks twice at a time."""
        look = asyncio.create_task(self._ask())
        try:
            await asyncio.wait([look], timeout=ANSWER_S)
            if not look.done():
                self._live.set_lag(None, self._clock_ms())
            lag, others = await look
            self._live.set_lag(lag, self._clock_ms())
            self._live.others = others
        finally:
            look.cancel()

    async def _ask(self) -> tuple[int | None, Sequence[str]]:
        """Ask for the lag and the other readers; return None and nothing if that fails. The reading
        itself reports the failure when it reads."""
        try:
            return await self._reading.lag(), await self._reading.others()
        except ConnectionDown:
            return None, ()
        except Exception as error:
            log.warning("lag of a source is not known", source=self._live.id, reason=repr(error))
            return None, ()
