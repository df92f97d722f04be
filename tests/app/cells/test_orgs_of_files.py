"""What the operator's files declare is in force where the org is that they name."""

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from tests.app.cells.calls.two_workers import TwoWorkers, Worker, two_workers
from tidings.app.cells.orgs_of_files import OrgsOfFiles
from tidings.app.operator_files.operator_file import FileRefused
from tidings.app.operator_files.sources import declare_sources
from tidings.catalogue import load
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.port.cell_map import MapDown

SHOP = """
[{name}]
org = {org}
verification = {{type = "header", header = "X-Key", value = "a value that is long"}}
"""
ACTIONS = """
org = {org}
[actions.credits]
types = ["pointsIssued"]
[actions.credits.call]
url = "https://brand.example/credits"
"""
EVERYWHERE = (1, 7, 8, 9)  # cell 1 has 1 and 7, cell 2 has 8 and 9 below it


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


def orgs_of(worker: Worker) -> OrgsOfFiles:
    return OrgsOfFiles(worker.installation)


async def declare(worker: Worker, file: Path) -> list[tuple[int, str]]:
    """Declare as a start does; what has come of it."""
    parts = worker.service.parts
    sources = parts.sources.sources
    await declare_sources(
        file,
        sources,
        lambda org: parts.orgs.get(org) is not None,
        is_elsewhere=orgs_of(worker).is_elsewhere,
    )
    return [(live.org, live.source.name) for live in sources.all()]


def sources_of(file: Path, *orgs: int) -> Path:
    file.write_text("".join(SHOP.format(name=f"shop-{org}", org=org) for org in orgs))
    return file


async def test_each_cell_declares_the_sources_of_its_own_orgs(
    both: TwoWorkers, tmp_path: Path
) -> None:
    file = sources_of(tmp_path / "sources.toml", *EVERYWHERE)
    first, second = both.workers
    assert await declare(first, file) == [(1, "shop-1"), (7, "shop-7")]
    assert await declare(second, file) == [(8, "shop-8"), (9, "shop-9")]
    for worker in both.workers:  # a call for a source is answered by the owner of its org
        for org in EVERYWHERE:
            headers = {"x-key": "a value that is long"}
            path = f"/in/{org}/shop-{org}"
            status, _, body = await worker.call("POST", path, {}, auth=None, headers=headers)
            assert status == 202, body


async def test_an_org_that_is_in_no_cell_is_refused_by_the_owner_of_the_first_one(
    both: TwoWorkers, tmp_path: Path
) -> None:
    file = sources_of(tmp_path / "sources.toml", 8, 404)
    first, second = both.workers
    assert await declare(second, file) == [(8, "shop-8")]
    with pytest.raises(FileRefused, match=r"\[shop-404\] org must be the id of an org .* got 404"):
        await declare(first, file)


async def test_while_the_map_is_away_an_org_that_is_not_here_is_left_to_others(
    both: TwoWorkers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sources_of(tmp_path / "sources.toml", 7, 404)
    first = both.workers[0]

    async def away(*_: object) -> None:
        raise MapDown("the map is away")

    monkeypatch.setattr(first.map, "read", away)
    assert await declare(first, file) == [(7, "shop-7")]


async def test_an_org_whose_making_was_broken_off_is_in_no_cell(both: TwoWorkers) -> None:
    first = both.workers[0]
    with pytest.MonkeyPatch.context() as patched:

        async def broken(*_: object) -> int:
            raise port.StoreDown("the process ends here")

        patched.setattr(first.memory, "put_org", broken)
        with pytest.raises(port.StoreDown):
            await first.service.parts.orgs.ensure(OrgId(55))
    assert not await orgs_of(first).is_elsewhere(OrgId(55))
    await first.service.parts.orgs.ensure(OrgId(55))
    assert first.service.parts.orgs.get(OrgId(55)) is not None


@pytest.mark.parametrize(("org", "has"), [(7, 0), (8, 1), (9, 1), (404, 0)])
async def test_one_process_has_the_actions_that_which_serves_their_org_or_makes_it(
    both: TwoWorkers, tmp_path: Path, org: int, has: int
) -> None:
    file = tmp_path / "actions.toml"
    file.write_text(ACTIONS.format(org=org))
    settings = Settings(data=tmp_path, actions=file)
    found = [
        await orgs_of(worker).has_actions(settings, load(), Connections(), worker.memory)
        for worker in both.workers
    ]
    assert found == [has == 0, has == 1]


async def test_sources_of_an_org_that_is_moving_are_left_as_they_are(
    both: TwoWorkers, tmp_path: Path
) -> None:
    second = both.workers[1]
    await declare(second, sources_of(tmp_path / "sources.toml", 8))
    families = second.service.parts.base.families
    await families.load()
    begin = port.FamilyStep(FamilyId(8), FamilyMove.BEGIN, 2, CellId(1))
    await families.move(begin)
    assert await declare(second, sources_of(tmp_path / "sources.toml", 9)) == [(8, "shop-8")]
    [live] = second.service.parts.sources.sources.all()
    assert live.declared_in and not live.source.paused


@pytest.mark.parametrize("asked", ["load", "families"])
async def test_a_start_whose_store_does_not_answer_asks_again_whose_an_org_is(
    both: TwoWorkers, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    worker = both.workers[0]
    orgs = orgs_of(worker)
    with monkeypatch.context() as away:
        away.setattr(worker.memory, asked, AsyncMock(side_effect=port.StoreDown("away")))
        with pytest.raises(port.StoreDown):
            await orgs.is_served_here(OrgId(7), worker.memory)
    assert await orgs.is_served_here(OrgId(7), worker.memory)
    assert not await orgs.is_served_here(OrgId(8), worker.memory)
