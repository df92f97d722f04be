"""A take of due retries that is under way while its webhook is disabled sends nothing later."""

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.webhooks.dispatch_scene import Scene, due_now
from tidings.core.delivery.job import Job
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.engine.delivery.receipt_dispatch import LAST_MS
from tidings.engine.delivery.retries.retry_claims import RELEASE_AGAIN_S
from tidings.store import port


async def test_what_it_brings_is_not_sent_when_the_webhook_is_enabled_again() -> None:
    scene = Scene()
    scene.dispatcher.recovery.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    assert scene.committer.takes == [HOOK.number]
    scene.change(WebhookStatus.DISABLED)
    scene.take_comes_back()
    scene.change(WebhookStatus.ACTIVE)
    await asyncio.sleep(0.1)
    assert scene.line.bodies == []
    # What the disabling had not parked yet is due again, and not without an owner.
    assert scene.store.released == [(HOOK.number, [])]


async def test_it_is_released_only_after_it_came_back() -> None:
    scene = Scene()
    scene.dispatcher.recovery.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.change(WebhookStatus.DISABLED)
    scene.change(WebhookStatus.ACTIVE)
    await asyncio.sleep(0.1)
    assert scene.store.released == []
    scene.take_comes_back()
    await asyncio.sleep(0.1)
    assert scene.store.released == [(HOOK.number, [])] and scene.line.bodies == []
    scene.take_comes_back()  # the next one
    await asyncio.sleep(0.1)
    assert scene.committer.takes == [HOOK.number] * 2
    assert scene.line.bodies == [b"parked by now"], "it was due again, and is sent"


async def test_what_could_not_be_released_is_released_when_the_store_is_back() -> None:
    scene = Scene()
    asked: list[list[int]] = []

    async def release(webhook: int, held: list[int]) -> None:
        asked.append(held)
        if len(asked) == 1:
            raise port.StoreDown("the disk is full")

    scene.store.release = release  # type: ignore[method-assign]
    scene.dispatcher.recovery.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.change(WebhookStatus.DISABLED)
    scene.take_comes_back()
    scene.change(WebhookStatus.ACTIVE)
    while len(scene.committer.takes) < 2:
        await asyncio.sleep(RELEASE_AGAIN_S / 10)
    assert asked == [[], []] and scene.committer.takes == [HOOK.number] * 2


async def test_a_take_whose_window_is_over_behind_an_open_breaker_is_parked_and_not_sent() -> None:
    scene = Scene()
    deeds: list[str] = []

    async def release(webhook: int, held: list[int]) -> None:
        deeds.append("released")

    async def park_expired(webhook: int, accepted_before_ms: int, limit: int) -> int:
        deeds.append("parked")
        return 0

    scene.store.release = release  # type: ignore[method-assign]
    scene.store.park_expired = park_expired  # type: ignore[method-assign]
    parking: Any = SimpleNamespace(parks=lambda _: True)
    scene.dispatcher.handover._healths = parking
    scene.dispatcher.recovery.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.take_comes_back(accepted_ms=1_000_000 - LAST_MS)
    await asyncio.sleep(0.05)
    assert deeds == [] and scene.line.bodies == [b"parked by now"], "the last moment is in time"
    scene.dispatcher.changes.due(HOOK.number, 0)
    await asyncio.sleep(0.05)
    scene.take_comes_back(accepted_ms=1_000_000 - LAST_MS - 1)
    await asyncio.sleep(0.05)
    assert deeds == ["released", "parked"] and len(scene.line.bodies) == 1
    [runner] = scene.dispatcher.runners.at_work.values()
    assert not runner.overdue, "what is released next is not parked for it"


async def test_a_first_attempt_whose_window_is_over_behind_an_open_breaker_is_parked() -> None:
    scene = Scene()
    over = Job(
        DeliveryId(5), HOOK.number, HOOK.org, "e5", 1_000_000 - LAST_MS - 1, 1, None, False, b"over"
    )
    fresh = Job(
        DeliveryId(6), HOOK.number, HOOK.org, "e6", 1_000_000 - LAST_MS, 1, None, False, b"in time"
    )
    stored = [over, fresh]

    async def page(webhook: int, after: int, limit: int) -> list[Job]:
        return [job for job in stored if job.delivery > after]

    async def park_expired(webhook: int, accepted_before_ms: int, limit: int) -> int:
        parked = [job for job in stored if job.accepted_ms < accepted_before_ms - 1_000]
        stored[:] = [job for job in stored if job not in parked]
        return len(parked)

    scene.store.page = page  # type: ignore[method-assign]
    scene.store.park_expired = park_expired  # type: ignore[method-assign]
    scene.healths.parks = lambda webhook: True  # type: ignore[method-assign]
    scene.dispatcher.recovery.begin([port.Backlog(HOOK.number, 2, None)])
    await asyncio.sleep(0.1)
    assert scene.line.bodies == [b"in time"] and stored == [fresh]


async def test_a_paused_webhook_keeps_what_it_took() -> None:
    scene = Scene()
    scene.dispatcher.recovery.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.change(WebhookStatus.PAUSED)
    scene.take_comes_back()
    scene.change(WebhookStatus.ACTIVE)
    await asyncio.sleep(0.1)
    assert scene.line.bodies == [b"parked by now"] and scene.store.released == []
