"""A data directory has one owner; another one is told who it is."""

import contextlib
import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import apsw
import pytest

from tests.depth import share
from tidings.store.hosting.child import Child
from tidings.store.port import StoreRefused
from tidings.store.sqlite import database
from tidings.store.sqlite.database import FILE, LOCK
from tidings.store.sqlite.directory_lock import DirectoryLock, must_be_writable
from tidings.store.sqlite.store import SqliteStore, command

OWNER = (
    "import sys; from pathlib import Path;"
    "from tidings.store.sqlite.directory_lock import DirectoryLock;"
    "lock = DirectoryLock(Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"
)


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OWNER_WAIT_S", 0.1)


def test_a_second_owner_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == b"mine\n"
        with pytest.raises(StoreRefused, match=rf"process {owner.pid}\b.*--data"):
            DirectoryLock(tmp_path)
        owner.communicate()
    DirectoryLock(tmp_path).release()  # the end of the owner lets the next one in


async def test_an_open_store_refuses_a_second_one_and_a_closed_one_does_not(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path, lambda: None)
    with pytest.raises(StoreRefused, match=rf"process {os.getpid()}\b"):
        await SqliteStore.open(tmp_path, lambda: None)
    await store.close()
    await (await SqliteStore.open(tmp_path, lambda: None)).close()


