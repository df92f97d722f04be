"""After a mend somebody asks: the receiver of a webhook that is left alone is asked at once, and
what it takes ends the failure, whatever carried it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.engine.delivery.scenes.left_alone import left_alone, query
from tests.engine.notice_world import ORG, NoticeWorld, in_world
from tidings.core.delivery.states import State
from tidings.core.webhooks.webhook import Webhook


async def resume(world: NoticeWorld, crm: Webhook) -> None:
    await world.webhooks.change_status(ORG, crm.id, "resume", "tidings")


async def retry(world: NoticeWorld, crm: Webhook) -> None:
    page = await world.store.log_deliveries(query(crm))
    await world.parts.delivery.manual_retries.ask(ORG, page.deliveries[-1].id, crm.number)


async def send_test(world: NoticeWorld, crm: Webhook) -> None:
    told = await world.parts.delivery.trial.send(
        ORG, crm, "a test", b'{"eventName":"groupCreated"}', lambda: True, stored=True
    )
    assert told.delivered == (world.receivers.status["/crm"] < 300)


ASKS = [resume, retry, send_test]
Ask = Callable[[NoticeWorld, Webhook], Awaitable[None]]


@pytest.mark.parametrize("ask", ASKS)
def test_what_waits_is_sent_at_once_after_a_mend(ask: Ask) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await left_alone(world)
        world.receivers.status["/crm"] = 200
        await ask(world, crm)
        await asyncio.sleep(2)
        assert world.engine.healths.shown(crm.number) is None
        states = [row.state for row in (await world.store.log_deliveries(query(crm))).deliveries]
        assert set(states) == {State.DELIVERED}, "all were delivered"
        assert world.engine.healths.open_causes.total() == 0

    in_world(scenario)


@pytest.mark.parametrize("ask", ASKS)
def test_a_failure_leaves_the_pause_as_it_was(ask: Ask) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await left_alone(world)
        breaker = world.engine.dispatcher.runners.at_work[crm.number].lane.breaker
        before, tries = (breaker.until_s, breaker.opens), world.receivers.tries["/crm"]
        await ask(world, crm)
        await asyncio.sleep(2)
        assert world.receivers.tries["/crm"] == tries + 1, "it was asked"
        assert (breaker.until_s, breaker.opens) == before

    in_world(scenario)
