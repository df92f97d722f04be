"""The answer to a call is the same whichever process is asked: over all routes, and both cells."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.api.control_client import BASIC, basic
from tests.app.cells.calls.two_workers import PLATFORM, Answer, TwoWorkers, two_workers
from tests.depth import share
from tests.openapi.entries import ENTRIES
from tidings.api.route import OPEN
from tidings.core.cells.call_subject import Over
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId, FamilyRow, FamilyState
from tidings.core.ids import OrgId
from tidings.store.port import FamilyAway
from tidings.store.port.cell_map import MapDown

CHANGING = re.compile(
    rb'"(id|url|requestId|createdAt|at|time|timestamp|seenAt|token|secret|key)": ?("[^"]*"|[0-9.]+)'
)
NO_ORG = {Over.EVERY_CELL, Over.NEW_FAMILY, Over.BODY}  # others' part
ORG_OF_CELL = {1: 7, 2: 8}
EVENT = {"eventName": "pointsIssued", "data": {"customer": {}}}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


def shown(answer: Answer) -> tuple[int, Any, bytes]:
    """An answer, without what is another thing at each call."""
    status, headers, body = answer
    return status, headers.get("content-type"), CHANGING.sub(b"", body)


def path_of(path: str, org: int) -> str:
    """A path with something for each parameter; for an org its id."""

    def value(found: re.Match[str]) -> str:
        return str(org) if found[1] in ("org_id", "source_org") else f"some-{found[1]}"

    return re.sub(r"\{(\w+)(?::\w+)?\}", value, path)


@pytest.mark.parametrize(
    ("who", "cell"),
    share(
        [
            *[("platform", 1), ("platform", 2), ("org", 2), ("org", 1), ("stranger", 1)],
            *[("stranger", 2), ("nobody", 2), ("nobody", 1), ("below", 2)],
        ],
        0,
        2,
    ),
)
async def test_every_route_answers_alike_at_each_process(
    both: TwoWorkers, cell: int, who: str
) -> None:
    org = ORG_OF_CELL[cell]
    auth, headers = PLATFORM, {"X-Tidings-Org": str(org)}
    if who in ("org", "stranger", "nobody"):
        headers = {}
        key = basic(f"org{org}", "secret") if who == "org" else basic("nobody", "secret")
        auth = key if who != "nobody" else None  # type: ignore[assignment]
    elif who == "below":
        org = 9
        headers = {"X-Tidings-Org": "9"}
    compared = 0
    for call, route in ENTRIES.items():
        if route.over in NO_ORG or (route.over is Over.PROCESS and call == "GET /metrics"):
            continue
        path = path_of(route.path, org)
        body: Any = {} if route.method in ("POST", "PUT", "PATCH") else None
        answers = [
            shown(
                await worker.call(
                    route.method, path, body, auth, head_only=bool(route.stream), headers=headers
                )
            )
            for worker in both.workers
        ]
        assert answers[0] == answers[1], (call, answers)
        assert answers[0][0] != 503 or route.over is Over.PROCESS, (call, answers[0])
        compared += 1
    assert compared > 105
    mine, other = both.workers[cell - 1], both.workers[2 - cell]
    if who in ("org", "platform", "below"):
        assert len(mine.served) > 150
        assert len(other.served) < 20, other.served


async def test_no_route_calls_a_key_wrong_before_every_cell_has_said_what_opens_it(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has just begun knows the platform's credentials of other cells late."""
    worker = both.workers[1]
    said = {CellId(1): 0, CellId(2): 9}
    monkeypatch.setattr(worker.map, "confirmations", AsyncMock(return_value=said))
    late, tried = basic("late", "s3cret"), 0
    for call, route in ENTRIES.items():
        if route.over is Over.PROCESS:
            answered = await worker.call(route.method, route.path, auth=late, head_only=True)
            assert answered[0] != 503 or call == "GET /readyz", call
            continue
        if route.scope == OPEN:
            continue
        body: Any = {} if route.method in ("POST", "PUT", "PATCH") else None
        path = path_of(route.path, 7)
        status, headers, answer = await worker.call(
            route.method, path, body, late, head_only=bool(route.stream)
        )
        assert status == 503 and headers["retry-after"], (call, status)
        assert route.stream or b"has not yet written into it" in answer, (call, answer)
        tried += 1
    assert tried > 100
    said[CellId(1)] = 9
    await worker.service.access.put("late", "s3cret", OrgId(1), platform=True, scopes="*")
    assert (await worker.call("GET", "/v1/orgs", auth=late))[0] == 200
    assert (await worker.call("GET", "/v1/orgs", auth=basic("nobody", "x")))[0] == 401


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8, 9])
async def test_calls_over_all_cells_may_act_for_an_org_of_any(
    both: TwoWorkers, org: int, at: int
) -> None:
    """Each process has orgs that the other one does not know."""
    worker, tried = both.workers[at], 0
    for call, route in ENTRIES.items():
        if route.over is Over.EVERY_CELL and route.method == "GET" and "{" not in route.path:
            for named, refused in ((str(org), False), ("987654", True)):
                status, _, body = await worker.call(
                    "GET", route.path, headers={"X-Tidings-Org": named}
                )
                assert (status == 403) is refused, (call, named, status, body)
            tried += 1
    assert tried >= 4


