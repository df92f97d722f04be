"""How a webhook does is one word and one number on every face: each face of a list is walked for
each scenario of a list."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest

from tests.api.log_client import accept
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.declared_actions import Nobody, text_message, welcome
from tidings.cli.actions import shown as action_commands
from tidings.cli.calls import Calls
from tidings.cli.doctor import _look
from tidings.cli.webhooks import webhooks as webhook_commands
from tidings.cli.webhooks.diagnosis import Diagnosis, diagnose
from tidings.cli.where import HERE, Server
from tidings.core.delivery.breaker import OUTCOMES_MIN, Breaker
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.judgement import GLYPHS, Condition, ConnectionHold
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.notices.kinds import FAILING, KINDS, RECOVERED
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.declared import declare
from tidings.lookups.port import LookupDown
from tidings.store import port

ORG = OrgId(7)
ACTIONS = {action.name: action for action in (welcome(), text_message())}
WORDS = {condition.value for condition in Condition}
BAD = {Condition.FAILING, Condition.HELD_UP, Condition.DISABLED, Condition.PAUSED}


class World:
    """A service with one webhook that is looked at, and what its receiver did."""

    def __init__(self, p: Pages, webhook: Webhook, auth: str, browser: Browser) -> None:
        self.p, self.number, self.id = p, webhook.number, webhook.id
        self.name, self.acts = webhook.name, webhook.type.acts
        self.auth, self.browser = auth, browser
        self.healths, self.breaker = p.s.parts.delivery.engine.healths, Breaker()
        self.made = self.timed = 0  # deliveries, and those of them that wait for their time

    def good(self, count: int = 1, *, counts: bool = True) -> None:
        for _ in range(count):
            self.healths.good(self.number, counts=counts)

    def bad(self, count: int = 1) -> None:
        for _ in range(count):
            self.healths.bad(self.number, "503")

    def open_breaker(self) -> None:
        self.bad(OUTCOMES_MIN)
        for _ in range(OUTCOMES_MIN):
            self.breaker.started()
            self.breaker.record(0.0, 0.0, False, self.p.s.parts.ports.randomness.rng)
        self.healths.moved(self.number, self.breaker, 0.0)

    async def delivery(self, kind: str | None = "503") -> None:
        """One that waits, since its last attempt ended so."""
        self.made += 1
        self.timed += kind == FaultKind.WAITS
        [id] = await accept(self.p.s, f"e-{self.p.s.clock.ms}", [self.number], org=ORG)
        self.p.s.clock.ms += 1
        if kind is None:
            return
        status = int(kind) if kind.isdigit() else None
        evidence = port.Evidence(None if status else kind, "It waits.", (), b"", False)
        ms = self.p.s.clock.ms
        await self.p.s.store.commit(
            port.Batch(
                self.p.s.registry.version,
                settled=[
                    port.Settlement(
                        DeliveryId(id),
                        self.number,
                        None,
                        int(State.RETRYING),
                        1,
                        1,
                        ms - 5,
                        5,
                        status,
                        60_000,
                        evidence,
                    )
                ],
            )
        )

    async def say(self, verb: Any) -> None:
        await self.p.s.webhooks.say(ORG, self.id, verb, "tests")


# -- faces: the word, and the number of what waits for it, where the face has one ------------------

Seen = tuple[str | None, int | None]
Face = Callable[[World], Awaitable[Seen]]


def words_in(page: str) -> list[str]:
    """The states that a page shows, with their signs."""
    found = re.findall(r'<span class="state [^"]*"><i aria-hidden="true">(.)</i> ([^<]+)', page)
    assert all(GLYPHS[word] == sign for sign, word in found if word in WORDS), found
    return [word for _, word in found if word in WORDS]


def waiting_in(page: str) -> int | None:
    found = re.search(r"([\d,]+) waiting", page)
    return None if found is None else int(found[1].replace(",", ""))


async def console_list(world: World) -> Seen:
    page = text(await world.browser.get(f"/console/o/7/webhooks?q={world.name}"))
    [word] = words_in(page)
    return word, None  # the column counts all that waits


async def console_page(world: World) -> Seen:
    page = text(await world.browser.get(f"/console/o/7/webhooks/{world.id}"))
    return words_in(page)[0], waiting_in(page)


async def console_card(world: World) -> Seen:
    page = text(await world.browser.get("/console/o/7?part=now", hx_request="true"))
    found = [card for card in page.split("<li ") if f"<b>{world.name}</b>" in card]
    if not found:
        return None, None
    match = re.match(r'class="([^"]+)"', found[0])
    assert match is not None
    return match[1].replace("-", " "), waiting_in(found[0])


async def console_actions(world: World) -> Seen:
    page = text(await world.browser.get("/console/o/7/actions"))
    [row] = [row for row in page.split("<tr>")[1:] if f"/actions/{world.name}" in row]
    [word] = words_in(row)
    return word, None


async def console_action(world: World) -> Seen:
    page = text(await world.browser.get(f"/console/o/7/actions/{world.name}"))
    return words_in(page)[0], waiting_in(page)


async def api_one(world: World) -> Seen:
    told = await world.p.s.call("GET", f"/v3/webHooks/{world.id}", None, world.auth)
    return told.json["data"]["condition"], None


async def api_all(world: World) -> Seen:
    told = await world.p.s.call("GET", "/v3/webHooks", None, world.auth)
    [found] = [one["condition"] for one in told.json["data"] if one["webHookId"] == world.id]
    return found, None


async def api_actions(world: World) -> Seen:
    told = await world.p.s.call("GET", "/v1/actions", None, world.auth)
    [found] = [one for one in told.json["actions"] if one["name"] == world.name]
    return found["condition"], found["waiting"] - found["waitingForTheirTime"]


class OwnCalls(Calls):
    """The commands' calls, answered by the service of this test."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self.server = Server("http://here", "k:s", int(ORG), "tests")
        self._where, self._org = HERE, int(ORG)
        self._world, self._loop = world, loop

    def ask(
        self, method: str, path: str, body: Any = None, *, if_match: str | None = None
    ) -> tuple[int, Any]:
        asking = self._world.p.s.call(method, path, body, self._world.auth)
        told = asyncio.run_coroutine_threadsafe(asking, self._loop).result(20)
        return told.status, told.json


