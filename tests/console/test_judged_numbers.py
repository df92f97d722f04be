"""The numbers beside the word of how a webhook does: the columns of the lists, the answers of the
API and the metrics count the same, in each scenario of `test_one_judgement.py`."""

import re
from typing import Any

import pytest

from tests.console.parts.judged_world import (
    ACTIONS,
    ORG,
    SCENARIOS,
    SCENARIOS_OF_ACTIONS,
    Scenario,
    World,
)
from tests.console.webhook_client import pages, text
from tests.declared_actions import Nobody
from tidings.core.delivery.receivers.judgement import Condition
from tidings.engine.actions.declared import declare
from tidings.engine.webhooks.judgements import COUNTED


def column(page: str, path: str, label: str) -> int:
    """Read the number of a column, in the row of a list that leads to a path."""
    [row] = [row for row in page.split("<tr>")[1:] if path in row]
    [cell] = re.findall(rf'<td data-label="{label}"[^>]*>(.*?)</td>', row, re.DOTALL)
    found = re.search(r"[\d,]+", re.sub(r"<[^>]+>", "", cell))
    assert found is not None, f"{label} has no number: {cell}"
    return int(found[0].replace(",", ""))


async def check_numbers(world: World, scenario: Scenario) -> None:
    word, untimed = await scenario(world)
    parked = world.made if word is Condition.DISABLED else 0
    waiting = world.made - parked
    assert untimed <= waiting - world.timed  # of what is well, nothing waits for a fault

    page = text(await world.browser.get(f"/console/o/7/webhooks?q={world.name}"))
    shown = [column(page, f"/webhooks/{world.id}", label) for label in ("Waiting", "Parked")]
    assert shown == [waiting, parked]

    one = (await world.p.s.call("GET", f"/v3/webHooks/{world.id}", None, world.auth)).json["data"]
    all = (await world.p.s.call("GET", "/v3/webHooks", None, world.auth)).json["data"]
    [listed] = [webhook for webhook in all if webhook["webHookId"] == world.id]
    assert (listed["condition"], listed["health"]) == (one["condition"], one["health"])
    check_health(one["health"], word)

    counts = {
        sample.labels["condition"]: sample.value
        for family in world.p.s.parts.running.collectors[0].collect()
        if family.name == "tidings_unwell_webhooks"
        for sample in family.samples
    }
    assert counts == {condition.value: float(condition is word) for condition in COUNTED}


def check_health(health: dict[str, Any] | None, word: Condition) -> None:
    """The numbers of its health are those of what it is told to do."""
    if health is None:
        return
    attempts, failed = health["attempts"], health["failedAttempts"]
    if attempts is not None:
        assert 0 <= failed <= attempts
        assert health["failedPercent"] == pytest.approx(100 * failed / attempts, abs=1)
    if word is Condition.WELL:
        assert health["failingSince"] is None and not health["leftAlone"]
    if word in (Condition.FAILING, Condition.DEGRADED) and health["failingSince"] is not None:
        assert health["failures"] or failed


async def check_action(world: World) -> None:
    told = await world.p.s.call("GET", "/v1/actions", None, world.auth)
    [row] = [row for row in told.json["actions"] if row["name"] == world.name]
    waiting = row["waiting"]
    assert row["waitingForTheirTime"] == world.timed
    assert waiting + row["parked"] == world.made
    page = text(await world.browser.get("/console/o/7/actions"))
    assert column(page, f"/actions/{world.name}", "Waiting") == waiting
    page = text(await world.browser.get(f"/console/o/7/webhooks?q={world.name}"))
    assert column(page, f"/webhooks/{world.id}", "Waiting") == waiting


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_lists_answers_and_metrics_count_the_same_for_a_webhook(scenario: Scenario) -> None:
    async with pages() as p:
        del p.s.parts.delivery.engine.healths.shown  # the judgement itself
        id, number = await p.webhook(name="crm")
        webhook = p.s.registry.get(number)
        assert webhook is not None and webhook.id == id
        world = World(p, webhook, await p.s.add_org(7), await p.browser())
        await check_numbers(world, scenario)


@pytest.mark.parametrize("scenario", SCENARIOS_OF_ACTIONS)
async def test_lists_answers_and_metrics_count_the_same_for_an_action(scenario: Scenario) -> None:
    async with pages(actions=ACTIONS, lookups=Nobody()) as p:
        del p.s.parts.delivery.engine.healths.shown
        await declare(p.s.webhooks, ORG, {"welcome": ACTIONS["welcome"]}, "actions.toml")
        [webhook] = [webhook for webhook in p.s.registry.of_org(ORG) if webhook.type.acts]
        world = World(p, webhook, await p.s.add_org(7), await p.browser())
        await check_numbers(world, scenario)
        await check_action(world)