@pytest.mark.parametrize("at", [0, 1])
async def test_an_org_may_be_made_by_a_call_that_acts_for_another_of_any_cell(
    both: TwoWorkers, at: int
) -> None:
    for made, org in enumerate((7, 8, 9, 7, 8, 9), start=500 + 100 * at):
        status, _, body = await both.workers[at].call(
            "POST", "/v1/orgs", {"id": made, "name": "New"}, headers={"X-Tidings-Org": str(org)}
        )
        assert status == 201, (made, org, body)
    for named in ("987654", "x"):
        status, _, body = await both.workers[at].call(
            "POST", "/v1/orgs", {"id": 900 + at, "name": "New"}, headers={"X-Tidings-Org": named}
        )
        assert status == 403, body


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8, 9])
async def test_what_is_made_at_one_process_is_there_at_the_other(
    both: TwoWorkers, org: int, at: int
) -> None:
    asked, other = both.workers[at], both.workers[1 - at]
    auth = basic(f"org{org}", "secret")
    status, _, body = await asked.call("POST", "/v3/webHooks", BASIC | {"name": "made"}, auth)
    assert status == 200, body
    for worker in (asked, other):
        _, _, listed = await worker.call("GET", "/v3/webHooks", auth=auth)
        assert b'"made"' in listed
    status, _, body = await other.call("POST", "/v1/events", EVENT | {"orgId": org}, auth)
    assert status in (202, 422), body
    owner = both.workers[0 if org == 7 else 1].service
    assert [hook.org for hook in owner.registry] == [org]
    stranger = both.workers[1 if org == 7 else 0].service
    assert list(stranger.registry) == []


async def test_an_org_that_nobody_has_is_refused_alike(both: TwoWorkers) -> None:
    for headers in ({"X-Tidings-Org": "55"}, {"X-Tidings-Org": "x"}):
        answers = [
            shown(await worker.call("GET", "/v1/sources", headers=headers))
            for worker in both.workers
        ]
        assert answers[0] == answers[1] and answers[0][0] == 403
    answers = [shown(await worker.call("GET", "/v1/orgs/55")) for worker in both.workers]
    assert answers[0] == answers[1] and answers[0][0] == 404


async def test_an_org_s_credential_does_not_reach_another_cell_s_org(both: TwoWorkers) -> None:
    auth = basic("org7", "secret")
    answers = [shown(await worker.call("GET", "/v1/orgs/8", auth=auth)) for worker in both.workers]
    assert answers[0] == answers[1] and answers[0][0] == 404
    assert both.workers[0].served == ["GET /v1/orgs/8"] * 2 and both.workers[1].served == []


async def test_an_access_token_leads_to_the_cell_of_its_credential(both: TwoWorkers) -> None:
    asked = {"name": "client", "kind": "oauth", "scopes": {"webhooks": "read"}}
    status, _, body = await both.workers[1].call("POST", "/v1/orgs/8/credentials", asked)
    assert status == 201, body
    made = json.loads(body)
    token, _ = both.workers[1].service.access.token(made["id"], made["secret"])
    for worker in both.workers:
        for headers in ({"authorization": f"Bearer {token}"}, {"x-cap-api-oauth-token": token}):
            status, _, body = await worker.call("GET", "/v1/caller", auth=None, headers=headers)
            assert status == 200 and json.loads(body)["orgId"] == 8


