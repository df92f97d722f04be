"""`tidings failing`: what fails over all orgs, in groups, for people and for programs."""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any
from unittest.mock import patch

from tests.api.control_client import service
from tests.api.v1.webhooks.failing_webhooks import asked, fail, webhook
from tidings.cli.exits import Exit
from tidings.cli.webhooks import failing as command
from tidings.cli.where import Where

ESCAPE = "\x1b[2J hook"


class Answering:
    """The commands' calls, answered with what the service has answered."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.steps: list[str] = []

    def get(self, path: str, **_: Any) -> Any:
        assert path == "/v1/failing"
        return self._answer

    def next_step(self, step: str) -> None:
        self.steps.append(step)


def run(answer: Any, *, as_json: bool = False) -> tuple[int, str, str, list[str]]:
    api, out, err = Answering(answer), StringIO(), StringIO()
    with patch.object(command, "calls", lambda _: api), redirect_stdout(out), redirect_stderr(err):
        code = command.failing(where=Where(json=as_json))
    return code, out.getvalue(), err.getvalue(), api.steps


async def test_groups_are_listed_with_their_sentence_and_what_to_do_next() -> None:
    async with service() as s:
        for org in (7, 8):
            await s.add_org(org)
            fail(s, await webhook(s, org, "https://api.acme.example/", name=f"crm {org}"))
        answer = await asked(s)
        code, out, err, steps = run(answer)
        assert code == Exit.OK
        flat = " ".join(out.split())
        assert "2 webhooks of 2 orgs at api.acme.example have been refusing connections" in flat
        assert answer["groups"][0]["failingSince"] not in out, "it is told in the reader's zone"
        assert "crm 7" in out and "crm 8" in out
        assert "2 failing webhooks, 0 waiting" in err
        first = answer["groups"][0]["members"][0]
        assert steps == [f"tidings doctor {first['webHookId']} --org {first['orgId']}"]
        code, out, *_ = run(answer, as_json=True)
        assert [json.loads(line) for line in out.splitlines()] == answer["groups"]


async def test_a_cell_that_has_not_answered_is_named_and_it_has_failed() -> None:
    async with service() as s:
        answer = await asked(s)
        code, out, err, steps = run(answer | {"missingCells": [3, 2]})
        assert (code, out, steps) == (Exit.FAILED, "", [])
        assert "cells that have not answered (2, 3)" in err


async def test_a_name_does_not_steer_the_terminal() -> None:
    async with service() as s:
        await s.add_org(7)
        fail(s, await webhook(s, 7, "https://api.acme.example/"))
        answer = await asked(s)
        answer["groups"][0]["members"][0]["name"] = ESCAPE
        answer["groups"][0]["sentence"] += ESCAPE
        for as_json in (False, True):
            _, out, err, _ = run(answer, as_json=as_json)
            assert "\x1b" not in out + err
