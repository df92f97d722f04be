"""The map names the owner of a cell, whatever it has named before and wherever it comes from."""

import asyncio
from pathlib import Path
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from tests.store.cell_map.subject import SqliteMap
from tidings.app.cells.cell_settings import directory_entry
from tidings.app.cells.duties.owner_row import CellOwnerRow
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import MapReader
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port import StoreDown
from tidings.store.port.cell_map import MapDown, MapPlace

CELL = CellId(1)


class FixedLease:
    """An `OwnerLease` that holds for as long as a test says."""

    def __init__(self) -> None:
        self.is_held = True

    def holds(self) -> bool:
        return self.is_held

    def left_s(self) -> float:
        return 8.0 if self.is_held else 0.0


class Owner:
    """A process that owns a cell, or has owned it."""

    def __init__(self, store: HostedCellMap, address: str, epoch: int = 1) -> None:
        self.store = store
        self.lease = FixedLease()
        self.installation = Installation(
            cell=CELL,
            owner=CellOwner(epoch, address),
            store=store,
            reader=MapReader(store, lambda: 0),
            lines=cast(Any, None),
            questions=cast(Any, None),
            directory_key=b"",
        )
        self.noted: list[tuple[int, bool]] = []
        self.refusals: list[bool] = []  # of its store, by whose epoch it would be noted
        self.row = CellOwnerRow(self.installation, self.lease, self._note)

    async def _note(self, epoch: int, is_own: bool) -> bool:
        if is_own in self.refusals:
            self.refusals.remove(is_own)
            raise StoreDown("away")
        self.noted.append((epoch, is_own))
        return False

    async def look(self) -> None:
        """What its jobs do in a second."""
        await self.installation.reader.look()
        await self.row.put()


async def known(store: HostedCellMap) -> CellOwner:
    return (await store.read(MapPlace())).changes.cells[CELL]


@pytest.fixture
async def store(tmp_path: Path) -> HostedCellMap:
    made = SqliteMap(tmp_path / "map").hosted()
    await made.put_cell(directory_entry(CELL))
    return made


async def test_an_owner_is_named_once(store: HostedCellMap) -> None:
    owner = Owner(store, "a:1", epoch=4)
    await owner.look()
    assert await known(store) == CellOwner(4, "a:1") == owner.installation.owner
    version = (await store.read(MapPlace())).place.version
    for _ in range(2):
        await owner.look()
    assert (await store.read(MapPlace())).place.version == version


async def test_the_next_owner_is_named_above_the_former_whatever_its_store_has_counted(
    store: HostedCellMap,
) -> None:
    for place, counted in enumerate((7, 1, 1, 9)):
        owner = Owner(store, f"a:{place}", counted)
        await owner.look()
        assert await known(store) == owner.installation.owner
        assert owner.installation.owner.epoch >= counted
    assert (await known(store)).epoch == 10


async def test_an_epoch_that_the_store_does_not_take_is_noted_later(store: HostedCellMap) -> None:
    await Owner(store, "a:1", epoch=4).look()
    owner = Owner(store, "a:2")
    owner.refusals = [False, True]
    for _ in range(3):
        await owner.look()
    assert owner.noted == [(4, False), (5, True)]
    assert await known(store) == CellOwner(5, "a:2")


async def test_a_former_owner_that_comes_back_names_itself_no_more(store: HostedCellMap) -> None:
    former, owner = Owner(store, "a:1"), Owner(store, "a:2")
    await former.look()
    await owner.look()
    former.lease.is_held = False
    await former.look()
    await owner.look()
    assert (await known(store)).address == "a:2"


async def test_who_owns_the_cell_takes_its_row_back_from_who_wrote_late(
    store: HostedCellMap,
) -> None:
    owner = Owner(store, "a:2")
    await owner.look()
    await store.put_owner(CELL, CellOwner(owner.installation.owner.epoch + 3, "a:1"))
    await owner.look()
    assert (await known(store)).address == "a:2"


async def test_an_owner_that_let_go_is_named_no_more_and_its_successor_is(
    store: HostedCellMap,
) -> None:
    owner = Owner(store, "a:1")
    await owner.row.let_go(60.0)  # the map has not heard of it
    await owner.look()
    await owner.row.let_go(60.0)
    assert await known(store) == CellOwner(owner.installation.owner.epoch, "")
    following = Owner(store, "a:2")
    await following.look()
    assert (await known(store)).address == "a:2"


@pytest.mark.parametrize(
    "step",
    ["before", "asked", "written", "noted", "read"],
)
async def test_an_owner_that_is_stopped_at_any_step_of_its_first_row_is_named_no_more(
    store: HostedCellMap, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    former, owner = Owner(store, "a:1", epoch=3), Owner(store, "a:2")
    await former.look()
    await former.row.let_go(60.0)
    await owner.installation.reader.look()
    is_there, put_owner, note = asyncio.Event(), store.put_owner, owner.row._note

    async def stands(at: str) -> None:
        if at == step:
            is_there.set()
            await asyncio.Event().wait()

    async def put(cell: CellId, row: CellOwner) -> int:
        await stands("asked")
        version = await put_owner(cell, row)
        await stands("written")
        return version

    async def noted(epoch: int, is_own: bool) -> bool:
        await stands("noted" if is_own else "before")
        return await note(epoch, is_own)

    async def look() -> bool:
        await stands("read")
        return True

    with monkeypatch.context() as stopped:
        stopped.setattr(store, "put_owner", put)
        stopped.setattr(owner.row, "_note", noted)
        stopped.setattr(owner.installation.reader, "look", look)
        putting = asyncio.create_task(owner.row.put())
        await is_there.wait()
        putting.cancel()
        await asyncio.wait((putting,))
    was_written = step in ("written", "noted", "read")
    assert (await known(store)).address == ("a:2" if was_written else "")
    await owner.row.let_go(60.0)
    assert (await known(store)).address == ""


async def test_a_map_that_is_away_keeps_nobody(
    store: HostedCellMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Owner(store, "a:1")
    with monkeypatch.context() as away:
        away.setattr(store, "read", AsyncMock(side_effect=MapDown("away")))
        await owner.look()
    with monkeypatch.context() as away:
        away.setattr(store, "put_owner", AsyncMock(side_effect=MapDown("away")))
        await owner.look()
    await owner.look()
    assert (await known(store)).address == "a:1"


async def test_a_map_that_went_back_gets_the_owner_again(
    store: HostedCellMap, tmp_path: Path
) -> None:
    owner = Owner(store, "a:1", epoch=3)
    await owner.look()
    other = SqliteMap(tmp_path / "restored").hosted()
    await other.put_cell(directory_entry(CELL))
    owner.installation.store = other
    owner.installation.reader._store = other
    await owner.look()
    assert (await known(other)) == CellOwner(3, "a:1")
