"""What an org is told of its actions: of whom they need, and of look-ups that do not answer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.engine.actions.action_world import CATALOGUE, ActionWorld, action, contact, in_world
from tidings.core.delivery.receivers.health import GONE_OF_ACTION
from tidings.core.notices.operational_events import (
    DISABLED,
    EXHAUSTED,
    FAILING,
    LOOKUP_FAILING,
    RECOVERED,
)

MINUTE, DAY = 60.0, 86_400.0
DOWN = "The contacts must answer; they do not. Look at them."


def told_in(*actions: object) -> Callable[[Callable[[ActionWorld], Awaitable[None]]], None]:
    """Run a scenario in which orgs are told."""

    def run(scenario: Callable[[ActionWorld], Awaitable[None]]) -> None:
        async def told(world: ActionWorld) -> None:
            telling = asyncio.ensure_future(world.parts.notices.notices.run())
            await scenario(world)
            assert not telling.done()
            telling.cancel()
            for event in world.told():
                assert CATALOGUE.check(event["eventName"], event) == []

        in_world(told, *actions)  # type: ignore[arg-type]

    return run


def test_an_action_that_fails_and_works_again_is_told_of_by_its_act() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 503
        await world.event()
        await asyncio.sleep(60 * MINUTE)
        [failing] = world.told()
        assert failing["eventName"] == FAILING and failing["data"]["cause"] == "503"
        action = failing["data"]["action"]
        assert action["act"] == "POST tidings.example"
        assert action["trouble"] == "It cannot call: tidings.example answers 503."
        assert action["remedy"].startswith("See in the log of tidings.example why it")
        world.doer.status["mail"] = 200
        await asyncio.sleep(DAY)
        assert [row["eventName"] for row in world.told()] == [FAILING, RECOVERED]
        assert world.told()[1]["data"]["action"]["act"] == "POST tidings.example"

    told_in(action())(scenario)


def test_runs_of_which_nothing_can_be_made_are_told_with_the_look_up_that_lacks() -> None:
    async def scenario(world: ActionWorld) -> None:
        await world.event()
        await asyncio.sleep(2 * MINUTE)
        [told] = world.told()
        assert (told["eventName"], told["data"]["cause"]) == (EXHAUSTED, "transform")
        assert told["data"]["action"]["trouble"].startswith(
            "The look-up contact must have a record for this event; it has none."
        )

    told_in(action(lookups=(contact(missing="fail"),)))(scenario)


def test_what_an_action_calls_that_is_gone_for_good_is_told_with_what_to_do_in_the_file() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.doer.status["mail"] = 410
        await world.event()
        await asyncio.sleep(2 * MINUTE)
        [disabled] = [row["data"] for row in world.told() if row["eventName"] == DISABLED]
        assert disabled["reason"] == GONE_OF_ACTION
        assert disabled["action"]["act"] == "POST tidings.example"

    told_in(action())(scenario)


def test_an_action_that_left_its_file_is_told_of_as_disabled() -> None:
    async def scenario(world: ActionWorld) -> ActionWorld:
        after = await world.restarted(action("other"))
        telling = asyncio.ensure_future(after.parts.notices.notices.run())
        await asyncio.sleep(2 * MINUTE)
        telling.cancel()
        [told] = after.told()
        assert told["eventName"] == DISABLED
        assert told["data"]["reason"] == "The action is no longer in the file."
        assert told["data"]["action"] == {"act": None, "trouble": None, "remedy": None}
        return after

    in_world(scenario, action(), action("other"))


@pytest.mark.parametrize("failing", ["wait", "empty"])
def test_a_look_up_without_an_answer_for_a_quarter_of_an_hour_is_told_once(failing: str) -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = None
        for _ in range(14):
            await world.event()
            await asyncio.sleep(MINUTE)
        assert world.told() == []
        await asyncio.sleep(2 * MINUTE)
        [told] = [row["data"] for row in world.told()]
        assert told["lookUp"] == "contact" and told["actions"] == ["mail", "text"]
        assert told["waits"] is (failing == "wait") and told["cause"] == DOWN
        assert told["failures"] >= 3
        for _ in range(30):
            await world.event()
            await asyncio.sleep(5 * MINUTE)
        assert len(world.told()) == 1
        world.contacts.records = {"7": {}}
        await world.event()
        await asyncio.sleep(DAY)
        world.contacts.records = None
        for _ in range(20):
            await world.event()
            await asyncio.sleep(MINUTE)
        kinds = [row["eventName"] for row in world.told()]
        assert kinds == [LOOKUP_FAILING, LOOKUP_FAILING]
        assert len({row["eventId"] for row in world.told()}) == 2

    needs = contact(failing=failing)
    told_in(action(lookups=(needs,)), action("text", lookups=(needs,)), action("none"))(scenario)


def test_a_look_up_that_nobody_has_asked_again_is_not_told() -> None:
    async def scenario(world: ActionWorld) -> None:
        world.contacts.records = None
        await world.event()
        await asyncio.sleep(DAY)
        assert world.told() == [] and world.contacts.asked
        for _ in range(20):
            await world.event()
            await asyncio.sleep(MINUTE)
        assert world.told(), "asked again and again, it is told"

    told_in(action(lookups=(contact(failing="empty"),)))(scenario)
