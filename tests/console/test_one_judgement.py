"""How a webhook does is one word and one number on every face: each face of a list is walked for
each scenario of a list."""

from collections.abc import Mapping

import pytest

from tests.console.parts.judged_faces import FACES, FACES_OF_ACTIONS, Face
from tests.console.parts.judged_world import (
    ACTIONS,
    ORG,
    SCENARIOS,
    SCENARIOS_OF_ACTIONS,
    Scenario,
    World,
)
from tests.console.webhook_client import pages
from tests.declared_actions import Nobody
from tidings.core.delivery.receivers.judgement import Condition
from tidings.engine.actions.declared import declare

BAD = {
    Condition.FAILING,
    Condition.DEGRADED,
    Condition.HELD_UP,
    Condition.DISABLED,
    Condition.PAUSED,
}


async def check(world: World, scenario: Scenario, faces: Mapping[str, Face]) -> None:
    word, waiting = await scenario(world)
    seen = {name: await face(world) for name, face in faces.items()}
    told = dict(seen)
    for name in ("console_card", "command_show", "metrics", "notices"):  # that speak of some alone
        if told[name][0] is None:
            del told[name]
    assert {name: face[0] for name, face in told.items()} == dict.fromkeys(told, word.value)
    if word in BAD:
        assert "console_card" in told or word is Condition.PAUSED
        numbers = {name: face[1] for name, face in told.items() if face[1] is not None}
        assert set(numbers.values()) <= {waiting}, numbers
        assert numbers or not waiting
    if word in (Condition.FAILING, Condition.DEGRADED, Condition.HELD_UP):
        assert "metrics" in told
    else:
        assert "metrics" not in told


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_face_has_one_word_and_one_number_for_a_webhook(scenario: Scenario) -> None:
    async with pages() as p:
        del p.s.parts.delivery.engine.healths.shown  # the judgement itself
        id, number = await p.webhook(name="crm")
        webhook = p.s.registry.get(number)
        assert webhook is not None and webhook.id == id
        world = World(p, webhook, await p.s.add_org(7), await p.browser())
        await check(world, scenario, FACES)


@pytest.mark.parametrize("scenario", SCENARIOS_OF_ACTIONS)
async def test_every_face_has_one_word_and_one_number_for_an_action(scenario: Scenario) -> None:
    async with pages(actions=ACTIONS, lookups=Nobody()) as p:
        del p.s.parts.delivery.engine.healths.shown
        await declare(p.s.webhooks, ORG, {"welcome": ACTIONS["welcome"]}, "actions.toml")
        [webhook] = [webhook for webhook in p.s.registry.of_org(ORG) if webhook.type.acts]
        world = World(p, webhook, await p.s.add_org(7), await p.browser())
        await check(world, scenario, FACES_OF_ACTIONS)
