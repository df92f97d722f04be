"""The embedded store's operations, synchronous: the writing half and the reading half.

`process.py` hosts each half in a child process of its own; the simulation and the conformance suite
call them in process.
"""

import time
from collections.abc import Callable
from pathlib import Path

from tidings.store import port
from tidings.store.sqlite.checkpoints import CHECKPOINT_PAGES, Checkpoints
from tidings.store.sqlite.configuration import Configuration
from tidings.store.sqlite.database import (
    DISK_FAULTS,
    FILE,
    open_reader,
    open_writer,
)
from tidings.store.sqlite.queries import Queries
from tidings.store.sqlite.recovery import Recovery
from tidings.store.sqlite.segments import SLICE_EVENTS, Segments
from tidings.store.sqlite.writer import Writer

SEARCH_FILE = "search.db"
INDEX_AT_LEAST_EVERY_S = 1.0


def wall_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class WritingHalf:
    """Everything that writes, on one connection, plus the reads that must be in order with it."""

    def __init__(
        self, path: Path | str, clock_ms: Callable[[], int] = wall_ms, vfs: str | None = None
    ) -> None:
        self.connection = open_writer(path, vfs=vfs)
        self.writer = Writer(self.connection, clock_ms)
        self.configuration = Configuration(self.connection, clock_ms, self.writer.version_raised)
        self.recovery = Recovery(self.connection, clock_ms)
        own_file = isinstance(path, Path) and vfs is None
        beside = Path(path) if own_file else None
        self.checkpoints = Checkpoints(self.connection, CHECKPOINT_PAGES, beside)
        self._closed = False

    def commit(self, batch: port.Batch) -> port.Receipt:
        """See `port.Store.commit`. StoreDown when the disk or the file system refuses."""
        try:
            return self.writer.commit(batch)
        except DISK_FAULTS as error:
            raise port.StoreDown(str(error)) from error

    def close(self, clean: bool = True) -> None:
        """Mark a clean stop, fold the log into the database, close. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            if clean:
                self.recovery.stopped_cleanly()
        finally:
            self.checkpoints.stop()
            self.connection.close()


class ReadingHalf:
    """The API's reads, and the search terms, which are written here behind the commits."""

    def __init__(self, directory: Path) -> None:
        self._connection = open_reader(directory / FILE)
        self.queries = Queries(self._connection)
        self._segments = Segments(directory / SEARCH_FILE)
        self._indexed_at = 0.0

    def background(self) -> bool:
        """Index a slice if a whole one is waiting, or a partial one for long enough."""
        now = time.monotonic()
        ripe = now - self._indexed_at >= INDEX_AT_LEAST_EVERY_S
        if not ripe and self._lag() < SLICE_EVENTS:
            return False
        self._indexed_at = now
        try:
            return self._segments.write_slice(self._connection) == SLICE_EVENTS
        except DISK_FAULTS:
            return False  # later again; `index_lag` shows it

    def _lag(self) -> int:
        [(newest,)] = self._connection.execute("SELECT coalesce(max(seq), 0) FROM event")
        return int(newest) - self._segments.cursor

    def counts(self) -> port.Counts:
        """See `port.Store.counts`."""
        return self.queries.counts(self._segments.cursor)

    def find(self, term: bytes, limit: int) -> list[int]:
        """Sequence numbers of the newest events with a search term."""
        return self._segments.find(term, limit)

    def close(self) -> None:
        """Close both files."""
        self._segments.close()
        self._connection.close()
