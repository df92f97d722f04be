"""The engine keeps its promises for every seed: while things break, and after they are healed."""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import World

SEEDS = depth(8, 40, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))
DAY_S = 24 * 3600
HEALED_S = 8 * DAY_S


async def trouble(world: World, rng: random.Random) -> None:
    """What goes wrong while producers work."""
    for _ in range(rng.randrange(3, 9)):
        await asyncio.sleep(rng.random() * 2)
        world.faults.store_down = rng.choice((0.0, 0.0, 0.05, 0.3))
        world.faults.reply_lost = rng.choice((0.0, 0.02, 0.2))
        world.faults.failing = rng.choice((0.0, 0.1, 0.6, 1.0))
        world.faults.slow_s = rng.choice((0.01, 0.2, 2.0))
        living = [known for known in world.known.values() if known.id]
        what = rng.randrange(6)
        if what == 0:
            await world.create_webhook()
        elif what == 1 and len(living) > 2:
            await world.end_webhook(rng.choice(living))
        elif what == 2 and len(living) > 3:
            receiver = rng.choice(living).receiver
            world.network.gone.add(receiver)
            world.ever_gone.add(receiver)
        elif what == 3 and living:
            await world.pause_webhook(rng.choice(living))
        elif what == 4 and living:
            await world.reshape_webhook(rng.choice(living))


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
