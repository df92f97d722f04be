"""The spool keeps what it promised: in order, within its bounds, whatever the disk does."""

import errno
import os
import random
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.producer.spooling import REFUSED, SMALL, TAKEN, drain, held, numbered, opened, take
from tidings_producer import SettingError, Spool, SpoolError, SpoolFailed, SpoolFull, SpoolLocked


def test_what_was_kept_comes_in_order_over_files_and_restarts(tmp_path: Path) -> None:
    came: list[int] = []
    chance = random.Random(1)
    number = 0
    for _ in range(20):
        with opened(tmp_path) as spool:
            for _ in range(chance.randint(0, 15)):
                some = range(number, number + chance.randint(1, 3))
                spool.append([numbered(number) for number in some])
                number = some.stop
            for _ in range(chance.randint(0, 6)):
                came += take(spool)
    with opened(tmp_path) as spool:
        came += drain(spool)
    assert came == list(range(number)) and number > 100


def test_the_disk_holds_no_more_than_it_may_and_room_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        for round_ in range(5):
            kept = 0
            with pytest.raises(SpoolFull, match=r"at most 65,536 bytes; it holds .*status\(\)"):
                while True:
                    spool.append([numbered(kept)])
                    kept += 1
                    assert held(tmp_path) <= SMALL
            assert kept > 50, round_
            assert drain(spool) == list(range(kept))
        spool.append([numbered(number) for number in range(50)])
        with pytest.raises(SpoolFull):
            spool.append([numbered(number) for number in range(100, 150)])
        assert drain(spool) == list(range(50)), "of many that do not fit none is kept"
        with pytest.raises(SpoolFull):
            spool.append([numbered(1, SMALL)])


def test_read_files_that_cannot_be_removed_count_until_they_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*words: Any, **more: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with opened(tmp_path) as spool:
        with monkeypatch.context() as patch, pytest.raises(SpoolFull):
            patch.setattr(os, "unlink", fails)
            for number in range(1000):
                spool.append([numbered(number)])
                assert take(spool) == [number]
                assert held(tmp_path) <= SMALL
        for number in range(1000):
            spool.append([numbered(number)])
            assert take(spool) == [number]
            assert held(tmp_path) <= SMALL


def test_what_was_written_of_a_refused_event_takes_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def half(file: int, data: bytes) -> int:
        if b"unknown_type" in bytes(data):
            real(file, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data)

    with opened(tmp_path) as spool:
        spool.append([numbered(0)])
        assert take(spool, verdict=REFUSED) == [0]
        before = (tmp_path / "refused").stat().st_size
        assert before > 1000
        spool.append([numbered(1)])
        monkeypatch.setattr(os, "write", half)
        for _ in range(3):
            with pytest.raises(SpoolFailed):
                take(spool, verdict=REFUSED)
        assert (tmp_path / "refused").stat().st_size == before


def test_a_bound_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="65,536 or more; got 5"):
        Spool(tmp_path, bytes_max=5)


