"""A list that looks like a slip is not taken before it is accepted: the former one stays in force,
over a restart and on another machine too, and where there is none whoever needs it waits."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.lookups.csv_file import File
from tests.store.in_process import MemoryStore
from tidings.app.operator_files.actions import searched_files
from tidings.core.actions.action import ActionLookup, CsvLookup
from tidings.core.actions.file.reading import ActionsFile
from tidings.core.actions.list_changes import ReadColumns
from tidings.core.ids import OrgId
from tidings.engine.actions import kept_lists
from tidings.engine.actions.kept_lists import KeptLists
from tidings.engine.clock import service_clock
from tidings.engine.vault import Vault
from tidings.lookups.accepted_lists import accept
from tidings.lookups.csv import CsvSource
from tidings.lookups.port import ListNotTaken, LookupDown
from tidings.store import port

READ = ReadColumns(frozenset({"opted_out", "zone"}), frozenset({"zone"}))
HEAD = "id,opted_out,zone\n"
WHOLE = HEAD + "".join(f"c{n},{'yes' if n % 2 else 'no'},Asia/Kolkata\n" for n in range(100))
SLIPS = {
    "its header alone": HEAD,
    "one line in fifty": HEAD + "c1,yes,Asia/Kolkata\nc51,yes,Asia/Kolkata\n",
    "fewer than half": HEAD + "".join(f"c{n},no,UTC\n" for n in range(49)),
    "without its opt-outs": "id,zone\n" + "".join(f"c{n},UTC\n" for n in range(100)),
    "zones that nobody knows": WHOLE.replace("Asia/Kolkata", "IST"),
    "one zone that nobody knows": WHOLE.replace("Asia/Kolkata", "Asia/Calcuta", 1),
}


class List(File):
    """A file whose state in force is kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.vault = Vault.in_directory(folder)
        self.store = MemoryStore(service_clock())
        self.told: list[str] = []
        self.start()

    @property
    def lists(self) -> KeptLists:
        """What a process keeps the state with."""
        return KeptLists(self.store, self.vault)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        return self.store.half.connection.execute(query).fetchall()

    def start(self) -> None:
        kept = self.lists.of(str(self.path))
        where = CsvLookup(str(self.path), "id", "event.id")
        self.source = CsvSource(where, READ, kept, name="contact", passed_s=self.passed)
        self.source.listen(self.told.append)

    async def restart(self) -> None:
        await self.source.close()
        self.start()


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[List]:
    made = List(tmp_path)
    yield made
    await made.source.close()


@pytest.mark.parametrize("slip", SLIPS)
async def test_a_slip_leaves_the_former_list_in_force_until_it_is_accepted(
    listed: List, slip: str
) -> None:
    listed.holds(WHOLE)
    before = await listed.find("c1")
    assert before["opted_out"] == "yes"
    listed.holds(SLIPS[slip])
    await listed.looked_at()
    for _ in range(2):
        assert await listed.find("c1") == before and await listed.find("c99") is not None
        said = await listed.source.check()
        assert said is not None and "is not taken" in said and "--accept contact" in said
        assert "Its former state stays in force." in said
        await listed.restart()
    assert len(listed.told) >= 1 and len(set(listed.told)) == 1
    declares = ActionsFile(
        OrgId(1), {}, {"contact": ActionLookup("contact", CsvLookup(str(listed.path), "id",
        "event.id"))},
        {}, columns={"contact": READ},
    )  # fmt: skip
    searched_files(declares, ["contact"])
    await listed.looked_at()
    assert await listed.source.check() is None
    assert (await listed.find("c1") or {}).get("zone") != "Asia/Kolkata" or "half" not in slip
    assert await listed.find("c99") is None or "zone" in slip or "opt-outs" in slip
    await listed.restart()
    assert await listed.source.check() is None  # accepted for good


@pytest.mark.parametrize(
    "slip", ["its header alone", "without its opt-outs", "zones that nobody knows"]
)
async def test_where_none_is_in_force_whoever_needs_it_waits(listed: List, slip: str) -> None:
    listed.holds(SLIPS[slip])
    with pytest.raises(ListNotTaken, match="What needs it waits"):
        await listed.find("c1")
    assert len(listed.told) == 1
    listed.holds(WHOLE)
    await listed.looked_at()
    assert (await listed.find("c1"))["opted_out"] == "yes"
    assert await listed.source.check() is None


