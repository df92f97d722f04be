"""The store's halves over a schema of PostgreSQL."""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import psycopg

from tidings.store import port
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.owner_connection import OwnerConnection
from tidings.store.postgres.ownership import Ownership, release
from tidings.store.postgres.retention import PostgresRetention
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.facts.meta import RAISE, MetaRow
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
        """See `RowWriter`."""
        super().__init__(connection, clock_ms, passed_s, before)
        self.connection: OwnerConnection = connection
        self.retention = PostgresRetention(connection)
        self._ours = ours

    def keep_numbers(self, connection: OwnerConnection) -> None:
        """Have a database that knows fewer give no number again that was given to an event or a
        delivery: receivers have seen them."""
        given = {"seq_floor": self.writer.seq, "delivery_floor": self.writer.newest_delivery}
        with connection:
            for key, value in given.items():
                connection.execute(RAISE, MetaRow(key=key, value=value))

    def _end(self) -> None:
        """Let the store go, so that nobody waits for the end of a lease, and close."""
        with suppress(psycopg.Error):
            release(self.connection.driver, self._ours)
        super()._end()


class PostgresAnswerBound:
    """A context that each answer is made in: the server ends statements that take too long
    (`statement_timeout`), and who has asked is told so."""

    def __init__(self, bound_s: float) -> None:
        self._bound_s = bound_s

    def __enter__(self) -> None:
        """An answer begins."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """It has ended. Raise StoreUnanswered where that took too long."""
        if isinstance(error, psycopg.errors.QueryCanceled):
            raise port.StoreUnanswered(f"it has taken more than {self._bound_s:.0f} s") from error
