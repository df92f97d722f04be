"""Whose a data directory is: one process owns it for as long as it lives, and can write to it.

Apart from what opens the database, which the child processes of the store import: they have no
locks of their own to take, and start in half the time without what this module needs.
"""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path

from tidings.store.port import StoreRefused
from tidings.store.sqlite import database
from tidings.store.sqlite.database import DISK_ERRNOS, FILE, LOCK
from tidings.store.sqlite.privacy import close_to_others

OURS = (FILE, "search.db", LOCK)  # a disk's root may hold what is not, as lost+found


class DirectoryLock:
    """The exclusive right to a data directory, held by open files for as long as we live.

    What is locked is the directory itself, which nobody can remove while it holds the data, however
    it is named, and the database, which may be reached from another directory by a link. The file
    `lock` is locked too, for releases that know nothing else, and says whose the directory is.
    """

    def __init__(self, directory: Path) -> None:
        """Wait up to 5 s for a dying owner. StoreRefused while another process holds it, and where
        it cannot be made or written; OSError (`DISK_ERRNOS`) where the disk takes nothing now."""
        self._held: list[int] = []
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY))
            self._held.append(os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            self.release()
            if error.errno in DISK_ERRNOS:
                raise
            raise StoreRefused(
                f"The data directory {directory} must be one that can be created and written; got: "
                f"{error.strerror or error}. Fix its mode, or name another with --data."
            ) from None
        self._directory, self._database = directory, False
        self._give_up = time.monotonic() + database.OWNER_WAIT_S
        try:
            for descriptor in tuple(self._held):
                self._lock(descriptor)
            self.lock_database()
            close_to_others(directory)
        except BaseException:
            self.release()
            raise
        with contextlib.suppress(OSError):  # a full disk: whose it is cannot be told, but it is
            os.ftruncate(self._held[1], 0)
            os.pwrite(self._held[1], f"{os.getpid()}\n".encode(), 0)

    def lock_database(self) -> None:
        """Lock the database as soon as it is there. StoreRefused where another process has it."""
        if self._database:
            return
        # It may not be closed while this process has a connection of SQLite's to it: that would
        # end their locks. The service's connections are in its child processes.
        try:
            descriptor = os.open(self._directory / FILE, os.O_RDONLY)
        except FileNotFoundError:
            return  # a first start
        except OSError as error:
            raise StoreRefused(
                f"{self._directory / FILE} must be readable; got: {error.strerror or error}. Fix "
                "its mode, or name another directory with --data."
            ) from None
        self._held.append(descriptor)
        self._lock(descriptor)
        self._database = True

    def _lock(self, descriptor: int) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise StoreRefused(
                        f"The data directory {self._directory} must be on a file system that locks "
                        f"directories; got: {error.strerror or error}. Put it on a local one."
                    ) from None
                if time.monotonic() > self._give_up:
                    raise StoreRefused(
                        f"The data directory {self._directory} belongs to process {self._owner()}, "
                        f"which still runs after {database.OWNER_WAIT_S:.0f} s. Stop it, or give "
                        "this one another directory with --data."
                    ) from None
                time.sleep(0.05)

    def _owner(self) -> str:
        """Build the line by which we say in the file that we have the directory."""
        return os.pread(self._held[1], 20, 0).decode(errors="replace").strip() or "unknown"

    @property
    def descriptor(self) -> int:
        """The open directory; a child process that inherits it holds its lock too."""
        return self._held[0]

    def release(self) -> None:
        """Let the directory go, as soon as no child process holds it either. Idempotent."""
        while self._held:
            os.close(self._held.pop())


def must_be_writable(directory: Path) -> None:
    """Raise StoreRefused where no space would help: the file system is read-only, or a file not
    ours."""
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise StoreRefused(
            f"The data directory {directory} must be writable; its file system is mounted "
            "read-only. Mount it for writing, or name another directory with --data."
        )
    ours = sorted(path for path in directory.iterdir() if path.name.startswith(OURS))
    for path in (directory, *ours):
        if not os.access(path, os.R_OK | os.W_OK):
            raise StoreRefused(
                f"{path} must be readable and writable by the service; it is not by the user "
                f"{os.geteuid()}. Fix its owner or mode, or name another directory with --data."
            )
