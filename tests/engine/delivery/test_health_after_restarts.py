"""A restart makes no webhook well, and none failing: what its attempts of the last minutes came to
is known to the next process, and since when it fails."""

import asyncio

import pytest

from tests.engine.notice_world import NoticeWorld, in_worlds
from tidings.core.delivery.receivers.attempt_share import BUCKET_S
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.webhook import Webhook
from tidings.store import port


async def crm_of(world: NoticeWorld) -> Webhook:
    """A webhook whose receiver refuses for good what it refuses: one attempt an event."""
    return await world.webhook("crm", "groupCreated")


async def send(world: NoticeWorld, count: int, *, bad_of_20: int = 0, every_s: float = 1) -> None:
    """Events whose receiver refuses so many of each twenty, evenly spread."""
    for at in range(count):
        bad = (at + 1) * bad_of_20 // 20 > at * bad_of_20 // 20
        world.receivers.status["/crm"] = 400 if bad else 200
        await world.event()
        await asyncio.sleep(every_s)


def shown(world: NoticeWorld, webhook: Webhook) -> port.StoredHealth | None:
    return world.engine.healths.shown(webhook.number)


def share(world: NoticeWorld, webhook: Webhook) -> tuple[float, int | None]:
    """Which per cent of its attempts fail, and since when."""
    health = shown(world, webhook)
    assert health is not None and health.share is not None and health.cause == "400"
    return health.share.percent, health.failing_since_ms


@pytest.mark.parametrize("killed", [False, True])
def test_one_that_fails_in_part_is_so_since_the_same_time_after_a_restart(killed: bool) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await crm_of(world)
        await send(world, 700, bad_of_20=3)
        percent, since_ms = share(world, crm)
        assert 14 <= percent <= 16 and since_ms is not None
        assert since_ms < world.clock.now_ms() - 600_000, "it began before the window"
        for _ in range(2):
            world = await world.restarted(killed=killed)
            now, since = share(world, crm)
            assert now == pytest.approx(percent, abs=1.5) and since == since_ms
        await send(world, 100, bad_of_20=2)  # between the two bounds: it goes on
        assert share(world, crm)[1] == since_ms
        return world

    in_worlds(scenario)


def test_one_below_the_share_at_which_failing_begins_stays_well_over_a_restart() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await crm_of(world)
        await send(world, 300, bad_of_20=1)
        assert shown(world, crm) is None
        world = await world.restarted()
        assert shown(world, crm) is None
        await send(world, 3, bad_of_20=20)  # three of three, but few of what the window holds
        assert shown(world, crm) is None
        return world

    in_worlds(scenario)


def test_it_becomes_well_after_a_restart_as_it_would_have_without() -> None:
    took: list[int] = []

    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await crm_of(world)
        await send(world, 300, bad_of_20=3)
        if took:  # the second time
            world = await world.restarted()
        began_ms = world.clock.now_ms()
        while shown(world, crm) is not None:
            await send(world, 1)
        took.append(world.clock.now_ms() - began_ms)
        world = await world.restarted()
        assert shown(world, crm) is None
        return world

    in_worlds(scenario)
    in_worlds(scenario)
    assert abs(took[0] - took[1]) <= BUCKET_S * 1000, took


def test_a_stop_that_outlasts_the_window_ends_its_time_of_failing() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await crm_of(world)
        await send(world, 301, bad_of_20=3)  # the last one succeeds
        await world.stop()
        await asyncio.sleep(400)
        world = NoticeWorld(world)
        await world.start()
        assert shown(world, crm) is None
        await send(world, 40, bad_of_20=1)
        assert shown(world, crm) is None
        await send(world, 40, bad_of_20=10)
        began_ms = share(world, crm)[1]
        assert began_ms is not None and began_ms > world.clock.now_ms() - 90_000
        return world

    in_worlds(scenario)


def test_what_failed_before_it_was_enabled_again_does_not_come_back_with_a_restart() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await crm_of(world)
        await send(world, 60, bad_of_20=10)
        for standing in (WebhookStatus.PAUSED, WebhookStatus.ACTIVE):
            await world.webhooks.set_status(crm.number, standing, None)
        assert shown(world, crm) is None
        world = await world.restarted()
        assert shown(world, crm) is None
        return world

    in_worlds(scenario)
