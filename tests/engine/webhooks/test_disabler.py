"""What an outcome decides of a webhook survives a kill at any moment, and so does its telling."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.engine.notice_world import NoticeWorld, in_world
from tests.ports import at_once
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.store import port


class Told:
    """Who was told that a webhook is disabled, and how it is said that this is sure."""

    def __init__(self) -> None:
        self.all: list[tuple[str, int]] = []
        self.done: Callable[[], None] = lambda: None

    def disabled(
        self,
        webhook: Webhook,
        reason: str,
        parked: int,
        since_ms: int | None,
        on_notified: Callable[[], None],
    ) -> None:
        self.all.append((webhook.id, parked))
        self.done = on_notified


async def next_owner(world: NoticeWorld) -> tuple[Webhooks, Told]:
    """A new process's webhooks over the same store, and whom it tells."""
    told = Told()
    after = NoticeWorld(world)
    after.notices.disabled = told.disabled  # type: ignore[method-assign]
    await after.parts.load(at_once)
    await after.webhooks.disable_owed()
    after.webhooks.resume()
    await after.webhooks.retired()
    return after.webhooks, told


def owe(world: NoticeWorld, crm: Webhook, reason: str = "It is gone.") -> None:
    """As the settle of a 410 writes it, right before a kill."""
    world.store.half.connection.execute(
        "INSERT INTO disabling VALUES (?, ?, ?)", (crm.number, crm.version, reason)
    )


def test_the_next_owner_disables_and_tells() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        owe(world, crm)
        webhooks, told = await next_owner(world)
        record = webhooks.get(crm.org, crm.id)
        assert record.webhook.status is WebhookStatus.DISABLED
        assert record.config.reason == "It is gone." and told.all == [(crm.id, 0)]
        await webhooks.close()
        # Killed before the notice was accepted: told again, and by the one that may not repeat it.
        webhooks, told = await next_owner(world)
        assert told.all == [(crm.id, 0)]
        told.done()
        await webhooks.close()
        webhooks, told = await next_owner(world)
        assert told.all == []
        await webhooks.close()

    in_world(scenario)


def test_an_owner_who_was_faster_is_not_overruled() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        owe(world, crm)
        await world.webhooks.patch(
            crm.org, crm.id, lambda _: {"webHookUrl": "https://sim.example/new"}, "its owner"
        )
        webhooks, told = await next_owner(world)
        assert (
            webhooks.get(crm.org, crm.id).webhook.status is WebhookStatus.ACTIVE and told.all == []
        )
        assert (await world.store.load()).disablings == []
        await webhooks.close()

    in_world(scenario)


def test_a_store_that_refuses_is_asked_until_it_is_disabled() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated", status=410)
        put, refused = world.store.put_webhook, 0

        async def refuse(webhook: port.StoredWebhook) -> Any:
            nonlocal refused
            refused += 1
            if refused <= 3:
                raise port.StoreDown("the disk is full")
            return await put(webhook)

        world.store.put_webhook = refuse  # type: ignore[method-assign]
        await world.event()
        await asyncio.sleep(0.1)
        await world.event()  # nothing starts at a webhook that is to be disabled
        await asyncio.sleep(10)
        assert refused == 4 and len(world.receivers.got["/crm"]) == 1
        assert world.webhooks.get(crm.org, crm.id).webhook.status is WebhookStatus.DISABLED
        assert (await world.store.load()).disablings == [], "its owner was told"

    in_world(scenario)
