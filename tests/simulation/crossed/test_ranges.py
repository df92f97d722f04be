"""Numbers begin anew above all before, between any two commits: no lane loses what is beyond."""

import asyncio
import random

import pytest

from tests.depth import depth
from tests.simulation.loop import simulate
from tests.simulation.world import World
from tidings.core.webhooks.webhook import Ordering
from tidings.store import port

HEALED_S = 2 * 24 * 3600
FAR = 1 << 16  # ranges that are others' between two of this store
SHARE = 0.5  # of commits that begin a range


class RangedWorld(World):
    """A world whose store begins a range now and then."""

    ranges = 0

    async def start(self) -> None:
        await super().start()
        rng, numbers, commit = random.Random(7), self.disk.half.numbers, self.store.commit
        numbers.end_endless()

        def committed(batch: port.Batch) -> "asyncio.Future[port.Receipt]":
            if rng.random() < SHARE:
                self.ranges += 1
                numbers.grant([numbers.ranges().granted[-1] + FAR])
                numbers.begin_range(0)
            return asyncio.ensure_future(commit(batch))

        self.store.commit = committed  # type: ignore[method-assign, assignment]


async def scenario(seed: int) -> None:
    """Lanes that keep up and lanes that are behind, a store that refuses, and a kill."""
    world = RangedWorld(seed, asyncio.get_running_loop())
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    world.per_event_max = 2
    await world.start()
    for ordering in (*Ordering, Ordering.NONE):
        await world.create_webhook(ordering=ordering)
    world.faults.failing, world.faults.store_down = 0.3, 0.05
    for turn in range(20):
        await asyncio.gather(world.produce(10), world.produce(10))
        await asyncio.sleep(2)
        if turn in (7, 15):
            await world.kill()
            await world.start()
    world.faults.heal()
    unfinished = world.unfinished()
    await asyncio.sleep(HEALED_S)
    assert world.ranges > 100 and len(world.accepted) > 100 and unfinished
    world.disk.check_owners()
    world.check_events()
    world.check_matching()
    world.check_deliveries()
    world.check_requests()
    world.check_arrived(unfinished)
    await world.stop()


@pytest.mark.parametrize("seed", range(1, 1 + depth(1, 20)))
def test_nothing_is_lost_or_sent_twice_where_ranges_begin(seed: int) -> None:
    simulate(seed, scenario(seed))