async def test_while_the_map_is_away_a_key_that_is_not_known_is_not_refused(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = both.workers[0]
    known, other = basic("org8", "secret"), basic("org9", "secret")
    assert (await first.call("GET", "/v1/sources", auth=known))[0] == 200
    with monkeypatch.context() as away:
        away.setattr(first.map, "find_openers", AsyncMock(side_effect=MapDown("away")))
        away.setattr(first.map, "read", AsyncMock(side_effect=MapDown("away")))
        assert (await first.call("GET", "/v1/sources", auth=known))[0] == 200
        assert (await first.call("GET", "/v1/sources", auth=basic("org7", "secret")))[0] == 200
        status, headers, body = await first.call("GET", "/v1/sources", auth=other)
        assert status == 503 and int(headers["retry-after"]) >= 1
        assert json.loads(body)["error"]["code"] == "no_owner"
    assert (await first.call("GET", "/v1/sources", auth=other))[0] == 200


async def test_a_map_that_lies_behind_costs_a_second_try(both: TwoWorkers) -> None:
    """Org 7 is thought to be in cell 2, whose process knows better."""
    first, second = both.workers
    second.installation.reader.view.places.learn(FamilyId(7), FamilyPlace(CellId(1), 3))
    stale = second.installation.reader.view.places
    third = both.workers[0].installation.reader.view.places
    third.learn(FamilyId(8), FamilyPlace(CellId(1), 2))  # its own rows know nothing of it
    status, _, body = await first.call("GET", "/v1/sources", auth=basic("org8", "secret"))
    assert status == 503 and b"no_owner" in body
    third.learn(FamilyId(8), FamilyPlace(CellId(2), 3))
    assert (await first.call("GET", "/v1/sources", auth=basic("org8", "secret")))[0] == 200
    assert stale.place_of(FamilyId(7)) == FamilyPlace(CellId(1), 3)


async def test_an_owner_that_has_changed_is_found_by_reading_the_map_again(
    both: TwoWorkers,
) -> None:
    first, second = both.workers
    places = first.installation.reader.view.places
    good = second.installation.owner
    await second.map.put_owner(second.cell, CellOwner(5, good.address))
    places.learn_owner(second.cell, CellOwner(4, "127.0.0.1:1"))  # nobody listens there
    assert (await first.call("GET", "/v1/sources", auth=basic("org8", "secret")))[0] == 200
    assert places.owner_of(second.cell) == CellOwner(5, good.address)


@pytest.mark.parametrize("path", ["/v1/events", "/v3/webHooks"])
async def test_a_family_that_goes_in_the_middle_of_a_call_is_handed_back(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """What was decided is true no more when it is written: the owner hands the call back."""
    first, second = both.workers
    gone = FamilyRow(FamilyId(8), FamilyState.GONE, 3, other=CellId(1))
    families = second.service.parts.base.families

    async def away(*_: Any, **__: Any) -> Any:
        families._rows[FamilyId(8)] = gone  # another one has moved it meanwhile
        raise FamilyAway.of(gone)

    monkeypatch.setattr(second.service.acceptor, "accept", away)
    monkeypatch.setattr(second.service.store, "put_webhook", away)
    auth = basic("org8", "secret")
    body = BASIC if path == "/v3/webHooks" else EVENT | {"orgId": 8}
    status, headers, answer = await first.call("POST", path, body, auth)
    assert status == 503 and b"no_owner" in answer and "tidings-door" not in headers
    places = first.installation.reader.view.places
    assert places.place_of(FamilyId(8)) == FamilyPlace(CellId(1), 3)


@pytest.mark.parametrize("path", ["/v1/events", "/v3/webHooks"])
async def test_without_a_door_a_family_that_is_away_is_told_its_caller(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    second = both.workers[1]

    async def away(*_: Any, **__: Any) -> Any:
        raise FamilyAway.of(FamilyRow(FamilyId(8), FamilyState.LEAVING, 2, other=CellId(1)))

    monkeypatch.setattr(second.service.acceptor, "accept", away)
    monkeypatch.setattr(second.service.store, "put_webhook", away)
    body = BASIC if path == "/v3/webHooks" else EVENT | {"orgId": 8}
    for worker in both.workers:  # of one that is moving, nobody knows more than its owner
        status, headers, answer = await worker.call("POST", path, body, basic("org8", "secret"))
        assert status == 503 and "retry-after" in headers and b"tidings-door" not in answer
        assert b"it is moving" in answer


@pytest.mark.parametrize("path", ["/v1/events", "/v3/webHooks"])
async def test_a_call_that_is_held_waits_as_long_as_the_owner_says_through_whichever_process(
    both: TwoWorkers, path: str
) -> None:
    second = both.workers[1]
    second.service.parts.base.families.hold(FamilyId(8))
    second.router._retry_after_s = lambda family: 10 + family
    body = BASIC if path == "/v3/webHooks" else EVENT | {"orgId": 8}
    for worker in both.workers:
        status, headers, answer = await worker.call("POST", path, body, basic("org8", "secret"))
        assert status == 503 and headers["retry-after"] == "18", worker.installation.cell
        assert b"moving to another cell" in answer
