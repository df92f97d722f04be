"""Every promise holds where everything meets: the axes are drawn by the seed, and cross."""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.crossed.crossing import CrossedWorld
from tests.simulation.crossed.recovering import recover
from tests.simulation.loop import SimulatedLoop
from tests.simulation.parts import ReceiverLimit
from tests.simulation.trouble import meddling, trouble
from tests.simulation.world import ORG
from tidings.core.orgs.retention import RetentionDays
from tidings.engine import retention
from tidings.engine.delivery import health_tracker
from tidings.engine.sources import lag_watch

SEEDS = depth(1, 24, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))
HOUR_S, DAY_S = 3600.0, 86_400.0
TABLES = ("event", "body", "delivery", "kept_back")
CALM_REVIEW_S = 1800.0  # who fails is looked at so seldom: it is the cost of days


async def life(world: CrossedWorld, rng: random.Random) -> None:
    """One process: it works in trouble, then hours or days pass; it is killed or stopped."""
    await world.start()
    for _ in range(rng.randrange(1, 3) if world.known else 3):
        await world.create_webhook()
    for known in world.known.values():
        if rng.random() < 0.2:
            world.network.limits[known.receiver] = ReceiverLimit(rng.choice((2, 5, 20)))
    world.topic.failing = rng.choice((0.0, 0.1, 0.4))
    work = [world.spawn(world.produce(rng.randrange(3, 15))) for _ in range(rng.randrange(1, 3))]
    work += [world.spawn(trouble(world, rng)), world.spawn(meddling(world, rng))]
    world.topic.send(rng.randrange(10))
    await asyncio.sleep(rng.random() * 6)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    world.stopped_s = float("inf")
    await world.surely(world.go_on)
    world.faults.store_down = min(world.faults.store_down, 0.05)
    for _ in range(rng.randrange(4)):
        await asyncio.sleep(rng.choice((1.0, 600.0, 3 * HOUR_S, 9 * HOUR_S)) * rng.random())
        await world.post([world.draft()])
        await world.meddle(rng)
        world.topic.send(1)
    world.stopped_s = float("inf")
    await (world.kill() if rng.random() < 0.7 else world.stop())
    for task in work:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    world.disk.check_attempt_numbers()
    world.disk.check_owners()
    world.check_sources()
    world.check_events()
    world.check_jobs()
    world.check_counts()


async def heal(world: CrossedWorld) -> None:
    """Nothing breaks any more, and what people have stopped goes on."""
    world.faults.heal()
    world.network.gone.clear()
    world.topic.failing = 0.0
    await world.start()
    await world.go_on()
    await world.resume_paused()
    await world.resume_jobs()


async def run(seed: int, loop: SimulatedLoop) -> CrossedWorld:
    rng = random.Random(seed * 86_028_121)
    world = CrossedWorld(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    for _ in range(rng.randrange(1, 4)):
        await life(world, rng)
        if loop.time() < DAY_S:  # all of it is less than the 168 hours of a delivery
            await asyncio.sleep(rng.choice((0.0, HOUR_S, 1.2 * DAY_S)))  # nobody is there
    await heal(world)
    unfinished = world.unfinished()
    await world.admit_later()
    await asyncio.sleep(60)
    [live] = world.parts.sources.sources.of(ORG)
    await world.parts.sources.sources.redrive(live)
    await asyncio.sleep(DAY_S)
    world.check_sources()
    world.ledger.check_end(live.dead_letters)
    world.check_healed()
    await asyncio.sleep(7 * DAY_S)
    world.check_arrived(unfinished)
    world.check_counts()
    world.check_events()
    world.check_matching()
    world.check_deliveries()
    world.check_requests()
    world.check_acts()
    world.check_jobs()
    assert not world.engine.problems(), world.engine.problems()
    if rng.random() < 0.5:
        await recover(world, rng)
    await let_go(world, rng)
    await world.stop()
    return world


async def let_go(world: CrossedWorld, rng: random.Random) -> None:
    """57: days pass while some of what is old is owed; then it arrives, and goes, too."""
    broken = [known for known in world.known.values() if known.id and known.org == ORG]
    broken = [known for known in broken if rng.random() < 0.6 and known.ending_s == float("inf")]
    world.network.broken |= {known.receiver for known in broken}
    world.keeps = RetentionDays(1, 1, 1)
    await world.produce(8)
    await asyncio.sleep(3 * HOUR_S)
    owed = world.owed()
    if rng.random() < 0.5:
        await world.kill()
        await asyncio.sleep(rng.choice((0.0, 1.5 * DAY_S)))
        await world.start()
    await asyncio.sleep(2.5 * DAY_S)
    still = world.owed()
    world.check_kept_whole({event: owed[event] for event in owed if event in still})
    world.check_gone_by(1)
    world.check_counts()
    unfinished = world.unfinished()
    world.network.broken.clear()
    await asyncio.sleep(DAY_S)
    late = [delivery for delivery in unfinished if not world.network.said_2xx[delivery]]
    assert not late, ("26 what was owed arrives, however old", late)
    await asyncio.sleep(4 * DAY_S)
    world.check_gone_by(1)
    world.check_counts()
    left = [table for table in TABLES if world.disk.ask(f"SELECT 1 FROM {table}")]
    assert not left, ("57 nothing is left in the end", left)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_every_promise_holds_where_all_things_meet(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safety while faults are on, liveness after they end; the seed repeats the run."""
    monkeypatch.setattr(health_tracker, "REVIEW_EVERY_S", CALM_REVIEW_S)
    monkeypatch.setattr(lag_watch, "LOOK_EVERY_S", CALM_REVIEW_S)
    monkeypatch.setattr(retention, "FIRST_AFTER_S", 0.0)  # beside what a start has to do
    loop = SimulatedLoop(seed)
    try:
        world = loop.run_until_complete(run(seed, loop))
        world.disk.check_moves()
    finally:
        loop.close()
