"""While the map cannot be asked there is one error, and afterwards it goes on by itself."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.postgres_server import shared_server
from tests.store.cell_map.questions import QUESTIONS, fill
from tests.store.cell_map.subject import MapSubject, PostgresMap, SqliteMap
from tests.store.postgres.databases import connect
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.errors import Unavailable
from tidings.store.cell_map import hosted_map
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.port.cell_map import MapDown, MapPlace
from tidings.store.postgres.migration import DriverConnection


async def test_a_map_that_cannot_be_reached_is_one_error(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    place = await fill(cell_map, "")
    with subject.away():
        for question in QUESTIONS.values():
            with pytest.raises(MapDown) as raised:
                await question(cell_map, place)
            assert isinstance(raised.value, Unavailable)
    assert (await cell_map.read(place)).place == place


async def test_a_connection_that_was_lost_while_nothing_was_asked_is_opened_anew(
    cell_map: HostedCellMap, subject: MapSubject
) -> None:
    place = await fill(cell_map, "")
    with subject.away():
        pass
    assert (await cell_map.read(place)).place == place


async def test_a_closed_map_answers_nothing(cell_map: HostedCellMap) -> None:
    await cell_map.read(MapPlace())
    for _ in range(2):
        await cell_map.close()
    with pytest.raises(MapDown, match="closed"):
        await cell_map.read(MapPlace())


NAMES = "synchronous_standby_names"
WAITS = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
)


@contextmanager
def standby_missing(uri: str) -> Iterator[DriverConnection]:
    """Every commit waits for a standby that there is not."""
    server = shared_server()
    with connect(uri, "public") as other, connect(uri, "public") as looking:
        other.execute("CREATE TABLE IF NOT EXISTS waited (number int)")
        server.set(f"{NAMES} = 'missing'")
        try:
            while not looking.execute(WAITS).fetchone():
                # It is in force once the server has heard of it, and ends a commit that waits.
                commit = threading.Thread(
                    target=other.execute, args=("INSERT INTO waited VALUES (1)",)
                )
                commit.start()
                while commit.is_alive() and not looking.execute(WAITS).fetchone():
                    pass
            yield looking
        finally:
            server.set(f"{NAMES} = ''")
        commit.join()
        while other.execute(f"SELECT current_setting('{NAMES}')").fetchone() != ("",):
            pass


async def test_a_server_that_waits_for_its_standby_has_not_answered() -> None:
    """Nor has it when it is asked again, and finds the change made."""
    subject = PostgresMap()
    cell_map = subject.hosted()
    await cell_map.begin_grants(1, CellId(1))
    with standby_missing(subject.uri) as looking:
        for _ in range(2):
            asked = asyncio.ensure_future(cell_map.grant_ranges(CellId(1), 0, 1))
            while not asked.done():
                await asyncio.sleep(0.01)
                looking.execute(f"SELECT pg_cancel_backend(pid) FROM ({WAITS}) w")
            with pytest.raises(MapDown, match="standby"):
                await asked
            assert subject.ask("SELECT next_range FROM map_meta") == [(2,)]
    assert await cell_map.grant_ranges(CellId(1), 0, 1) == [1]
    await cell_map.close()


async def test_a_server_that_has_become_read_only_is_left_for_another() -> None:
    subject = PostgresMap()
    opened: list[MapRows] = []

    def open_rows() -> MapRows:
        opened.append(subject.open_rows())
        return opened[-1]

    cell_map = HostedCellMap(open_rows)
    place = await fill(cell_map, "")
    connection = opened[0].processes._transactions.connection
    connection.execute("SET default_transaction_read_only = on")
    await cell_map.place_families({FamilyId(9): FamilyPlace(CellId(1), 1)})
    assert (await cell_map.read(place)).place.version == place.version + 1
    assert len(opened) == 2
    await cell_map.close()


class Silent:
    """Opens a map that answers nothing before it is let go on."""

    def __init__(self, subject: MapSubject) -> None:
        self._subject = subject
        self.answers = threading.Event()
        self.opened = 0

    def __call__(self) -> MapRows:
        self.opened += 1
        self.answers.wait()
        return self._subject.open_rows()


@pytest.fixture
def silent(tmp_path_factory: pytest.TempPathFactory) -> Silent:
    return Silent(SqliteMap(tmp_path_factory.mktemp("silent") / "map"))


async def test_who_waits_for_a_silent_map_is_told_so(silent: Silent) -> None:
    cell_map = HostedCellMap(silent, answer_s=0.01)
    while silent.opened < hosted_map.LEFT_MAX:  # a thread may begin too late to ask at all
        with pytest.raises(MapDown, match="is answered|no answer has come"):
            await cell_map.read(MapPlace())
    with pytest.raises(MapDown, match="nothing that was asked is answered"):
        await cell_map.read(MapPlace())
    assert silent.opened == hosted_map.LEFT_MAX  # no thread more
    left = [thread.thread for thread in cell_map._left]
    silent.answers.set()
    for thread in left:
        await asyncio.to_thread(thread.join)
    cell_map._answer_s = 120
    assert (await cell_map.read(MapPlace())).is_whole
    await cell_map.close()


async def test_so_many_questions_wait_and_no_more(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_map, "WAITING_MAX", 3)
    cell_map = HostedCellMap(silent, answer_s=120)
    waiting = [asyncio.ensure_future(cell_map.read(MapPlace())) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(MapDown, match="too much waits"):
        await cell_map.read(MapPlace())
    waiting[1].cancel()
    silent.answers.set()
    readings = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(readings[1], asyncio.CancelledError)
    assert readings[0] == readings[2]
    assert (await cell_map.read(MapPlace())) == readings[0]
    await cell_map.close()


async def test_what_nobody_waits_for_any_more_is_not_asked(silent: Silent) -> None:
    cell_map = HostedCellMap(silent, answer_s=120)
    first = asyncio.ensure_future(cell_map.read(MapPlace()))
    placed = asyncio.ensure_future(
        cell_map.place_families({FamilyId(1): FamilyPlace(CellId(1), 1)})
    )
    await asyncio.sleep(0)
    placed.cancel()
    await asyncio.wait((placed,))
    silent.answers.set()
    reading = await first
    assert (await cell_map.read(MapPlace())).place == reading.place
    await cell_map.close()
