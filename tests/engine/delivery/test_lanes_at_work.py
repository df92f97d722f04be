"""Lanes of a dispatcher: one that is stuck is told of, a failed read is made again, who is well."""

import asyncio
import random
from collections.abc import Callable

import msgspec
import pytest

from tests.engine.delivery.scenes.health_parts import HOOK, Clock
from tests.engine.delivery.scenes.offers import Silent, hand_over, job, scene_of
from tests.engine.webhooks.dispatch_scene import Scene
from tests.simulation.loop import simulate
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.rate_limit import RateLimit
from tidings.core.delivery.receivers.breaker import OUTCOMES_MIN, Position
from tidings.core.delivery.states import State
from tidings.core.delivery.turns import LanePace
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId
from tidings.egress.port import Leaves
from tidings.engine.delivery.guards.slot_watch import OVERDUE_S
from tidings.engine.delivery.lanes.pages import PAGE_RETRY_S
from tidings.engine.delivery.retries.retry_claims import ALARM_S_MAX
from tidings.engine.delivery.runner import QUICK_S, WebhookRunner
from tidings.engine.webhooks.retirement import RETIRE_SLICE, Retirement
from tidings.store import port


def open_breaker(scene: Scene, runner: WebhookRunner) -> None:
    now_s = asyncio.get_running_loop().time()
    for _ in range(OUTCOMES_MIN):
        runner.lane.breaker.record(now_s, now_s, False, random.Random(1))


def refuse(scene: Scene, runner: WebhookRunner) -> None:
    now_s = asyncio.get_running_loop().time()
    for _ in range(20):
        runner.lane.learned.admitted(now_s, now_s)
    runner.lane.learned.refused(now_s, now_s, 0.0)
    assert runner.lane.learned.rate is not None


def shut(scene: Scene, runner: WebhookRunner) -> None:
    runner.lane.learned.shut = True


def pace(scene: Scene, runner: WebhookRunner) -> None:
    runner.lane.rate_limit = RateLimit(0.001)


def fill_the_process(scene: Scene, runner: WebhookRunner) -> None:
    for org in range(10):
        scene.dispatcher._admission.permits.take(OrgId(100 + org), LanePace(), 0.0)


def halt(scene: Scene, runner: WebhookRunner) -> None:
    scene.committer.halted = True


def stop(scene: Scene, runner: WebhookRunner) -> None:
    runner.lane.open = False


def wait_less(scene: Scene, runner: WebhookRunner) -> None:
    assert runner.waiting_since_s is not None
    runner.waiting_since_s += 2


@pytest.mark.parametrize(
    "reason", [open_breaker, refuse, shut, pace, fill_the_process, halt, stop, wait_less]
)
async def test_a_lane_that_has_work_and_a_slot_and_does_not_send_is_told_unless_there_is_a_reason(
    reason: Callable[[Scene, WebhookRunner], None],
) -> None:
    scene = Scene()
    scene = scene_of(Silent())
    await hand_over(scene, job(1, 2))
    [runner] = scene.dispatcher.runners.at_work.values()
    assert runner.waiting_since_s is None and scene.dispatcher.overdue() == []
    runner.pace.trusted()
    runner.lane.offer_retry(job(2, 2))  # and nobody pumps
    runner.waiting_since_s = asyncio.get_running_loop().time() - OVERDUE_S - 1
    assert [webhook.id for webhook in scene.dispatcher.overdue()] == [HOOK.id]
    reason(scene, runner)
    assert scene.dispatcher.overdue() == []


async def test_what_could_not_be_read_is_read_soon_though_nothing_else_happens() -> None:
    scene = Scene()
    silent = Silent()
    silent.answers.set()
    scene, asked = scene_of(silent), 0

    async def page(webhook: int, after: int, limit: int) -> list[Job]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise port.StoreDown("the disk is full")
        return [job(7)] if after < 7 else []

    scene.store.page = page  # type: ignore[method-assign]
    scene.dispatcher.recovery.begin([port.Backlog(HOOK.number, 1, None)])
    await asyncio.sleep(PAGE_RETRY_S + 0.1)
    [runner] = scene.dispatcher.runners.at_work.values()
    assert asked == 2 and runner.lane.unsettled_attempts == {7: 1}


class Timed:
    """A receiver that says how long it took."""

    def __init__(self) -> None:
        self.status, self.took_ms = 200, 1.0

    async def send(self, method: str, leaves: Leaves, body: bytes, deadline_s: float) -> Ending:
        assert leaves() is not None
        return ReceiverAnswer(self.status, (), b"", False, self.took_ms)


async def test_well_is_who_has_just_delivered_and_quickly() -> None:
    scene = Scene()
    timed = Timed()
    scene.line.send = timed.send  # type: ignore[method-assign]
    seen = []
    quick_ms = QUICK_S * 1000
    for n, (status, took_ms) in enumerate(
        [(200, 1.0), (200, quick_ms + 1), (200, quick_ms - 1), (500, 1.0)], 1
    ):
        timed.status, timed.took_ms = status, took_ms
        await hand_over(scene, job(n, 2))
        await asyncio.sleep(0.01)
        [runner] = scene.dispatcher.runners.at_work.values()
        seen.append(runner.well)
    assert seen == [True, False, True, False]


