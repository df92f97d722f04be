"""An org that gets another parent: what opens it is the new family's before the answer."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.api.control_client import basic
from tests.app.cells.calls.two_workers import KEY, TwoWorkers, Worker, two_workers
from tidings.app.cells.calls.call_naming import Named, Unknown
from tidings.app.cells.calls.parent_change import below
from tidings.app.cells.duties.owner_duties import OwnerClocks, OwnerDuties
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId
from tidings.store.port import StoreDown
from tidings.store.port.cell_map import MapDown


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


async def families(both: TwoWorkers, kind: OpenerKind, text: str) -> set[int]:
    """Those that the directory names."""
    digest = directory_digest(kind, KEY, text)
    found = await both.workers[0].map.find_openers(digest)
    return {opener.family for opener in found if opener.kind is kind}


async def org(worker: Worker, parent: int | None = None) -> int:
    status, _, body = await worker.call("POST", "/v1/orgs", {"name": "n", "parent": parent})
    assert status == 201, body
    return int(json.loads(body)["id"])


async def patched(worker: Worker, org: int, parent: int | None) -> Mapping[str, Any]:
    status, _, body = await worker.call("PATCH", f"/v1/orgs/{org}", {"parent": parent})
    found: dict[str, Any] = json.loads(body)
    return {"status": status} | found


async def furnish(worker: Worker, org: int) -> dict[OpenerKind, str]:
    """Make one of what opens something; each by its text."""
    own = {"X-Tidings-Org": str(org)}
    asked = {"name": "n", "scopes": {"webhooks": "read"}}
    _, _, body = await worker.call("POST", f"/v1/orgs/{org}/credentials", asked)
    made = json.loads(body)
    _, _, body = await worker.call("POST", "/v1/inboxes", {"name": "i"}, headers=own)
    inbox = json.loads(body)["url"].rpartition("/")[2]
    user = {"email": f"p{org}@b.example", "role": "admin", "name": "P"}
    assert (await worker.call("POST", f"/v1/orgs/{org}/users", user))[0] == 201
    return {
        OpenerKind.ORG: str(org),
        OpenerKind.KEY: made["id"],
        OpenerKind.INBOX: inbox,
        OpenerKind.EMAIL: user["email"],
    }


@pytest.mark.parametrize("at", [0, 1])
async def test_what_opens_an_org_and_those_below_goes_to_the_new_family(
    both: TwoWorkers, at: int
) -> None:
    worker = both.workers[at]
    other = await org(both.workers[1], parent=8)  # a child of 8, which is in cell 2
    deep = await org(worker, parent=other)
    root = await org(worker, parent=9)
    assert (await patched(worker, root, None))["status"] == 200, "it becomes a family"
    opened = [await furnish(worker, number) for number in (other, deep)]
    assert (await patched(worker, other, root))["status"] == 200
    for texts in opened:
        for kind, text in texts.items():
            assert await families(both, kind, text) == {root}, kind
    assert await families(both, OpenerKind.ORG, "9") == {8}


async def test_an_address_that_opens_an_org_of_the_former_family_too_stays(
    both: TwoWorkers,
) -> None:
    second = both.workers[1]
    user = {"email": "both@b.example", "role": "admin", "name": "P"}
    for number in (8, 9):
        assert (await second.call("POST", f"/v1/orgs/{number}/users", user))[0] == 201
    assert await families(both, OpenerKind.EMAIL, "both@b.example") == {8}
    assert (await patched(second, 9, None))["status"] == 200
    assert await families(both, OpenerKind.EMAIL, "both@b.example") == {8, 9}


async def test_an_org_that_becomes_a_family_has_its_place_with_the_answer(
    both: TwoWorkers,
) -> None:
    assert (await patched(both.workers[0], 9, None))["status"] == 200
    await both.look()
    for worker in both.workers:
        places = worker.installation.reader.view.places
        assert places.place_of(FamilyId(9)) == FamilyPlace(CellId(2), 1)
        assert (await worker.call("GET", "/v1/orgs/9"))[0] == 200


async def test_a_family_that_went_below_another_one_is_found_by_that_when_it_has_moved(
    both: TwoWorkers,
) -> None:
    first, second = both.workers
    below_8 = await org(second, parent=8)
    assert (await patched(second, below_8, None))["status"] == 200
    key = (await furnish(second, below_8))[OpenerKind.KEY]
    naming = first.installation.reader.view
    await both.look()
    assert not naming.is_below(FamilyId(below_8))
    before = await first.call("GET", f"/v1/orgs/{below_8}")
    assert (await patched(second, below_8, 8))["status"] == 200
    await both.look()
    assert naming.is_below(FamilyId(below_8)) and naming.families_by_cell()[CellId(2)] == 1
    assert before[0] == (await first.call("GET", f"/v1/orgs/{below_8}"))[0] == 200
    # The family 8 is moved, as far as the map tells: calls of both follow it.
    await first.map.place_families({FamilyId(8): FamilyPlace(CellId(1), 2)})
    await both.look()
    assert await families(both, OpenerKind.KEY, key) == {8}
    found = first.router._naming.of_org(str(below_8))
    if isinstance(found, Unknown):  # the directory is asked, once
        await first.router._openers.find(found.kind, found.text)
        found = first.router._naming.of_org(str(below_8))
    assert found == Named(FamilyId(8))


async def test_an_org_becomes_a_family_again_where_it_was_one_alone(both: TwoWorkers) -> None:
    second = both.workers[1]
    await second.map.place_families({FamilyId(9): FamilyPlace(CellId(1), 3)})
    found = await patched(second, 9, None)
    assert found["status"] == 409 and found["error"]["code"] == "other_cell"
    assert "tidings cells move 8 --to 1" in found["error"]["message"]
    assert second.service.orgs.get(OrgId(9)).parent == 8  # type: ignore[union-attr]


async def test_while_the_map_is_away_nothing_is_changed(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = both.workers[1]
    root = await org(second, parent=8)
    assert (await patched(second, root, None))["status"] == 200
    texts = await furnish(second, 9)
    monkeypatch.setattr(second.map, "rehome_openers", AsyncMock(side_effect=MapDown("away")))
    assert (await patched(second, 9, root))["status"] == 503
    assert second.service.orgs.get(OrgId(9)).parent == 8  # type: ignore[union-attr]
    for kind, text in texts.items():
        assert await families(both, kind, text) == {8}
    monkeypatch.undo()
    assert (await patched(second, 9, root))["status"] == 200
    assert await families(both, OpenerKind.KEY, texts[OpenerKind.KEY]) == {root}


async def test_what_the_store_refuses_is_taken_back_in_the_map(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = both.workers[1]
    texts = await furnish(second, 9)
    monkeypatch.setattr(second.memory, "put_org", AsyncMock(side_effect=StoreDown("full")))
    assert (await patched(second, 9, None))["status"] == 503
    await both.look()
    assert await families(both, OpenerKind.KEY, texts[OpenerKind.KEY]) == {8}
    assert second.installation.reader.view.is_below(FamilyId(9))


async def test_what_the_store_does_not_answer_is_refused_and_nothing_is_changed(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = both.workers[1]
    with monkeypatch.context() as away:
        away.setattr(second.memory, "family_row", AsyncMock(side_effect=StoreDown("away")))
        assert (await patched(second, 9, None))["status"] == 503
    await both.look()
    assert (await patched(second, 9, None))["status"] == 200


async def test_what_a_crash_left_with_the_former_family_is_put_right_at_a_start(
    both: TwoWorkers,
) -> None:
    second = both.workers[1]
    texts = await furnish(second, 9)
    digest = directory_digest(OpenerKind.KEY, KEY, texts[OpenerKind.KEY])
    wrong = await org(second, parent=8)
    assert (await patched(second, wrong, None))["status"] == 200
    former = (digest, Opener(OpenerKind.KEY, FamilyId(8)))
    new = (digest, Opener(OpenerKind.KEY, FamilyId(wrong)))
    assert await second.map.rehome_openers([former], [new], 1)

    async def no_ranges(_: object) -> Mapping[CellId, Any]:
        return {}

    duties = OwnerDuties(
        second.installation,
        second.memory,
        lambda: 0,
        no_ranges,
        OwnerClocks(second.clock.now_ms),
    )
    await duties._add_openers(lambda: None)
    assert await families(both, OpenerKind.KEY, texts[OpenerKind.KEY]) == {8}
    status, _, _ = await both.workers[0].call("GET", "/v1/caller", auth=basic("no", "x"))
    assert status == 401


def test_all_orgs_below_one_are_found() -> None:
    parents = {OrgId(n): None if n == 1 else OrgId(n // 2) for n in range(1, 12)}
    assert below(OrgId(2), parents) == {2, 4, 5, 8, 9, 10, 11}
    assert below(OrgId(11), parents) == {11}
