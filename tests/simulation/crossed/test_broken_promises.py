"""Promises that the engine is made to break: what watches over them in the crossing says so."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from tests.simulation.acting import MAIL, SURVEY, Doer, Doing
from tests.simulation.crossed.crossing import CrossedWorld
from tests.simulation.crossed.recovering import recover
from tests.simulation.loop import SimulatedLoop
from tidings.core.delivery import learned_rate
from tidings.core.delivery.exchange import AttemptResult
from tidings.destinations.port import Message

DAY_S = 86_400.0
EVENTS = 12


async def begun(loop: SimulatedLoop) -> CrossedWorld:
    """A world in which nothing goes wrong by itself."""
    world = CrossedWorld(1, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    world.slots = 1000
    await world.start()
    return world


async def act(loop: SimulatedLoop) -> CrossedWorld:
    """Events whose acts are due within three days, and have been looked at."""
    world = await begun(loop)
    for _ in range(EVENTS):
        await world.post([world.draft()])
    await asyncio.sleep(3 * DAY_S)
    assert world.doer.done, "there are acts"
    world.check_matching()
    world.check_acts()
    await world.stop()
    return world


def simulated(scenario: Any) -> Any:
    """Run a scenario to its end on a loop of its own, and return what it has."""
    loop = SimulatedLoop(1)
    try:
        return loop.run_until_complete(scenario(loop))
    finally:
        loop.close()


def test_acts_that_are_done_once_are_well() -> None:
    world = simulated(act)
    assert Counter(done.delivery for done in world.doer.done).most_common(1)[0][1] == 1


def test_54_an_act_that_is_done_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Doing.send

    async def twice(doing: Doing, message: Message) -> AttemptResult | None:
        result = await send(doing, message)
        doing._doer.done += doing._doer.done[-1:]
        return result

    monkeypatch.setattr(Doing, "send", twice)
    with pytest.raises(AssertionError, match="54 an act is done once"):
        simulated(act)


def test_54_an_act_that_is_told_as_done_and_is_not_is_seen() -> None:
    world = simulated(act)
    world.doer.done.clear()
    with pytest.raises(AssertionError, match="54 what was done was done"):
        world.check_acts()


def test_54_an_event_without_its_acts_is_seen() -> None:
    async def scenario(loop: SimulatedLoop) -> None:
        world = await begun(loop)
        await world.post([world.draft()])
        await asyncio.sleep(1)
        world.check_matching()
        [(lost,)] = world.disk.ask("SELECT max(id) FROM delivery")
        world.disk.ask("UPDATE delivery SET state = 6 WHERE id = ?", lost)
        world.disk.ask("DELETE FROM delivery WHERE id = ?", lost)
        world.disk.ask("UPDATE event SET deliveries = deliveries - 1")
        world.check_matching()

    with pytest.raises(AssertionError, match="54 each event has its acts"):
        simulated(scenario)


def test_54_an_act_of_another_action_is_seen() -> None:
    async def scenario(loop: SimulatedLoop) -> None:
        world = await begun(loop)
        await world.post([world.draft()])
        await asyncio.sleep(3 * DAY_S)
        request = world.doer.requests[0]
        [(name,)] = world.disk.ask(
            "SELECT w.name FROM delivery d JOIN webhook w ON w.number = d.webhook WHERE d.id = ?",
            request.delivery,
        )
        check: Any = Doer.check_act
        check.__wrapped__(world.doer, request, SURVEY if name == MAIL else MAIL)

    with pytest.raises(AssertionError, match="54 by its own action"):
        simulated(scenario)


async def recovered(loop: SimulatedLoop) -> None:
    """An outage of a receiver with a limit."""
    world = await begun(loop)
    await recover(world, random.Random(5))


def test_58_a_limit_that_is_used_again_is_well() -> None:
    simulated(recovered)


def test_58_a_rate_that_stays_low_after_an_outage_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for growth in ("GROWTH", "FINDING", "EAGER"):
        monkeypatch.setattr(learned_rate, growth, 0.0)
    monkeypatch.setattr(learned_rate, "AIM", 0.6)
    monkeypatch.setattr(learned_rate.LearnedRate, "_was_outage", lambda rate, open_s: False)
    with pytest.raises(AssertionError, match="58 a limit is used again"):
        simulated(recovered)
