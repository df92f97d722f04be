"""Opening the database file: its settings, read back; its migrations.

`synchronous=FULL` with WAL is what makes a 202 true: in a power-loss sweep it lost no acknowledged
commit, `NORMAL` lost some at four of five crash points. SQLite before 3.51.3 can corrupt a WAL
database that two connections write and checkpoint (sqlite.org/wal.html, "WAL-reset bug").
"""

import errno
from importlib import resources
from pathlib import Path

import apsw

from tidings.store.port import StoreRefused
from tidings.store.sqlite.connection import SqliteConnection

FILE = "tidings.db"
LOCK = "lock"
SQLITE_MIN = 3_051_003
PAGE_BYTES = 4096
CACHE_KIB = 64 * 1024
OWNER_WAIT_S = 5.0

# The disk takes nothing now, as the system says it of a file of ours.
DISK_ERRNOS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))


def open_writer(path: Path | str, *, vfs: str | None = None) -> SqliteConnection:
    """Open the one writing connection, and migrate the database. Raise StoreRefused if its settings
    did not take."""
    if apsw.sqlite_lib_version() and apsw.SQLITE_VERSION_NUMBER < SQLITE_MIN:
        raise StoreRefused(f"SQLite 3.51.3 or newer is needed; got {apsw.sqlite_lib_version()}.")
    connection = SqliteConnection(str(path), vfs=vfs)
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


def open_reader(path: Path | str) -> SqliteConnection:
    """Open a read-only connection for logs and the console."""
    connection = SqliteConnection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(2000)
    _set(connection, "query_only", 1)
    return connection


def _scripts() -> list[str]:
    """The names of the numbered files, in order."""
    return sorted(
        path.name
        for path in resources.files(__package__).joinpath("schema").iterdir()
        if path.name.endswith(".sql")
    )


def newest_schema() -> int:
    """Return the number of the newest schema that this release knows."""
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
