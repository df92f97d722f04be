"""A connection of SQLite's, with what the store's rows ask of one beyond statements."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import apsw

from tidings.store.sql.connection import LongBytes, Values

# The disk or the file system refuses: nothing is wrong with what was asked, and it may pass.
DISK_FAULTS = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)
_COUNTED = "SELECT name, seq FROM sqlite_sequence"


def disk_fault_of(error: BaseException) -> BaseException | None:
    """Return the disk's refusal that an error is, or came of; None where the disk did not refuse.

    Where SQLite has ended the transaction by itself, leaving it fails with an error of its own.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, DISK_FAULTS):
        seen = seen.__context__
    return seen


class SqliteConnection(apsw.Connection):
    """See `store/sql/connection.py:StoreConnection`."""

    def begin(self) -> None:
        """Begin to write at once: nobody else does."""
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction, synced (`synchronous=FULL`)."""
        self.execute("COMMIT")

    def roll_back(self) -> None:
        """Take back what the transaction has changed; SQLite may have done so by itself."""
        if not self.get_autocommit():
            self.execute("ROLLBACK")

    def insert_new(self, statement: str, rows: Sequence[Values]) -> bool:
        """Insert rows, all or none. False: the key of one of them is there already."""
        try:
            with self:  # a savepoint: the transaction goes on without it
                self.executemany(statement, rows)
        except apsw.ConstraintError:
            return False
        return True

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """Have commits in the block wait for no sync; behind it every commit does again, whatever
        happens."""
        self.execute("PRAGMA synchronous = normal")
        try:
            yield
        finally:
            self.roll_back()  # else the level cannot be set
            self.execute("PRAGMA synchronous = full")

    def log_version(self) -> object:
        """Return what differs once the database has changed: by another connection, or by this."""
        [(version,)] = self.execute("PRAGMA data_version")
        return version, self.total_changes()

    def counted(self) -> Mapping[str, int]:
        """Return the greatest number that was there in each table that is AUTOINCREMENT."""
        return {str(table): int(number) for table, number in self.execute(_COUNTED)}

    def has_table(self, name: str) -> bool:
        """Return whether the schema has a table."""
        return self.table_exists("main", name)

    def long_bytes(self, table: str, column: str, key: str, value: int) -> LongBytes:
        """Open a column of bytes; `key` is the table's number of rows, so it names none here."""
        return cast(LongBytes, self.blob_open("main", table, column, value, False))

    def refusal_of(self, error: BaseException) -> BaseException | None:
        """Return the disk's refusal that an error of SQLite's is, or came of; or that there is no
        memory now. None where it is none."""
        if isinstance(error, apsw.NoMemError):
            return MemoryError(f"the store's process has no memory: {error}")
        return disk_fault_of(error) if isinstance(error, apsw.Error) else None

    def is_full(self, fault: BaseException) -> bool:
        """Return whether a refusal is that the disk, or what the file may take, is full."""
        return isinstance(fault, apsw.FullError)
