"""Nine webhooks, broken in eight ways: five faces have the same word and the same numbers for each,
and `doctor` the true cause."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.api.log_client import accept, settle
from tests.console.parts.judged_faces import (
    command,
    console_page,
    diagnosed,
    word_of,
    words_in,
)
from tests.console.parts.judged_world import ACTIONS, ORG, World, a_look_up_does_not_answer
from tests.console.webhook_client import Pages, pages, text
from tests.declared_actions import Nobody
from tidings.cli.doctor import DoctorCheck
from tidings.cli.webhooks import webhooks as webhook_commands
from tidings.cli.webhooks.health import health_word
from tidings.cli.webhooks.org_check import check_webhooks
from tidings.core.delivery.receivers.health import GONE, of_attempts
from tidings.core.delivery.receivers.judgement import IDLE_MISSES, UNREAD_AFTER_MS
from tidings.core.delivery.states import State
from tidings.engine.actions.declared import declare
from tidings.engine.events.acceptor import Matcher
from tidings.engine.events.commit_queue import QueuedEvent
from tidings.engine.events.intake import Draft
from tidings.engine.webhooks.judgements import COUNTED

FILTER = {"path": "data.tier", "eq": "gold"}


async def fails(world: World, cause: str, said: str) -> None:
    for _ in range(9):
        world.healths.bad(world.number, cause)
    await world.delivery(cause, said)


async def dead(world: World) -> None:
    await fails(world, "refused", "The receiver refused the connection.")


async def half_failing(world: World) -> None:
    for _ in range(10):
        world.good()
        world.bad()
    await world.delivery(said="The receiver answered 503.")


async def slow(world: World) -> None:
    await fails(world, "timeout", "The receiver did not answer in time.")


async def refusing(world: World) -> None:
    await fails(world, "401", "The receiver answered 401.")


async def gone(world: World) -> None:
    world.healths.bad(world.number, "410")
    webhook = world.p.s.registry.get(world.number)
    assert webhook is not None
    world.p.s.webhooks.disable(webhook, GONE)
    [*disabling] = world.p.s.webhooks._disabler._running
    await asyncio.gather(*disabling)


async def paused_while_failing(world: World) -> None:
    await dead(world)
    await world.say("pause")


async def unread(world: World) -> None:
    """Its message waits in its lane, and nobody has fetched since the start."""
    s = world.p.s
    s.parts.delivery.pulls._started_s -= UNREAD_AFTER_MS / 1000 + 60
    await accept(s, "e-unread", [world.number], org=ORG)
    runner = s.parts.delivery.engine.dispatcher.runners.runner_of(world.number)
    assert runner is not None
    runner.next_due_ms = s.clock.ms
    s.clock.ms += UNREAD_AFTER_MS + 60_000


async def silent(world: World) -> None:
    """Its filter refuses one event after the other, as the matcher of the engine sees it."""
    s = world.p.s
    event: dict[str, Any] = {"eventName": "pointsIssued", "data": {"tier": "blue"}}
    draft = Draft(ORG, "pointsIssued", "e-1", b"{}", event)
    matcher = Matcher(s.registry, s.parts.delivery.engine.matches)
    for _ in range(IDLE_MISSES):
        assert not matcher.match(QueuedEvent(draft, b"", b"", None, draft.name))
    await accept(s, "e-silent", [], org=ORG)


async def well(world: World) -> None:
    world.good(40)
    s = world.p.s
    [delivery] = await accept(s, "e-well", [world.number], org=ORG)
    await settle(s, delivery, world.number, State.DELIVERED, status=200)


class Broken(NamedTuple):
    """A webhook, and what every face is to have of it."""

    scenario: Callable[[World], Awaitable[Any]]
    word: str
    state: str | None
    cause: str  # what `doctor` finds
    activity: str | None = None
    counted: tuple[int, int] | None = None  # attempts that failed, and all
    more: dict[str, Any] = {}


TABLE = [
    Broken(dead, "failing", "failing", "refused the connection"),
    Broken(half_failing, "degraded", "degraded", "answered 503", counted=(10, 20)),
    Broken(slow, "failing", "failing", "did not answer in time"),
    Broken(refusing, "failing", "failing", "answered 401"),
    Broken(gone, "disabled", "failing", "410"),
    Broken(paused_while_failing, "paused", "failing", "paused, failing since", "waiting"),
    Broken(unread, "unread", "unread", "no reader fetches", more={"webHookType": "PULL"}),
    Broken(silent, "well", None, "filter matches none", "idle", more={"filter": FILTER}),
    Broken(well, "well", None, "", None),
]


async def check(world: World, broken: Broken) -> None:
    await broken.scenario(world)
    s = world.p.s
    one = (await s.call("GET", f"/v3/webHooks/{world.id}", None, world.auth)).json["data"]
    rows = (await s.call("GET", "/v3/webHooks", None, world.auth)).json["data"]
    [row] = [row for row in rows if row["webHookId"] == world.id]
    judged = ("condition", "health", "activity")
    assert {key: row[key] for key in judged} == {key: one[key] for key in judged}
    assert (health_word(one), one["activity"]) == (broken.word, broken.activity)
    assert one["condition"] == ("failing" if broken.word == "degraded" else broken.word)
    health = one["health"]
    assert (None if health is None else health["state"]) == broken.state
    share = ""
    if broken.counted is not None:
        assert (health["failedAttempts"], health["attempts"]) == broken.counted
        share = of_attempts(*broken.counted)

    listed = text(await world.browser.get(f"/console/o/7/webhooks?q={world.name}"))
    assert words_in(listed) == [broken.word] and share in listed
    page = text(await world.browser.get(f"/console/o/7/webhooks/{world.id}"))
    assert (await console_page(world))[0] == broken.word and share in page
    overview = text(await world.browser.get("/console/o/7?part=now", hx_request="true"))
    health_page = text(await world.browser.get("/console/o/7/health?part=now", hx_request="true"))
    assert ("healthy" in overview) == (broken.state is None)
    assert ("> well<" in health_page) == (broken.state is None or broken.word != broken.state)

    found = await command(world, webhook_commands, lambda: webhook_commands.list_all(all=True))
    [line] = [line for line in found.splitlines() if line.startswith(world.name)]
    assert word_of(line) == broken.word
    shown = await command(world, webhook_commands, lambda: webhook_commands.show(world.id))
    assert share in " ".join(shown.split())
    if broken.state is not None and broken.state != broken.word:  # it says both
        assert f"{broken.word}, {broken.state} since" in shown
        assert re.search(rf"{broken.state} since <time", listed)
        assert re.search(rf"{broken.word}, {broken.state} since <time", page)

    diagnosis = await diagnosed(world)
    assert diagnosis.well == (not broken.cause)
    assert broken.cause in diagnosis.cause and share in diagnosis.cause

    counts = {
        sample.labels["condition"]: sample.value
        for family in s.parts.running.collectors[0].collect()
        if family.name == "tidings_unwell_webhooks"
        for sample in family.samples
    }
    assert counts == {word.value: float(word.value == broken.word) for word in COUNTED}
    notices = " ".join(s.parts.running.readiness.notices())
    assert (f" {broken.state}" in notices) == (broken.word in ("failing", "degraded", "unread"))


async def world_of(p: Pages, more: dict[str, Any]) -> World:
    del p.s.parts.delivery.engine.healths.shown  # the judgement itself
    body = {"name": "crm", "eventNames": ["pointsIssued"], "maxAllowedConnections": 10} | more
    if "webHookType" not in body:
        body["webHookUrl"] = "https://crm.example.com/hook"
    record, _, _ = await p.s.webhooks.create(ORG, body, "tests")
    webhook = p.s.registry.get(record.webhook.number)
    assert webhook is not None
    return World(p, webhook, await p.s.add_org(7), await p.browser())


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.scenario.__name__)
async def test_five_faces_say_the_same_of_a_broken_webhook(broken: Broken) -> None:
    async with pages() as p:
        await check(await world_of(p, broken.more), broken)


async def test_five_faces_say_the_same_of_a_failing_action() -> None:
    async with pages(actions=ACTIONS, lookups=Nobody()) as p:
        del p.s.parts.delivery.engine.healths.shown
        await declare(p.s.webhooks, ORG, {"welcome": ACTIONS["welcome"]}, "actions.toml")
        [webhook] = [webhook for webhook in p.s.registry.of_org(ORG) if webhook.type.acts]
        world = World(p, webhook, await p.s.add_org(7), await p.browser())
        broken = Broken(a_look_up_does_not_answer, "failing", "failing", "look")
        await check(world, broken)


async def test_the_doctor_of_the_service_is_not_well_while_a_webhook_fails() -> None:
    async with pages() as p:
        world = await world_of(p, {})
        assert check_webhooks(await listed_by(world), partial(DoctorCheck, "webhooks")) == []
        await dead(world)
        [found] = check_webhooks(await listed_by(world), partial(DoctorCheck, "webhooks"))
        assert "1 webhook of this org needs attention, of 1 (1 failing): crm." in found.said
        assert (found.ok, found.step) == (False, "tidings doctor crm")
        await world.say("pause")
        [found] = check_webhooks(await listed_by(world), partial(DoctorCheck, "webhooks"))
        assert "(1 paused): crm." in found.said


async def listed_by(world: World) -> list[dict[str, Any]]:
    answer = await world.p.s.call("GET", "/v3/webHooks", None, world.auth)
    return list(answer.json["data"])


async def test_who_sees_one_org_is_told_nothing_of_the_webhooks_of_others() -> None:
    async with pages() as p:
        await dead(await world_of(p, {}))
        p.s.health.notices = p.s.parts.running.readiness.notices  # type: ignore[method-assign]
        assert p.s.health.notices() == ["Of all orgs, 1 webhook is failing."]
        await accept(p.s, "e-other", [], org=8)
        other = await p.browser(8)
        for path in ("/console/o/8?part=now", "/console/o/8/health?part=now"):
            page = text(await other.get(path, hx_request="true"))
            assert "failing" not in page, path
        operator = await p.platform()
        page = text(await operator.get("/console/o/8/health?part=now", hx_request="true"))
        assert "1 webhook is failing" in page and "> well<" not in page
