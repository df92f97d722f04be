"""What goes wrong in a simulated world, and when all is to be well again."""

import asyncio
import random

from tests.simulation.replaying import ReplayWorld
from tests.simulation.world import World

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


async def meddling(world: ReplayWorld, rng: random.Random) -> None:
    """People at work, whatever breaks."""
    while True:
        await asyncio.sleep(rng.random() * 0.6)
        await world.meddle(rng)
