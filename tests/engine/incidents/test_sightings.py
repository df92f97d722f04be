"""What reviews see of webhooks: the one judgement, proof of being well, and old backlogs."""

import asyncio

from tests.engine.notice_world import NoticeWorld, in_world
from tidings.core.incidents.incident import IncidentKind
from tidings.core.incidents.observation import OLD_MS
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.incidents.sightings import WebhookSightings
from tidings.engine.incidents.tracker import COUNT_EVERY
from tidings.store import port

OLD_S = OLD_MS / 1000


def sightings_of(world: NoticeWorld) -> WebhookSightings:
    return world.parts.delivery.incidents._sightings


async def kinds(world: NoticeWorld, webhook: Webhook, *, waits_s: float = 5) -> list[str]:
    """Review as often as a backlog is looked up, and return what is open then."""
    tracker = world.parts.delivery.incidents
    await tracker.load()
    for _ in range(COUNT_EVERY):
        await asyncio.sleep(waits_s)
        await tracker.review()
    return [incident.kind for incident in tracker.of(webhook.number)]


def test_it_sees_what_the_judgement_says_and_since_when() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated", status=503)
        well = await world.webhook("well", "groupCreated")
        await world.event()
        await asyncio.sleep(200)
        sightings = sightings_of(world)
        assert sightings.numbers() == {crm.number}
        seen = sightings.of(crm, None)
        judged = world.parts.delivery.judgements.of(crm)
        assert str(seen.state) == str(judged.state) == "failing" and seen.cause == "503"
        assert seen.since_ms == judged.since_ms is not None
        assert seen.failures >= 3 and not seen.is_proven and seen.sends
        assert sightings.of(well, None).state is None
        await world.parts.delivery.stops.stop(crm.org, "test")
        assert not sightings.of(crm, None).sends, "nobody tries what is stopped"

    in_world(scenario)


def test_a_delivery_that_waits_for_its_retry_is_no_backlog() -> None:
    """One message in a thousand that its receiver can never take is tried for seven days."""

    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.receivers.status["/crm"] = 500
        await world.event()
        await asyncio.sleep(1)
        world.receivers.status["/crm"] = 200
        for _ in range(30):
            await world.event()
            await asyncio.sleep(0.1)
        world.receivers.status["/crm"] = 500
        await asyncio.sleep(3 * OLD_S)
        world.receivers.status["/crm"] = 200
        [seen] = (await sightings_of(world).backlogs([crm.number])).values()
        assert seen.waiting == 1 and seen.oldest_due_ms is None
        assert "backlog" not in await kinds(world, crm)

    in_world(scenario)


def test_what_waits_for_its_first_attempt_for_longer_than_the_bound_is_a_backlog() -> None:
    async def scenario(world: NoticeWorld) -> None:
        slow = await world.webhook("slow", "groupCreated", rateLimit=0.1, maxAllowedConnections=1)
        oldest_due_s = sightings_of(world).oldest_due_s
        assert oldest_due_s() == 0
        for _ in range(200):
            await world.event()
        assert await kinds(world, slow) == []
        await asyncio.sleep(OLD_S)
        assert await kinds(world, slow) == ["backlog"]
        assert OLD_S < oldest_due_s() < 2 * OLD_S
        [opened] = world.parts.delivery.incidents.of(slow.number)
        assert opened.since_ms <= opened.opened_ms - OLD_MS and opened.waiting > 0
        await asyncio.sleep(3 * OLD_S)
        assert await kinds(world, slow) == []
        kept = await world.store.incident(opened.number)
        assert kept is not None and kept.end_reason == "recovered"
        assert oldest_due_s() == 0

    in_world(scenario)


def test_well_after_failing_in_part_is_proven_by_ten_attempts_or_a_whole_window() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        sightings = sightings_of(world)
        assert not sightings.of(crm, None).is_proven
        for _ in range(10):
            await world.event()
            await asyncio.sleep(0.1)
        assert sightings.of(crm, None).is_proven
        idle = await world.webhook("idle", "customerAdded")
        assert not sightings.of(idle, None).is_proven
        await asyncio.sleep(301)
        assert sightings.of(idle, None).is_proven
        sightings.forget(())
        assert not sightings.of(idle, None).is_proven, "what is not open is not remembered"

    in_world(scenario)


def test_a_backlog_of_no_webhook_asks_nothing_of_the_store() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("crm", "groupCreated")
        assert await sightings_of(world).backlogs([]) == {}
        assert await world.store.incidents(port.IncidentQuery()) == []
        assert [*IncidentKind] == ["failing", "degraded", "unread", "backlog"]

    in_world(scenario)
