"""Connections of a store's owner: nothing of theirs is committed once another one owns it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import psycopg

from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.ownership import RENEW, NotOwner, Ownership
from tidings.store.sql.connection import Found, Values

_EPOCH = "SELECT epoch FROM owner"


class OwnerConnection(PostgresConnection):
    """The one connection that writes what the engine commits. Each commit looks at the epoch and
    renews, in its transaction.

    `acknowledged`: the renewal of the last commit that is on stable storage as far as the server
    knows. A database in which there were fewer has lost some of what was acknowledged: it was
    restored in its place, or it failed over to a server that had not received everything.
    """

    def __init__(self, connection: "psycopg.Connection[Any]", ours: Ownership) -> None:
        super().__init__(connection)
        self._ours = ours
        self._warning: str | None = None
        self._is_synced = True
        self.acknowledged = 0
        connection.execute("SET client_min_messages = warning")
        connection.add_notice_handler(self._note_warning)

    def execute(self, statement: str, bindings: Values = (), /) -> Found:
        """Run one statement, in a transaction if it writes."""
        if self._in_transaction() or not self._statement(statement).writes:
            return super().execute(statement, bindings)
        with self:
            return super().execute(statement, bindings)

    def executemany(self, statement: str, bindings: Iterable[Values], /) -> object:
        """Run a statement for each of these values, in a transaction."""
        if self._in_transaction():
            return super().executemany(statement, bindings)
        with self:
            return super().executemany(statement, bindings)

    def commit(self) -> None:
        """End the transaction, if the store is still ours. Raise NotOwner, and take it back, where
        it is not. A database that has gone back is left, as one that is lost: whoever opens the
        store again looks at what is there.

        A server whose wait for its standby was cancelled answers that it has committed, with a
        warning: the commit may be on that server alone. So it counts as one whose answer was lost.
        """
        renewed = self._cursor.execute(RENEW, (self._ours.epoch,)).fetchone()
        if renewed is None:
            self.roll_back()
            raise NotOwner(
                "Another process has taken the store over; this one stops. Nothing that was "
                "acknowledged is lost."
            )
        if renewed[0] <= self.acknowledged:
            self.roll_back()
            self.close()
            raise psycopg.OperationalError("the database has gone back to before this connection")
        self._warning = None
        super().commit()
        if self._warning is not None:
            self.close()
            raise psycopg.OperationalError(
                f"it is not known whether the standby has the commit: {self._warning}"
            )
        if self._is_synced:  # and so is all that was committed before
            self.acknowledged = renewed[0]

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """See `PostgresConnection.unsynced`. What is committed in the block may be lost."""
        self._is_synced = False
        try:
            with super().unsynced():
                yield
        finally:
            self._is_synced = True

    def _note_warning(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            self._warning = diagnostic.message_primary or "a warning"


class SearchConnection(PostgresConnection):
    """Writes what is found by, while the store is ours."""

    def __init__(self, connection: "psycopg.Connection[Any]", ours: Ownership) -> None:
        super().__init__(connection, synced=False)
        self._ours = ours

    def __enter__(self) -> "SearchConnection":
        """Begin a block. Raise NotOwner where the store is another's."""
        outermost = not self._in_transaction()
        super().__enter__()
        if outermost:
            row = self._cursor.execute(_EPOCH).fetchone()
            if row is None or row[0] != self._ours.epoch:
                super().__exit__(NotOwner, None, None)
                raise NotOwner("Another process owns the store: its search is not written here.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        super().__exit__(kind, error, trace)
