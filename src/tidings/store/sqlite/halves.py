"""The embedded store's halves, over its files.

`process.py` hosts each half in a child process of its own; the simulation and the conformance suite
call them in process.
"""

from collections.abc import Callable
from pathlib import Path

from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.halves import RowReader, RowWriter, wall_ms
from tidings.store.sqlite.checkpoints import CHECKPOINT_PAGES, Checkpoints
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE, open_reader, open_writer
from tidings.store.sqlite.file_space import FileSpaceRows
from tidings.store.sqlite.search_file import SEARCH_FILE, open_search


class WritingHalf(RowWriter):
    """Everything that writes, over the database file."""

    connection: SqliteConnection
    space: FileSpaceRows

    def __init__(
        self,
        path: Path | str,
        clock_ms: Callable[[], int] = wall_ms,
        vfs: str | None = None,
        passed_s: Callable[[], float] | None = None,
    ) -> None:
        """See `RowWriter`."""
        connection = open_writer(path, vfs=vfs)
        super().__init__(connection, clock_ms, passed_s)
        self.space = FileSpaceRows(connection)
        own_file = isinstance(path, Path) and vfs is None
        beside = Path(path) if own_file else None
        self.checkpoints = Checkpoints(connection, CHECKPOINT_PAGES, beside)

    def _end(self) -> None:
        """Fold the log into the database, and close."""
        self.checkpoints.stop()
        super()._end()


class ReadingHalf(RowReader):
    """The reads, over the database file and the search file."""

    connection: SqliteConnection

    def __init__(self, log: SqliteConnection, search: SqliteConnection) -> None:
        super().__init__(log, SearchSegments(search))
        self.connections = (log, search)

    @classmethod
    def in_directory(cls, directory: Path) -> "ReadingHalf":
        """Open the store over the files of a data directory."""
        return cls(open_reader(directory / FILE), open_search(directory / SEARCH_FILE))