async def test_a_url_that_was_changed_before_a_410_was_written_is_sent_to() -> None:
    scene = Scene()
    timed = Timed()
    scene.line.send = timed.send  # type: ignore[method-assign]
    timed.status = 410
    await hand_over(scene, job(1, 2))
    await asyncio.sleep(0.01)
    moved = msgspec.structs.replace(HOOK, version=2, url="https://new.example.com")
    scene.registry.put(moved)
    scene.dispatcher.changes.changed(moved)
    settled = port.Settlement(DeliveryId(1), HOOK.number, None, 4, 2, 1, 1_000_000, 1, 410)
    scene.dispatcher.settler.settled([settled], port.Receipt(now_ms=1_000_000))
    [runner] = scene.dispatcher.runners.at_work.values()
    assert runner.lane.open
    timed.status = 200
    await hand_over(scene, job(2, 2))
    await asyncio.sleep(0.01)
    assert runner.well, "the new address has got it"


async def test_after_a_410_was_written_nothing_starts() -> None:
    scene = Scene()
    timed = Timed()
    scene.line.send = timed.send  # type: ignore[method-assign]
    timed.status = 410
    await hand_over(scene, job(1, 2))
    await asyncio.sleep(0.01)
    settled = port.Settlement(DeliveryId(1), HOOK.number, None, 4, 2, 1, 1_000_000, 1, 410)
    scene.dispatcher.settler.settled([settled], port.Receipt(now_ms=1_000_000))
    [runner] = scene.dispatcher.runners.at_work.values()
    assert not runner.lane.open
    await hand_over(scene, job(2, 2))
    await asyncio.sleep(0.01)
    assert runner.lane.running == 0 and not runner.well


def test_a_clock_that_was_set_ahead_is_seen_within_a_minute_by_what_waits_for_its_time() -> None:
    async def main() -> None:
        scene = Scene()
        clock = scene.dispatcher._claims._clock
        assert isinstance(clock, Clock)
        scene.dispatcher.changes.due(HOOK.number, clock.ms + 8 * 3_600_000)
        await asyncio.sleep(ALARM_S_MAX + 1)
        assert scene.committer.takes == []
        clock.ms += 9 * 3_600_000
        await asyncio.sleep(ALARM_S_MAX + 1)
        assert scene.committer.takes == [HOOK.number]

    simulate(1, main())


async def test_what_a_receiver_takes_is_forgotten_with_its_url_and_not_before() -> None:
    scene = Scene()
    scene = scene_of(Silent())
    await hand_over(scene, job(1, 2))
    [runner] = scene.dispatcher.runners.at_work.values()
    refuse(scene, runner)
    learned = runner.lane.learned
    scene.dispatcher.changes.changed(msgspec.structs.replace(HOOK, version=2, name="other"))
    assert runner.lane.learned is learned
    moved = msgspec.structs.replace(HOOK, version=3, url="https://new.example.com")
    scene.dispatcher.changes.changed(moved)
    assert runner.lane.learned.rate is None


@pytest.mark.parametrize(
    "off",
    [off for off in WebhookStatus if off not in (WebhookStatus.ACTIVE, WebhookStatus.DELETED)],
)
async def test_a_webhook_that_is_set_active_again_fails_until_it_succeeds(
    off: WebhookStatus,
) -> None:
    scene = Scene()
    scene = scene_of(Silent())
    await hand_over(scene, job(1, 2))
    [runner] = scene.dispatcher.runners.at_work.values()
    scene.healths.bad(HOOK.number, "503")
    open_breaker(scene, runner)
    scene.dispatcher.changes.changed(msgspec.structs.replace(HOOK, version=2, name="other"))
    assert scene.healths.of(HOOK.number) is not None, "another name mends no receiver"
    scene.change(off)
    scene.change(WebhookStatus.ACTIVE)
    assert runner.lane.breaker.position is Position.CLOSED
    health = scene.healths.of(HOOK.number)
    assert health is not None and health.failing_since_ms is not None and not health.opens
    scene.healths.good(HOOK.number)
    assert scene.healths.of(HOOK.number) is None


class Retiring:
    """A store that has so many unfinished deliveries of each webhook."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.states: set[State] = set()

    async def retire(self, number: int, state: State, limit: int) -> int:
        moved = min(self.left, limit)
        self.left -= moved
        self.states.add(state)
        return moved


@pytest.mark.parametrize("left", [0, 3, RETIRE_SLICE, 2 * RETIRE_SLICE + 1])
@pytest.mark.parametrize("standing", list(WebhookStatus))
async def test_what_was_parked_is_told_once_and_in_all_of_the_disabled_alone(
    standing: WebhookStatus, left: int
) -> None:
    webhook = msgspec.structs.replace(HOOK, status=standing)
    store, told = Retiring(left), list[int]()
    retirement = Retirement(
        store,  # type: ignore[arg-type]  # the part that is asked here
        lambda _: webhook,
        lambda _, count: told.append(count),
    )
    await retirement.begin(webhook)
    await retirement.done()
    assert told == ([left] if standing is WebhookStatus.DISABLED else [])
    ends = {WebhookStatus.DISABLED: {State.PARKED}, WebhookStatus.DELETED: {State.CANCELLED}}
    assert store.states == ends.get(standing, set())
    assert store.left == (0 if standing in ends else left)
