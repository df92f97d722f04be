"""The faces that say how a webhook or an action does: the word of each, and the number of
what waits where it has one."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any
from unittest.mock import patch

from tests.console.parts.judged_world import ORG, World
from tests.console.webhook_client import text
from tidings.cli.actions import shown as action_commands
from tidings.cli.calls import ApiClient
from tidings.cli.doctor import _look
from tidings.cli.webhooks import webhooks as webhook_commands
from tidings.cli.webhooks.diagnosis import Diagnosis, diagnose
from tidings.cli.webhooks.health import health_word
from tidings.cli.where import HERE, ServiceAddress
from tidings.core.delivery.receivers.judgement import GLYPHS, Condition
from tidings.core.notices.operational_events import FAILING, KINDS, RECOVERED

WORDS = {condition.value for condition in Condition}
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
    return health_word(told.json["data"]), None


async def api_all(world: World) -> Seen:
    told = await world.p.s.call("GET", "/v3/webHooks", None, world.auth)
    [found] = [health_word(row) for row in told.json["data"] if row["webHookId"] == world.id]
    return found, None


async def api_actions(world: World) -> Seen:
    told = await world.p.s.call("GET", "/v1/actions", None, world.auth)
    [found] = [row for row in told.json["actions"] if row["name"] == world.name]
    return health_word(found), found["waiting"] - found["waitingForTheirTime"]


class OwnCalls(ApiClient):
    """The commands' calls, answered by the service of this test."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self.server = ServiceAddress("http://here", "k:s", int(ORG), "tests")
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
    if told.well or told.cause.startswith("None of its event types"):
        return Condition.WELL, None
    number = re.search(r"([\d,]+) (?:runs?|deliver(?:y|ies)) waits? ", told.cause)
    if "is held up by" in told.cause or "cannot be reached" in told.cause:
        word: str = Condition.HELD_UP
    elif " of its attempts (" in told.cause or " of its tries (" in told.cause:
        word = Condition.DEGRADED
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
