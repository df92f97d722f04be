"""Faults of our own while breakers ask whether their receivers are back: no webhook waits for ever,
and none is charged for them."""

import asyncio

import pytest

from tests.depth import share
from tests.simulation.loop import simulate
from tests.simulation.replaying import ReplayWorld
from tests.simulation.trouble import HEALED_S
from tidings.core.delivery.receivers.breaker import Position
from tidings.core.delivery.states import State

SPELL_S = 400  # longer than the longest pause


async def scenario(seed: int, ours: float) -> None:
    world = ReplayWorld(seed, asyncio.get_running_loop())
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    await world.start()
    for _ in range(5):
        await world.create_webhook(may_filter=False)
    for known in world.known.values():
        if known.receiver % 2 == 0:
            await world.webhooks.replace(known.org, known.id, {"rename": {"key": "k"}}, "sim")
    world.network.broken |= set(world.known)
    for _ in range(10):
        await world.produce(10)
        await asyncio.sleep(20)
    assert world.engine.healths.open_causes.total(), "they are left alone"
    world.network.broken.clear()  # the receivers are back, and we are at fault
    world.faults.ours = ours
    await asyncio.sleep(SPELL_S)
    lanes = [runner.lane for runner in world.engine.dispatcher.runners.at_work.values()]
    asked = sum(lane.breaker.position is not Position.CLOSED for lane in lanes)
    assert asked or ours < 1, "no probe has come to an end by the receiver"
    world.faults.heal()
    unfinished = world.unfinished()
    await world.ask_for_replays()
    await asyncio.sleep(HEALED_S)
    assert not world.engine.healths.open_causes.total(), "each lane was given back"
    world.check_healed()
    world.check_arrived(unfinished)
    world.check_deliveries()
    world.check_requests()
    world.check_jobs()
    assert not world.engine.problems()
    again = world.disk.ask(
        "SELECT d.state FROM delivery d JOIN delivery_replay r ON r.delivery = d.id"
    )
    assert again and {state for (state,) in again} == {int(State.DELIVERED)}
    await world.stop()


@pytest.mark.parametrize(("seed", "ours"), share([(2, 0.5), (2, 1.0), (4, 0.5), (4, 1.0)], 0, 3))
def test_a_probe_that_ends_by_a_fault_of_ours_is_asked_again(seed: int, ours: float) -> None:
    simulate(seed, scenario(seed, ours))