async def test_honest_changes_are_taken_at_once(listed: List) -> None:
    states = [
        WHOLE,
        WHOLE + "c100,no,\n",  # a blank zone is nobody's
        HEAD + "".join(f"c{n},no,Europe/Rome\n" for n in range(60)),
        "zone,id,opted_out,more\n" + "".join(f"UTC,c{n},no,x\n" for n in range(60)),
    ]
    for state in states:
        listed.holds(state)
        await listed.looked_at()
        assert await listed.source.check() is None
    assert (await listed.find("c1"))["more"] == "x" and listed.told == []


async def test_an_acceptance_is_of_that_very_state(listed: List) -> None:
    listed.holds(WHOLE)
    await listed.find("c1")
    listed.holds(HEAD + "c1,no,UTC\n")
    accept(listed.path, "0" * 64)
    await listed.looked_at()
    assert "is not taken" in str(await listed.source.check())
    assert (await listed.find("c1"))["opted_out"] == "yes"


async def test_a_list_that_is_gone_after_a_restart_stays_in_force(listed: List) -> None:
    listed.holds(WHOLE)
    await listed.find("c1")
    listed.path.unlink()
    await listed.restart()
    assert (await listed.find("c1"))["opted_out"] == "yes"
    assert "Its earlier state is in force." in str(await listed.source.check())


async def test_what_is_kept_is_sealed_and_gone_with_its_look_up(listed: List) -> None:
    listed.holds(WHOLE)
    await listed.find("c1")
    everything = listed.rows("SELECT sealed FROM kept_list UNION ALL SELECT sealed FROM list_piece")
    assert len(everything) == 2
    assert not any(b"Kolkata" in sealed for (sealed,) in everything)
    assert not any(str(listed.path) in str(row) for row in listed.rows("SELECT * FROM kept_list"))
    await listed.lists.forget_others([str(listed.path)])
    assert await listed.lists.load(str(listed.path)) == WHOLE.encode()
    await listed.lists.forget_others([])
    assert listed.rows("SELECT name FROM kept_list UNION ALL SELECT list FROM list_piece") == []


@pytest.mark.parametrize("slip", SLIPS)
async def test_a_machine_that_takes_over_holds_the_same_list_in_force(
    listed: List, slip: str, tmp_path: Path
) -> None:
    """It has the operator's files and the key, and an empty data directory."""
    listed.holds(WHOLE)
    before = await listed.find("c1")
    await listed.source.close()
    (listed.path.parent / "key").unlink()
    listed.start()
    listed.holds(SLIPS[slip])
    assert await listed.find("c1") == before and await listed.find("c99") is not None
    assert "Its former state stays in force." in str(await listed.source.check())
    assert [path.name for path in tmp_path.iterdir()] == [listed.path.name]


async def test_a_store_that_is_down_lets_no_slip_through_and_keeps_the_list_later(
    listed: List,
) -> None:
    listed.holds(WHOLE)
    await listed.find("c1")
    listed.store.down = True
    fresh = WHOLE + "c100,yes,UTC\n"
    listed.holds(fresh)
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            await listed.looked_at()
    assert await listed.find("c100") is not None, "it is in force all the same"
    kept = [line for line in logged if line["event"] == "a list cannot be kept"]
    assert [line["reason"] for line in kept] == ["the disk is full"], "told once"
    listed.store.down = False
    assert await listed.lists.load(str(listed.path)) == WHOLE.encode()
    await listed.looked_at()
    assert await listed.lists.load(str(listed.path)) == fresh.encode()
    listed.store.down = True
    await listed.restart()
    listed.holds(SLIPS["one line in fifty"])
    for _ in range(2):
        listed.passed.s += 1.1
        with pytest.raises(LookupDown, match="cannot be read: the disk is full"):
            await listed.find("c1")
    listed.store.down = False
    listed.passed.s += 1.1
    assert await listed.find("c100") is not None
    assert "is not taken" in str(await listed.source.check())


