"""A limit of ours has a webhook rest, and its receiver neither asked nor blamed meanwhile."""

import asyncio

import pytest

from tests.engine.delivery.guards.held_scene import FIRST, SECOND, Scene, jobs
from tidings.core.delivery.next_attempt import Wait
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.destinations.email.verdicts import over_limit
from tidings.engine.delivery import breakers


async def test_over_a_limit_of_ours_nothing_is_tried_until_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breakers, "LANE_PAUSE_MAX_S", 0.3)
    scene = Scene(FIRST, SECOND)
    limited = over_limit(1800.0, "main", "limit_per_hour", 100)
    scene.says[FIRST.number] = limited
    await scene.commit(*jobs(FIRST, *range(1, 40)))
    await scene.until(lambda: scene.unwritten)
    await scene.commit(*jobs(SECOND, 50))
    tried = len(scene.attempts) - 1
    assert tried <= FIRST.connections_max, "one look tells it; 39 would be 39 rows of nothing"
    waits = [settlement for settlement in scene.written if settlement.delivery < 50]
    assert {State(wait.state) for wait in waits} == {State.WAITING}
    assert {wait.waits.reason for wait in waits if wait.waits} == {"limit"}
    assert not any(wait.evidence for wait in waits), "no attempt was made"
    assert all(wait.delay_ms is not None and wait.delay_ms >= 1_700_000 for wait in waits)
    assert scene.healths.of(FIRST.number) is None and scene.healths.open_causes.total() == 0
    runner = scene.dispatcher.runners.runner_of(FIRST.number)
    assert runner is not None
    assert runner.lane.learned.rate is None and not runner.lane.learned.shut
    next_attempt = scene.dispatcher.next_attempts.of(FIRST.number, DeliveryId(39), False)
    assert next_attempt.why is Wait.LIMIT and "limit_per_hour" in next_attempt.over
    assert (50, State.DELIVERED, 1) in scene.ends, "another webhook goes on"
    del scene.says[FIRST.number]
    await scene.until(lambda: len(scene.ends) == 40)
    assert runner.rest is None
    await asyncio.sleep(0)
    await scene.close()
