"""Calls of which the body alone tells whose they are: at each process the same."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock
from urllib.parse import urlencode

import pytest

from tests.app.cells.calls.two_workers import TwoWorkers, Worker, two_workers
from tidings.app.cells.calls.body_naming import place_family, read_fields
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.core.cells.placement import CellLoad
from tidings.store.port.cell_map import MapDown

FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://a"}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


def cell_of(both: TwoWorkers, org: int) -> list[int]:
    return [worker.cell for worker in both.workers if worker.service.orgs.get(org)]  # type: ignore[arg-type]


async def made(worker: Worker, body: object, **headers: str) -> tuple[int, int]:
    """Make an org; the status, and its id."""
    status, _, answer = await worker.call("POST", "/v1/orgs", body, headers=headers)
    return status, json.loads(answer).get("id", 0)


# -- orgs -----------------------------------------------------------------------------------------


async def test_new_orgs_go_to_the_cell_with_the_fewest_and_no_id_is_given_twice(
    both: TwoWorkers,
) -> None:
    given = []
    for number in range(8):
        status, org = await made(both.workers[number % 2], {"name": f"n{number}"})
        assert status == 201
        given.append(org)
        await both.look()
    assert len(set(given)) == 8 and min(given) == 10
    cells = Counter(cell for org in given for cell in cell_of(both, org))
    assert cells == {1: 4, 2: 4}
    for org in given:
        for worker in both.workers:
            assert (await worker.call("GET", f"/v1/orgs/{org}"))[0] == 200


async def test_orgs_that_are_made_between_two_readings_of_the_map_do_not_all_go_to_one_cell(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = both.workers[0]
    monkeypatch.setattr(first.installation.reader, "look", AsyncMock(return_value=True))
    given = [(await made(first, {"name": "n", "id": 100 + number}))[1] for number in range(10)]
    cells = Counter(cell for org in given for cell in cell_of(both, org))
    assert set(cells.values()) <= {4, 5, 6} and sum(cells.values()) == 10


@pytest.mark.parametrize("at", [0, 1])
async def test_an_org_below_another_one_goes_to_its_cell(both: TwoWorkers, at: int) -> None:
    for parent, cell in ((7, 1), (8, 2), (9, 2)):
        status, org = await made(both.workers[at], {"name": "below", "parent": parent})
        assert status == 201 and cell_of(both, org) == [cell]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8, 9])
async def test_an_id_that_is_taken_is_refused_by_who_has_it(
    both: TwoWorkers, at: int, org: int
) -> None:
    assert (await made(both.workers[at], {"name": "again", "id": org}))[0] == 409


async def test_a_call_with_a_key_makes_one_org_wherever_it_is_repeated(both: TwoWorkers) -> None:
    for key in ("a", "b", "c", "d"):
        answers = [
            await made(worker, {"name": "once"}, **{"Idempotency-Key": key})
            for worker in (*both.workers, *both.workers)
        ]
        assert len(set(answers)) == 1 and answers[0][0] == 201
        await both.look()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name": 1}', b'{"id": true}'])
async def test_what_is_no_org_is_refused_alike(both: TwoWorkers, body: bytes) -> None:
    answers = [(await worker.call("POST", "/v1/orgs", body))[::2] for worker in both.workers]
    assert answers[0] == answers[1] and answers[0][0] == 400


async def test_who_may_make_none_is_refused_where_he_calls(both: TwoWorkers) -> None:
    for worker in both.workers:
        assert (await worker.call("POST", "/v1/orgs", {"name": "n"}, auth=None))[0] == 401
        assert "POST /v1/orgs" in worker.served


async def test_no_cell_that_nobody_owns_gets_an_org(both: TwoWorkers) -> None:
    first, second = both.workers
    await first.map.put_owner(second.cell, CellOwner(2, ""))
    await both.look()
    for _ in range(3):
        status, org = await made(first, {"name": "n"})
        assert status == 201 and cell_of(both, org) == [1]


@pytest.mark.parametrize("at", [0, 1])
async def test_a_parent_in_another_cell_is_refused_with_what_to_do(
    both: TwoWorkers, at: int
) -> None:
    for org, parent in ((7, 8), (7, 9), (8, 7)):
        path = f"/v1/orgs/{org}"
        status, _, body = await both.workers[at].call("PATCH", path, {"parent": parent})
        assert status == 409, body
        error = json.loads(body)["error"]
        family, cell = {7: (7, 2), 8: (8, 1)}[org]
        command = f"`tidings cells move {family} --to {cell}`"
        assert error["code"] == "other_cell" and command in error["message"]
    status, _, body = await both.workers[at].call("PATCH", "/v1/orgs/7", {"parent": 55})
    assert status == 400


# -- what opens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
async def test_a_token_is_made_by_the_cell_of_its_credential(both: TwoWorkers, at: int) -> None:
    for org in (7, 8, 9):
        asked = {"name": "client", "kind": "oauth", "scopes": {"webhooks": "read"}}
        worker = both.workers[at]
        _, _, body = await worker.call("POST", f"/v1/orgs/{org}/credentials", asked)
        shown = json.loads(body)
        body_ = {"key": shown["id"], "secret": shown["secret"]}
        path = "/v3/oauth/token/generate"
        status, _, answer = await worker.call("POST", path, body_, auth=None)
        assert status == 200, answer
        assert (await worker.call("POST", path, body_ | {"secret": "x"}, auth=None))[0] == 401


@pytest.mark.parametrize("at", [0, 1])
async def test_an_invitation_is_accepted_at_each_process(both: TwoWorkers, at: int) -> None:
    for org in (7, 8):
        user = {"email": f"p{org}@b.example", "role": "admin", "name": "P"}
        _, _, body = await both.workers[at].call("POST", f"/v1/orgs/{org}/users", user)
        token = json.loads(body)["invitation"]["token"]
        wanted = {"token": token, "password": "several words of mine"}
        status, _, body = await both.workers[at].call("POST", "/v1/passwords", wanted, auth=None)
        assert status in (200, 204), body
        form = urlencode({"name": user["email"], "secret": "several words of mine"}).encode()
        status, headers, _ = await both.workers[at].call(
            "POST", "/console/sign-in", form, auth=None, headers=FORM
        )
        assert status == 303 and "tsn_" in headers["set-cookie"]


async def test_a_body_that_names_nothing_is_refused_alike(both: TwoWorkers) -> None:
    for path in ("/v1/passwords", "/v3/oauth/token/generate"):
        for body in (b"", b"{}", b"[]", b'{"token": 1}', b'{"key": "nobody", "secret": "x"}'):
            answers = [
                (await worker.call("POST", path, body, auth=None))[0] for worker in both.workers
            ]
            assert answers[0] == answers[1] and 400 <= answers[0] < 500, (path, body)


async def test_while_the_map_is_away_who_is_not_known_is_not_refused(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = both.workers[0]
    monkeypatch.setattr(first.map, "find_openers", AsyncMock(side_effect=MapDown("away")))
    body = {"key": "org8", "secret": "secret"}
    status, headers, _ = await first.call("POST", "/v3/oauth/token/generate", body, auth=None)
    assert status == 503 and int(headers["retry-after"]) >= 1


# -- pure -----------------------------------------------------------------------------------------


def test_fields_are_read_of_json_and_of_forms() -> None:
    assert read_fields(b"application/json; charset=utf-8", b'{"a": 1}') == {"a": 1}
    assert read_fields(b"application/x-www-form-urlencoded", b"a=1&b=%20") == {"a": "1", "b": " "}
    for kind, body in (
        (b"application/json", b"[" * 10_000),
        (b"application/json", b"1"),
        (b"", b"\xff"),
        (b"", b"a=1&" * 100),
    ):
        assert read_fields(kind, body) == {}


def test_a_key_goes_to_one_cell_and_keys_to_all() -> None:
    loads = [CellLoad(CellId(cell), 0, cell, is_open=cell != 3) for cell in range(1, 5)]
    fuller = [CellLoad(load.cell, 9, 90, is_open=load.is_open) for load in loads]
    found = [place_family(loads, b"key %d" % number) for number in range(300)]
    assert found == [place_family(fuller, b"key %d" % number) for number in range(300)]
    counts = Counter(found)
    assert counts.keys() == {1, 2, 4} and min(counts.values()) > 70
    assert place_family(loads, b"") == 1 and place_family([], b"k") is None
