"""Who has claimed: an owner that ends with its process, however that ends."""

from __future__ import annotations

import glob
import os
import sqlite3
import uuid
from contextlib import suppress
from pathlib import Path


class Owner:
    """A file beside the store, locked for as long as its owner lives: the system ends the lock with
    the process. So it is known at once, by whichever process of the machine, that nobody will ever
    finish what an owner has claimed. SQLite takes the lock, as it does for the store itself.
    """

    def __init__(self, store: str) -> None:
        """`store` is its file's whole path; empty for one in memory, whose claims end with it.
        sqlite3.Error where no file can be made there."""
        self._stem = f"{store}-owner-"
        self._pid = os.getpid()
        self._name = ""
        self._lock: sqlite3.Connection | None = None
        if store:
            for left in glob.glob(glob.escape(self._stem) + "?" * len(uuid.uuid4().hex)):
                _take_away(Path(left))
            self._take_lock()

    def _take_lock(self) -> None:
        while True:
            self._name = uuid.uuid4().hex
            self._lock = _open(self._file(self._name))
            with suppress(sqlite3.OperationalError):
                _lock(self._lock)
                if self._file(self._name).exists():
                    return
            self._lock.close()  # somebody has just taken it away for that of a dead one

    @property
    def name(self) -> str:
        """Return what claims are marked with. Empty in a process that was forked since: it has no
        lock, so its claims hold for their lease."""
        return self._name if os.getpid() == self._pid else ""

    def is_dead(self, name: str) -> bool:
        """Return whether the owner of this name has ended."""
        if name in ("", self._name):
            return False
        return not self._file(name).exists() or _take_away(self._file(name))

    def close(self) -> None:
        """End it; what it has claimed is anybody's."""
        if self._lock is not None:
            self._lock.close()
        if self.name:
            with suppress(OSError):
                self._file(self._name).unlink()

    def _file(self, name: str) -> Path:
        return Path(self._stem + name)


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)


def _lock(file: sqlite3.Connection) -> None:
    file.execute("PRAGMA journal_mode = MEMORY")  # no second file
    file.execute("BEGIN EXCLUSIVE")


def _take_away(file: Path) -> bool:
    """Return whether nobody holds it; then it is there no more."""
    lock = _open(file)
    try:
        _lock(lock)
        with suppress(OSError):  # where files that are open cannot be deleted, the next one does
            file.unlink()
    except sqlite3.Error:  # locked, or nothing of ours
        return False
    finally:
        lock.close()
    return True
