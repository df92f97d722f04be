"""Checks the audit log of a store in PostgreSQL, also of one that is served: nothing is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tidings.core.audit.anchors import AnchorLine
from tidings.core.audit.report import AuditReport
from tidings.store.port import KeptKey
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import check_schema
from tidings.store.sql.audit.audit_walk import AuditWalk
from tidings.store.sql.configuration.snapshot import KEPT_KEY

NAME = "tidings audit"
ROWS = 2000  # that are fetched at a time


def check_audit(database: StoreDatabase, key: bytes, line: AnchorLine | None = None) -> AuditReport:
    """Check the audit log of a schema. Raise AuditUnreadable where the anchor is older than those
    that are kept, StoreDown or Unusable where the log cannot be read."""
    with _opened(database) as connection:
        return AuditWalk(connection, _AuditCursor(connection).read, key).check(line)


def read_kept_keys(database: StoreDatabase) -> list[KeptKey]:
    """Read the keys that a store keeps of another one. Raise StoreDown or Unusable."""
    with _opened(database) as connection:
        return [KEPT_KEY.read(row) for row in connection.execute(KEPT_KEY.select)]


@contextmanager
def _opened(database: StoreDatabase) -> Iterator[PostgresConnection]:
    """Open one moment of a schema."""
    connection = PostgresConnection(database.connect(NAME), read_only=True)
    try:
        check_schema(connection.driver)
        with connection:
            yield connection
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