def test_an_event_larger_than_a_file_is_kept_too(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([numbered(0), numbered(1, 30_000), numbered(2)])
        assert [pair.event_id for pair in spool.peek(9, 500, 0.0, 0.0)] == ["e-0"]
        assert drain(spool) == [0, 1, 2]


def test_who_waits_is_woken(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        found: list[int] = []

        def wait() -> None:
            events = spool.peek(1, 100_000, 10.0, 0.0)
            spool.take(events, [TAKEN])
            found.extend(int(event.event_id[2:]) for event in events)

        thread = threading.Thread(target=wait)
        thread.start()
        spool.append([numbered(5)])
        thread.join(60)
        assert found == [5]
        assert spool.peek(1, 1, 0.01, 0.0) == []


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch, slow_s: float = 0.0) -> Iterator[list[float]]:
    """The times of all syncs of files."""
    real, times = os.fsync, []

    def sync(file: int) -> None:
        times.append(time.monotonic())
        time.sleep(slow_s)
        real(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", sync)
        yield times


def in_threads(count: int, call: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize("group_commit_s", [0.0, 0.1])
def test_many_threads_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group_commit_s: float
) -> None:
    with opened(tmp_path, group_commit_s=group_commit_s) as spool:
        with counting(monkeypatch, 0.05) as syncs:
            in_threads(20, lambda number: spool.append([numbered(number, 10)]))
        assert 1 <= len(syncs) < 10
        assert sorted(drain(spool)) == list(range(20))


@pytest.mark.parametrize("group_commit_s", [0.0, 0.05])
def test_what_threads_send_over_two_files_is_synced_in_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group_commit_s: float
) -> None:
    """A send that goes on in the next file, while others wait for the sync of the one before."""
    real, synced = os.fsync, dict[int, int]()

    def sync(file: int) -> None:
        size = os.fstat(file).st_size
        time.sleep(0.002)
        real(file)
        synced[os.fstat(file).st_ino] = size

    monkeypatch.setattr(os, "fsync", sync)
    short: list[int] = []
    with opened(tmp_path, bytes_max=4 * SMALL, group_commit_s=group_commit_s) as spool:

        def send(number: int) -> None:
            first = 10 * number
            spool.append([numbered(number, 4_000) for number in range(first, first + 5)])
            end = first + 4
            for path in tmp_path.glob("*.events"):  # what is promised is in what was synced
                at = path.read_bytes().find(b'{"n":%d,' % end)
                if at >= 0 and synced.get(path.stat().st_ino, 0) <= at:
                    short.append(end)
                at = path.read_bytes().find(b'{"n":%d,' % first)
                if at >= 0 and synced.get(path.stat().st_ino, 0) <= at:
                    short.append(first)

        in_threads(8, send)
        assert len(list(tmp_path.glob("*.events"))) > 1, "more than one file"
        assert short == []
        monkeypatch.undo()
        assert sorted(drain(spool)) == sorted(10 * n + i for n in range(8) for i in range(5))


def test_without_fsync_the_disk_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, fsync=False) as spool, counting(monkeypatch) as syncs:
        for number in range(5):
            spool.append([numbered(number)])
        assert syncs == [] and drain(spool) == list(range(5))


def test_what_is_not_synced_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()
    real = os.fsync

    def sync(file: int) -> None:
        reached.set()
        go_on.wait(60)
        real(file)

    with opened(tmp_path) as spool:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", sync)
            thread = threading.Thread(target=lambda: spool.append([numbered(1)]))
            thread.start()
            assert reached.wait(60)
            assert spool.peek(1, 1_000, 0.05, 0.0) == []
            go_on.set()
            thread.join(60)
        assert drain(spool) == [1]


def test_what_the_disk_did_not_sync_is_not_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    real, chance = os.fsync, random.Random(3)

    def sync(file: int) -> None:
        if chance.random() < 0.3:
            raise OSError(errno.EIO, "Input/output error")
        time.sleep(0.001)
        real(file)

    def send(thread: int) -> None:
        for number in range(thread * 100, thread * 100 + 10):
            try:
                spool.append([numbered(number)])
            except SpoolFailed as error:
                assert "sync" in str(error) or "Input/output error" in str(error)
            else:
                kept.append(number)

    with opened(tmp_path, bytes_max=SMALL * 8) as spool:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", sync)
            in_threads(5, send)
        spool.append([numbered(999)])
    with opened(tmp_path, bytes_max=SMALL * 8) as spool:
        came = drain(spool)
    assert set(kept) <= set(came) and len(set(came)) == len(came)
    assert 0 < len(kept) < 50 and came[-1] == 999