async def command(world: World, module: Any, run: Callable[[], int]) -> str:
    """What a command prints."""
    made = OwnCalls(world, asyncio.get_running_loop())

    def ran() -> str:
        out = StringIO()
        with redirect_stdout(out), redirect_stderr(StringIO()):
            run()
        return out.getvalue()

    with patch.object(module, "calls", lambda where: made):
        return await asyncio.to_thread(ran)


def word_of(line: str) -> str:
    """The one word of a condition in a line, with its sign."""
    [word] = [word for word in sorted(WORDS) if f"{GLYPHS[word]} {word}" in line]
    return word


async def command_list(world: World) -> Seen:
    said = await command(world, webhook_commands, lambda: webhook_commands.list_all(all=True))
    [line] = [line for line in said.splitlines() if line.startswith(world.name)]
    return word_of(line), None


async def command_show(world: World) -> Seen:
    said = await command(world, webhook_commands, lambda: webhook_commands.show(world.id))
    lines = [line for line in said.splitlines() if line.startswith("health")]
    return (word_of(lines[0]) if lines else None), None


async def command_actions(world: World) -> Seen:
    said = await command(world, action_commands, action_commands.list_all)
    [line] = [line for line in said.splitlines() if line.startswith(world.name)]
    return word_of(line), None


async def command_action(world: World) -> Seen:
    said = await command(world, action_commands, lambda: action_commands.show(world.name))
    lines = said.splitlines()
    [state] = [line for line in lines if line.startswith("state")]
    [waiting] = [line for line in lines if line.startswith("waiting")]
    return word_of(state), int(re.split(r"[ ,]+", waiting)[1])


async def doctor(world: World) -> Seen:
    told = await diagnosed(world)
    if told.well or told.cause.startswith("No event that it wants"):
        return Condition.WELL, None
    number = re.search(r"([\d,]+) (?:runs?|deliver(?:y|ies)) waits? ", told.cause)
    if "is held up by" in told.cause or "cannot be reached" in told.cause:
        word: str = Condition.HELD_UP
    elif " is of the type " in told.cause:
        word = Condition.NOT_CALLED
    else:
        found = re.search(r" (?:is|was) (paused|disabled|inactive|deleted)", told.cause)
        word = Condition.FAILING if found is None else found[1]
    return word, int(number[1]) if number is not None else None


async def diagnosed(world: World) -> Diagnosis:
    made = OwnCalls(world, asyncio.get_running_loop())
    told = await world.p.s.call("GET", f"/v3/webHooks/{world.id}", None, world.auth)
    return diagnose(await asyncio.to_thread(_look, made, told.json["data"]))


async def metrics(world: World) -> Seen:
    """It has numbers of all orgs: the only webhook that is not well is the one looked at."""
    counts = {
        sample.labels["condition"]: sample.value
        for family in world.p.s.parts.running.collectors[0].collect()
        if family.name == "tidings_unwell_webhooks"
        for sample in family.samples
    }
    return next((word for word, count in counts.items() if count), None), None


async def notices(world: World) -> Seen:
    """The last operational event about it, and its e-mail."""
    told = [(kind, fact) for kind, _, fact in world.p.s.told if kind in (FAILING, RECOVERED)]
    if not told:
        return None, None
    kind, fact = told[-1]
    subject, _ = KINDS[kind].words(fact)
    assert ("again" in subject) == (kind == RECOVERED), subject
    return (Condition.FAILING if kind == FAILING else Condition.WELL), None


