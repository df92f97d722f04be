"""A data directory as one side of a copy: locked, as by a service that runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from tidings.store.copying.plan import FACTS
from tidings.store.copying.sides import CopyRefused, TableShape
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_columns
from tidings.store.sqlite.database import FILE, newest_schema, open_reader, open_writer
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.saved_files import MANIFEST
from tidings.store.sqlite.search_file import SEARCH_FILE

CHECKPOINT_PAGES = 4096  # of the log that a copy writes, until they are in the database
# What SQLite reports where the system has refused a write. It reports "full" of one reason alone; a
# quota, and a bound of a file's length, are others.
_UNWRITTEN = (
    apsw.SQLITE_IOERR_WRITE,
    apsw.SQLITE_IOERR_FSYNC,
    apsw.SQLITE_IOERR_TRUNCATE,
    apsw.SQLITE_IOERR_SHMSIZE,
)
_TABLES = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
)
_COLUMNS = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid"
_UNIQUE = (
    "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND NOT partial AND origin <> 'pk'"
    " ORDER BY name"
)
_INDEXED = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
_NUMBERS = "SELECT name, seq FROM sqlite_sequence"


class SqliteSide:
    """See `StoreSide`."""

    def __init__(self, directory: Path, *, make: bool) -> None:
        """`make`: it may be new. Raise CopyRefused, or StoreRefused while a service has it."""
        self.name = str(directory.absolute())
        self._directory = directory
        if not make and not (directory / FILE).is_file():
            raise CopyRefused(
                f"{directory} must be a data directory with {FILE}; it has none. Name the "
                "directory of the service."
            )
        if (directory / MANIFEST).is_file():  # its sums would not fit any more
            raise CopyRefused(
                f"{directory} must be a data directory; it is a backup. Restore it with `tidings "
                "restore`, start that once, and copy it."
            )
        self._lock = DirectoryLock(directory)
        try:
            self._check_schema(make)
            self.connection = open_writer(directory / FILE)
            pages = f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"
            self.connection.execute(pages).fetchall()
            self._lock.lock_database()
        except BaseException:
            self._lock.release()
            raise

    def _check_schema(self, make: bool) -> None:
        """Raise CopyRefused where the database is of another release: none is migrated here."""
        if not (self._directory / FILE).is_file():
            if (self._directory / SEARCH_FILE).is_file():
                raise CopyRefused(
                    f"{self._directory} must be empty to be copied to; it has {SEARCH_FILE} of "
                    "another store. Name a directory that is not there yet."
                )
            return
        reader = open_reader(self._directory / FILE)
        try:
            have: Any = reader.execute("PRAGMA user_version").fetchall()[0][0]
            # Where a target was being made, and its disk was full, it has some of the tables.
            is_unmade = make and have < newest_schema() and _is_new(reader)
        finally:
            reader.close()
        if have != newest_schema() and not is_unmade:
            raise CopyRefused(
                f"{self._directory} must have schema {newest_schema()} to be copied; it has "
                f"{have}. Start this release on it once, and stop it."
            )

    def tables(self) -> Mapping[str, TableShape]:
        """See `StoreSide.tables`."""
        return {name: self._shape(name) for (name,) in self._ask(_TABLES)}

    def numbers(self) -> Mapping[str, int]:
        """See `StoreSide.numbers`."""
        return {name: int(number) for name, number in self._ask(_NUMBERS)}

    def raise_numbers(self, least: Mapping[str, int]) -> None:
        """See `StoreSide.raise_numbers`. What SQLite keeps no number of it gives above its rows."""
        put = insert_columns("sqlite_sequence", ("name", "seq"))
        with self.connection:
            have = self.numbers()
            for (table,) in self._ask(f"{_TABLES.partition(' ORDER')[0]} AND sql LIKE '%AUTOINC%'"):
                number = max(least.get(table, 0), have.get(table, 0))
                self.connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
                self.connection.execute(put, (table, number))

    def renew(self) -> None:
        """See `StoreSide.renew`: the lock lasts as long as this process."""

    def has_no_room(self, fault: BaseException) -> bool:
        """See `StoreSide.has_no_room`."""
        return is_full(fault)

    def close(self) -> None:
        """See `StoreSide.close`."""
        self.connection.close()
        self._lock.release()

    def _shape(self, table: str) -> TableShape:
        columns = self._ask(_COLUMNS, table)
        key = [name for place, name in sorted((pk, name) for name, _, pk in columns) if place]
        for (index,) in self._ask(_UNIQUE, table):
            key = key or [name for (name,) in self._ask(_INDEXED, index)]
        return TableShape({name: kind for name, kind, _ in columns}, tuple(key))

    def _ask(self, query: str, *values: str) -> list[Any]:
        return self.connection.execute(query, values).fetchall()


def is_full(fault: BaseException) -> bool:
    """Return whether SQLite reports that there is no room for what it writes."""
    if isinstance(fault, apsw.IOError):
        return getattr(fault, "extendedresult", None) in _UNWRITTEN  # the stubs lack it
    return isinstance(fault, apsw.FullError)


def _is_new(connection: StoreConnection) -> bool:
    """Return whether a database has no rows but those that its migrations leave."""
    tables = {name for (name,) in connection.execute(_TABLES).fetchall()}
    return not any(
        connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchall() for name in tables - FACTS
    )
