"""Who fails is remembered, told of, disabled after eight days, and forgotten with a success."""

import random
from collections.abc import Callable

import msgspec
import pytest

from tests.engine.delivery.scenes.health_parts import HOOK, Clock, Rows
from tidings.core.delivery.receivers.breaker import OUTCOMES_MIN, Breaker, Pause
from tidings.core.delivery.receivers.health import DAY_MS, FIRST
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.health_tracker import PARK_SLICE, HealthTracker
from tidings.engine.listeners import Listeners
from tidings.store import port


class Scene:
    def __init__(self) -> None:
        self.clock, self.rows, self.said = Clock(), Rows(), list[tuple[str, object]]()
        registry = self.registry = Registry()
        registry.put(HOOK)
        parked: Listeners[Webhook, int] = Listeners("deliveries were parked")
        parked.add(lambda webhook, count: self.said.append(("parked", webhook.number)))
        self.healths = HealthTracker(
            store=self.rows,
            registry=registry,
            clock=self.clock,
            owners=self,
            parked=parked,
        )

    def failing(
        self,
        webhook: Webhook,
        health: port.StoredHealth,
        until_ms: int,
        on_notified: Callable[[], None],
    ) -> None:
        assert until_ms == self.healths.ends_ms(health)
        self.said.append(("failing", health.notified))
        on_notified()

    def recovered(self, webhook: Webhook, since_ms: int, on_notified: Callable[[], None]) -> None:
        self.said.append(("recovered", since_ms))
        on_notified()

    def fail(self, count: int = 1) -> None:
        for _ in range(count):
            if (reason := self.healths.bad(4, "503")) is not None:
                self.said.append(("disable", reason))


def test_its_owner_is_told_at_each_step_once_and_it_is_disabled_after_eight_days() -> None:
    scene = Scene()
    scene.fail(20)
    for days in (3, 4, 4, 5, 6, 7, 7.5):
        scene.clock.ms = 1_000_000 + round(days * DAY_MS)
        scene.fail()
    assert scene.said == [("failing", step) for step in (FIRST, 50, 70, 90)]
    scene.clock.ms = 1_000_000 + 8 * DAY_MS
    scene.fail()
    assert scene.said[-1][0] == "disable" and "503" in str(scene.said[-1][1])


def test_it_is_told_after_fifteen_minutes_though_nothing_fails_behind_its_open_breaker() -> None:
    scene = Scene()
    scene.fail(10)
    breaker = Breaker()
    for _ in range(OUTCOMES_MIN):
        breaker.record(50.0, 50.0, False, random.Random(1))
    scene.healths.moved(4, breaker, 50.0)
    scene.clock.ms += 899_000
    scene.healths.tell_in_time()
    assert scene.said == []
    scene.clock.ms += 1_000
    for _ in range(3):
        scene.healths.tell_in_time()
    assert scene.said == [("failing", FIRST)]
    scene.clock.ms += 30 * DAY_MS
    scene.healths.tell_in_time()  # time alone disables nothing
    assert scene.said == [("failing", FIRST)]


async def test_the_time_in_which_the_service_stood_still_is_no_failing() -> None:
    scene, after = Scene(), Scene()
    scene.fail(10)
    await scene.healths.close()
    after.clock.ms += 3 * DAY_MS
    after.healths.load(list(scene.rows.kept.values()))
    after.fail()
    assert after.said == []
    after.clock.ms += 900_000
    after.fail()
    assert after.said == [("failing", FIRST)]


async def test_a_word_told_before_a_restart_is_not_told_again() -> None:
    scene, after = Scene(), Scene()
    scene.fail(10)
    scene.clock.ms += 900_000
    scene.fail()
    await scene.healths.close()
    after.healths.load(list(scene.rows.kept.values()))
    after.clock.ms += 3_600_000
    after.fail(5)
    assert after.said == []
    after.healths.good(4)
    assert after.said == [("recovered", Clock.ms)], "since its first failure"


def test_one_that_fails_in_part_is_shown_so_and_not_by_turns() -> None:
    scene, seen = Scene(), list[bool]()
    rng = random.Random(3)
    for at in range(1200):
        scene.clock.ms += 100
        if rng.random() < 0.15:
            scene.fail()
        else:
            scene.healths.good(4)
        seen.append(scene.healths.shown(4) is not None)
        assert at < 300 or seen[-1]
    assert sum(element != other for element, other in zip(seen, seen[1:], strict=False)) <= 3
    shown = scene.healths.shown(4)
    assert shown is not None and shown.share is not None and shown.cause == "503"
    assert 10 < shown.share.percent < 20
    assert shown.failing_since_ms is not None and shown.failing_since_ms < 1_040_000
    for _ in range(700):
        scene.clock.ms += 1000
        scene.healths.good(4)
    assert scene.healths.shown(4) is None


def test_one_that_never_succeeds_is_shown_from_its_first_failure_on() -> None:
    scene = Scene()
    scene.fail()
    shown = scene.healths.shown(4)
    assert shown is not None and shown.failing_since_ms == 1_000_000 and shown.share is None
    scene.clock.ms += 3_600_000
    scene.fail(50)
    shown = scene.healths.shown(4)
    assert shown is not None and shown.failing_since_ms == 1_000_000
    assert shown.share is not None and shown.share.percent == 100
    scene.healths.forget(4)
    assert scene.healths.shown(4) is None


