"""Opening the database file: its settings, read back; its migrations; its lock.

`synchronous=FULL` with WAL is what makes a 202 true: in a power-loss sweep it lost no acknowledged
commit, `NORMAL` lost some at four of five crash points. SQLite before 3.51.3 can corrupt a WAL
database that two connections write and checkpoint (sqlite.org/wal.html, "WAL-reset bug").
"""

import contextlib
import errno
import fcntl
import os
import time
from importlib import resources
from pathlib import Path

import apsw

from tidings.errors import Unusable
from tidings.store.sqlite.privacy import close_to_others

FILE = "tidings.db"
LOCK = "lock"
OURS = (FILE, "search.db", LOCK)  # a disk's root may hold what is not, as lost+found
SQLITE_MIN = 3_051_003
PAGE_BYTES = 4096
CACHE_KIB = 64 * 1024
OWNER_WAIT_S = 5.0

# The disk or the file system refuses: nothing is wrong with what was asked, and it may pass.
DISK_FAULTS = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)


# The same, as the system says it of a file of ours.
DISK_ERRNOS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))


class StoreRefused(Unusable):
    """The data directory cannot be used; the text says why and what to do."""


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
                f"The data directory {directory} must be one that can be made and written; got: "
                f"{error.strerror or error}. Mend its mode, or name another with --data."
            ) from None
        self._directory, self._database = directory, False
        self._give_up = time.monotonic() + OWNER_WAIT_S
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
                f"{self._directory / FILE} must be readable; got: {error.strerror or error}. Mend "
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
                        f"which still runs after {OWNER_WAIT_S:.0f} s. Stop it, or give this one "
                        "another directory with --data."
                    ) from None
                time.sleep(0.05)

    def _owner(self) -> str:
        """Who says in the file that it has the directory."""
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
    """StoreRefused where no space would help: the file system is read-only, or a file not ours."""
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
                f"{os.geteuid()}. Mend its owner or mode, or name another directory with --data."
            )


def open_writer(path: Path | str, *, vfs: str | None = None) -> apsw.Connection:
    """The one writing connection, migrated. StoreRefused if its settings did not take."""
    if apsw.sqlite_lib_version() and apsw.SQLITE_VERSION_NUMBER < SQLITE_MIN:
        raise StoreRefused(f"SQLite 3.51.3 or newer is needed; got {apsw.sqlite_lib_version()}.")
    connection = apsw.Connection(str(path), vfs=vfs)
    # After a kill the first to look at the file reads the journal anew, and it may be a program of
    # the operator's: it is waited for, as an owner that is just ending is.
    connection.set_busy_timeout(int(OWNER_WAIT_S * 1000))
    _set(connection, "page_size", PAGE_BYTES)
    _set(connection, "auto_vacuum", "incremental")  # takes hold in a new file only
    if path != ":memory:":
        _expect(connection, "journal_mode", "wal")
    _expect(connection, "synchronous", "full", 2)
    _set(connection, "cache_size", -CACHE_KIB)
    _set(connection, "temp_store", "memory")
    _set(connection, "wal_autocheckpoint", 0)
    migrate(connection)
    connection.set_busy_timeout(0)
    return connection


def open_reader(path: Path | str) -> apsw.Connection:
    """A read-only connection for logs and the console."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(2000)
    _set(connection, "query_only", 1)
    return connection


def _scripts() -> list[str]:
    """The names of the numbered files, in order."""
    return sorted(
        entry.name
        for entry in resources.files(__package__).joinpath("schema").iterdir()
        if entry.name.endswith(".sql")
    )


def newest_schema() -> int:
    """The number of the newest schema that this release knows."""
    return int(_scripts()[-1].split("_")[0])


def migrate(connection: apsw.Connection) -> None:
    """Bring the schema forward by the numbered files. Refuses a database of a newer release."""
    [(have,)] = connection.execute("PRAGMA user_version")
    scripts, newest = _scripts(), newest_schema()
    if have > newest:
        raise StoreRefused(
            f"The database has schema {have}; this release knows {newest}. Start the newer release."
        )
    for name in scripts:
        number = int(name.split("_")[0])
        if number <= have:
            continue
        script = resources.files(__package__).joinpath("schema", name).read_text("utf-8")
        with connection:
            for _ in connection.execute(script):
                pass
            for _ in connection.execute(f"PRAGMA user_version = {number}"):
                pass


def _set(connection: apsw.Connection, name: str, value: int | str) -> None:
    for _ in connection.execute(f"PRAGMA {name} = {value}"):
        pass


def _expect(connection: apsw.Connection, name: str, value: str, shown: object = None) -> None:
    _set(connection, name, value)
    [(got,)] = connection.execute(f"PRAGMA {name}")
    if got != (value if shown is None else shown):
        raise StoreRefused(
            f"The database must run with {name}={value}; it stays at {got}. "
            "Put the data directory on a local file system."
        )
