"""A data directory is its owner's alone from the start on, however it was made."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tidings.store.sqlite import privacy
from tidings.store.sqlite.directory_lock import DirectoryLock


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("before", [0o755, 0o777, 0o750, 0o705, 0o2770, 0o700])
def test_what_was_open_to_others_is_closed_with_all_files_in_it(
    tmp_path: Path, before: int
) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    data.mkdir()
    outside.write_text("another's")
    outside.chmod(0o644)
    for name in ("tidings.db", "tidings.db-wal", "key", "lock"):
        (data / name).touch()
        (data / name).chmod(0o644)
    (data / "link").symlink_to(outside)
    (data / "nowhere").symlink_to(tmp_path / "nothing")
    (data / "folder").mkdir(mode=0o755)
    data.chmod(before)
    lock = DirectoryLock(data)
    try:
        assert mode(data) == before & ~0o077
        for name in ("tidings.db", "tidings.db-wal", "key", "lock"):
            assert mode(data / name) == 0o600
        assert mode(outside) == 0o644, "what a link leads to is another's"
    finally:
        lock.release()


def test_a_directory_that_does_not_exist_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "new" / "data")
    lock.release()
    assert mode(tmp_path / "new" / "data") == 0o700


def test_what_cannot_be_closed_is_said_with_what_to_do_and_is_no_end_of_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "key").touch(mode=0o644)
    (tmp_path / "key").chmod(0o644)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    with capture_logs() as said:
        assert privacy.close_to_others(tmp_path) == [tmp_path, tmp_path / "key"]
    [line] = said
    assert line["event"] == "the data directory is open to others"
    assert line["open"] == [".", "key"] and "chmod -R go=" in line["advice"]
