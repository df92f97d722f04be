"""A receiver with a limit, and an outage of it, in a world where all axes cross."""

import asyncio
import random

from tests.simulation.crossed.crossing import LEARNS_S, LEAST_SHARE, LIMITED_ORG, CrossedWorld
from tests.simulation.parts import ReceiverLimit
from tidings.core.delivery.receivers.breaker import Position
from tidings.engine.events.intake import Draft

HOUR_S = 3600.0


async def recover(world: CrossedWorld, rng: random.Random) -> None:
    """58: a receiver with a limit, and an outage of it."""
    world.faults.slow_s = 0.01  # what it takes is bounded by its limit alone
    receiver = len(world.known)
    await world.create_webhook(LIMITED_ORG, "none", may_filter=False)
    limit = world.network.limits[receiver] = ReceiverLimit(rng.choice((4, 8)))
    sent = 0

    async def send(count: int) -> None:
        nonlocal sent
        drafts = []
        for _ in range(count):
            sent += 1
            body = b'{"id":"limited-%d","data":{"key":"k0"}}' % sent
            world.submitted[f"limited-{sent}"] = {body}
            event = {"data": {"key": "k0"}, "eventName": "a"}
            drafts.append(Draft(LIMITED_ORG, "a", f"limited-{sent}", body, event))
        await world.parts.events.acceptor.accept(drafts)

    await send(6 * limit.per_s)
    await asyncio.sleep(10)
    world.network.broken.add(receiver)
    await send(2 * limit.per_s)
    await asyncio.sleep(rng.choice((20.0, 150.0)))
    if rng.random() < 0.5:
        await world.kill()
        await world.start()
    world.network.broken.discard(receiver)
    await send(50 * limit.per_s)
    for _ in range(2000):
        if not lane_is_asked(world, receiver):
            break
        await asyncio.sleep(0.5)
    await asyncio.sleep(LEARNS_S)
    since_s = world.loop.time()
    await asyncio.sleep(20)
    assert world.disk.ask(
        "SELECT 1 FROM delivery WHERE webhook = ? AND state NOT IN (3, 4, 5, 6)",
        world.known[receiver].number,
    ), "58 there was more to send"
    admitted = [
        request
        for request in world.network.requests
        if request.webhook == receiver
        and request.at_s >= since_s
        and request.said in (200, 201, 204)
    ]
    share = len(admitted) / 20 / limit.per_s
    assert share >= LEAST_SHARE, ("58 a limit is used again", share, limit.per_s)
    await asyncio.sleep(HOUR_S)


def lane_is_asked(world: CrossedWorld, receiver: int) -> bool:
    """Whether the breaker of a webhook is not closed yet."""
    runner = world.engine.dispatcher.runners.at_work.get(world.known[receiver].number)
    return runner is None or runner.lane.breaker.position is not Position.CLOSED
