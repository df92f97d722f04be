"""Folding the write-ahead log back into the database, beside the commits.

A checkpoint of a whole log takes tens of milliseconds, which no commit should wait for. So a thread
with a connection of its own copies most of it while commits go on (SQLite releases the interpreter
meanwhile); the few pages that came since are copied by the writer itself between two commits. Only
then is the log wholly folded, and the next commit starts it again from its beginning.
"""

import contextlib
import threading
from pathlib import Path

import apsw

from tidings.store.sqlite.connection import DISK_FAULTS

CHECKPOINT_PAGES = 4000


class Checkpoints:
    """Belongs to the writing connection; without `beside`, its file, the writer folds alone."""

    def __init__(
        self,
        connection: apsw.Connection,
        pages: int = CHECKPOINT_PAGES,
        beside: Path | None = None,
    ) -> None:
        self._connection = connection
        self._pages = pages
        self._beside = beside
        self._grown = 0
        self._thread: threading.Thread | None = None
        connection.set_wal_hook(self._committed)

    def _committed(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._grown = pages
        return apsw.SQLITE_OK

    def run_if_due(self) -> None:
        """Start folding when the log is long, end it when it is folded. Called between commits."""
        if self._thread is not None:
            if not self._thread.is_alive():
                self._thread = None
                self._grown = 0
                _fold(self._connection)
        elif self._grown >= self._pages:
            if self._beside is None:
                self._grown = 0
                _fold(self._connection)
            else:
                self._thread = threading.Thread(target=_fold_beside, args=(self._beside,))
                self._thread.start()

    def stop(self) -> None:
        """Stop folding before the connection is closed, which folds what is left."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._grown = 0
        self._connection.set_wal_hook(None)


def _fold(connection: apsw.Connection) -> None:
    # A full disk may refuse the file's growth: the log keeps what it has, and the next commit, if
    # there is one, asks again.
    with contextlib.suppress(apsw.BusyError, *DISK_FAULTS):
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


def _fold_beside(path: Path) -> None:
    with contextlib.suppress(apsw.BusyError, *DISK_FAULTS):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            _fold(connection)
        finally:
            connection.close()
