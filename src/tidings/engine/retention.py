"""Keeps no more than it should: drops what is too old, a slice at a time, beside the traffic.

A pass goes through all kinds of data and all groups of orgs, then rests. Each slice stands in line
with the commits and keeps the writer busy for some 5 ms; between two slices the writer has four
times as long for everything else. What the store refuses is tried again by the next pass, which
goes on where this one was stopped.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.ids import OrgId
from tidings.core.orgs.retention import (
    GIVE_BACK_PAGES,
    RetentionDays,
    RetentionGroup,
    RetentionPace,
    RowKind,
    before_ms,
    careful_now,
    groups,
    to_give_back,
)
from tidings.core.running.service_part import ServicePart
from tidings.engine.audit.retention import AuditRetention
from tidings.engine.callables import Ask
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.outage import Outage
from tidings.engine.running.metric_families import single_value, values_by_label
from tidings.store import port

FIRST_AFTER_S = 5.0  # a start has better things to do
EVERY_S = 600.0
AGAIN_S = 30.0  # after a pass that the store has refused
LATE_MS = 86_400_000  # a clock that is ahead of the retention's by more is spoken of

PART = ServicePart("retention", "data that is too old is kept")

log = structlog.get_logger(__name__)


class Retention(Collector):
    """The job, and its metrics for Prometheus. `retentions` gives the orgs' settings."""

    def __init__(
        self,
        *,
        store: port.RetentionStore,
        clock: Clock,
        retentions: Callable[[], Mapping[OrgId, RetentionDays]],
        every_s: float = EVERY_S,
        sure: Ask = lambda: True,
        audit: AuditRetention | None = None,
    ) -> None:
        """`sure`: whether the date may be relied on; until then only what has passed counts.
        `audit` drops what is old of the audit log, where one is kept."""
        self._audit = audit
        self._sure = sure
        self._store = store
        self._space = store if isinstance(store, port.SpaceStore) else None
        self._clock = clock
        self._retentions = retentions
        self._every_s = every_s
        self._loop = asyncio.get_running_loop()
        self._passed_s = self._loop.time()  # when the last pass began
        self._paces = {kind: RetentionPace() for kind in RowKind}
        self._dropped: Counter[str] = Counter()
        self._kept: port.RetentionState | None = None
        self._file: port.FileSpace | None = None
        self._last_ms = 0
        self._heart = unwatched_heart()
        self._outage = Outage("retention")

    async def run(self, heart: Heart | None = None) -> None:
        """Pass after pass, until cancelled."""
        self._heart = heart = heart or unwatched_heart()
        await heart.sleep(FIRST_AFTER_S)
        while True:
            with self._outage:
                await self.pass_once()
            await heart.sleep(AGAIN_S if self._outage.lasts else self._every_s)

    async def pass_once(self) -> int:
        """Drop everything that is too old now; how many rows that were. Raises StoreDown."""
        began_s, clock_ms = self._loop.time(), self._clock.now_ms()
        kept = await self._store.retention_state()
        passed_s = began_s - self._passed_s
        now_ms = careful_now(kept.dropped_ms, clock_ms, passed_s)
        if kept.dropped_ms and not self._sure():
            now_ms = min(now_ms, kept.dropped_ms + round(passed_s * 1000))
        if clock_ms - now_ms > LATE_MS:
            log.warning(
                "retention catches up a day each hour: the clock is far ahead of its last pass",
                clock_ms=clock_ms,
                drops_as_of_ms=now_ms,
            )
        for pace in self._paces.values():
            pace.allow(kept.slice_rows, kept.slice_rows_min)
        rows = 0
        for group in groups(self._retentions()):
            rows += await self._drop(group, now_ms)
        if self._audit is not None:
            entries = await self._audit.drop(now_ms, self._heart.sleep)
            self._dropped["audit"] += entries
            rows += entries
        self._passed_s = began_s
        if self._space is not None:
            self._file = await self._give_back(self._space)
        self._kept = await self._store.retention_state()
        self._last_ms = clock_ms
        if rows:
            log.info("retention has dropped what was too old", rows=rows)
        return rows

    async def _drop(self, group: RetentionGroup, now_ms: int) -> int:
        pace, rows, first, more = self._paces[group.kind], 0, True, True
        while more:
            slice_ = port.DropSlice(
                kind=group.kind,
                days=group.days,
                before_ms=before_ms(group, now_ms),
                orgs=group.orgs,
                others=group.others,
                rows_max=pace.rows,
                first=first,
                now_ms=now_ms,
            )
            dropped = await self._store.drop(slice_)
            self._dropped[group.kind.word] += dropped.rows
            rows += dropped.rows
            first, more = False, dropped.more
            pace.slice_took(dropped.took_us / 1000)
            await self._heart.sleep(pace.wait_s)
        return rows

    async def _give_back(self, store: port.SpaceStore) -> port.FileSpace:
        """Make the database's file shorter where most of it is free; return what it then is."""
        space = await store.file_space()
        free, pages = space.free_pages, space.pages
        while to_give_back(free, pages, space.page_bytes):
            given = await store.give_back(GIVE_BACK_PAGES)
            if not given.rows:
                break  # made by a release that could not: its pages are used again all the same
            free, pages = free - given.rows, pages - given.rows
            pace = RetentionPace()
            pace.slice_took(given.took_us / 1000)
            await self._heart.sleep(pace.wait_s)
        return await store.file_space()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        yield values_by_label("retention_rows", self._dropped)
        gauges: dict[str, float] = {"last_run_seconds": self._last_ms / 1000}
        if (kept := self._kept) is not None:
            gauges["kept_back"] = kept.kept_back
            gauges["oldest_event_seconds"] = _s(kept.oldest_event_ms)
            gauges["oldest_payload_seconds"] = _s(kept.oldest_payload_ms)
        if (file := self._file) is not None:
            gauges["free_bytes"] = file.free_bytes
            gauges["database_bytes"] = file.bytes
        for name, value in gauges.items():
            yield single_value(f"retention_{name}", value)


def _s(ms: int | None) -> float:
    return 0.0 if ms is None else ms / 1000
