"""How late the event loop is: the one number that says whether anything holds it up.

A timer is set twenty times a second, and how much too late it comes is what every other callback
waits as well. Nothing is measured on the way of an event.
"""

import asyncio
from collections.abc import Callable

from tidings.core.running.histogram import Histogram
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart, unwatched_heart

BEAT_S = 0.05
BLOCKED_S = 2.0
BLOCKED_NOTICE_S = 3600.0
WINDOW_S = 60.0
BUCKETS = 6
BUCKET_S = WINDOW_S / BUCKETS
PART = ServicePart("loop lag", "nobody measures whether the event loop is held up")


class LoopLag:
    """The worst lag of the last minute, forgotten by sixths."""

    def __init__(self, on_blocked: Callable[[float], None] = lambda lag_s: None) -> None:
        """`on_blocked` hears of each time the loop stood still for `BLOCKED_S` and more."""
        self._on_blocked = on_blocked
        self.blocked = 0
        self.delays = Histogram.named("loop_delay_seconds")
        self._loop = asyncio.get_running_loop()
        self._worst = [0.0] * BUCKETS
        self._bucket = 0

    def note(self, now_s: float, lag_s: float) -> None:
        """Note that a timer came so much too late."""
        self._pass(now_s)
        self.delays.observe(lag_s)
        at = self._bucket % BUCKETS
        self._worst[at] = max(self._worst[at], lag_s)
        if lag_s >= BLOCKED_S:
            self.blocked += 1
            self._on_blocked(lag_s)

    def worst_s(self) -> float:
        """Return the greatest lag of the last minute, in seconds."""
        self._pass(self._loop.time())
        return max(self._worst)

    async def run(self, heart: Heart | None = None) -> None:
        """Listen until cancelled."""
        heart = heart or unwatched_heart()
        due_s = self._loop.time() + BEAT_S
        while True:
            await asyncio.sleep(due_s - self._loop.time())
            now_s = self._loop.time()
            self.note(now_s, max(0.0, now_s - due_s))
            due_s = now_s + BEAT_S
            heart.beat()

    def _pass(self, now_s: float) -> None:
        bucket = int(now_s / BUCKET_S)
        for passed in range(min(BUCKETS, bucket - self._bucket)):
            self._worst[(bucket - passed) % BUCKETS] = 0.0
        self._bucket = max(self._bucket, bucket)