def test_a_single_failure_among_successes_is_none_of_its_health() -> None:
    scene = Scene()
    for _ in range(50):
        scene.healths.good(4)
    scene.fail()
    assert scene.healths.of(4) is not None and scene.healths.shown(4) is None


def test_a_success_ends_it_and_is_told_to_whom_the_failure_was_told() -> None:
    scene = Scene()
    scene.fail(20)
    scene.healths.good(4)
    assert scene.said == [] and scene.healths.of(4) is None
    scene.fail(20)
    scene.clock.ms += 4 * DAY_MS
    scene.fail()
    scene.healths.good(4)
    assert scene.said == [("failing", 50), ("recovered", Clock.ms)]
    scene.clock.ms += 7 * DAY_MS
    scene.fail()  # the first of a new count
    assert len(scene.said) == 2


@pytest.mark.parametrize("counts", [True, False], ids=["of today", "of a replay"])
def test_a_total_failure_ends_at_the_first_success_behind_an_open_breaker(counts: bool) -> None:
    scene, breaker = Scene(), Breaker()
    for _ in range(OUTCOMES_MIN):
        breaker.started()
        scene.fail()
        if breaker.record(1000.0, 1000.0, False, random.Random(1)):
            scene.healths.moved(4, breaker, 1000.0)
    shown = scene.healths.shown(4)
    assert shown is not None and shown.left_alone and scene.healths.open_causes.total() == 1
    scene.healths.good(4, counts=counts)
    breaker.succeeded_outside(1001.0)
    scene.healths.moved(4, breaker, 1001.0)
    assert scene.healths.shown(4) is None and scene.healths.open_causes.total() == 0
    known = scene.healths.of(4)
    assert known is not None and known.opens == 1, "it closes with the third"
    after = Scene()
    after.healths.load([known])
    assert after.healths.shown(4) is None and after.healths.pause_of(4) == Pause(1, 0.0)
    scene.fail()
    assert breaker.admits(1001.0)
    breaker.started()
    assert breaker.record(1001.0, 1001.0, False, random.Random(1))
    scene.healths.moved(4, breaker, 1001.0)
    shown = scene.healths.shown(4)
    assert shown is not None and shown.left_alone


def test_an_owner_who_was_told_of_a_failure_hears_of_the_success_behind_a_pause() -> None:
    scene = Scene()
    scene.fail(5)
    scene.clock.ms += 900_000
    scene.fail()
    since_ms = 1_000_000
    scene.registry.put(msgspec.structs.replace(HOOK, status=WebhookStatus.PAUSED))
    scene.registry.put(HOOK)
    scene.healths.resume(4, anew=False)
    shown = scene.healths.shown(4)
    assert shown is not None and shown.failing_since_ms == since_ms
    scene.healths.good(4)
    assert scene.said == [("failing", FIRST), ("recovered", since_ms)]


async def test_the_eight_days_go_on_behind_a_pause_without_its_time() -> None:
    scene = Passing()
    scene.fail(20)
    scene.wait(7)
    await scene.healths.close()  # as is done every ten minutes
    scene.registry.put(msgspec.structs.replace(HOOK, status=WebhookStatus.PAUSED))
    scene.wait(30)
    await scene.healths.close()
    scene.registry.put(HOOK)
    scene.healths.resume(4, anew=False)
    scene.fail()
    assert "disable" not in dict(scene.said)
    scene.wait(1.1)
    scene.fail()
    assert "disable" in dict(scene.said)


def test_one_that_is_enabled_again_has_eight_days_anew_and_fails_as_before() -> None:
    scene = Passing()
    scene.fail(20)
    scene.wait(8)
    scene.fail()
    assert [kind for kind, _ in scene.said].count("disable") == 1
    scene.healths.resume(4, anew=True)
    scene.fail(20)
    scene.wait(7.9)
    scene.fail()
    assert [kind for kind, _ in scene.said].count("disable") == 1
    shown = scene.healths.shown(4)
    assert shown is not None and shown.failing_since_ms == 1_000_000
    scene.wait(0.2)
    scene.fail()
    assert [kind for kind, _ in scene.said].count("disable") == 2


async def test_what_is_known_is_written_behind_and_again_after_the_store_refused() -> None:
    scene = Scene()
    scene.fail()
    scene.rows.down = True
    for _ in range(2):
        try:
            await scene.healths.write()
        except port.StoreDown:
            scene.rows.down = False
    assert scene.rows.kept[4].failing_since_ms == 1_000_000
    scene.healths.good(4)
    await scene.healths.write()
    assert scene.rows.kept[4] == port.StoredHealth(4)


