"""An incident of a whole engine goes on over pause, disabling and restarts until a success."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.engine.notice_world import NoticeWorld
from tests.simulation.loop import simulate
from tidings.core.delivery.receivers.health import HealthPolicy
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.incidents.incident import Incident
from tidings.core.webhooks.webhook import Webhook
from tidings.store import port

OFF = (WebhookStatus.PAUSED, WebhookStatus.INACTIVE, WebhookStatus.DISABLED)


def in_worlds(
    scenario: Callable[[NoticeWorld, Webhook], Awaitable[NoticeWorld]],
    health: HealthPolicy | None = None,
) -> None:
    async def main() -> None:
        first = NoticeWorld(health=health)
        await first.start()
        await first.parts.delivery.incidents.load()
        crm = await first.webhook("crm", "groupCreated", status=503)
        await first.event()
        await asyncio.sleep(200)  # its fourth attempt
        await (await scenario(first, crm)).stop()

    simulate(1, main())


async def reviewed(world: NoticeWorld, webhook: Webhook) -> list[Incident]:
    await world.parts.delivery.incidents.review()
    return list(world.parts.delivery.incidents.of(webhook.number))


async def restarted(world: NoticeWorld, **how: Any) -> NoticeWorld:
    world = await world.restarted(**how)
    await world.parts.delivery.incidents.load()
    return world


async def recover(world: NoticeWorld) -> None:
    world.receivers.status["/crm"] = 200
    await world.event()
    await asyncio.sleep(4000)  # its breaker has probed, and its retry is due


@pytest.mark.parametrize("off", OFF)
def test_it_goes_on_while_its_webhook_is_off_and_after_until_a_success(off: WebhookStatus) -> None:
    async def scenario(world: NoticeWorld, crm: Webhook) -> NoticeWorld:
        [opened] = await reviewed(world, crm)
        assert (opened.kind, opened.cause) == ("failing", "503")
        await world.webhooks.set_status(crm.number, off, None)
        assert await reviewed(world, crm) == [opened]
        world = await restarted(world)
        assert await reviewed(world, crm) == [opened]
        await world.webhooks.set_status(crm.number, WebhookStatus.ACTIVE, None)
        assert await reviewed(world, crm) == [opened]
        await recover(world)
        assert await reviewed(world, crm) == []
        kept = await world.store.incident(opened.number)
        assert kept is not None and kept.end_reason == "recovered"
        return world

    in_worlds(scenario)


def test_after_a_kill_it_is_the_same_incident() -> None:
    async def scenario(world: NoticeWorld, crm: Webhook) -> NoticeWorld:
        [opened] = await reviewed(world, crm)
        world = await restarted(world, killed=True)
        await world.event()
        await asyncio.sleep(1000)
        [same] = await reviewed(world, crm)
        assert same.number == opened.number and same.since_ms <= opened.since_ms
        assert len(await world.store.incidents(port.IncidentQuery())) == 1
        return world

    in_worlds(scenario)


def test_an_owner_who_was_told_of_it_hears_of_the_recovery_behind_a_pause() -> None:
    async def scenario(world: NoticeWorld, crm: Webhook) -> NoticeWorld:
        for _ in range(3):
            await world.event()
            await asyncio.sleep(1000)
        [opened] = await reviewed(world, crm)
        for status in (WebhookStatus.PAUSED, WebhookStatus.ACTIVE):
            await world.webhooks.set_status(crm.number, status, None)
        health = world.engine.healths.shown(crm.number)
        assert health is not None and health.failing_since_ms == opened.since_ms
        await recover(world)
        names = [fact["eventName"] for fact in world.told()]
        assert [name for name in names if "ecover" in name], names
        return world

    in_worlds(scenario)


def test_a_deleted_webhook_has_no_incident() -> None:
    async def scenario(world: NoticeWorld, crm: Webhook) -> NoticeWorld:
        [opened] = await reviewed(world, crm)
        await world.webhooks.set_status(crm.number, WebhookStatus.DELETED, None)
        assert await reviewed(world, crm) == []
        kept = await world.store.incident(opened.number)
        assert kept is not None and kept.end_reason == "deleted"
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("off", [WebhookStatus.DISABLED, WebhookStatus.PAUSED])
def test_who_enables_it_after_a_restart_has_all_the_days_anew(
    off: WebhookStatus, killed: bool
) -> None:
    """No lane was at work for it, and none had seen it disabled."""

    async def scenario(world: NoticeWorld, crm: Webhook) -> NoticeWorld:
        [opened] = await reviewed(world, crm)
        for _ in range(20):
            await world.event()
            await asyncio.sleep(600)
        assert world.webhooks.at(crm.number).webhook.status is WebhookStatus.DISABLED
        if off is not WebhookStatus.DISABLED:
            await world.webhooks.set_status(crm.number, off, None)
        world = await restarted(world, killed=killed)
        await world.webhooks.set_status(crm.number, WebhookStatus.ACTIVE, None)
        for _ in range(3):
            await world.event()
            await asyncio.sleep(600)
        assert world.webhooks.at(crm.number).webhook.status is WebhookStatus.ACTIVE
        [same] = await reviewed(world, crm)
        assert same.number == opened.number and same.since_ms == opened.since_ms
        return world

    in_worlds(scenario, HealthPolicy(disable_after_ms=3 * 3_600_000))


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_disabled_one_that_is_deleted_after_a_restart_leaves_nothing_of_its_failures(
    killed: bool,
) -> None:
    async def scenario(world: NoticeWorld, crm: Webhook) -> NoticeWorld:
        await world.webhooks.set_status(crm.number, WebhookStatus.DISABLED, None)
        world = await restarted(world, killed=killed)
        assert world.engine.healths.failing_numbers == [crm.number]
        await world.webhooks.set_status(crm.number, WebhookStatus.DELETED, None)
        assert world.engine.healths.failing_numbers == []
        return world

    in_worlds(scenario)
