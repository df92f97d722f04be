"""The last answer that failed, and when a webhook began to fail and ended to, as seen by the
process."""

import asyncio

from tests.engine.delivery.scenes.left_alone import left_alone
from tests.engine.notice_world import NoticeWorld, in_world
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.failure_runs import RUN_MIN, FailureRun


def run_of(world: NoticeWorld, webhook: Webhook) -> FailureRun | None:
    return world.parts.delivery.failure_runs.of(webhook.number)


def test_a_run_has_its_last_answer_and_when_the_breaker_opened() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await left_alone(world)
        run = run_of(world, crm)
        assert run is not None and run.recovered_ms is None
        assert (run.answer.status, run.answer.delivered) == (503, False)
        assert run.failures >= RUN_MIN and run.attempt >= 1
        assert run.left_alone_ms is not None
        assert run.first_ms <= run.left_alone_ms <= run.at_ms
        health = world.engine.healths.of(crm.number)
        assert health is not None and health.failing_since_ms is not None
        assert abs(run.first_ms - health.failing_since_ms) <= 1
        world.receivers.status["/crm"] = 200
        drain = await world.parts.delivery.drains.begin(crm, "me")
        async with asyncio.timeout(300):
            while drain.ended_ms is None:
                await asyncio.sleep(0.01)
        assert run.recovered_ms is not None and run.recovered_ms >= run.at_ms
        world.receivers.status["/crm"] = 500
        await world.event()
        await asyncio.sleep(1)
        blip = run_of(world, crm)
        assert blip is not None and blip is not run and blip.previous is run
        world.receivers.status["/crm"] = 200
        await asyncio.sleep(60)
        assert run_of(world, crm) is run, "one failure more does not hide how it has recovered"

    in_world(scenario)


def test_a_failure_among_successes_is_no_run() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.receivers.status["/crm"] = 500
        await world.event()
        await asyncio.sleep(1)
        run = run_of(world, crm)
        assert run is not None and run.failures < RUN_MIN
        world.receivers.status["/crm"] = 200
        await asyncio.sleep(60)
        assert run_of(world, crm) is None

    in_world(scenario)
