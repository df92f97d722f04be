"""The store's halves over a schema of PostgreSQL."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType

import psycopg

from tidings.store import port
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.inspection.lineage import follow_lineage
from tidings.store.postgres.owner_connection import OwnerConnection
from tidings.store.postgres.ownership import Ownership, release
from tidings.store.postgres.retention import PostgresRetention
from tidings.store.sql.copy_marks import refuse_to_serve
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.halves import RowReader, RowWriter, wall_ms


class PostgresReader(RowReader):
    """The reads, and what is found by, which is written behind the commits."""

    def __init__(
        self,
        log: PostgresConnection,
        search: PostgresConnection,
        clock_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """`log` writes nothing, `search` what can be made again."""
        super().__init__(log, SearchSegments(search), clock_ms)
        self.connections = (log, search)


class PostgresWriter(RowWriter):
    """Everything that writes, on the one connection of the owner."""

    def __init__(
        self,
        connection: OwnerConnection,
        ours: Ownership,
        clock_ms: Callable[[], int] = wall_ms,
        passed_s: Callable[[], float] | None = None,
        before: "PostgresWriter | None" = None,
    ) -> None:
        """See `RowWriter`. With none `before`, it may be another database than the last time."""
        if before is None:
            refuse_to_serve(connection)
            follow_lineage(connection)
        super().__init__(connection, clock_ms, passed_s, before)
        self.connection: OwnerConnection = connection
        self.retention = PostgresRetention(connection, self.numbers)
        self._ours = ours

    def keep_numbers(self, connection: OwnerConnection) -> None:
        """Have a database that knows fewer give no number again that was given: receivers have seen
        those of events and deliveries."""
        self.numbers.keep_all(connection)

    def _end(self) -> None:
        """Let the store go, so that nobody waits for the end of a lease, and close."""
        with suppress(psycopg.Error):
            release(self.connection.driver, self._ours)
        super()._end()


class PostgresAnswerBound:
    """A context that each answer is made in. StoreUnanswered: it has taken more than so many
    seconds, by one statement or by many."""

    def __init__(self, connections: Sequence[PostgresConnection], bound_s: float) -> None:
        """The servers of these connections end a statement that takes so long by itself
        (`statement_timeout`)."""
        self._bound_s = bound_s
        self._until_s = float("inf")
        self._shortened: dict[PostgresConnection, float] = {}  # what a statement may take now
        for connection in connections:
            connection.before_statement = partial(self._bound, connection)

    def __enter__(self) -> None:
        """An answer begins."""
        self._until_s = time.monotonic() + self._bound_s

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """It has ended. Raise StoreUnanswered where that took too long."""
        self._until_s = float("inf")
        met = error.__cause__ if isinstance(error, port.StoreDown) else error  # as it was refused
        if isinstance(met, psycopg.errors.QueryCanceled):
            raise self._unanswered() from error

    def _bound(self, connection: PostgresConnection) -> None:
        """Have the next statement take no longer than the answer may. To tell the server costs a
        round trip: it is told where a statement would end a good deal later."""
        left_s = min(self._bound_s, self._until_s - time.monotonic())
        if left_s <= 0:
            raise self._unanswered()
        now_s = self._shortened.get(connection, self._bound_s)
        if abs(now_s - left_s) > self._bound_s / 10:
            statement = f"SET statement_timeout = {max(1, round(left_s * 1000))}"
            connection.driver.execute(statement.encode(), prepare=False)
            self._shortened[connection] = left_s

    def _unanswered(self) -> port.StoreUnanswered:
        return port.StoreUnanswered(f"it has taken more than {self._bound_s:.0f} s")
