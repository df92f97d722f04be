"""A backup is one moment of the store, whole or not there; a restore makes it a store again."""

import os
import shutil
import tarfile
import threading
from pathlib import Path

import apsw
import msgspec
import pytest

from tests.store.rows import ORG, event, failing, new, settled, term, webhook
from tidings.core.cells.ranges import range_of
from tidings.store import port
from tidings.store.port import StoreRefused
from tidings.store.sqlite import backup as backups
from tidings.store.sqlite.backup import backup, restore
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf
from tidings.store.sqlite.saved_files import BackupRefused

KEY = bytes(range(32))


def quiet(*_: object) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with its key and an empty store."""
    place = tmp_path / "data"
    place.mkdir()
    descriptor = os.open(place / "key", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, KEY)
    os.close(descriptor)
    return place


def fill(data: Path, count: int = 50) -> WritingHalf:
    """An open store with events, their deliveries in several states."""
    half = WritingHalf(data / FILE)
    half.webhooks.put_webhook(webhook("till"))
    half.recovery.recover(10)
    version = half.configuration.load().registry_version
    firsts = half.commit(
        port.Batch(version, [event(f"e{i}", new(1), terms=[term("t")]) for i in range(count)])
    ).firsts
    half.commit(port.Batch(0, settled=[settled(first) for first in firsts[: count // 2]]))
    half.commit(port.Batch(0, settled=[failing(firsts[-1], 60_000)]))
    return half


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_what_was_backed_up_is_there_after_a_restore(data: Path, tmp_path: Path, name: str) -> None:
    half = fill(data)
    manifest = backup(data, tmp_path / name, quiet)
    assert (manifest.newest_event, manifest.unfinished) == (50, 25)
    half.commit(port.Batch(half.configuration.load().registry_version, [event("later")]))
    again = tmp_path / "again"
    assert restore(tmp_path / name, again, quiet) == manifest
    half.close()
    assert (again / "key").read_bytes() == KEY
    restored = WritingHalf(again / FILE)
    [standing] = restored.recovery.recover(10)
    assert (standing.pending, standing.next_due_ms is not None) == (24, True)
    assert len(restored.configuration.load().webhooks) == 1
    assert all(restored.commit(port.Batch(2, [event("later")])).seqs)
    restored.close()


def test_what_waits_behind_another_of_its_key_is_counted_as_unfinished(
    data: Path, tmp_path: Path
) -> None:
    half = fill(data, 2)  # one delivered, one that is tried again
    version = half.configuration.load().registry_version
    half.commit(port.Batch(version, [event(f"k{i}", new(1, 7)) for i in range(3)]))
    assert backup(data, tmp_path / "copy", quiet).unfinished == 4
    half.close()


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_what_is_reported_as_made_is_on_the_disk_with_its_name(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    synced: set[int] = set()
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    fill(data).close()
    for make, to in ((backup, tmp_path / "to" / name), (restore, tmp_path / "again")):
        (tmp_path / "to").mkdir(exist_ok=True)
        synced.clear()
        if make is backup:
            backup(data, to, quiet)
            places = [to, to.parent]  # the entry of a name is its directory's
        else:
            restore(tmp_path / "to" / name, to, quiet)
            places = [to]
        if to.is_dir():
            places += [path for path in to.iterdir() if path.name != "lock"]
        unsynced = [str(path) for path in places if path.stat().st_ino not in synced]
        assert unsynced == [], make.__name__


def test_a_restore_that_is_cut_short_leaves_no_database_without_its_key(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(data).close()
    backup(data, tmp_path / "copy", quiet)
    again, rename, done = tmp_path / "again", Path.rename, list[Path]()

    def cut(path: Path, to: Path) -> Path:
        if done:
            raise OSError("cut")
        done.append(to)
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", cut)
    with pytest.raises(OSError, match="cut"):
        restore(tmp_path / "copy", again, quiet)
    assert done and not (again / FILE).exists()


def test_the_search_index_is_made_again_from_the_events(data: Path, tmp_path: Path) -> None:
    fill(data).close()
    backup(data, tmp_path / "copy", quiet)
    again = tmp_path / "again"
    restore(tmp_path / "copy", again, quiet)
    assert not (again / "search.db").exists()
    writing, reading = WritingHalf(again / FILE), ReadingHalf.in_directory(again)
    reading.background()
    assert len(reading.find(term("t"), 100)) == 50
    reading.close()
    writing.close()


def test_it_holds_what_was_committed_before_it_began_while_commits_go_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "STEP_PAGES", 2)
    half = fill(data, 400)
    committed = [400]
    began: list[int] = []

    def commit_on(what: str, done: int, of: int) -> None:
        began.append(committed[0])
        if what == "copying pages" and committed[0] < 900:
            batch = [event(f"e{committed[0] + i}", new(1)) for i in range(10)]
            half.commit(port.Batch(half.configuration.load().registry_version, batch))
            committed[0] += 10
            half.checkpoints.run_if_due()

    manifest = backup(data, tmp_path / "copy", commit_on)
    assert committed[0] > 500, "it was under load"
    assert manifest.newest_event == 400, "one moment"
    copy = apsw.Connection(str(tmp_path / "copy" / FILE))
    assert copy.execute("SELECT count(*) FROM event").fetchall() == [(400,)]
    assert copy.execute("SELECT count(*) FROM delivery").fetchall() == [(400,)]
    copy.close()
    [(events,)] = half.connection.execute("SELECT count(*) FROM event").fetchall()
    assert events == committed[0], "and the store has lost nothing by it"
    half.close()


def test_a_writer_in_another_thread_is_not_held_up(data: Path, tmp_path: Path) -> None:
    half = fill(data)
    stop = threading.Event()
    count = [0]

    def write() -> None:
        while not stop.is_set():
            half.commit(port.Batch(2, [event(f"w{count[0]}")]))
            count[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            backup(data, tmp_path / f"copy{number}", quiet)
    finally:
        stop.set()
        thread.join()
    assert count[0] > 5
    half.close()


def test_its_files_are_for_their_owner_alone(data: Path, tmp_path: Path) -> None:
    fill(data).close()
    old = os.umask(0)
    try:
        backup(data, tmp_path / "copy", quiet)
        backup(data, tmp_path / "copy.tar", quiet)
        restore(tmp_path / "copy.tar", tmp_path / "again", quiet)
    finally:
        os.umask(old)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "again").stat().st_mode & 0o777 == 0o700
    files = [*(tmp_path / "copy").iterdir(), tmp_path / "copy.tar", *(tmp_path / "again").iterdir()]
    assert {path.name for path in files} >= {FILE, "key", "manifest.json", "copy.tar"}
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600, path


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_a_place_that_is_taken_is_refused_and_left_alone(
    data: Path, tmp_path: Path, name: str
) -> None:
    fill(data).close()
    (tmp_path / name).write_text("mine")
    with pytest.raises(BackupRefused, match="must not exist yet"):
        backup(data, tmp_path / name, quiet)
    assert (tmp_path / name).read_text() == "mine"


def test_places_that_cannot_be_are_refused_in_words(data: Path, tmp_path: Path) -> None:
    fill(data).close()
    for to, said in (
        (tmp_path / "nowhere" / "copy", "must be a directory"),
        (data / "copy", "must be outside of"),
    ):
        with pytest.raises(BackupRefused, match=said):
            backup(data, to, quiet)
    with pytest.raises(BackupRefused, match="it has no tidings.db"):
        backup(tmp_path, tmp_path / "copy", quiet)


def test_a_backup_that_fails_leaves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(data).close()

    def full(*_: object) -> None:
        raise apsw.FullError("database or disk is full")

    with pytest.raises(OSError, match="full"):
        backup(data, tmp_path / "copy", full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_database_that_is_not_sound_makes_no_backup(data: Path, tmp_path: Path) -> None:
    fill(data, 2000).close()
    raw = bytearray((data / FILE).read_bytes())
    raw[40 * 4096 : 60 * 4096] = b"\xff" * (20 * 4096)
    (data / FILE).write_bytes(raw)
    with pytest.raises((BackupRefused, apsw.CorruptError)):
        backup(data, tmp_path / "copy", quiet)
    assert not (tmp_path / "copy").exists()


def test_a_directory_with_files_is_not_restored_to(data: Path, tmp_path: Path) -> None:
    fill(data).close()
    backup(data, tmp_path / "copy", quiet)
    with pytest.raises(BackupRefused, match="must be empty or not exist"):
        restore(tmp_path / "copy", data, quiet)


def test_a_directory_that_a_service_owns_is_not_restored_to(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.store.sqlite.database.OWNER_WAIT_S", 0.1)
    fill(data).close()
    backup(data, tmp_path / "copy", quiet)
    owned = tmp_path / "owned"
    lock = DirectoryLock(owned)
    with pytest.raises(StoreRefused, match="belongs to process"):
        restore(tmp_path / "copy", owned, quiet)
    lock.release()
    restore(tmp_path / "copy", owned, quiet)
    assert (owned / FILE).exists()


@pytest.mark.parametrize("what", ["changed", "cut", "longer", "no key", "no manifest", "newer"])
def test_a_backup_that_is_not_as_it_was_written_is_refused(
    data: Path, tmp_path: Path, what: str
) -> None:
    fill(data).close()
    copy = tmp_path / "copy"
    backup(data, copy, quiet)
    path = copy / FILE
    if what == "changed":
        raw = bytearray(path.read_bytes())
        raw[5000] ^= 1
        path.write_bytes(raw)
    elif what == "cut":
        path.write_bytes(path.read_bytes()[:-4096])
    elif what == "longer":
        path.write_bytes(path.read_bytes() + b"x")
    elif what == "no key":
        (copy / "key").unlink()
    elif what == "no manifest":
        (copy / "manifest.json").unlink()
    else:
        manifest = msgspec.json.decode((copy / "manifest.json").read_bytes())
        manifest["schema"] = 9999
        (copy / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(BackupRefused):
        restore(copy, tmp_path / "again", quiet)
    left = (
        [path.name for path in (tmp_path / "again").iterdir()]
        if (tmp_path / "again").exists()
        else []
    )
    assert set(left) <= {"lock"}


def test_what_is_no_backup_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    (tmp_path / "dir").mkdir()
    for name in ("file", "dir", "nothing"):
        with pytest.raises(BackupRefused, match="must be a backup made by `tidings backup`"):
            restore(tmp_path / name, tmp_path / "again", quiet)
    assert not (tmp_path / "again").exists()


def test_a_hostile_tar_writes_nowhere_else(data: Path, tmp_path: Path) -> None:
    fill(data).close()
    backup(data, tmp_path / "copy", quiet)
    evil = tmp_path / "evil.tar"
    with tarfile.open(evil, "w") as tar:
        for name in ("manifest.json", FILE):
            tar.add(tmp_path / "copy" / name, name)
        link = tarfile.TarInfo("key")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
        tar.add(tmp_path / "copy" / "key", "../outside")
    with pytest.raises(BackupRefused):
        restore(evil, tmp_path / "again", quiet)
    assert not (tmp_path / "outside").exists()


def test_a_stopped_service_can_be_backed_up_too(data: Path, tmp_path: Path) -> None:
    fill(data).close()
    before = shutil.disk_usage(data)
    backup(data, tmp_path / "copy", quiet)
    assert before.total and (tmp_path / "copy" / FILE).exists()
    half = WritingHalf(data / FILE)
    [standing] = half.recovery.recover(10)
    assert standing.pending == 24, "and its store is as it was"
    stored = half.connection.execute("SELECT count(*) FROM event WHERE org = ?", (ORG,)).fetchall()
    assert stored == [(50,)]
    half.close()


def test_a_restored_store_gives_no_number_of_the_ranges_that_it_had(
    data: Path, tmp_path: Path
) -> None:
    """Behind the backup it may have begun any of them."""
    half = WritingHalf(data / FILE)
    half.numbers.grant([3, 4, 5])
    half.webhooks.put_webhook(webhook("till"))
    backup(data, tmp_path / "copy", quiet)
    half.webhooks.put_webhook(webhook("shop"))
    assert half.numbers.ranges().begun == 3, "the store itself goes on"
    half.close()
    restore(tmp_path / "copy", tmp_path / "again", quiet)
    again = WritingHalf(tmp_path / "again" / FILE)
    assert again.numbers.ranges().spares == ()
    with pytest.raises(port.NoNumbers):
        again.webhooks.put_webhook(webhook("late"))
    again.numbers.grant([9])
    late, _ = again.webhooks.put_webhook(webhook("late"))
    assert range_of(late.number) == 9
    again.close()
