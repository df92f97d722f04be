"""An owner whose lease ends while attempts wait starts nothing, and goes on when it is renewed."""

import asyncio
import random

import pytest

from tests.depth import depth
from tests.simulation.leasing import LeasedWorld
from tests.simulation.loop import SimulatedLoop
from tests.simulation.trouble import DAY_S, HEALED_S, trouble

SEEDS = depth(2, 40, "TIDINGS_SIMULATION_SEEDS")
LAPSES = 4


async def run(seed: int, loop: SimulatedLoop) -> LeasedWorld:
    rng = random.Random(seed * 7919)
    world = LeasedWorld(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    await world.start()
    renewals = world.spawn(world.renew())
    for _ in range(4):
        await world.create_webhook()
    work = [world.spawn(trouble(world, rng))]
    for _ in range(LAPSES):
        work += [world.spawn(world.produce(rng.randrange(5, 40))) for _ in range(2)]
        await world.lapse(rng)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    renewals.cancel()
    world.heal_lease()
    world.faults.heal()
    world.network.gone.clear()
    await world.resume_paused()
    unfinished = world.unfinished()
    await asyncio.sleep(DAY_S)
    world.check_healed()
    await asyncio.sleep(HEALED_S - DAY_S)
    world.check_arrived(unfinished)
    assert not world.engine.problems()
    await world.stop()
    return world


@pytest.fixture(scope="module")
def worlds() -> list[LeasedWorld]:
    """One of each seed, at its end."""
    found = []
    for seed in range(SEEDS):
        loop = SimulatedLoop(seed)
        try:
            found.append(loop.run_until_complete(run(seed, loop)))
        finally:
            loop.close()
    return found


def test_every_promise_holds(worlds: list[LeasedWorld]) -> None:
    for world in worlds:
        world.disk.check_moves()
        world.disk.check_owners()
        world.check_events()
        world.check_matching()
        world.check_deliveries()
        world.check_requests()


def test_what_waited_went_on(worlds: list[LeasedWorld]) -> None:
    assert sum(world.went_on for world in worlds) >= SEEDS
