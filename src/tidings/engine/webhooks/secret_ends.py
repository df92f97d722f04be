"""When the old signing secrets of webhooks stop to be in force: one alarm for all of them.

The ends are stored with the webhook, so a restart knows them; this only rings. It rings by the wall
clock and looks again at least once a minute, because the machine may sleep or be set right.
"""

import asyncio
import heapq
from typing import Protocol

import structlog

from tidings.core.running.service_part import ServicePart
from tidings.engine.clock import Clock

LOOK_AGAIN_S = 60.0
PART = ServicePart(
    "ends of secrets", "old signing secrets of webhooks stay in force", restarts=False
)

log = structlog.get_logger(__name__)


class OverlapWatcher(Protocol):
    """Lets webhooks sign by what is still in force."""

    def end_overlap(self, number: int) -> None:
        """Take note that an old secret of a webhook has come to its end."""


class SecretEnds:
    """Tells the watcher of each webhook whose old secret has come to its end."""

    def __init__(self, clock: Clock, watcher: OverlapWatcher) -> None:
        self._clock = clock
        self._watcher = watcher
        self._ends: list[tuple[int, int]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False

    def note(self, webhook: int, end_ms: int) -> None:
        """Note that an old secret of a webhook ends then. Noting an end twice does no harm."""
        heapq.heappush(self._ends, (end_ms, webhook))
        self._set_alarm()

    def ring(self) -> None:
        """Tell of every end that has come, and wait for the next one."""
        now_ms = self._clock.now_ms()
        come = set()
        while self._ends and self._ends[0][0] <= now_ms:
            come.add(heapq.heappop(self._ends)[1])
        try:
            for webhook in sorted(come):
                self._tell(webhook)
        finally:
            self._set_alarm()

    def overdue_s(self) -> float:
        """Tell for how long an end has come without being told, in seconds."""
        if not self._ends or self._closed:
            return 0.0
        return max(0.0, (self._clock.now_ms() - self._ends[0][0]) / 1000)

    def close(self) -> None:
        """Stop ringing. Idempotent."""
        self._closed = True
        self._set_alarm()

    def _tell(self, webhook: int) -> None:
        try:
            self._watcher.end_overlap(webhook)
        except Exception as error:  # of this webhook; the others' ends go on
            log.error("the end of a secret cannot be told", error=repr(error))

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._ends and not self._closed:
            wait_s = max(0.001, (self._ends[0][0] - self._clock.now_ms()) / 1000)
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(min(wait_s, LOOK_AGAIN_S), self.ring)
