"""A connection to PostgreSQL that takes statements in SQLite's words.

Each distinct text is translated once, and prepared at its second use. Where a statement is run for
many rows of values it becomes one over arrays of them (`batches.py`), where its shape allows that.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus

from tidings.store.postgres.arrays import DUMPERS
from tidings.store.postgres.batches import BatchStatement, batch_of, insert_new_of, waves
from tidings.store.postgres.binding import bound_arrays, bound_values
from tidings.store.postgres.catalogue import Tables, read_tables
from tidings.store.postgres.faults import postgres_fault_of
from tidings.store.postgres.long_bytes import PiecewiseBytes
from tidings.store.postgres.statements import Statement, translate
from tidings.store.postgres.values import register_values
from tidings.store.sql.connection import Found, LongBytes, Values

TEXTS_MAX = 1024  # translated statements that are kept
PREPARED_MAX = 400
PREPARED_AT = 1  # uses before the one that prepares it
_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR, TransactionStatus.ACTIVE)
READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Rows(psycopg.RawCursor[Any]):
    """The rows of one statement."""

    def close(self, force: bool = False) -> None:
        """See `Found.close`."""
        super().close()


class NoRows:
    """The rows of a statement that returns none."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def fetchone(self) -> None:
        """See `Found.fetchone`."""

    def fetchall(self) -> list[Any]:
        """See `Found.fetchall`."""
        return []

    def close(self, force: bool = False) -> None:
        """See `Found.close`."""


_NO_ROWS = NoRows()


def _go_on() -> None:
    """Let a statement be run."""