@pytest.mark.parametrize("name", ["write", "ftruncate", "open", "pwrite", "unlink", "replace"])
def test_a_call_of_the_system_that_fails_loses_nothing_that_was_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each fails half of the time; a write has then written a half. A file is cut off only behind
    a write that has failed, so with it some of these fail."""
    shares = {"write": 0.1, name: 0.5} if name == "ftruncate" else {name: 0.5}
    chance = random.Random(7)
    failures: Counter[str] = Counter()

    def failing(call: str) -> Callable[..., Any]:
        real = getattr(os, call)

        def fails(*words: Any, **more: Any) -> Any:
            if chance.random() < shares[call]:
                failures[call] += 1
                if call == "write":
                    real(words[0], bytes(words[1])[: len(words[1]) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*words, **more)

        return fails

    kept: list[int] = []
    came: list[int] = []
    refused: list[str] = []
    errors: list[str] = []

    @contextmanager
    def keeping_errors() -> Iterator[None]:
        try:
            yield
        except SpoolError as error:
            errors.append(str(error))

    for life in range(8):
        with opened(tmp_path) as spool, monkeypatch.context() as patch:
            for call in shares:
                patch.setattr(os, call, failing(call))
            for number in range(life * 100, life * 100 + 30):
                with keeping_errors():
                    spool.append([numbered(number)])
                    kept.append(number)
                with keeping_errors():
                    found = take(spool, verdict=REFUSED if number % 3 == 0 else TAKEN)
                    came += found
                    refused += [f"e-{taken}" for taken in found if number % 3 == 0]
                if number % 10 == 0 and refused:
                    dropped = refused.pop(0)  # whether or not it is forgotten now
                    with keeping_errors():
                        spool.refused.drop(dropped)
    with opened(tmp_path) as spool:
        came += drain(spool)
        assert set(refused) <= {row.event_id for row in spool.refused}
    assert refused
    first = list(dict.fromkeys(came))
    assert set(kept) <= set(first), "lost"
    assert sorted(first) == first, "out of order"
    assert len(kept) > 30
    assert failures[name] > 5
    assert all("must" in text for text in errors)  # may be empty: then events come again


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """By the limit of the system, in a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
            spool = Spool(tmp_path, bytes_max=SMALL * 8)
            kept = 0
            with suppress(SpoolFailed):
                while kept < 100:
                    spool.append([numbered(kept)])
                    kept += 1
            first = drain(spool)
            code = 0 if kept == 4 and first == [0, 1, 2, 3] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with opened(tmp_path) as spool:
        assert drain(spool) == []


def test_refused_events_are_put_aside_once_and_within_a_bound(tmp_path: Path) -> None:
    with opened(tmp_path, refused_bytes_max=5_000) as spool:
        spool.append([numbered(number) for number in range(6)])
        assert take(spool, 2, REFUSED) == [0, 1]
        events = spool.peek(1, 10_000, 0.0, 0.0)
        for _ in range(3):  # a crash before `take` brings it again
            spool.put_aside(events, [REFUSED])
        assert [refused_event.event_id for refused_event in spool.refused] == ["e-0", "e-1", "e-2"]
        with pytest.raises(SpoolFull, match="redrive"):
            take(spool, 3, REFUSED)
        assert spool.refused.drop("e-0", "none") == 1
        assert take(spool, 1) == [2]
    with opened(tmp_path) as spool:
        assert [
            (refused_event.event_id, refused_event.code, refused_event.said)
            for refused_event in spool.refused
        ] == [(f"e-{number}", "unknown_type", "It must be known.") for number in (1, 2, 3)]
        assert next(iter(spool.refused)).event["n"] == 1
        assert spool.redrive([]) == 3
        assert drain(spool) == [3, 4, 5, 1, 2, 3], "where room ran out it waits still"
        assert len(spool.refused) == 0 and spool.refused.drop() == 0


def test_a_spool_that_is_closed_touches_no_file(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.append([numbered(1)])
        take(spool, 1, REFUSED)
    with opened(tmp_path) as other:
        for call in (
            lambda: spool.append([numbered(2)]),
            lambda: spool.refused.drop(),
            lambda: spool.refused.add("e-3", b"{}", REFUSED),
            lambda: spool.redrive(["e-1"]),
        ):
            with pytest.raises(SpoolFailed, match="it was closed"):
                call()
        assert spool.peek(1, 1, 0.0, 0.0) == []
        assert [refused_event.event_id for refused_event in other.refused] == ["e-1"]
        assert drain(other) == []


def test_processes_take_the_first_directory_that_is_free(tmp_path: Path) -> None:
    first, second = Spool.first_free(tmp_path), Spool.first_free(tmp_path)
    assert [spool.folder.name for spool in (first, second)] == ["0", "1"]
    with pytest.raises(SpoolLocked):
        Spool(tmp_path / "0")
    second.append([numbered(1)])
    first.close()
    second.close()
    again = Spool.first_free(tmp_path)
    assert again.folder.name == "1" and drain(again) == [1]
    again.close()


def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "spool") as spool:
        spool.append([numbered(1)])
        assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
        files = list((tmp_path / "spool").iterdir())
        assert len(files) == 4
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
