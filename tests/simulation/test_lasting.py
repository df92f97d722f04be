"""A week of failing: breaker, disabling, parking, retention, and the replay that makes it good."""

import asyncio
import os
import random

import pytest

from tests.depth import depth
from tests.simulation.lasting import LastingWorld
from tests.simulation.loop import SimulatedLoop
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.engine.delivery import health_tracker

SEEDS = depth(1, 24, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))
DAY_S = 24 * 3600
DAYS_DOWN = 9.5
# Who fails is looked at twice a minute, nine days long: half the cost of a run, and nothing comes
# of it. One run in four is spent on that; in the others it is looked at less often.
CALM_REVIEW_S = 600.0
AS_SERVED = 4


async def run(seed: int, loop: SimulatedLoop) -> LastingWorld:
    rng = random.Random(seed * 15_485_863)
    world = LastingWorld(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    await world.start()
    while len(world.known) < 3:
        await world.create_webhook(may_filter=False)  # it is tried, and fails, from the beginning
    broken, gone, well = world.known.values()
    await world.produce(20)
    await asyncio.sleep(1)
    world.network.broken.add(broken.receiver)
    world.network.gone.add(gone.receiver)
    world.ever_gone |= {broken.receiver, gone.receiver}
    world.faults.failing = rng.choice((0.0, 0.1))
    days = DAYS_DOWN
    for _ in range(rng.randrange(0, 3)):
        part = rng.random() * days / 2
        await world.days(part, rng)
        days -= part
        await (world.kill() if rng.random() < 0.7 else world.stop())
        world.check_events()
        await world.start()
    await world.days(days, rng)
    for known in (broken, gone):
        record = world.webhooks.get(OrgId(7), known.id)
        assert record.webhook.status is WebhookStatus.DISABLED, (
            "no success for eight days, or a 410"
        )
        assert record.config.reason, "and it says why"
    assert world.webhooks.get(OrgId(7), well.id).webhook.status is WebhookStatus.ACTIVE
    world.faults.heal()
    world.network.broken.clear()
    world.network.gone.clear()
    await world.replay_missed(broken)
    await asyncio.sleep(DAY_S)
    world.check_healed()
    world.check_events()
    world.check_end(broken, gone)
    await world.stop()
    return world


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_nothing_is_lost_to_a_receiver_that_is_down_for_days(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is disabled after eight, told why, and gets all that is kept by one replay."""
    if seed % AS_SERVED:
        monkeypatch.setattr(health_tracker, "REVIEW_EVERY_S", CALM_REVIEW_S)
    loop = SimulatedLoop(seed)
    try:
        world = loop.run_until_complete(run(seed, loop))
        world.disk.check_moves()
        world.check_jobs()
        assert world.dropped, "retention has dropped payloads meanwhile"
    finally:
        loop.close()
