"""What a release before has kept of lists in files is taken over into the store, then removed."""

import os
import struct
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.store.in_process import MemoryStore
from tidings.app.former_list_files import FOLDER, take_over_lists
from tidings.core.sealed_columns import SealedPlace
from tidings.engine.actions.kept_lists import KeptLists
from tidings.engine.clock import service_clock
from tidings.engine.vault import Vault
from tidings.store import port

STATE = b"id,opted_out\n" + b"c1,yes\n" * 1000
PIECE_BYTES = 4000


class Start(NamedTuple):
    """A data directory, the paths of lists that actions look up in, and the store."""

    data: Path
    paths: list[str]
    vault: Vault
    store: MemoryStore

    @property
    def lists(self) -> KeptLists:
        return KeptLists(self.store, self.vault)

    def file(self, path: str) -> Path:
        name = sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.data / FOLDER / f"{name}.sealed"

    def leave(self, path: str, state: bytes = STATE, vault: Vault | None = None) -> Path:
        """Write a file as releases before did."""
        file, vault, run = self.file(path), vault or self.vault, os.urandom(8).hex()
        file.parent.mkdir(mode=0o700, exist_ok=True)
        parts = range(0, len(state), PIECE_BYTES)
        head = {"digest": sha256(state).hexdigest(), "run": run, "pieces": len(parts)}
        pieces = [(msgspec.json.encode(head), "head", 0)]
        for at, begin in enumerate(parts, start=1):
            pieces.append((state[begin : begin + PIECE_BYTES], run, at))
        with file.open("wb") as written:
            for plain, of, at in pieces:
                place = SealedPlace(f"list|{file.stem}|{of}|{at}".encode())
                sealed = vault.seal_at(plain, place)
                written.write(struct.pack(">I", len(sealed)) + sealed)
        return file

    async def run(self) -> None:
        await self.lists.forget_others(self.paths)
        await take_over_lists(self.data, self.paths, self.lists, self.vault)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    paths = ["/srv/contacts.csv", "/srv/caf\udce9.csv"]
    vault = Vault.in_directory(tmp_path)
    return Start(tmp_path, paths, vault, store=MemoryStore(service_clock()))


async def test_the_store_has_it_and_the_files_are_gone(start: Start) -> None:
    for path in (*start.paths, "/srv/nobody-looks-up-here.csv"):
        start.leave(path, STATE + path.encode("utf-8", "surrogateescape"))
    (start.data / FOLDER / "half.17.new").write_bytes(b"of a write that was ended")
    await start.run()
    assert not (start.data / FOLDER).exists()
    for path in start.paths:
        expected = STATE + path.encode("utf-8", "surrogateescape")
        assert await start.lists.load(path) == expected
        assert await start.lists.digest(path) == sha256(expected).hexdigest()
    assert await start.lists.load("/srv/nobody-looks-up-here.csv") is None
    await start.run()
    assert await start.lists.load(start.paths[0]) is not None


async def test_a_start_that_the_store_refuses_is_made_again(start: Start) -> None:
    file = start.leave(start.paths[0])
    start.store.down = True
    with pytest.raises(port.StoreDown):
        await start.run()
    assert file.exists()
    start.store.down = False
    put = start.store.operations["put_kept_list"]

    def refuse(_: port.KeptList) -> bool:
        raise port.StoreDown("the disk is full")

    start.store.operations["put_kept_list"] = refuse
    with pytest.raises(port.StoreDown):
        await start.run()
    assert file.exists() and await start.lists.load(start.paths[0]) is None
    start.store.operations["put_kept_list"] = put
    await start.run()
    assert not file.exists() and await start.lists.load(start.paths[0]) == STATE


async def test_what_is_not_kept_whole_leaves_the_file(start: Start) -> None:
    file = start.leave(start.paths[0])
    start.store.operations["put_kept_list"] = lambda _: False
    await start.run()
    assert file.exists() and await start.lists.load(start.paths[0]) is None


async def test_what_the_store_has_is_newer(start: Start) -> None:
    """Another machine has served since, and this one has the file of its own last time."""
    newer = STATE + b"c2,no\n"
    await start.lists.save(start.paths[0], newer, sha256(newer).hexdigest())
    file = start.leave(start.paths[0])
    await start.run()
    assert not file.exists() and await start.lists.load(start.paths[0]) == newer


@pytest.mark.parametrize("cut", [0, 3, 200, len(STATE)])
async def test_what_does_not_open_is_left_and_stops_nothing(start: Start, cut: int) -> None:
    spoilt = start.leave(start.paths[0])
    spoilt.write_bytes(spoilt.read_bytes()[:-cut] if cut else b"\xff" * 99)
    await start.run()
    assert spoilt.exists() and await start.lists.load(start.paths[0]) is None


async def test_a_directory_of_before_without_lists_is_as_it_is(start: Start) -> None:
    await start.run()
    assert sorted(path.name for path in start.data.iterdir()) == ["key"]
