"""`tidings incidents`: listed, shown and acknowledged, by an org and over all of them."""

import asyncio
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.api.control_client import Service, service
from tests.api.v1.webhooks.failing_webhooks import opened
from tests.cli.command import Done
from tidings.cli import calls
from tidings.cli.app import main
from tidings.cli.webhooks.incidents import Kind
from tidings.core.ids import OrgId, show
from tidings.core.incidents.acknowledgement import NOTE_MAX
from tidings.core.incidents.incident import IncidentKind

LIST = ("incidents", "list", "--json")
ESCAPE = "\x1b[2J"


class InProcessClient:
    """The calls of a command, answered by the service of this test."""

    etag = date = retry_after_s = None

    def __init__(
        self, s: Service, loop: asyncio.AbstractEventLoop, more: dict[str, Any], org: int | None
    ) -> None:
        self._s, self._loop, self._more = s, loop, more
        self._headers = {} if org is None else {"x_tidings_org": str(org)}

    def call(self, method: str, path: str, body: bytes | None, _: Any) -> tuple[int, bytes]:
        asking = self._s.call(method, path, body, "", **self._headers)
        reply = asyncio.run_coroutine_threadsafe(asking, self._loop).result(120)
        answer = reply.json
        if path.startswith("/v1/incidents?"):
            answer = answer | self._more
        return reply.status, json.dumps(answer).encode()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """The whole command, with the platform's credential and no org, in this process."""
    for name in ("TIDINGS_ORG", "TIDINGS_PROFILE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIDINGS_KEY", "boss:s3cret")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    async def ran(s: Service, *words: str, **more: Any) -> Done:
        loop, out, err = asyncio.get_running_loop(), StringIO(), StringIO()
        monkeypatch.setattr(
            calls, "ServiceClient", lambda *given: InProcessClient(s, loop, more, given[3])
        )
        with redirect_stdout(out), redirect_stderr(err):
            code = await asyncio.to_thread(main, list(words))
        return Done(code, out.getvalue(), err.getvalue())

    return ran


def ids(done: Done) -> list[str]:
    return [row["id"] for row in done.rows]


def test_the_kinds_are_those_that_there_are() -> None:
    assert set(get_args(Kind)) == set(IncidentKind)


async def test_the_platform_lists_what_is_open_in_all_orgs(run: Any) -> None:
    async with service() as s:
        await s.add_org(7001)
        await s.add_org(8001)
        of_seven, of_eight = await opened(s, 7001, "shop"), await opened(s, 8001, "till")
        done = (await run(s, "incidents", "list")).must(0)
        assert "2 open incidents\n" in done.err
        assert done.err.splitlines()[-1] == f"Next: tidings incidents show {of_eight}"
        for text in ("7001", "8001", "shop", "till", of_seven, of_eight, "failing"):
            assert text in done.out, done.out
        assert "Ended" not in done.out.splitlines()[0] and "7,001" not in done.out
        one = (await run(s, "incidents", "list", "--org", "7001", "--json")).must(0)
        assert ids(one) == [of_seven]
        assert one.err.splitlines()[-1] == f"Next: tidings incidents show {of_seven} --org 7001"