async def test_a_store_that_goes_down_half_way_keeps_the_former_state_and_nothing_else(
    listed: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_lists, "PIECE_BYTES", 500)
    path = str(listed.path)
    assert await listed.lists.save(path, WHOLE.encode(), digest_of(WHOLE))
    put, left = listed.store.operations["put_list_piece"], iter([put_it] * 3)
    [(pieces,)] = listed.rows("SELECT count(*) FROM list_piece")

    def put_three(piece: port.ListPiece) -> None:
        next(left, refuse)()
        put(piece)

    listed.store.operations["put_list_piece"] = put_three
    fresh = WHOLE + "c100,yes,UTC\n"
    with pytest.raises(port.StoreDown):
        await listed.lists.save(path, fresh.encode(), digest_of(fresh))
    assert listed.rows("SELECT count(*) FROM list_piece") == [(pieces + 3,)]
    assert await listed.lists.load(path) == WHOLE.encode()
    await listed.lists.forget_others([path])
    assert listed.rows("SELECT count(*) FROM list_piece") == [(pieces,)]
    listed.store.operations["put_list_piece"] = put
    assert await listed.lists.save(path, fresh.encode(), digest_of(fresh))
    assert await listed.lists.load(path) == fresh.encode()
    assert listed.rows("SELECT count(DISTINCT run) FROM list_piece") == [(1,)]


async def test_lists_are_written_one_behind_the_other(
    listed: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two look-ups may search one file, and each keeps what it takes."""
    monkeypatch.setattr(kept_lists, "PIECE_BYTES", 500)
    lists, path = listed.lists, str(listed.path)
    states = [WHOLE, WHOLE + "c100,yes,UTC\n", HEAD]
    await asyncio.gather(*(lists.save(path, state.encode(), digest_of(state)) for state in states))
    assert await lists.load(path) == HEAD.encode()
    assert listed.rows("SELECT count(DISTINCT run) FROM list_piece") == [(1,)]
    before = listed.store.half.connection.total_changes()
    assert await lists.save(path, HEAD.encode(), digest_of(HEAD))
    assert listed.store.half.connection.total_changes() == before, "it is kept already"


@pytest.mark.parametrize(
    "spoilt",
    [
        "DELETE FROM list_piece WHERE piece = 2",
        "UPDATE list_piece SET sealed = X'' WHERE piece = 1",
        "UPDATE list_piece SET sealed = substr(sealed, 1, length(sealed) - 3) WHERE piece = 2",
        "UPDATE list_piece SET sealed = (SELECT sealed FROM list_piece WHERE piece = 1)",
        "UPDATE kept_list SET sealed = X'FFFF'",
        "UPDATE kept_list SET pieces = 1",
        "UPDATE kept_list SET run = 'another'",
    ],
)
async def test_what_is_kept_and_spoilt_stops_nothing(
    listed: List, spoilt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_lists, "PIECE_BYTES", 500)
    listed.holds(WHOLE)
    await listed.find("c1")
    assert await listed.lists.load(str(listed.path)) == WHOLE.encode()
    listed.rows(spoilt)
    fresh = WHOLE + "c100,no,UTC\n"
    listed.holds(fresh)
    await listed.restart()
    assert await listed.find("c100") is not None
    await listed.looked_at()
    assert await listed.lists.load(str(listed.path)) == fresh.encode()


async def test_a_large_list_is_kept_whole(listed: List) -> None:
    data = bytes(range(256)) * (kept_lists.PIECE_BYTES // 100)
    await listed.lists.save("large", data, sha256(data).hexdigest())
    assert await listed.lists.load("large") == data
    [(longest,)] = listed.rows("SELECT max(length(sealed)) FROM list_piece")
    assert kept_lists.PIECE_BYTES < longest < kept_lists.PIECE_BYTES + 100
    await listed.lists.save("large", data, "wrong")
    assert await listed.lists.load("large") is None  # its digest is not that of what is there


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def put_it() -> None:
    pass


def refuse() -> None:
    raise port.StoreDown("the disk is full")
