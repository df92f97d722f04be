"""Pages of deliveries that lanes read from the store, in the order of their ids."""

import asyncio

from tidings.engine.clock import Clock
from tidings.engine.delivery.attempts import Attempts
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.receipt_dispatch import LAST_MS
from tidings.engine.delivery.runner import LanePump, WebhookRunner
from tidings.engine.outage import Outage
from tidings.store import port

PAGE_RETRY_S = 0.25
AT_ONCE = 4  # reads of all lanes: what they bring counts before the next one is asked for


class Pages:
    """Reads them; what the store refuses is read again."""

    def __init__(
        self,
        *,
        store: port.LaneStore,
        clock: Clock,
        reading: Outage,
        healths: HealthTracker,
        attempts: Attempts,
        lanes: LanePump,
    ) -> None:
        """`healths` know whether what a webhook has overdue is parked, and park it; `attempts` all
        leaps of the wall clock until now."""
        self._store = store
        self._clock = clock
        self._reading = reading
        self._healths = healths
        self._attempts = attempts
        self._lanes = lanes
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._loop = asyncio.get_running_loop()

    async def read(self, runner: WebhookRunner, epoch: int) -> None:
        """Read the next page of a lane, which has begun to wait for it in this epoch. One that the
        store refuses is read again."""
        lane, leapt_ms = runner.lane, self._attempts.leapt_ms
        limit = 0
        with self._reading:
            async with self._turns:
                limit = lane.page_jobs
                jobs = await self._store.page(runner.webhook.number, lane.cursor, limit)
            over_ms = self._clock.now_ms() - LAST_MS
            if any(job.accepted_ms < over_ms for job in jobs) and self._healths.parks(
                runner.webhook
            ):
                await self._healths.park_overdue(
                    runner.webhook
                )  # the lane starts over, without them
        if self._reading.lasts or self._attempts.leapt_ms != leapt_ms:
            # After a leap nobody knows by which clock the page has its dates: it is read again.
            lane.page_failed(epoch)
            self._loop.call_later(PAGE_RETRY_S, self._lanes.pump, runner)
            return
        lane.add_page(epoch, list(jobs), limit)
        self._lanes.pump(runner)
