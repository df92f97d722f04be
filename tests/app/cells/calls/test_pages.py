"""Each page of the console is the same at each process, in whichever cell its org is."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
from starlette.routing import Route

from tests.app.cells.calls.signed_in import (
    WHO,
    at_only_cell,
    only_cell,
    people_of,
    sent,
    shown,
    visitor_at,
    visitor_of,
)
from tests.app.cells.calls.two_workers import Answer, TwoWorkers, two_workers
from tidings.api.context import Services
from tidings.console.routes import OF_AN_ORG, console_routes

ENDS_THE_SESSION = ("/sign-out", "/sessions/end", "/sign-in")
DRAWN = re.compile(
    r"(?<=/inbox/)[\w-]{32}|(inb|rpl|src|dlv)_\w+|\d*\.[0-9a-f]{32}|[0-9a-f]{16,}|\d\d:\d\d:\d\d|(usr|tdk|tds|tsn|lnk)_\w+"
    r"|(?<=once. value=.)[^\"]+"
)
# Each takes more than a second of processor: two of them tell most, the others run beside systems.
AT_ONCE = (("platform", 0), ("both", 1))
TRIED = [
    pytest.param(who, at, marks=[] if (who, at) in AT_ONCE else pytest.mark.systems)
    for who in WHO
    for at in (0, 1)
]


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        await people_of(made)
        yield made


def _filled(path: str) -> str:
    """A path whose parameters name nothing."""
    return re.sub(r"\{[^}]*\}", "none", path)


def calls(org: int) -> Iterator[tuple[str, str]]:
    """Every page of the console, by method and path: those of an org, those of none, and some of an
    org that is nowhere."""
    for method, path, _, _ in OF_AN_ORG:
        if path == "/tail/stream":  # it does not end
            continue
        yield method, f"/console/o/{org}{_filled(path)}"
    for route in console_routes(cast("Services", None), plain_http=True):
        assert isinstance(route, Route)
        of_none = route.path.startswith("/console") and "{org}" not in route.path
        if of_none and "/static" not in route.path and not route.path.endswith(ENDS_THE_SESSION):
            for method in sorted({"GET", "POST"} & (route.methods or set())):
                yield method, _filled(route.path)
    yield "GET", "/console/o/4711/webhooks"
    yield "POST", "/console/o/4711/webhooks/new"


def seen(answer: Answer) -> tuple[int, str, str]:
    """What a visitor sees of an answer, but for tokens, ids and times."""
    status, headers, body = answer
    text = body.decode()
    if "<h1>Audit log of the platform" in text:
        text = ""  # it is the first cell's, and does not tell of orgs that others have made
    main = text[text.find("<main") :] if "<main" in text else text
    main = DRAWN.sub("…", main)
    return status, DRAWN.sub("…", headers.get("location", "")), main


@pytest.mark.parametrize(("who", "at"), TRIED)
async def test_each_page_is_that_of_the_only_cell(both: TwoWorkers, who: str, at: int) -> None:
    tried, others = 0, []
    async with only_cell() as pages:
        worker = both.workers[at]
        alone = await visitor_of(pages, who)
        visitor = await visitor_at(worker, who)
        for method, path in calls(8 if at == 0 else 7):
            expected = seen(await at_only_cell(pages, alone, method, path))
            found = await (
                sent(worker, visitor, path) if method == "POST" else shown(worker, visitor, path)
            )
            tried += 1
            if seen(found) != expected:
                others.append((method, path, seen(found), expected))
    assert not others
    assert tried > 95