async def test_the_pause_of_an_open_breaker_is_taken_up_as_much_as_is_left_of_it() -> None:
    scene = Scene()
    breaker = Breaker()
    for _ in range(OUTCOMES_MIN):
        breaker.record(50.0, 50.0, False, random.Random(1))
    scene.healths.moved(4, breaker, 50.0)
    await scene.healths.write()
    after = Scene()
    after.clock.ms += 2_000
    after.healths.load(list(scene.rows.kept.values()))
    pause = after.healths.pause_of(4)
    assert pause is not None and pause.opens == 1
    assert abs(pause.left_s - (breaker.wait_s(50.0) - 2)) < 0.01
    assert after.healths.open_causes.total() == 1
    assert after.healths.open_causes == {"replay": 1}
    after.healths.bad(4, "503")
    assert after.healths.open_causes == {"503": 1}
    after.healths.forget(4)
    assert after.healths.pause_of(4) is None


class Passing(Scene):
    """Its clock of passed time is not the one that is set."""

    def __init__(self, rows: list[port.StoredHealth] | None = None) -> None:
        super().__init__()
        self.passed_s = 0.0
        self.sure = True
        self.healths._passed_s = lambda: self.passed_s
        self.healths._sure = lambda: self.sure
        self.healths.load(rows or [])

    def wait(self, days: float) -> None:
        self.passed_s += days * DAY_MS / 1000
        self.clock.ms += round(days * DAY_MS)


@pytest.mark.parametrize("leap_days", [8, 400, -8])
def test_a_leap_of_the_clock_disables_nobody(leap_days: int) -> None:
    scene = Passing()
    scene.fail(20)
    scene.wait(2)
    scene.clock.ms += leap_days * DAY_MS
    scene.fail(20)
    assert scene.said == [("failing", FIRST)], "two days have passed"
    scene.clock.ms -= leap_days * DAY_MS
    scene.wait(5.9)
    scene.fail()
    assert [said for said, _ in scene.said] == ["failing", "failing"]
    scene.wait(0.1)
    scene.fail()
    assert scene.said[-1][0] == "disable", "eight days have passed"


async def test_the_time_in_which_the_service_was_down_is_not_the_receivers() -> None:
    scene = Passing()
    scene.fail(20)
    scene.wait(5)
    await scene.healths.close()
    after = Passing(list(scene.rows.kept.values()))
    after.clock.ms = scene.clock.ms + 8 * DAY_MS
    after.fail(20)
    assert [said for said, _ in after.said] == ["failing"]
    after.wait(3)
    after.fail()
    assert after.said[-1][0] == "disable"


async def test_nothing_is_parked_before_the_receiver_was_asked_once_more_by_a_sure_date() -> None:
    opened = port.StoredHealth(4, 1, 20, "503", 3, 0)
    scene = Passing([opened])
    scene.rows.expired = 2
    for sure, fails, parked in ((True, False, 0), (False, True, 0), (True, False, 2)):
        scene.sure = sure
        if fails:
            scene.fail()
        await scene.healths._review()
        assert [pair for pair in scene.said if pair[0] == "parked"] == [("parked", 4)] * (
            parked // 2
        )


def test_after_a_restart_nobody_is_told_before_the_receiver_has_failed_again() -> None:
    nearly = port.StoredHealth(4, 1, 20, "503", 0, 0, failing_ms=890_000)
    scene = Passing([nearly])
    scene.wait(1)
    scene.healths.tell_in_time()
    assert scene.said == [], "it may be well by now"
    scene.fail()
    assert scene.said == [("failing", FIRST)]


def test_a_failed_probe_of_a_replay_is_asking_as_well() -> None:
    """Its outcome is not charged to the webhook's health; that the breaker opened again is."""
    scene = Passing([port.StoredHealth(4, 0, 0, "", 1, 0)])
    assert not scene.healths.parks(HOOK)
    breaker = Breaker()
    breaker.resume(Pause(opens=1, left_s=0.0), 50.0)
    scene.healths.moved(4, breaker, 50.0)
    assert not scene.healths.parks(HOOK), "it was taken up, and not asked"
    breaker.started()
    assert breaker.record(50.0, 50.0, False, random.Random(1))
    scene.healths.moved(4, breaker, 50.0)
    assert scene.healths.parks(HOOK)
    scene.sure = False
    assert not scene.healths.parks(HOOK)


async def test_what_is_parked_has_waited_168_hours_slice_by_slice() -> None:
    scene, asked, left = Passing(), [], 2 * PARK_SLICE

    async def park_expired(webhook: int, accepted_before_ms: int, limit: int) -> int:
        nonlocal left
        moved = min(left, limit)
        left -= moved
        asked.append((webhook, scene.clock.ms - accepted_before_ms, moved))
        return moved

    scene.rows.park_expired = park_expired  # type: ignore[method-assign]
    await scene.healths.park_overdue(HOOK)
    hours_ms = 168 * 3_600_000
    assert asked == [(4, hours_ms, moved) for moved in (PARK_SLICE, PARK_SLICE, 0)]
    assert scene.said == [("parked", 4)] * 2


def test_a_pause_that_was_dated_ahead_is_no_longer_than_a_pause() -> None:
    scene = Passing([port.StoredHealth(4, 1, 20, "503", 3, 1_000_000 + 8 * DAY_MS)])
    pause = scene.healths.pause_of(4)
    assert pause is not None and pause.left_s <= 330
