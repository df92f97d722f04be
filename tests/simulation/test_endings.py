"""50: a receiver that says 410 is disabled, wherever a kill or a refused write comes between.

Each seed kills the process some milliseconds after the answer: before its settle, in it, between it
and the disabling, and after. What the next start finds is checked by the world (`check_gone`).
"""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import World
from tidings.core.delivery.webhook_status import WebhookStatus

SEEDS = depth(5, 40, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))
KILLS = 6


async def run(seed: int, loop: SimulatedLoop) -> World:
    rng = random.Random(seed * 104_729)
    world = World(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    await world.start()
    while len(world.known) < KILLS:
        await world.create_webhook(ordering="none", may_filter=False)
    for receiver in range(KILLS):
        world.network.gone.add(receiver)
        world.ever_gone.add(receiver)
        world.faults.store_down = rng.choice((0.0, 0.2, 0.6))
        for _ in range(4):
            await world.post([world.draft()])
        await asyncio.sleep(rng.random() * rng.choice((0.03, 0.3)))
        await world.kill()
        await world.start()
    world.faults.heal()
    for _ in range(20):
        await world.post([world.draft()])
    await asyncio.sleep(60)
    world.check_gone()
    for known in world.known.values():
        record = world.webhooks.get(known.org, known.id)
        assert record.webhook.status is WebhookStatus.DISABLED, "the next 410 disables, if none did"
    await world.stop()
    return world


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_a_410_that_is_settled_disables(seed: int) -> None:
    loop = SimulatedLoop(seed)
    try:
        world = loop.run_until_complete(run(seed, loop))
        world.disk.check_moves()
    finally:
        loop.close()
