"""A stop waits for every attempt under way, whatever became of its webhook meanwhile."""

import asyncio
import random

from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import ORG, World
from tidings.engine.events.intake import Draft


def test_an_attempt_of_a_deleted_webhook_has_ended_when_a_stop_is_through() -> None:
    loop = SimulatedLoop(3)

    async def scenario() -> None:
        world = World(3, loop)
        await world.start()
        while not world.known:
            await world.create_webhook()
        [known] = world.known.values()
        known.keys = None
        world.faults.slow_s = 4.0
        world.network._rng = random.Random(1)
        draft = Draft(ORG, "a", "e", b'{"key":"k0"}', {"data": {"key": "k0"}, "eventName": "a"})
        await world.parts.events.acceptor.accept([draft])
        while not world.network.parallel.total():
            await asyncio.sleep(0.001)
        await world.end_webhook(known)
        assert world.network.parallel.total()
        await world.engine.stop()
        assert not world.network.parallel.total()

    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
