"""A webhook of the simulation that is left alone."""

import asyncio

from tests.engine.notice_world import NoticeWorld
from tidings.core.webhooks.webhook import Webhook
from tidings.store.port import DeliveryQuery

EVENTS = 12


async def left_alone(world: NoticeWorld) -> Webhook:
    """A webhook behind an open breaker, with deliveries that wait for a long pause."""
    crm = await world.webhook("crm", "groupCreated")
    world.receivers.status["/crm"] = 503
    for _ in range(EVENTS):
        await world.event()
    await asyncio.sleep(200)  # the pauses double
    lane = world.engine.dispatcher.runners.at_work[crm.number].lane
    while lane.breaker.wait_s(asyncio.get_running_loop().time()) < 30:
        await asyncio.sleep(1)
    health = world.engine.healths.shown(crm.number)
    assert health is not None and health.left_alone
    return crm


def query(crm: Webhook) -> DeliveryQuery:
    return DeliveryQuery((crm.number,), limit=50)
