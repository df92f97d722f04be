"""Retention as a job: it drops what is too old by the orgs' settings, whole and again and again."""

import asyncio
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.api.control_client import START_MS, Clock
from tests.simulation.loop import simulate
from tests.store.in_process import MemoryStore
from tests.store.rows import event, new, settled
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import DAY_MS, ROWS_MAX, SHARE, RetentionDays
from tidings.engine.heartbeats import Heart, Heartbeats
from tidings.engine.retention import PART, Retention
from tidings.engine.running.background_tasks import BackgroundTasks
from tidings.engine.running.supervisor import Supervisor
from tidings.store import port


class Watched(MemoryStore):
    """Remembers its slices, and may be slow."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.slices: list[tuple[float, port.DropSlice]] = []
        self.took_us = 0
        self.slice_rows = ROWS_MAX

    async def drop(self, dropping: port.DropSlice) -> port.DropReceipt:
        self.slices.append((asyncio.get_running_loop().time(), dropping))
        dropped = await super().drop(dropping)
        return port.DropReceipt(dropped.rows, dropped.more, self.took_us or dropped.took_us)

    async def retention_state(self) -> port.RetentionState:
        state = await super().retention_state()
        return msgspec.structs.replace(state, slice_rows=self.slice_rows)


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Watched(self.clock)
        self.days: dict[OrgId, RetentionDays] = {}
        self.retention = Retention(
            store=self.store, clock=self.clock, retentions=lambda: self.days, every_s=3600.0
        )

    def accept(self, count: int, org: int = 1) -> None:
        at = self.store.half.writer.seq
        batch = [event(f"e{org}-{at + i}", new(1), org=org) for i in range(count)]
        firsts = self.store.half.commit(port.Batch(1, batch)).firsts
        self.store.half.commit(port.Batch(0, settled=[settled(first) for first in firsts]))

    def rows(self, table: str) -> int:
        [(count,)] = self.store.half.connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(count)  # type: ignore[arg-type]


def run(scenario: Any) -> None:
    async def main() -> None:
        await scenario(World())

    simulate(1, main())


def test_payload_goes_after_thirty_days_and_metadata_after_ninety() -> None:
    async def scenario(world: World) -> None:
        world.accept(300)
        kept = []
        for _ in range(10):
            await world.retention.pass_once()
            kept.append((world.rows("body"), world.rows("event"), world.rows("delivery")))
            await asyncio.sleep(10 * 3600)  # ten days may pass in ten hours, see careful_now
            world.clock.ms += 10 * DAY_MS
        whole, thin, gone = (300, 300, 300), (0, 300, 300), (0, 0, 0)
        assert kept == [whole] * 4 + [thin] * 6
        world.clock.ms += 1
        await world.retention.pass_once()
        assert (world.rows("body"), world.rows("event"), world.rows("delivery")) == gone

    run(scenario)


def test_an_orgs_own_days_hold_for_it_alone() -> None:
    async def scenario(world: World) -> None:
        world.accept(10)
        world.accept(10, org=2)
        world.days = {OrgId(2): RetentionDays(payload_days=9)}
        world.clock.ms += 12 * DAY_MS
        await world.retention.pass_once()
        assert world.rows("body") == 10
        assert world.rows("event") == 20

    run(scenario)


def test_between_slices_the_writer_has_most_of_its_time() -> None:
    async def scenario(world: World) -> None:
        world.accept(4000)
        world.clock.ms += 100 * DAY_MS
        world.store.took_us = 8_000
        await world.retention.pass_once()
        times = [at for at, _ in world.store.slices]
        gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
        assert len(gaps) > 50 and min(gaps) >= 0.008 * (1 / SHARE - 1) - 1e-6
        assert min(slice_.rows_max for _, slice_ in world.store.slices) == 10

    run(scenario)


@pytest.mark.parametrize("rows_max", [ROWS_MAX, 2_000])
def test_quick_slices_grow_to_what_the_store_allows(rows_max: int) -> None:
    async def scenario(world: World) -> None:
        world.accept(4000)
        world.clock.ms += 100 * DAY_MS
        world.store.took_us, world.store.slice_rows = 100, rows_max
        await world.retention.pass_once()
        assert max(slice_.rows_max for _, slice_ in world.store.slices) == rows_max

    run(scenario)


def test_a_clock_that_jumps_ahead_takes_no_more_than_a_day_an_hour() -> None:
    async def scenario(world: World) -> None:
        world.accept(10)
        await world.retention.pass_once()
        world.clock.ms += 400 * DAY_MS
        for _ in range(24):
            await asyncio.sleep(3600)
            await world.retention.pass_once()
        assert world.rows("body") == 10, "24 hours: 24 days"
        for _ in range(8):
            await asyncio.sleep(3600)
            await world.retention.pass_once()
        assert world.rows("body") == 0 and world.rows("event") == 10
        world.clock.ms = START_MS  # set right again
        await world.retention.pass_once()
        assert world.rows("event") == 10

    run(scenario)


def test_what_the_store_refuses_is_dropped_by_a_later_pass() -> None:
    async def scenario(world: World) -> None:
        world.accept(50)
        world.clock.ms += 100 * DAY_MS
        world.store.down = True
        job = asyncio.ensure_future(world.retention.run())
        await asyncio.sleep(60)
        assert world.rows("event") == 50 and not job.done()
        world.store.down = False
        await asyncio.sleep(60)
        assert world.rows("event") == 0
        job.cancel()

    run(scenario)


def test_its_figures_are_told() -> None:
    async def scenario(world: World) -> None:
        metrics = CollectorRegistry()
        metrics.register(world.retention)
        assert b"tidings_retention_last_run_seconds 0.0" in generate_latest(metrics)
        world.accept(5)
        world.clock.ms += 40 * DAY_MS
        world.accept(1)
        world.store.half.commit(port.Batch(1, [event("waits", new(1))]))
        await world.retention.pass_once()
        told = generate_latest(metrics).decode()
        assert 'tidings_retention_rows_total{kind="payload"} 5.0' in told
        [oldest] = [
            float(line.split()[1])
            for line in told.splitlines()
            if line.startswith("tidings_retention_oldest_event_seconds")
        ]
        assert oldest == START_MS / 1000
        assert "tidings_retention_kept_back 0.0" in told

    run(scenario)


@pytest.mark.parametrize("wrong", ["hangs", "raises"])
def test_a_farewell_that_goes_wrong_holds_no_stop_up(wrong: str) -> None:
    async def scenario(_: World) -> None:
        async def job(heart: Heart) -> None:
            await heart.sleep(1e9)

        async def farewell() -> None:
            if wrong == "raises":
                raise RuntimeError
            await asyncio.sleep(1e9)

        jobs = BackgroundTasks(Supervisor(Heartbeats()), {PART: job}, farewell)
        jobs.start()
        began = asyncio.get_running_loop().time()
        await jobs.stop()
        assert asyncio.get_running_loop().time() - began <= 2.1
        assert len(asyncio.all_tasks()) == 1

    run(scenario)
