"""A list that looks like a slip is not taken before it is accepted: the former one stays in force,
over a restart too, and where there is none whoever needs it waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.lookups.csv_file import File
from tidings.app.operator_files.actions import searched_files
from tidings.core.actions.action import ActionLookup, CsvLookup
from tidings.core.actions.file.reading import ActionsFile
from tidings.core.actions.list_changes import ReadColumns
from tidings.core.ids import OrgId
from tidings.engine.vault import Vault
from tidings.lookups import kept_lists
from tidings.lookups.accepted_lists import accept
from tidings.lookups.csv import CsvSource
from tidings.lookups.csv_table import read_file
from tidings.lookups.kept_lists import KeptList, drop_others
from tidings.lookups.port import ListNotTaken

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
        self.told: list[str] = []
        self.start()

    def start(self) -> None:
        kept = KeptList(self.folder / "lists", str(self.path), self.vault)
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
    [kept] = (listed.folder / "lists").iterdir()
    assert b"Kolkata" not in kept.read_bytes() and kept.stat().st_mode & 0o077 == 0
    drop_others(kept.parent, [str(listed.path)])
    assert kept.exists()
    drop_others(kept.parent, [])
    assert not kept.exists()


def cut(data: bytes) -> bytes:
    return data[:-3]


def turned(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def emptied(_: bytes) -> bytes:
    return b""


def overwritten(_: bytes) -> bytes:
    return b"\xff" * 99


@pytest.mark.parametrize("spoil", [cut, turned, emptied, overwritten])
async def test_what_is_kept_and_spoilt_stops_nothing(
    listed: List, spoil: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_lists, "PIECE_BYTES", 500)
    listed.holds(WHOLE)
    await listed.find("c1")
    [kept] = (listed.folder / "lists").iterdir()
    assert kept_lists.KeptList(kept.parent, str(listed.path), listed.vault).load() == WHOLE.encode()
    kept.write_bytes(spoil(kept.read_bytes()))
    listed.holds(WHOLE + "c100,no,UTC\n")
    await listed.restart()
    assert await listed.find("c100") is not None


async def test_a_disk_that_takes_nothing_leaves_the_list_in_force(listed: List) -> None:
    (listed.folder / "lists").write_bytes(b"a file in its place")
    listed.holds(WHOLE)
    assert (await listed.find("c1"))["opted_out"] == "yes"


async def test_a_large_list_is_kept_whole(listed: List) -> None:
    kept = KeptList(listed.folder / "lists", "large", listed.vault)
    data = bytes(range(256)) * (kept_lists.PIECE_BYTES // 100)
    await asyncio.to_thread(kept.save, data, "wrong")
    assert kept.load() is None  # its digest is not that of what is there
    listed.holds(WHOLE)
    assert read_file(listed.path) == WHOLE.encode()
