"""What a host says in the map, hears there, and has because of it; in seconds that are counted."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.store.cell_map.subject import SqliteMap
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.owner_rows import Owners
from tidings.app.cells.shared_cells import SharedCells, name_machine
from tidings.core.cells.families import CellId
from tidings.core.cells.hosts_seen import (
    FORGOTTEN_AFTER_S,
    LOST_AFTER_S,
    HostClaims,
)
from tidings.core.cells.owners_seen import WatchedOwner
from tidings.core.cells.taking import CellTaking
from tidings.core.running.lease import LEASE_S
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import CellEntry, CellKind, MapPlace, ProcessEntry

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
ALL = [ONE, TWO, THREE]


class Rows:
    """The rows of owners, in the stores."""

    def __init__(self) -> None:
        self.rows: dict[CellId, WatchedOwner | None] = {
            cell: WatchedOwner(1, "", 0) for cell in ALL
        }
        self.is_closed = False

    async def look(self, cells: Collection[CellEntry]) -> Owners:
        return {cell.cell: self.rows[cell.cell] for cell in cells}

    async def close(self) -> None:
        self.is_closed = True


class Machine:
    """A host, as far as it decides which cells it has. Its processes serve as soon as they are
    wanted, where their store lets them."""

    def __init__(self, installation: "Shared", name: str, address: str = "10.0.0.1") -> None:
        self.name = name
        self._installation = installation
        self.map = installation.subject.hosted()
        self.reader = MapReader(self.map, lambda: 0)
        self.rows = Rows()
        self.rows.rows = installation.rows
        self.taking = CellTaking(name, address, f"machine of {name}", installation.now_s)
        self.sharing = SharedCells(
            self.taking, self.map, self.reader, self.rows, lambda: installation.now_s
        )
        self.serving: set[CellId] = set()

    async def step(self) -> list[CellId]:
        await self.reader.look()
        await self.sharing.step(self.serving)
        return self.sharing.cells

    def serve(self) -> None:
        """Have the processes own their stores that may, and those end that are not wanted."""
        rows = self._installation.rows
        for cell in ALL:
            row = rows[cell]
            assert row is not None
            if cell in self.sharing.cells and not row.holder:
                rows[cell] = WatchedOwner(row.epoch + 1, self.name, 0)
            elif cell not in self.sharing.cells and row.holder == self.name:
                rows[cell] = WatchedOwner(row.epoch, "", 0)
            elif row.holder == self.name:
                rows[cell] = row._replace(renewed=row.renewed + 1)
        self.serving = {cell for cell in ALL if (row := rows[cell]) and row.holder == self.name}


class Shared:
    """Three cells, and a clock."""

    def __init__(self, directory: Path, stack: AsyncExitStack) -> None:
        self.subject = SqliteMap(directory / "map")
        self.now_s = 100.0
        self.rows: dict[CellId, WatchedOwner | None] = {
            cell: WatchedOwner(1, "", 0) for cell in ALL
        }
        self._stack = stack
        self.machines: list[Machine] = []

    async def begin(self) -> None:
        map_store = self.subject.hosted()
        for cell in ALL:
            await map_store.put_cell(CellEntry(cell, CellKind.SCHEMA, setting=f"s{cell}"))
        await map_store.close()

    def add(self, name: str, address: str = "10.0.0.1") -> Machine:
        machine = Machine(self, name, address)
        self._stack.push_async_callback(machine.map.close)
        self.machines.append(machine)
        return machine

    async def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_s += 1.0
            for machine in self.machines:
                await machine.step()
                machine.serve()


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    async with AsyncExitStack() as stack:
        made = Shared(tmp_path, stack)
        await made.begin()
        yield made


async def processes(store: HostedCellMap) -> dict[str, ProcessEntry]:
    return {process.name: process for process in await store.list_processes()}


async def test_hosts_say_what_they_have_and_share_by_it(shared: Shared) -> None:
    first, second = shared.add("a"), shared.add("b")
    await shared.run(6)
    assert sorted([*first.sharing.cells, *second.sharing.cells]) == ALL
    assert sorted([len(first.sharing.cells), len(second.sharing.cells)]) == [1, 2]
    entries = await processes(first.map)
    assert entries.keys() == {"a", "b"}
    for machine in (first, second):
        claims = HostClaims.read(entries[machine.name].claims)
        assert [*claims.owns] == machine.sharing.cells and not claims.wants
        assert machine.sharing.why_idle == ""


async def test_a_host_that_is_gone_is_taken_over_from_and_its_row_removed(shared: Shared) -> None:
    first, second = shared.add("a"), shared.add("b")
    await shared.run(6)
    shared.machines.remove(first)
    await shared.run(round(LOST_AFTER_S) - 1)
    assert second.sharing.cells != ALL, "its processes may serve still"
    await shared.run(round(LEASE_S))
    assert second.sharing.cells == ALL
    for cell in first.serving:  # whoever is started for it need not begin to wait
        watched = second.sharing.watched(cell)
        assert watched is not None and shared.now_s - watched.since_s >= LEASE_S
    await shared.run(round(FORGOTTEN_AFTER_S))
    assert (await processes(second.map)).keys() == {"b"}


async def test_a_host_that_ends_names_who_is_to_have_its_cells_and_leaves_the_map(
    shared: Shared,
) -> None:
    first, second = shared.add("a"), shared.add("b")
    await shared.run(6)
    had = first.sharing.cells
    assert await first.sharing.hand_over(first.serving)
    entry = (await processes(first.map))["a"]
    assert not entry.takes
    assert HostClaims.read(entry.claims).gives == dict.fromkeys(had, "b")
    await shared.run(3)
    assert first.sharing.cells == [] and second.sharing.cells == ALL
    await first.sharing.leave()
    assert (await processes(second.map)).keys() == {"b"} and first.rows.is_closed


async def test_a_host_that_is_alone_gives_to_nobody(shared: Shared) -> None:
    first = shared.add("a")
    assert not await first.sharing.hand_over(()), "it was never in the map"
    assert await processes(first.map) == {}
    await shared.run(4)
    assert first.sharing.cells == ALL
    assert not await first.sharing.hand_over(first.serving)


async def test_while_the_map_is_away_nothing_is_taken_or_let_go(shared: Shared) -> None:
    first, second = shared.add("a"), shared.add("b")
    await shared.run(6)
    before = first.sharing.cells, second.sharing.cells
    with shared.subject.away():
        await shared.run(60)
        assert (first.sharing.cells, second.sharing.cells) == before
    await shared.run(5)
    assert (first.sharing.cells, second.sharing.cells) == before


async def test_a_host_without_a_cell_says_once_why_and_what_to_do(
    shared: Shared, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "abcd":
        shared.add(name)
    await shared.run(10)
    [idle] = [machine for machine in shared.machines if not machine.sharing.cells]
    assert idle.sharing.why_idle.startswith("it stands by:")
    said = capsys.readouterr().err
    assert said.count("Tidings has no cell here") == 1 and "tidings cells create" in said


async def test_beside_one_that_it_cannot_reach_a_host_names_the_setting(shared: Shared) -> None:
    shared.add("a", "127.0.0.1")
    await shared.run(4)
    second = shared.add("b", "127.0.0.1")
    await shared.run(10)
    assert second.sharing.cells == []
    assert "door_host must be" in second.sharing.why_idle
    assert not (await processes(second.map))["b"].takes


async def test_the_claims_of_another_release_are_nothing_that_is_known(shared: Shared) -> None:
    first = shared.add("a")
    await first.map.beat(ProcessEntry(name="old", address="10.0.0.2", beat=1, claims=b"\xc1"))
    await shared.run(5)
    assert first.sharing.cells
    assert (await first.map.read(MapPlace())).cells


def test_a_machine_has_one_name_for_all_that_share_its_loopback() -> None:
    assert name_machine() == name_machine() and ":" in name_machine()
