"""What opens something is in the directory before it is there: every process finds whose it is."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.api.control_client import basic
from tests.app.cells.calls.two_workers import KEY, TwoWorkers, two_workers
from tidings.app.cells.calls.directed_store import link_text
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId
from tidings.engine.access.keys import digest_of
from tidings.store.port import StoreDown
from tidings.store.port.cell_map import CellState, MapDown


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


async def openers(both: TwoWorkers, kind: OpenerKind, text: str) -> list[Opener]:
    digest = directory_digest(kind, KEY, text)
    return [*await both.workers[0].map.find_openers(digest)]


async def test_a_credential_that_was_made_is_known_to_every_process_at_once(
    both: TwoWorkers,
) -> None:
    second = both.workers[1]
    asked = {"name": "n", "scopes": {"webhooks": "read"}}
    for org in (8, 9):
        _, _, body = await second.call("POST", f"/v1/orgs/{org}/credentials", asked)
        made = json.loads(body)
        for worker in both.workers:
            auth = basic(made["id"], made["secret"])
            status, _, body = await worker.call("GET", "/v1/caller", auth=auth)
            assert status == 200 and json.loads(body)["orgId"] == org
        row = Opener(OpenerKind.KEY, FamilyId(8))
        assert await openers(both, OpenerKind.KEY, made["id"]) == [row]


async def test_what_is_sent_to_an_inbox_reaches_it_from_every_process(both: TwoWorkers) -> None:
    second = both.workers[1]
    org = {"X-Tidings-Org": "8"}
    status, _, body = await second.call("POST", "/v1/inboxes", {"name": "i"}, headers=org)
    assert status == 201
    made = json.loads(body)
    path = "/inbox/" + made["url"].rpartition("/")[2]
    for worker in both.workers:
        assert (await worker.call("POST", path, {"a": 1}, auth=None))[0] == 200
    _, _, body = await second.call("GET", f"/v1/inboxes/{made['id']}/arrivals", headers=org)
    assert len(json.loads(body)["arrivals"]) == 2
    assert (await both.workers[0].call("POST", "/inbox/unknown", {}, auth=None))[0] == 404


async def test_a_user_is_found_by_address_and_invitation(both: TwoWorkers) -> None:
    first, second = both.workers
    user = {"email": "a@b.example", "role": "admin", "name": "A"}
    for worker, org in ((first, 7), (second, 8)):
        status, _, body = await worker.call("POST", f"/v1/orgs/{org}/users", user)
        assert status == 201, body
    rows = await openers(both, OpenerKind.EMAIL, "a@b.example")
    assert {row.family for row in rows} == {7, 8}
    token = json.loads(body)["invitation"]["token"]
    rows = await openers(both, OpenerKind.LINK, link_text(digest_of(token)))
    assert rows == [Opener(OpenerKind.LINK, FamilyId(8))]
    assert await openers(both, OpenerKind.LINK, token) == []


async def test_a_link_of_the_platform_signs_in_at_every_process(both: TwoWorkers) -> None:
    await both.workers[0].service.access.put("root", "s", OrgId(7), platform=True, scopes="*")
    for worker in both.workers:
        token = await both.workers[0].service.sessions.make_link("root")
        path = f"/console/sign-in?link={token}"
        status, headers, body = await worker.call("GET", path, auth=None)
        assert status == 303 and not headers["location"].startswith("/console/sign-in"), body


async def test_an_org_has_its_place_before_it_is_answered(both: TwoWorkers) -> None:
    first, second = both.workers
    await second.service.orgs.create("new", 70)
    assert (await first.call("GET", "/v1/orgs/70"))[0] == 200
    await second.service.orgs.create("below", 71, 70)
    assert (await first.call("GET", "/v1/orgs/71"))[0] == 200
    places = first.installation.reader.view.places
    assert places.place_of(FamilyId(70)) == FamilyPlace(CellId(2), 1)


@pytest.mark.parametrize("parent", [None, 7])
@pytest.mark.parametrize("org", [8, 9])
async def test_an_id_is_of_one_org_in_all_cells(
    both: TwoWorkers, org: int, parent: int | None
) -> None:
    first = both.workers[0]
    with pytest.raises(Exception, match="id must be new in the whole service"):
        await first.service.orgs.create("again", org, parent)
    assert first.service.orgs.get(OrgId(org)) is None
    status, _, _ = await first.call("GET", f"/v1/orgs/{org}")
    assert status == 200  # the other cell's


async def test_while_the_map_is_away_nothing_new_is_made_and_all_else_goes_on(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = both.workers[1]
    asked = {"name": "n", "scopes": {"webhooks": "read"}}
    _, _, body = await second.call("POST", "/v1/orgs/8/credentials", asked)
    old = json.loads(body)
    for name in ("add_openers", "place_families", "read"):
        monkeypatch.setattr(second.map, name, AsyncMock(side_effect=MapDown("away")))
    for path, wanted in (
        ("/v1/orgs/8/credentials", asked),
        ("/v1/orgs/8/users", {"email": "a@b.example", "role": "admin", "name": "A"}),
        ("/v1/orgs/8/portal-links", {"name": "brand"}),
        ("/v1/inboxes", {"name": "i"}),
    ):
        headers = {"X-Tidings-Org": "8"}
        status, _, body = await second.call("POST", path, wanted, headers=headers)
        assert status == 503, (path, body)
    path = f"/v1/orgs/8/credentials/{old['id']}"
    assert (await second.call("POST", f"{path}/rotate", {}))[0] == 200
    assert (await second.call("DELETE", path))[0] == 200
    assert (await second.call("PATCH", "/v1/orgs/8", {"name": "other"}))[0] == 200


@pytest.mark.parametrize(
    ("name", "path", "asked"),
    [
        ("put_org", "/v1/orgs", {"name": "n", "parent": 8, "id": 80}),
        ("put_credential", "/v1/orgs/8/credentials", {"name": "n", "scopes": {"webhooks": "read"}}),
        ("put_people", "/v1/orgs/8/users", {"email": "a@b.example", "role": "admin", "name": "A"}),
        ("put_link", "/v1/orgs/8/portal-links", {"name": "brand"}),
        ("put_inbox", "/v1/inboxes", {"name": "i"}),
    ],
)
async def test_what_the_store_has_refused_behind_its_row_can_be_made_again(
    both: TwoWorkers, name: str, path: str, asked: dict[str, Any]
) -> None:
    second, headers = both.workers[1], {"X-Tidings-Org": "8"}
    answer = second.memory.operations[name]

    def refuse(*given: object, **named: object) -> None:
        raise StoreDown("the disk is full")

    second.memory.operations[name] = refuse
    for worker in both.workers:
        assert (await worker.call("POST", path, asked, headers=headers))[0] == 503
    second.memory.operations[name] = answer
    status, _, body = await both.workers[0].call("POST", path, asked, headers=headers)
    assert status in (200, 201), body


async def test_no_org_is_made_in_a_cell_that_was_removed_meanwhile(both: TwoWorkers) -> None:
    first, second = both.workers
    for family in (8, 9):
        await first.map.place_families({FamilyId(family): FamilyPlace(CellId(1), 2)})
    assert await first.map.change_state(second.cell, CellState.OPEN, CellState.DRAINING)
    assert await first.map.remove_cell(second.cell)
    with pytest.raises(StoreDown, match="was removed"):
        await second.service.orgs.create("late", 77)
    assert second.service.orgs.get(OrgId(77)) is None
