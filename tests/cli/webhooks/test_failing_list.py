"""`tidings webhooks list`: what waits for those that fail, and only those, the worst first."""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from tests.api.control_client import Service, service
from tests.api.v1.webhooks.failing_webhooks import asked, fail, webhook
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.webhooks import failing as failing_command
from tidings.cli.webhooks import webhooks as command
from tidings.cli.where import Where

ORG = 7


class AnsweringBoth:
    """The commands' calls: the list of webhooks, and what fails, as the service answered them."""

    def __init__(self, answers: dict[str, Any], org: int | None = ORG) -> None:
        self._answers = answers
        self.server = SimpleNamespace(org=org)
        self.wheres: list[Where] = []
        self.steps: list[str] = []

    def org(self) -> int:
        return ORG

    def calls(self, where: Where) -> "AnsweringBoth":
        self.wheres.append(where)
        return self

    def get(self, path: str, **_: Any) -> Any:
        answer = self._answers[path]
        if isinstance(answer, CommandExit):
            raise answer
        return answer

    def next_step(self, step: str) -> None:
        self.steps.append(step)


async def answers_of(s: Service, **waits: tuple[int, str]) -> dict[str, Any]:
    """What the service answers of the org; `waits`: how many wait by the webhook's name, and since
    when the oldest does."""
    listed = await s.call("GET", "/v3/webHooks", None, **{"x-tidings-org": str(ORG)})
    assert listed.status == 200, listed.body
    found = await asked(s)
    for group in found["groups"]:
        for member in group["members"]:
            waiting, oldest = waits.get(member["name"], (0, None))
            member |= {"waiting": waiting, "oldestWaitingSince": oldest}
    return {"/v3/webHooks": listed.json["data"], "/v1/failing": found}


def run(api: AnsweringBoth, *, as_json: bool = False, **options: Any) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    with (
        patch.object(command, "calls", api.calls),
        patch.object(failing_command, "calls", api.calls),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = command.list_all(where=Where(json=as_json), **options)
    return code, out.getvalue(), err.getvalue()


async def three(s: Service) -> dict[str, Any]:
    """Two webhooks that fail and one that does well, of which the second holds up most."""
    await s.add_org(ORG)
    fail(s, await webhook(s, ORG, "https://one.example/", name="few"))
    fail(s, await webhook(s, ORG, "https://two.example/", name="many"))
    await webhook(s, ORG, "https://three.example/", name="well")
    since = "2026-02-11T09:00:00.000Z"
    return await answers_of(s, few=(3, since), many=(4_000, since))


async def test_the_list_counts_what_waits_for_those_that_fail_and_has_a_dash_for_others() -> None:
    async with service() as s:
        api = AnsweringBoth(await three(s))
        code, out, err = run(api)
        assert code == Exit.OK and "3 webhooks" in err
        head, *lines = out.splitlines()
        assert "Waiting" in head
        cells = {line.split()[0]: line.split()[3] for line in lines if line.split()[0] != "well"}
        assert cells == {"few": "3", "many": "4,000"}
        [well] = [line for line in lines if line.startswith("well")]
        assert well.split()[:4] == ["well", "✓", "well", "–"]
        assert api.steps == ["tidings webhooks show few"]


async def test_only_the_failing_ones_are_listed_and_those_first_that_hold_up_most() -> None:
    async with service() as s:
        api = AnsweringBoth(await three(s))
        code, out, err = run(api, failing=True)
        assert code == Exit.OK and "2 failing webhooks" in err
        assert [line.split()[0] for line in out.splitlines()[1:]] == ["many", "few"]
        assert api.steps == ["tidings doctor many"]
        _, out, _ = run(api, failing=True, as_json=True)
        rows = [json.loads(line) for line in out.splitlines()]
        assert [(row["name"], row["waiting"]) for row in rows] == [("many", 4_000), ("few", 3)]


async def test_one_that_only_degrades_is_not_among_the_failing() -> None:
    async with service() as s:
        answers = await three(s)
        for row in answers["/v3/webHooks"]:
            if row["name"] == "many":
                row["health"]["state"] = "degraded"
        _, out, _ = run(AnsweringBoth(answers), failing=True)
        assert [line.split()[0] for line in out.splitlines()[1:]] == ["few"]


async def test_one_that_was_paused_while_it_failed_is_listed_last_with_a_dash() -> None:
    async with service() as s:
        answers = await three(s)
        for group in answers["/v1/failing"]["groups"]:  # names nothing that is paused
            group["members"] = [member for member in group["members"] if member["name"] != "many"]
        _, out, _ = run(AnsweringBoth(answers), failing=True, as_json=True)
        rows = [json.loads(line) for line in out.splitlines()]
        assert [(row["name"], row["waiting"]) for row in rows] == [("few", 3), ("many", None)]


async def test_it_is_said_that_none_fails() -> None:
    async with service() as s:
        await s.add_org(ORG)
        await webhook(s, ORG, "https://three.example/", name="well")
        code, out, err = run(AnsweringBoth(await answers_of(s)), failing=True)
        assert (code, out) == (Exit.OK, "")
        assert "No webhook of the org is failing." in err


@pytest.mark.parametrize(("named", "asked_of"), [(None, [None, ORG]), (ORG, [None])])
async def test_what_waits_is_asked_of_one_org_also_where_the_credential_sees_all(
    named: int | None, asked_of: list[int | None]
) -> None:
    async with service() as s:
        api = AnsweringBoth(await three(s), named)
        run(api)
        assert [where.org for where in api.wheres] == asked_of


@pytest.mark.parametrize("code", [Exit.REFUSED, Exit.FAILED, Exit.UNREACHABLE])
async def test_the_list_is_there_without_the_figures_that_cannot_be_had(code: Exit) -> None:
    async with service() as s:
        stop = CommandExit("Tidings cannot answer now.", code)
        answers = await three(s) | {"/v1/failing": stop}
        listed, out, err = run(AnsweringBoth(answers))
        assert listed == Exit.OK and "3 webhooks" in err
        assert "What waits is not known: Tidings cannot answer now." in err
        head, *lines = out.splitlines()
        assert "Waiting" not in head
        assert [line.split()[0] for line in lines] == ["few", "many", "well"]
        _, out, err = run(AnsweringBoth(answers), as_json=True)
        rows = [json.loads(line) for line in out.splitlines()]
        assert [row["waiting"] for row in rows] == [None, None, None] and "is not known" in err
        with pytest.raises(CommandExit) as refused:
            run(AnsweringBoth(answers), failing=True)
        assert refused.value is stop