FACES: Mapping[str, Face] = {
    face.__name__: face
    for face in (
        console_list,
        console_page,
        console_card,
        api_one,
        api_all,
        command_list,
        command_show,
        doctor,
        metrics,
        notices,
    )
}
FACES_OF_ACTIONS: Mapping[str, Face] = {**FACES} | {
    face.__name__: face
    for face in (console_actions, console_action, api_actions, command_actions, command_action)
}

# -- scenarios: what happens, the word, and how many deliveries wait for it ------------------------

Scenario = Callable[[World], Awaitable[tuple[Condition, int]]]


async def nothing_has_come(world: World) -> tuple[Condition, int]:
    return Condition.WELL, 0


async def all_is_delivered(world: World) -> tuple[Condition, int]:
    world.good(40)
    return Condition.WELL, 0


async def one_failure_among_successes(world: World) -> tuple[Condition, int]:
    world.good(40)
    world.bad()
    await world.delivery()
    return Condition.WELL, 0


async def it_only_fails(world: World) -> tuple[Condition, int]:
    world.bad(9)
    for _ in range(9):
        await world.delivery()
    return Condition.FAILING, 9


async def it_is_left_alone(world: World) -> tuple[Condition, int]:
    world.open_breaker()
    for _ in range(3):
        await world.delivery()
    return Condition.FAILING, 3


async def its_owner_is_told(world: World) -> tuple[Condition, int]:
    world.bad(3)
    world.p.s.clock.ms += 3_600_000
    world.bad(3)
    await world.delivery()
    return Condition.FAILING, 1


async def it_has_recovered(world: World) -> tuple[Condition, int]:
    await its_owner_is_told(world)
    world.good()
    return Condition.WELL, 0


async def one_success_after_it_was_left_alone(world: World) -> tuple[Condition, int]:
    await it_is_left_alone(world)
    world.good()
    world.breaker.succeeded_outside(1.0)
    world.healths.moved(world.number, world.breaker, 1.0)
    return Condition.WELL, 0


async def a_replay_has_delivered(world: World) -> tuple[Condition, int]:
    await it_is_left_alone(world)
    world.good(counts=False)
    return Condition.WELL, 0


async def a_test_was_taken(world: World) -> tuple[Condition, int]:
    await it_is_left_alone(world)
    world.p.s.parts.delivery.engine.dispatcher.succeeded_outside(world.number)
    return Condition.WELL, 0


async def it_fails_in_part(world: World) -> tuple[Condition, int]:
    for _ in range(20):
        world.good(5)
        world.bad()
    await world.delivery()
    return Condition.FAILING, 1


async def it_is_paused(world: World) -> tuple[Condition, int]:
    await it_only_fails(world)
    await world.say("pause")
    return Condition.PAUSED, 9


async def it_is_disabled(world: World) -> tuple[Condition, int]:
    await world.delivery(None)
    await world.say("disable")
    return Condition.DISABLED, 0


class OneHold:
    """`Holds` of one webhook."""

    def __init__(self, number: int, hold: ConnectionHold) -> None:
        self._number, self._hold = number, hold

    def of(self, webhook: Webhook) -> ConnectionHold | None:
        return self._hold if webhook.number == self._number else None

    def numbers(self) -> list[int]:
        return [self._number]


async def its_connection_is_held(world: World) -> tuple[Condition, int]:
    hold = ConnectionHold("crm-db", "The connection crm-db cannot be reached. See to it.", 1_000)
    world.p.s.parts.delivery.judgements._holds = OneHold(world.number, hold)
    await world.delivery()
    return Condition.HELD_UP, 1


SCENARIOS: list[Scenario] = [
    nothing_has_come,
    all_is_delivered,
    one_failure_among_successes,
    it_only_fails,
    it_is_left_alone,
    its_owner_is_told,
    it_has_recovered,
    one_success_after_it_was_left_alone,
    a_replay_has_delivered,
    a_test_was_taken,
    it_fails_in_part,
    it_is_paused,
    it_is_disabled,
    its_connection_is_held,
]


async def it_waits_for_quiet_hours(world: World) -> tuple[Condition, int]:
    for _ in range(4):
        await world.delivery(FaultKind.WAITS)
    return Condition.WELL, 0


async def some_wait_for_quiet_hours_and_some_for_a_fault(world: World) -> tuple[Condition, int]:
    await it_waits_for_quiet_hours(world)
    await it_only_fails(world)
    return Condition.FAILING, 9


async def a_look_up_does_not_answer(world: World) -> tuple[Condition, int]:
    action = ACTIONS[world.name]
    for number in range(5):
        seen = {"event": {"data": {"customerIdentifiers": {"customerId": number}}}}
        with pytest.raises(LookupDown):
            await world.p.s.services.actions.lookups.find(action.lookups[0], seen)
    await world.delivery("lookup")
    return Condition.FAILING, 1


SCENARIOS_OF_ACTIONS = [
    *SCENARIOS,
    it_waits_for_quiet_hours,
    some_wait_for_quiet_hours_and_some_for_a_fault,
    a_look_up_does_not_answer,
]


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
    if word in (Condition.FAILING, Condition.HELD_UP):
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
