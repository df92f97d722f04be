"""What the line between a process and the one that has the map's connection promises beside the
suite: who waits is told, and what is late is not asked."""

import asyncio
import inspect
from pathlib import Path

import pytest

from tests.store.cell_map.lined import lined
from tests.store.cell_map.subject import SqliteMap
from tidings.app.cells.cell_settings import directory_entry
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.store.cell_map import map_line
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.cell_map.map_line import FAULTS, LinedCellMap, MapLines
from tidings.store.hosting.calls import methods
from tidings.store.port import cell_map as port
from tidings.store.port.cell_map import CellMapStore, MapDown, MapPlace

ONE = CellId(1)
OF_MAP = ("Map", "Ranges")


class SlowMap(CellMapStore):
    """Answers when it is let."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked: list[int] = []

    async def put_owner(self, cell: CellId, owner: CellOwner) -> int:
        await self.may.wait()
        self.asked.append(owner.epoch)
        return owner.epoch

    async def drop_expired(self, now_ms: int) -> None:
        raise ZeroDivisionError("a fault of ours")


def slow() -> SlowMap:
    made: type = SlowMap
    found: SlowMap = made()
    return found


def test_every_method_and_every_fault_of_the_map_goes_over_a_line() -> None:
    for name in methods(CellMapStore):
        assert inspect.iscoroutinefunction(getattr(LinedCellMap, name)), name
    raised = {
        name
        for name, kind in vars(port).items()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and kind.__module__ == port.__name__
    }
    assert raised == {*FAULTS}


async def test_who_waits_too_long_is_told_and_what_is_late_is_not_asked() -> None:
    store = slow()
    lines = MapLines(store)
    hasty, patient = (LinedCellMap.over(lines.open(), answer_s) for answer_s in (0.05, 120.0))
    for epoch in (1, 2):
        with pytest.raises(MapDown, match="no answer has come"):
            await hasty.put_owner(ONE, CellOwner(epoch, ""))
    store.may.set()
    assert await patient.put_owner(ONE, CellOwner(3, "")) == 3
    while 1 not in store.asked:
        await asyncio.sleep(0)
    assert 2 not in store.asked, "its time was over"
    for asking in (hasty, patient):
        await asking.close()
    await lines.close()


async def test_one_that_waits_holds_up_no_other_process() -> None:
    store = slow()
    async with lined(store) as waits, lined(store) as other:
        waiting = asyncio.ensure_future(waits.put_owner(ONE, CellOwner(1, "")))
        with pytest.raises(MapDown, match="a fault of ours"):
            await other.drop_expired(1)
        assert not waiting.done()
        store.may.set()
        assert await waiting == 1


async def test_too_much_is_refused_and_so_is_all_once_the_host_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(map_line, "WAITING_MAX", 2)
    lines = MapLines(slow())
    asking = LinedCellMap.over(lines.open(), 120)
    waiting = [asyncio.ensure_future(asking.put_owner(ONE, CellOwner(n, ""))) for n in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(MapDown, match="too much waits"):
        await asking.put_owner(ONE, CellOwner(3, ""))
    await lines.close()
    for asked in waiting:
        with pytest.raises(MapDown, match="the host of this process has ended"):
            await asked
    with pytest.raises(MapDown, match="the host of this process has ended"):
        await asking.read(MapPlace())
    await asking.close()
    await asking.close()


async def owner_of_one(store: HostedCellMap) -> CellOwner | None:
    return (await store.read(MapPlace())).changes.cells.get(ONE)


async def die(process: LinedCellMap) -> None:
    """End the end of a line that asks, as its process does that is killed."""
    for task in process._tasks:
        task.cancel()
    await asyncio.wait(process._tasks)
    process._line.close()


@pytest.mark.parametrize("host_ends", [False, True])
@pytest.mark.parametrize("end", ["asked", "named", "let go"])
async def test_a_process_that_has_ended_is_named_as_no_owner_however_it_ended(
    tmp_path: Path, end: str, *, host_ends: bool
) -> None:
    store: HostedCellMap = SqliteMap(tmp_path / "map").hosted()
    await store.put_cell(directory_entry(ONE))
    lines = MapLines(store)
    process = LinedCellMap.over(lines.open(), 120.0)
    named, expected = CellOwner(4, "a:1"), CellOwner(4, "")
    asking = asyncio.ensure_future(process.put_owner(ONE, named))
    if end == "asked":  # it does not even wait for the answer
        while await owner_of_one(store) != named:
            await asyncio.sleep(0)
        asking.cancel()
    else:
        await asking
    if end == "let go":
        await process.put_owner(ONE, expected)
        expected = CellOwner(5, "b:1")
        await store.put_owner(ONE, expected)
    await die(process)
    if host_ends:
        await lines.close()
        assert await owner_of_one(store) == expected
    while await owner_of_one(store) != expected:
        await asyncio.sleep(0)
    await lines.close()
    assert await owner_of_one(store) == expected
    await store.close()


async def test_a_process_that_has_ended_takes_nothing_from_the_next_owner(
    tmp_path: Path,
) -> None:
    store: HostedCellMap = SqliteMap(tmp_path / "map").hosted()
    await store.put_cell(directory_entry(ONE))
    async with lined(store) as former:
        await former.put_owner(ONE, CellOwner(4, "a:1"))
        await store.put_owner(ONE, CellOwner(5, "b:1"))
    assert await owner_of_one(store) == CellOwner(5, "b:1")
    await store.close()


async def test_a_map_that_is_away_keeps_no_host_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(map_line, "LET_GO_S", 0.05)
    store = slow()
    lines = MapLines(store)
    processes = [LinedCellMap.over(lines.open(), 0.05) for _ in range(2)]
    for process in processes:
        with pytest.raises(MapDown, match="no answer has come"):
            await process.put_owner(ONE, CellOwner(1, "a:1"))
    await die(processes[0])
    await asyncio.wait_for(lines.close(), 120)
    await processes[1].close()
    assert not store.asked


async def test_a_fault_of_ours_is_a_map_that_is_away_and_the_line_goes_on() -> None:
    store = slow()
    store.may.set()
    async with lined(store) as asking:
        with pytest.raises(MapDown, match="a fault of ours"):
            await asking.drop_expired(1)
        assert await asking.put_owner(ONE, CellOwner(4, "")) == 4


async def test_what_is_larger_than_a_socket_takes_goes_over_it(tmp_path: Path) -> None:
    subject = SqliteMap(tmp_path / "map")
    hosted: HostedCellMap = subject.hosted()
    async with lined(hosted) as asking:
        await asking.put_cell(directory_entry(ONE))
        rows = [
            port.PlatformRow(port.PlatformKind.STOP, f"{n}", 1, bytes(9000)) for n in range(200)
        ]
        assert await asking.put_platform(rows)
        reading = await asking.read(MapPlace())
        assert {row.name: row for row in reading.platform} == {row.name: row for row in rows}
        assert [cell.cell for cell in reading.cells] == [ONE]
    await hosted.close()
