"""What a lane tells of a delivery: that its attempt has begun, or what stands before it."""

import asyncio
import random

import pytest

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.delivery.scenes.offers import (
    NOW_MS,
    Silent,
    hand_over,
    job,
    offer,
    scene_of,
    told,
)
from tests.engine.webhooks.dispatch_scene import Scene, due_now
from tidings.core.delivery.next_attempt import NextAttempt, Wait
from tidings.core.delivery.receivers.breaker import OUTCOMES_MIN, PAUSE_S
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.engine.events.commit_queue import UNWRITTEN_BYTES_MAX
from tidings.store import port


async def test_an_attempt_has_begun_when_it_has_a_slot_and_until_its_outcome_is_written() -> None:
    scene = Scene()
    silent = Silent()
    scene = scene_of(silent, connections_max=1)
    await hand_over(scene, job(5, 2), job(6, 3))
    assert told(scene, 5) == NextAttempt(begun=2)
    assert told(scene, 6) == NextAttempt(claimed=True, why=Wait.CONNECTIONS, most=1)
    assert told(scene, 8) == NextAttempt(why=Wait.CONNECTIONS, most=1), "it is still in the store"
    assert told(scene, 7, retry=False).begun == 0
    silent.answers.set()
    await asyncio.sleep(0.01)
    assert told(scene, 5).begun == 2, "its outcome is not written"
    settled = port.Settlement(DeliveryId(5), HOOK.number, None, 3, 2, 1, NOW_MS, 1, 200)
    scene.dispatcher.settler.settled([settled], port.Receipt(now_ms=NOW_MS))
    assert told(scene, 5) == NextAttempt()


async def test_behind_an_open_breaker_it_waits_for_the_probe_that_the_webhook_shows() -> None:
    scene = Scene()
    silent = Silent(500)
    silent.answers.set()
    scene = scene_of(silent)
    await hand_over(scene, *(job(n, 2) for n in range(1, OUTCOMES_MIN + 1)))
    await asyncio.sleep(0.05)
    late = told(scene, 99)
    assert late.why is Wait.BREAKER and late.until_ms is not None
    assert PAUSE_S * 900 <= late.until_ms - NOW_MS <= PAUSE_S * 1100
    health = scene.healths.of(HOOK.number)
    assert health is not None and health.until_ms == late.until_ms
    assert told(scene, 99, retry=False) == late, "it holds back first attempts as well"
    next_in_ms = scene.dispatcher.next_attempts.next_in_ms
    assert next_in_ms(HOOK.number, 10) == late.until_ms - NOW_MS
    scene.change(WebhookStatus.PAUSED)
    assert next_in_ms(HOOK.number, 10) is None


async def test_while_a_probe_is_under_way_the_others_wait_for_it() -> None:
    scene = Scene()
    scene = scene_of(Silent())
    await hand_over(scene, job(1, 2))
    breaker = scene.dispatcher.runners.at_work[HOOK.number].lane.breaker
    now_s = asyncio.get_running_loop().time()
    for _ in range(OUTCOMES_MIN):
        breaker.record(now_s, now_s - 1, False, random.Random(1))
    breaker.until_s = now_s
    breaker.started()
    assert told(scene, 9) == NextAttempt(why=Wait.PROBE)


async def test_a_receiver_that_says_when_to_come_back_holds_all_of_them_until_then() -> None:
    scene = Scene()
    silent = Silent(429, "30")
    silent.answers.set()
    scene = scene_of(silent)
    await hand_over(scene, job(1, 2))
    await asyncio.sleep(0.05)
    held = told(scene, 9, retry=False)
    assert held.why is Wait.RETRY_AFTER and held.until_ms is not None
    assert 29_000 <= held.until_ms - NOW_MS <= 30_000


async def test_a_rate_limit_and_a_lane_that_is_behind_are_named() -> None:
    scene = Scene()
    scene = scene_of(Silent(), rate_per_s=0.1)
    await hand_over(scene, job(1, 2), job(2, 2))
    paced = told(scene, 2)
    assert (paced.why, paced.most) == (Wait.RATE, 0.1) and paced.until_ms is not None
    assert 9_000 <= paced.until_ms - NOW_MS <= 10_000
    lane = scene.dispatcher.runners.at_work[HOOK.number].lane
    lane.behind, lane.cursor = True, 50
    assert told(scene, 51, retry=False) == NextAttempt(why=Wait.OLDER)
    assert told(scene, 50, retry=False).why is Wait.RATE, "it is in the queue"
    assert told(scene, 51).why is Wait.RATE, "retries have a queue of their own"


@pytest.mark.parametrize("trouble", ["halted", "unwritten", "unwritten_bytes"])
async def test_a_store_that_takes_no_writes_holds_everything(trouble: str) -> None:
    scene = Scene()
    scene = scene_of(Silent())
    setattr(scene.committer, trouble, UNWRITTEN_BYTES_MAX)
    await hand_over(scene, job(1, 2))
    assert told(scene, 1) == NextAttempt(claimed=True, why=Wait.STORE)


async def test_a_process_without_a_free_slot_is_said_to_be_full() -> None:
    scene = Scene()
    scene = scene_of(Silent(), connections_max=100)
    await hand_over(scene, *(job(n, 2) for n in range(1, 9)))
    begun = [n for n in range(1, 9) if told(scene, n).begun]
    assert 0 < len(begun) < 8, "an org has half of the ten slots"
    assert told(scene, 8) == NextAttempt(claimed=True, why=Wait.SLOTS)


async def test_a_retry_is_taken_from_when_it_is_asked_for_until_it_starts() -> None:
    scene = Scene()
    scene.dispatcher.recovery.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    assert scene.committer.takes and told(scene, 5).claimed, "its receipt is on the way"
    scene.take_comes_back()
    await asyncio.sleep(0)
    assert told(scene, 5) == NextAttempt(begun=2)


async def test_of_a_webhook_without_a_lane_only_its_pause_is_known() -> None:
    scene = Scene()
    assert told(scene, 1) == NextAttempt()
    pause = port.StoredHealth(HOOK.number, NOW_MS, 12, "500", 1, NOW_MS + 4_000)
    scene.healths.load([pause])
    assert told(scene, 1) == NextAttempt(why=Wait.BREAKER, until_ms=NOW_MS + 4_000)


async def test_an_attempt_of_a_deleted_webhook_that_has_begun_is_still_under_way() -> None:
    scene = Scene()
    silent = Silent()
    scene = scene_of(silent)
    await offer(scene, job(5))
    scene.delete()
    assert told(scene, 5, retry=False).begun == 1
    silent.answers.set()
