"""30: an org with healthy receivers alone does not notice the others', for every seed.

Two orgs share the slots of a small process. One has webhooks whose receivers are silent, slow, dead
or failing, more than enough to hold every slot there is; the other has healthy ones. Time is
virtual, so what is measured is waiting in line and nothing else.
"""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.loop import SimulatedLoop
from tests.simulation.parts import Faults, Network, Request
from tests.simulation.world import ORG, World
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Draft

SEEDS = depth(1, 40, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))
OTHER = OrgId(8)
BAD, WELL = 20, 4
SLOTS = 16
SECONDS = 15
DELAY_S_MAX = 0.5


class Neighbours(Network):
    """Receivers of one org in every kind of trouble; those of the other are well."""

    trouble = Faults()
    well = Faults()
    bad: set[int] = set()

    def faults_of(self, webhook: int) -> Faults:
        return self.trouble if webhook in self.bad else self.well


async def run(seed: int, loop: SimulatedLoop) -> list[float]:
    rng = random.Random(seed * 32_452_843)
    world = World(seed, loop)
    network = world.network = Neighbours(world.faults, random.Random(seed))
    network.bad = set(range(BAD))
    network.org_of = lambda receiver: world.known[receiver].org
    network.trouble.failing, network.trouble.slow_s = rng.choice((0.3, 0.9, 1.0)), 2.0
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    sent: dict[str, float] = {}

    def note(request: Request) -> None:
        sent.setdefault(request.body.split(b'"id":"')[1].split(b'"')[0].decode(), loop.time())

    network.before_send = note
    world.slots = SLOTS
    await world.start()
    for _ in range(BAD):
        await world.create_webhook()
    for _ in range(WELL):
        await world.create_webhook(OTHER, may_filter=False)  # each event is for all of them
    answered: dict[str, float] = {}

    async def produce(org: int, gap_s: float) -> None:
        number = 0
        while loop.time() < SECONDS:
            number += 1
            event_id = f"{org}-{number}"
            body = f'{{"id":"{event_id}","data":{{"key":"k0"}}}}'.encode()
            event = {"data": {"key": f"k{number}"}, "eventName": "a"}
            await world.parts.events.acceptor.accept(
                [Draft(OrgId(org), "a", event_id, body, event)]
            )
            if org == OTHER:
                answered[event_id] = loop.time()
            await asyncio.sleep(rng.random() * gap_s)

    await asyncio.gather(produce(ORG, 0.05), produce(OTHER, 0.2))
    await asyncio.sleep(1)
    assert len(answered) > SECONDS * 4
    waited = [sent[event_id] - at for event_id, at in answered.items()]
    assert network.peak >= SLOTS // 2, "the others have had all that an org may hold"
    await world.kill()
    return waited


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_healthy_receivers_wait_for_nobody(seed: int) -> None:
    loop = SimulatedLoop(seed)
    try:
        waited = loop.run_until_complete(run(seed, loop))
        assert max(waited) <= DELAY_S_MAX, "30 a healthy org does not notice the others"
    finally:
        loop.close()
