"""Checks the audit log of a store in PostgreSQL, also of one that is served: nothing is written."""

from collections.abc import Iterator
from typing import Any

from tidings.core.audit.anchors import AnchorLine
from tidings.core.audit.report import AuditReport
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import check_schema
from tidings.store.sql.audit.audit_walk import AuditWalk

NAME = "tidings audit"
ROWS = 2000  # that are fetched at a time


def check_audit(database: StoreDatabase, key: bytes, line: AnchorLine | None = None) -> AuditReport:
    """Check the audit log of a schema. Raise AuditUnreadable where the anchor is older than those
    that are kept, StoreDown or Unusable where the log cannot be read."""
    connection = PostgresConnection(database.connect(NAME), read_only=True)
    try:
        check_schema(connection.driver)
        with connection:
            return AuditWalk(connection, _AuditCursor(connection).read, key).check(line)
    finally:
        connection.close()


class _AuditCursor:
    """Reads the rows of queries by a cursor of the server's, in pieces.

    The driver would fetch all of them at once, and a log may be longer than the memory is.
    """

    def __init__(self, connection: PostgresConnection) -> None:
        self._driver = connection.driver

    def read(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, within the transaction that is open."""
        with self._driver.cursor(name="rows") as cursor:
            cursor.itersize = ROWS
            yield from cursor.execute(query.encode(), binary=True)