async def test_filters_pages_and_what_has_ended(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.cli.webhooks.incidents.PAGE_MAX", 2)
    async with service() as s:
        await s.add_org(7)
        made = [await opened(s, 7, name) for name in "abcde"]
        hooks = {row["webHookName"]: row for row in (await run(s, *LIST)).must(0).rows}
        assert ids(await run(s, *LIST)) == made[::-1]
        few = await run(s, *LIST, "--limit", "3")
        assert ids(few) == made[:1:-1] and "3 open incidents, the newest" in few.err
        assert ids(await run(s, *LIST, "--webhook", hooks["b"]["webHookId"].upper())) == [made[1]]
        assert ids(await run(s, *LIST, "--webhook", "b", "--org", "7")) == [made[1]]
        assert ids(await run(s, *LIST, "--kind", "failing", "--limit", "1")) == [made[4]]
        none = (await run(s, *LIST, "--kind", "unread")).must(0)
        assert none.err.splitlines() == [
            "No incident matches.",
            "Next: tidings incidents list --all",
        ]
        (record,) = [r for r in s.webhooks.list(OrgId(7)) if r.webhook.name == "a"]
        s.parts.delivery.engine.healths.good(record.webhook.number)
        await s.parts.delivery.incidents.review()
        assert ids(await run(s, *LIST)) == made[:0:-1]
        assert ids(await run(s, *LIST, "--ended")) == [made[0]]
        assert ids(await run(s, *LIST, "--all")) == made[::-1]
        assert "Ended" in (await run(s, "incidents", "list", "--all")).out
        shown = (await run(s, "incidents", "show", made[0])).must(0)
        assert "ended: recovered" in shown.out


async def test_one_is_shown_acknowledged_and_opened_by_its_id(run: Any) -> None:
    async with service() as s:
        await s.add_org(7)
        id = await opened(s, 7)
        shown = (await run(s, "incidents", "show", id)).must(0)
        assert "Nothing gets through: its receiver has been refusing connections." in shown.out
        assert "acknowledged by" not in shown.out
        assert shown.err == f"Next: tidings incidents acknowledge {id}\n"
        note = "their certificate ran out"
        done = (await run(s, "incidents", "acknowledge", id, "--note", note)).must(0)
        hook = (await run(s, "show", id, "--json")).must(0).row
        cure = f"Next: tidings doctor {hook['webHookId']} --org 7"
        assert done.err.splitlines() == [f"{id} is acknowledged by boss.", cure]
        assert note in done.out
        assert hook["acknowledged"]["note"] == note
        assert "boss" in (await run(s, "incidents", "list")).must(0).out
        assert (await run(s, "show", id)).must(0).err.splitlines() == [cure]
        row = (await run(s, "incidents", "acknowledge", id, "--json")).must(0).row
        assert row["acknowledged"]["note"] == ""


async def test_cells_that_have_not_answered_are_named_and_it_has_failed(run: Any) -> None:
    async with service() as s:
        await s.add_org(7)
        id = await opened(s, 7)
        done = (await run(s, *LIST, missingCells=[3, 2])).must(1)
        assert ids(done) == [id]
        assert done.err.splitlines() == [
            "1 open incident",
            "Not listed: the incidents of cells that have not answered (2, 3). List them again.",
        ]


async def test_a_name_does_not_steer_the_terminal(run: Any) -> None:
    async with service() as s:
        await s.add_org(7)
        await opened(s, 7)
        (row,) = (await run(s, *LIST)).must(0).rows
        hostile = [row | {"webHookName": f"a{ESCAPE}", "acknowledged": {"by": f"b{ESCAPE}"}}]
        for words in (LIST, LIST[:2]):
            done = (await run(s, *words, incidents=hostile)).must(0)
            assert "[2J" in done.out and "\x1b" not in done.out + done.err


async def test_what_cannot_be_is_refused_with_its_exit_code_and_changes_nothing(run: Any) -> None:
    async with service() as s:
        await s.add_org(7)
        await s.add_org(8)
        id = await opened(s, 7)
        nowhere = show("inc", 5)
        for words, code, step in (
            (("list", "--all", "--ended"), 2, "--all must be given without --ended"),
            (("list", "--kind", "bad"), 2, "--kind"),
            (("list", "--limit", "0"), 2, "--limit must be 1 or more; got 0."),
            (("list", "--webhook", "nobody", "--org", "7"), 3, "WEBHOOK must be the name or id"),
            (("show", nowhere), 3, "Next: tidings incidents list\n"),
            (("show", id, "--org", "8"), 3, "Next: tidings incidents list --org 8\n"),
            (("acknowledge", id, "--org", "8"), 3, "Next: tidings incidents list --org 8\n"),
            (("acknowledge", id, "--note", "x" * (NOTE_MAX + 1)), 4, "note must be"),
        ):
            done = (await run(s, "incidents", *words)).must(code)
            assert step in done.err and done.out == "", done.err
        assert (await run(s, "incidents", "show", id, "--json")).row["acknowledged"] is None
