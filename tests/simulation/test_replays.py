"""Replays, cancels and stops keep their promises for every seed."""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.loop import SimulatedLoop
from tests.simulation.replaying import ReplayWorld
from tests.simulation.trouble import DAY_S, HEALED_S, meddling, trouble

SEEDS = depth(1, 24, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))


async def life(world: ReplayWorld, rng: random.Random) -> None:
    """One process: it starts, works in trouble, and is killed or stopped."""
    await world.start()
    for _ in range(rng.randrange(1, 3) if world.known else 4):
        await world.create_webhook()
    work = [world.spawn(world.produce(rng.randrange(5, 40))) for _ in range(rng.randrange(1, 4))]
    work.append(world.spawn(trouble(world, rng)))
    meddler = world.spawn(meddling(world, rng))
    if rng.random() < 0.6:
        await asyncio.sleep(rng.random() * 5)
    else:
        await asyncio.wait(work)
    for task in (*work, meddler):
        task.cancel()
    await asyncio.gather(*work, meddler, return_exceptions=True)
    world.stopped_s = float("inf")
    if rng.random() < 0.7:
        await world.kill()
    else:
        await world.stop()
    for task in (*work, meddler):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    world.disk.check_attempt_numbers()
    world.disk.check_owners()
    world.check_events()
    world.check_jobs()


async def run(seed: int, loop: SimulatedLoop) -> ReplayWorld:
    rng = random.Random(seed * 104_729)
    world = ReplayWorld(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    for _ in range(rng.randrange(1, 5)):
        await life(world, rng)
    world.faults.heal()
    world.network.gone.clear()
    await world.start()
    await world.go_on()
    await world.resume_paused()
    await world.resume_jobs()
    unfinished = world.unfinished()
    await asyncio.sleep(DAY_S)
    world.check_healed()
    await asyncio.sleep(HEALED_S - DAY_S)
    world.check_arrived(unfinished)
    problems = world.engine.problems()
    assert not problems, problems
    await world.stop()
    return world


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_every_promise_holds_with_replays(seed: int) -> None:
    """Safety while faults are on, liveness after they end; the seed repeats the run."""
    loop = SimulatedLoop(seed)
    try:
        world = loop.run_until_complete(run(seed, loop))
        world.disk.check_moves()
        world.disk.check_owners()
        world.check_events()
        world.check_matching()
        world.check_deliveries()
        world.check_requests()
        world.check_jobs()
    finally:
        loop.close()