class PostgresConnection:
    """See `store.sql.connection.StoreConnection`. It owns the connection that it is given.

    `read_only`: each outermost block sees one snapshot, and nothing is written. Without `synced`
    its commits wait for no disk: what it writes can be made again.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        read_only: bool = False,
        synced: bool = True,
    ) -> None:
        self._connection = connection
        connection.autocommit = True
        connection.prepare_threshold = PREPARED_AT
        connection.prepared_max = PREPARED_MAX
        [(self._synced,)] = connection.execute("SELECT current_setting('synchronous_commit')")
        if self._synced == "off":
            self._synced = "on"
        if not synced:
            self._synced = "off"
        connection.execute(f"SET synchronous_commit = {self._synced}".encode())
        if read_only:
            connection.execute("SET default_transaction_read_only = on")
        # Called before each statement; raises what ends the answer that it is asked for.
        self.before_statement: Callable[[], None] = _go_on
        self._tables: Tables = read_tables(connection)
        register_values(connection)
        for kind, dumper in DUMPERS:
            connection.adapters.register_dumper(kind, dumper)
        self._cursor = psycopg.RawCursor(connection)
        self._begin = READ_ONLY if read_only else "BEGIN"
        self._savepoints = 0
        self._blocks: list[str] = []  # the savepoints of open blocks; none: it is a transaction
        self._changes = 0
        self._total_changes = 0
        self._statement = functools.lru_cache(TEXTS_MAX)(self._translated)
        self._batch = functools.lru_cache(TEXTS_MAX)(self._batch_of)
        self._insert_new = functools.lru_cache(TEXTS_MAX)(self._insert_new_of)

    # -- statements -------------------------------------------------------------------------------

    def execute(self, statement: str, bindings: Values = (), /) -> Found:
        """Run one statement."""
        self.before_statement()
        known = self._statement(statement)
        values = bound_values(known, bindings)
        cursor: Any = Rows(self._connection) if known.returns else self._cursor
        cursor.execute(known.text, values, binary=True)
        if known.writes:
            self._count(cursor.rowcount)
        return cast(Found, cursor) if known.returns else _NO_ROWS

    def executemany(self, statement: str, bindings: Iterable[Values], /) -> object:
        """Run a statement for each of these values, in their order."""
        rows = bindings if isinstance(bindings, Sequence) else list(bindings)
        if len(rows) == 1:
            return self.execute(statement, rows[0])
        total = self._total_changes
        batch = self._batch(statement) if rows else None
        if batch is not None:
            self._run_batch(batch, rows)
        elif rows:
            known = self._statement(statement)
            cursor = psycopg.RawCursor(self._connection)  # it keeps a pipeline for the rows
            cursor.executemany(known.text, [bound_values(known, values) for values in rows])
            self._count(cursor.rowcount)
        self._changes = self._total_changes - total
        return _NO_ROWS

    def insert_new(self, statement: str, rows: Sequence[Values]) -> bool:
        """Insert rows, all or none. False: the key of one of them is there already."""
        if not rows:
            return True
        batch = self._insert_new(statement)
        parts = [] if batch is None else [*bound_arrays(batch, rows)]
        if batch is None or len(parts) > 1:
            return self._insert_in_block(statement, rows)
        if not self._in_transaction():
            with self:
                return self.insert_new(statement, rows)
        cursor = Rows(self._connection)
        cursor.execute(batch.text, parts[0], binary=True)
        if cursor.rowcount == len(rows):
            self._count(len(rows))
            return True
        key = self._tables[batch.table].keys[0]
        undo = f"DELETE FROM {batch.table} WHERE {' AND '.join(f'{name} = ?' for name in key)}"
        total = self._total_changes
        self.executemany(undo, cursor.fetchall())
        self._changes, self._total_changes = 0, total
        return False

    def _insert_in_block(self, statement: str, rows: Sequence[Values]) -> bool:
        total = self._total_changes
        try:
            with self:
                self.executemany(statement, rows)
        except psycopg.errors.UniqueViolation:
            self._changes, self._total_changes = 0, total
            return False
        return True

    def changes(self) -> int:
        """Count the rows that the last statement has changed."""
        return self._changes

    def total_changes(self) -> int:
        """Count the rows that this connection has changed so far."""
        return self._total_changes

    def _run_batch(self, batch: BatchStatement, rows: Sequence[Any]) -> None:
        """Run a batch, in as few statements as mean the same and are not too long."""
        parts = [rows]
        if batch.key:
            sources = [batch.parameters[place].source for place in batch.key]
            keys = [tuple([row[source] for source in sources]) for row in rows]
            if len({*keys}) < len(rows):
                parts = [[rows[place] for place in part] for part in waves(keys)]
        sent = [arrays for part in parts for arrays in bound_arrays(batch, part)]
        if len(sent) > 1 and not self._in_transaction():
            with self:
                return self._run_batch(batch, rows)
        for arrays in sent:
            self._cursor.execute(batch.text, arrays, binary=True)
            self._count(self._cursor.rowcount)

    def _count(self, changed: int) -> None:
        self._changes = max(0, changed)
        self._total_changes += self._changes

    def _translated(self, statement: str) -> Statement:
        return translate(statement, self._tables)

    def _batch_of(self, statement: str) -> BatchStatement | None:
        return batch_of(statement, self._tables)

    def _insert_new_of(self, statement: str) -> BatchStatement | None:
        return insert_new_of(statement, self._tables)

    # -- transactions -----------------------------------------------------------------------------

    def __enter__(self) -> "PostgresConnection":
        if self._in_transaction():
            self._savepoints += 1
            name = f"block{self._savepoints}"
            self._run(f"SAVEPOINT {name}")
            self._blocks.append(name)
        else:
            self._run(self._begin)
            self._blocks.append("")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        name = self._blocks.pop()
        self._savepoints -= bool(name)
        try:
            if error is None:
                self._run(f"RELEASE {name}") if name else self.commit()
                return
        except BaseException:
            self._take_back(name)
            raise
        self._take_back(name)

    def begin(self) -> None:
        """Begin a transaction that writes."""
        if self._in_transaction():
            raise psycopg.errors.ActiveSqlTransaction("a transaction is open already")
        self._run(self._begin)

    def commit(self) -> None:
        """End it: when this returns, its changes are on stable storage."""
        self._run("COMMIT")
        if self._cursor.statusmessage != "COMMIT":  # a statement of it has failed
            raise psycopg.errors.InFailedSqlTransaction("the transaction was rolled back")

    def roll_back(self) -> None:
        """Take back what the transaction has changed; nothing where none is open."""
        self._take_back("")

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """Have commits in the block wait for no sync; behind it every commit does again, whatever
        happens."""
        self._run("SET synchronous_commit = off")
        try:
            yield
        finally:
            self.roll_back()
            if not self._connection.closed:
                self._run(f"SET synchronous_commit = {self._synced}")

    def _in_transaction(self) -> bool:
        return self._connection.pgconn.transaction_status in _OPEN

    def _take_back(self, name: str) -> None:
        """Go back to a savepoint, or to before the transaction. A server that is gone has."""
        with suppress(psycopg.OperationalError):
            if not self._in_transaction():
                return
            self._run(f"ROLLBACK TO {name}" if name else "ROLLBACK")
            if name:
                self._run(f"RELEASE {name}")

    def _run(self, statement: str) -> None:
        self._cursor.execute(statement, prepare=False)

    # -- the rest ---------------------------------------------------------------------------------

    def log_version(self) -> object:
        """Return what differs once the database has changed, by another connection or by this:
        which transactions of the server have ended."""
        [(version,)] = self._cursor.execute("SELECT pg_current_snapshot()::text").fetchall()
        return version, self._total_changes

    def counted(self) -> Mapping[str, int]:
        """Return the greatest number that the sequence of each table has given."""
        found: dict[str, int] = {}
        for name, table in self._tables.items():
            for number in table.numbers.values():
                text = f"SELECT {number.replace('nextval', 'pg_sequence_last_value', 1)}"
                [(last,)] = self._cursor.execute(text).fetchall()
                found[name] = last or 0
        return found

    def has_table(self, name: str) -> bool:
        """Return whether the schema had a table when the connection was opened."""
        return name in self._tables

    def long_bytes(self, table: str, column: str, key: str, value: int) -> LongBytes:
        """Open a column of bytes, of the row whose `key` has this value."""
        query = f"SELECT substring({column} FROM ?2 FOR ?3) FROM {table} WHERE {key} = ?1"
        query = query.replace("?2", "CAST(?2 AS int)").replace("?3", "CAST(?3 AS int)")

        def read_piece(offset: int, length: int) -> bytes:
            row = self.execute(query, (value, offset + 1, length)).fetchone()
            if row is None:
                raise LookupError(f"no {table} whose {key} is {value}")
            return cast(bytes, row[0])

        return PiecewiseBytes(read_piece)

    def refusal_of(self, error: BaseException) -> BaseException | None:
        """Return the server's refusal that an error is, or came of; None where it is none."""
        return postgres_fault_of(error) if isinstance(error, psycopg.Error) else None

    def is_full(self, fault: BaseException) -> bool:
        """Return whether a refusal is that the server's disk is full."""
        return isinstance(fault, psycopg.errors.DiskFull)

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The driver's connection, for statements that are no rows."""
        return self._connection

    def is_lost(self) -> bool:
        """Return whether nothing can be asked over it any more."""
        return self._connection.closed

    def close(self) -> None:
        """Close it. Idempotent."""
        self._connection.close()
