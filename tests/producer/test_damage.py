"""Files of a spool that were cut, garbled, or lost by a power cut: what is whole is sent."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.producer.spooling import REFUSED, SMALL, drain, numbered, opened, take
from tidings_producer.spool.records import pack, scan, torn

EVENTS = 40
pytestmark = pytest.mark.timeout(600)
Where = dict[str, list[tuple[int, int, int]]]
"""By file, where each event begins and ends, and its number."""


def filled(folder: Path) -> Where:
    """A spool of several files, some of it taken."""
    with opened(folder) as spool:
        spool.append([numbered(number, 100 + number * 37 % 900) for number in range(EVENTS)])
        assert take(spool, 3) == [0, 1, 2]
    where: Where = {}
    for path in sorted(folder.glob("*.events")):
        for piece in scan(path.read_bytes()):
            assert piece.body is not None
            number = int(piece.body.partition(b"\n")[0][2:])
            where.setdefault(path.name, []).append((piece.start, piece.end, number))
    assert len(where) > 2
    return where


@pytest.fixture(scope="module")
def original() -> Iterator[tuple[Path, Where]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "spool"
        yield folder, filled(folder)


@settings(max_examples=depth(60, 1_500), deadline=None)
@given(st.data())
def test_what_nobody_has_touched_comes_whatever_was_done_to_the_rest(
    original: tuple[Path, Where], data: st.DataObject
) -> None:
    folder, where = original
    name = data.draw(st.sampled_from([*where, "place"]))
    whole = (folder / name).read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 3_000)))
    put = data.draw(st.binary(max_size=50) | st.just(pack(b"")) | st.just(b"\xffTD\x01" * 5))
    garbled = data.draw(
        st.sampled_from(
            [
                whole[:start],
                whole[:start] + put + whole[start + len(put) :],
                whole[:start] + bytes(end - start) + whole[end:],
                whole[:start] + whole[end:],
                whole[:start] + put + whole[start:],
            ]
        )
    )
    there = {piece.body for piece in scan(garbled) if piece.body is not None}
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made) / "spool"
        shutil.copytree(folder, copy)
        (copy / name).write_bytes(garbled)
        with opened(copy) as spool:
            spool.append([numbered(EVENTS)])
            came = drain(spool)
        with opened(copy) as spool:
            assert drain(spool) == []
    must = {
        number
        for file, rows in where.items()
        for _, _, number in rows
        if number > 2 and (file != name or any(row.startswith(b"e-%d\n" % number) for row in there))
    }
    assert must | {EVENTS} <= set(came), "lost"
    assert set(came) <= set(range(EVENTS + 1)), "invented"
    assert came == sorted(set(came)), "out of order, or twice"


@pytest.fixture(scope="module")
def refused() -> Iterator[Path]:
    """A spool with refused events."""
    with tempfile.TemporaryDirectory() as name:
        with opened(Path(name)) as spool:
            spool.append([numbered(number, 50) for number in range(5)])
            take(spool, 5, REFUSED)
        yield Path(name)


@settings(max_examples=depth(40, 1_000), deadline=None)
@given(st.data())
def test_refused_events_that_nobody_has_touched_stay(refused: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "spool"
        shutil.copytree(refused, folder)
        whole = (folder / "refused").read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        put = data.draw(st.sampled_from([b"", b"\0", b"\xff" * 9]))
        garbled = whole[:at] + put + (whole[at + 1 :] if put else b"")
        (folder / "refused").write_bytes(garbled)
        there = [piece.body for piece in scan(garbled) if piece.body is not None]
        with opened(folder) as spool:
            assert len(spool.refused) == len(there) >= (4 if put else 0)
            spool.append([numbered(9)])
            take(spool, 1, REFUSED)
        there_too = {path.name: path.stat().st_mtime_ns for path in folder.glob("damaged-*")}
        with opened(folder) as spool:
            assert [refused_event.event_id for refused_event in spool.refused][-1] == "e-9"
        again = {path.name: path.stat().st_mtime_ns for path in folder.glob("damaged-*")}
        assert again == there_too, "damage is told once"


def test_a_torn_end_is_cut_and_a_damaged_one_is_kept_apart(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([numbered(1)])
    [file] = tmp_path.glob("*.events")
    with file.open("ab") as end:
        end.write(pack(b"something")[:-3])
    with opened(tmp_path) as spool:
        assert drain(spool) == [1]
    assert list(tmp_path.glob("damaged-*")) == []
    with file.open("ab") as end:
        end.write(b"nothing of ours")
    with opened(tmp_path):
        pass
    [damaged] = tmp_path.glob("damaged-*")
    assert damaged.read_bytes() == b"nothing of ours"


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.binary(max_size=40))
def test_records_are_found_behind_anything(bodies: Sequence[bytes], noise: bytes) -> None:
    data = noise + b"".join(map(pack, bodies))
    pieces = list(scan(data))
    found = [piece.body for piece in pieces if piece.body is not None]
    assert found[len(found) - len(bodies) :] == list(bodies)
    assert b"".join(data[piece.start : piece.end] for piece in pieces) == data


def test_the_begin_of_a_record_is_torn_and_other_bytes_are_not() -> None:
    whole = pack(b"an event")
    assert all(torn(whole[:size]) for size in range(1, len(whole)))
    assert not any(torn(other) for other in (b"x", b"\0" * 50, whole, b"\xffTD\x02" + b"x" * 20))


class Disk:
    """What of a directory is on the disk by what was synced: contents, and names of files."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        there = list(folder.iterdir())
        self._contents = {path.stat().st_ino: path.read_bytes() for path in there}  # by inode
        self._names = {path.name: path.stat().st_ino for path in there}
        self._real = os.fsync
        monkeypatch.setattr(os, "fsync", self._sync)

    def _sync(self, file: int) -> None:
        self._real(file)
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        if path == self._folder:
            self._names = {path.name: path.stat().st_ino for path in path.iterdir()}
        elif path.parent == self._folder:
            self._contents[os.fstat(file).st_ino] = path.read_bytes()

    def after_a_power_cut(self, into: Path, chance: random.Random) -> None:
        """Write down what is surely there, and of the rest what chance has written."""
        into.mkdir()
        names = {path.name: path.stat().st_ino for path in self._folder.iterdir()}
        for name in names | self._names:
            lost = name not in self._names and chance.random() < 0.5
            removed = name not in names and chance.random() < 0.5
            if lost or removed:
                continue
            now = (self._folder / name).read_bytes() if name in names else b""
            synced = self._contents.get(self._names.get(name, names.get(name, 0)), b"")
            rest = now[len(synced) :]
            tails = [b"", rest[: chance.randint(0, len(rest))], bytes(len(rest)), rest]
            newest = name == "place" and chance.random() < 0.5  # it is written over in place
            (into / name).write_bytes(now if newest else synced + chance.choice(tails))


@pytest.mark.parametrize("seed", range(depth(10, 200)))
def test_a_power_cut_loses_nothing_that_was_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "0"
    folder.mkdir()
    kept: list[int] = []
    came: list[int] = []
    for life in range(4):
        with monkeypatch.context() as patch:
            disk = Disk(folder, patch)
            with opened(folder, bytes_max=SMALL * 4) as spool:
                for _ in range(chance.randint(1, 12)):
                    first = life * 1_000 + len(kept)
                    some = range(first, first + chance.randint(1, 9))
                    spool.append([numbered(number) for number in some])
                    kept += some
                    if chance.random() < 0.4:
                        came += take(spool)
                after = tmp_path / f"{life + 1}"
                disk.after_a_power_cut(after, chance)
        folder = after
    with opened(folder, bytes_max=SMALL * 4) as spool:
        came += drain(spool)
    assert list(dict.fromkeys(came)) == kept