def test_a_child_that_outlives_its_owner_still_holds_the_directory(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[lock.descriptor],
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"up\n"
        lock.release()
        with pytest.raises(StoreRefused):
            DirectoryLock(tmp_path)
        child.communicate()
    DirectoryLock(tmp_path).release()


async def test_a_store_that_cannot_be_opened_leaves_the_directory_free(tmp_path: Path) -> None:
    def died() -> None:
        raise AssertionError("a refused start is no death")

    half = database.open_writer(tmp_path / database.FILE)
    half.pragma("user_version", 99)
    half.close()
    with pytest.raises(StoreRefused, match=r"schema 99; this release knows \d+"):
        await SqliteStore.open(tmp_path, died)
    DirectoryLock(tmp_path).release()


async def test_a_data_directory_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    place = tmp_path / "data"
    await (await SqliteStore.open(place, lambda: None)).close()
    assert place.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in place.iterdir() if file.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("which", ["tidings.db", "search.db", "lock"])
def test_a_file_that_may_not_be_written_is_refused_with_its_name(
    tmp_path: Path, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tidings.db", "search.db", "lock", "lost+found"):
        (tmp_path / name).touch()
    own = os.access
    monkeypatch.setattr(os, "access", lambda path, how: "+" not in str(path) and own(path, how))
    must_be_writable(tmp_path)  # what is not ours may be anybody's
    monkeypatch.setattr(os, "access", lambda path, how: Path(path).name != which)
    with pytest.raises(StoreRefused, match=rf"{which} must be readable and writable"):
        must_be_writable(tmp_path)


def test_a_read_only_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = type("Flags", (), {"f_flag": os.ST_RDONLY})
    monkeypatch.setattr(os, "statvfs", lambda _: flags)
    with pytest.raises(StoreRefused, match="mounted read-only"):
        must_be_writable(tmp_path)


def no_lock_file(place: Path) -> Path:
    (place / LOCK).unlink()
    return place


def another_lock_file(place: Path) -> Path:
    (place / LOCK).unlink()
    (place / LOCK).write_text("1\n")
    return place


def a_renamed_lock_file(place: Path) -> Path:
    (place / LOCK).rename(place / "lock.old")
    return place


def no_database(place: Path) -> Path:
    for file in place.iterdir():
        file.unlink()
    return place


def another_name(place: Path) -> Path:
    (place / LOCK).unlink()
    return place.rename(place.with_name("renamed"))


def a_link_to_it(place: Path) -> Path:
    (place / LOCK).unlink()
    link = place.with_name("link")
    link.symlink_to(place, target_is_directory=True)
    return link


def another_way_to_it(place: Path) -> Path:
    (place / LOCK).unlink()
    return place / ".." / place.name


def a_hard_link_to_its_database(place: Path) -> Path:
    other = place.with_name("other")
    other.mkdir()
    (other / FILE).hardlink_to(place / FILE)
    return other


def a_symbolic_link_to_its_database(place: Path) -> Path:
    other = place.with_name("other")
    other.mkdir()
    (other / FILE).symlink_to(place / FILE)
    return other


SPOILT = [
    no_lock_file,
    another_lock_file,
    a_renamed_lock_file,
    no_database,
    another_name,
    a_link_to_it,
    another_way_to_it,
    a_hard_link_to_its_database,
    a_symbolic_link_to_its_database,
]


# Every second one, of which each way is there; the deep run takes all.
@pytest.mark.parametrize(("used", "spoil"), share([*product([True, False], SPOILT)], 0, 2))
def test_nothing_that_is_removed_or_named_otherwise_lets_a_second_owner_in(
    tmp_path: Path, spoil: Callable[[Path], Path], used: bool
) -> None:
    place = tmp_path / "data"
    place.mkdir()
    database.open_writer(place / FILE).close()
    if used:
        DirectoryLock(place).release()  # the file `lock` is of a former owner
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == b"mine\n"
        named = spoil(place)
        with pytest.raises(StoreRefused, match="belongs to process"):
            DirectoryLock(named)
        owner.communicate()
    DirectoryLock(named).release()  # the end of the owner lets the next one in


async def test_the_database_of_a_first_start_is_locked_once_it_is_there(tmp_path: Path) -> None:
    place = tmp_path / "data"
    store = await SqliteStore.open(place, lambda: None)
    with pytest.raises(StoreRefused, match="belongs to process"):
        DirectoryLock(a_hard_link_to_its_database(place))
    await store.close()


def test_a_copy_of_a_directory_is_another_one(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    database.open_writer(place / FILE).close()
    lock = DirectoryLock(place)
    shutil.copytree(place, tmp_path / "copy")
    DirectoryLock(tmp_path / "copy").release()
    lock.release()


def test_an_owner_that_knows_the_lock_file_alone_still_holds_the_directory(tmp_path: Path) -> None:
    held = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(StoreRefused, match="belongs to process"):
        DirectoryLock(tmp_path)
    os.close(held)
    DirectoryLock(tmp_path).release()


def opened_below(folder: Path) -> list[str]:
    """What this process holds open in a folder; others of its files come and go in its threads."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return [path for path in found if path.startswith(str(folder))]


def test_a_file_that_is_held_open_is_seen(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w"):
        assert opened_below(tmp_path) == [str(tmp_path / "a")]


def test_a_file_system_that_cannot_lock_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", cannot)
    with pytest.raises(StoreRefused, match="must be on a file system that locks.*No locks.*local"):
        DirectoryLock(tmp_path)
    assert opened_below(tmp_path) == [], "nothing stays open"


async def test_a_process_of_the_store_opens_nothing_before_it_is_asked_to(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    before = set(tmp_path.iterdir())
    for role in ("write", "read"):
        child = await Child.start(role, command(role, tmp_path), lambda: None, [lock.descriptor])
        await child.close()  # it has ended
        assert set(tmp_path.iterdir()) == before
    lock.release()


# Holds what SQLite locks while it reads a journal that a kill has left: the first eight locks of
# the index, which is made anew. For so many seconds.
RECOVERY = (
    "import fcntl, sys, time\n"
    "index = open(sys.argv[1], 'w+b')\n"
    "index.write(bytes(32768)); index.flush()\n"
    "fcntl.lockf(index, fcntl.LOCK_EX, 8, 120)\n"
    "fcntl.lockf(index, fcntl.LOCK_SH, 1, 128)\n"
    "print('held', flush=True); time.sleep(float(sys.argv[2]))\n"
)


@pytest.mark.parametrize(("held_s", "opens"), [(0.4, True), (30.0, False)])
def test_who_reads_the_journal_after_a_kill_is_waited_for_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_s: float, opens: bool
) -> None:
    monkeypatch.setattr(database, "OWNER_WAIT_S", 5.0 if opens else 0.3)
    left = tmp_path / "left"
    left.mkdir()
    writer = database.open_writer(tmp_path / FILE)
    for name in (FILE, f"{FILE}-wal"):
        shutil.copy(tmp_path / name, left / name)
    writer.close()
    with subprocess.Popen(
        [sys.executable, "-c", RECOVERY, left / f"{FILE}-shm", str(held_s)], stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == b"held\n"
        if opens:
            database.open_writer(left / FILE).close()
        else:
            with pytest.raises(apsw.BusyError):
                database.open_writer(left / FILE)
        reader.kill()
