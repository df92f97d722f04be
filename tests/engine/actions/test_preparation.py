"""When the message of an action is made, to the millisecond."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.api.control_client import Clock
from tests.engine.actions.action_world import ORG, action
from tidings.core.actions.rendered_act import MadeCall, made_in
from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.preparation import Preparation
from tidings.engine.shaping.faults import ShapeNotYet

MAIL = cast(Webhook, SimpleNamespace(org=ORG, name="mail", number=1))
AFTER_S = 60.0


def preparing(clock: Clock) -> Preparation:
    """One that has nobody to ask."""
    nobody = cast(Any, None)
    return Preparation(
        actions={"mail": action(after_s=AFTER_S)},
        store=nobody,
        lookups=nobody,
        renderer=nobody,
        caps=nobody,
        needs=nobody,
        clock=clock,
    )


def job_of(clock: Clock, **more: Any) -> Job:
    body = b'{"eventName":"groupCreated","data":{"customerId":7}}'
    return Job(DeliveryId(5), 1, ORG, "e1", clock.ms, 1, None, False, body, **more)


async def made_of(clock: Clock, job: Job) -> str:
    made = made_in(await preparing(clock).make(MAIL, job))
    assert made is not None
    assert isinstance(made.act, MadeCall)
    return made.act.body


@pytest.mark.parametrize("early_ms", [1, 1000, 60_000])
async def test_before_its_time_it_waits_for_what_is_left(early_ms: int) -> None:
    clock = Clock()
    job = job_of(clock)
    clock.ms += 60_000 - early_ms
    with pytest.raises(ShapeNotYet) as waits:
        await preparing(clock).make(MAIL, job)
    assert waits.value.delay_s == pytest.approx(early_ms / 1000)


@pytest.mark.parametrize("late_ms", [0, 1, 60_000])
async def test_at_its_time_and_later_it_is_made(late_ms: int) -> None:
    clock = Clock()
    job = job_of(clock)
    clock.ms += 60_000 + late_ms
    assert await made_of(clock, job) == '{"customerId":7}'


async def test_a_replay_waits_for_nothing() -> None:
    clock = Clock()
    assert await made_of(clock, job_of(clock, replay=3)) == '{"customerId":7}'
