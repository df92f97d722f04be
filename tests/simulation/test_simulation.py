"""The engine keeps its promises for every seed: while things break, and after they are healed."""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.loop import SimulatedLoop
from tests.simulation.trouble import DAY_S, HEALED_S, trouble
from tests.simulation.world import World

SEEDS = depth(4, 40, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))


async def life(world: World, rng: random.Random, *, ends: bool = True) -> None:
    """One process: it starts, works in trouble, and is killed or stopped, or goes on healed."""
    await world.start()
    for _ in range(rng.randrange(1, 3) if world.known else 4):
        await world.create_webhook()
    work = [world.spawn(world.produce(rng.randrange(5, 40))) for _ in range(rng.randrange(1, 6))]
    work.append(world.spawn(trouble(world, rng)))
    if rng.random() < 0.6:
        await asyncio.sleep(rng.random() * 3)
    else:
        await asyncio.wait(work)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    if not ends:
        return
    if rng.random() < 0.7:
        await world.kill()
    else:
        await world.stop()
    world.disk.check_attempt_numbers()
    world.disk.check_owners()
    world.check_events()


async def run(seed: int, loop: SimulatedLoop) -> World:
    rng = random.Random(seed * 7919)
    world = World(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    goes_on = rng.random() < 0.5
    for ends in (*[True] * rng.randrange(3), not goes_on):
        await life(world, rng, ends=ends)
    world.faults.heal()
    world.network.gone.clear()
    if not goes_on:
        await world.start()
    await world.resume_paused()
    unfinished = world.unfinished()
    await asyncio.sleep(DAY_S)
    world.check_healed()
    await asyncio.sleep(HEALED_S - DAY_S)
    world.check_arrived(unfinished)
    world.check_gone()
    problems = world.engine.problems()
    assert not problems, problems
    await world.stop()
    return world


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_every_promise_holds(seed: int) -> None:
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
    finally:
        loop.close()
