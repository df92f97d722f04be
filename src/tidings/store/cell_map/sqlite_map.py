"""The map of one machine: a file that all its processes open.

Nothing of it is on the way of an event, so SQLite's lock is enough: who changes the map waits for
whoever does so at the moment, some seconds at most. A process that is frozen within a change keeps
the others from changing the map, not from reading it, until it goes on or is ended.

A backup is put in its place by a rename, never written into the file: who has that open sees that
another one is there, and opens it.
"""

import os
import time
from importlib import resources
from pathlib import Path

import apsw

from tidings.store.cell_map.map_rows import MapRows
from tidings.store.cell_map.schema_number import must_bring_forward, must_serve
from tidings.store.port.cell_map import MapDown, MapRefused
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.privacy import close_to_others

MAP_FILE = "map.db"
WAIT_S = 5.0  # for another process that changes the map
AGAIN_S = 0.01

_FAULTS = (apsw.Error, OSError)
_PASSING = (apsw.BusyError, apsw.LockedError)  # another process has it; the connection is well


class SqliteMapConnection(SqliteConnection):
    """See `MapConnection`."""

    def __init__(self, path: Path, flags: int) -> None:
        super().__init__(str(path), flags=flags)
        self._path = path
        self._file = _file_at(path)
        self._is_broken = False
        self.set_busy_timeout(round(WAIT_S * 1000))

    def begin_reading(self) -> None:
        """See `MapConnection`."""
        self.execute("BEGIN")

    def must_be_current(self) -> None:
        """Raise FileNotFoundError where the file was taken away: a backup may stand there now."""
        if _file_at(self._path) != self._file:
            raise FileNotFoundError(f"{self._path} is another file now")

    def make_sure(self) -> None:
        """See `MapConnection`: what can be seen was synced before."""

    def is_fault(self, error: BaseException) -> bool:
        """See `MapConnection`."""
        is_fault = isinstance(error, _FAULTS)
        self._is_broken |= is_fault and not isinstance(error, _PASSING)
        return is_fault

    def is_lost(self) -> bool:
        """See `MapConnection`."""
        return self._is_broken


def make_sqlite_map(directory: Path) -> None:
    """Make the map in a directory, or bring it forward; done again, or by several processes at
    once, it is made once. Raise `MapDown`, `MapRefused`."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        close_to_others(directory)
        path = directory / MAP_FILE
        connection = SqliteMapConnection(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        try:
            _migrate(connection)
        finally:
            connection.close()
        close_to_others(directory)
    except (apsw.Error, OSError) as error:
        raise MapDown(f"the map cannot be made: {error}") from error


def open_sqlite_map(directory: Path) -> MapRows:
    """Open the map that was made in a directory. Raise `MapDown`, `MapRefused`."""
    try:
        connection = SqliteMapConnection(directory / MAP_FILE, apsw.SQLITE_OPEN_READWRITE)
        try:
            must_serve(_schema_of(connection), newest_map_schema())
            _set_up(connection)
        except BaseException:
            connection.close()
            raise
    except (apsw.Error, OSError) as error:
        raise MapDown(f"the map in {directory} cannot be opened: {error}") from error
    return MapRows(connection)


def newest_map_schema() -> int:
    """Return the number of the newest schema of the map that this release knows."""
    return int(_scripts()[-1].split("_")[0])


def _migrate(connection: SqliteMapConnection) -> None:
    _set_up(connection)
    folder = resources.files(__package__).joinpath("schema", "sqlite")
    for name in _scripts():
        number = int(name.split("_")[0])
        connection.begin()  # who waited here sees what another one has made
        try:
            have = _schema_of(connection)
            must_bring_forward(have, newest_map_schema())
            if have < number:
                connection.execute(folder.joinpath(name).read_text("utf-8")).fetchall()
                connection.pragma("user_version", number)
            connection.commit()
        except BaseException:
            connection.roll_back()
            raise


def _set_up(connection: SqliteMapConnection) -> None:
    """Have commits be on the disk, and readers wait for nobody. Raise MapRefused if it is not
    taken."""
    if (mode := _journal_mode(connection)) != "wal":
        raise MapRefused(
            f"The map must run with journal_mode=wal; it stays at {mode}. "
            "Put the data directory on a local file system."
        )
    connection.pragma("synchronous", "full")


def _journal_mode(connection: SqliteMapConnection) -> object:
    """Change the mode of the journal to WAL; return the mode that it has then. SQLite itself does
    not wait here for another process that does the same."""
    give_up_s = time.monotonic() + WAIT_S
    while True:
        try:
            return connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(AGAIN_S)


def _schema_of(connection: SqliteMapConnection) -> int:
    return int(str(connection.pragma("user_version")))


def _scripts() -> list[str]:
    """List the names of the numbered files, in order."""
    folder = resources.files(__package__).joinpath("schema", "sqlite")
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".sql"))


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
