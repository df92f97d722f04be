"""A database of a CRM that rows are written to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from tests.destinations.messages import TestMessage
from tests.destinations.sql.bench import sql_hook
from tests.postgres_server import shared_server
from tidings.core.connections.connection import Connection
from tidings.core.picks import Pick
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.destinations.port import Channel
from tidings.destinations.sql.driver import SqlDestination

STATE = {
    "columns": ["customer", "tier", "points", "event", "at"],
    "key": ["customer"],
    "id": "event",
    "newer": "at",
}

OPERATOR = "operator"  # as which the test itself is connected
STATE_DDL = (
    "CREATE TABLE state (customer bigint PRIMARY KEY, tier text, points numeric, event text, "
    "at bigint)"
)


class Crm:
    """A database, and a connection to it that is for its tables."""

    def __init__(self, *ddl: str, tables: dict[str, Any], **fields: Any) -> None:
        self.uri = shared_server().lend_database()
        for statement in ddl:
            self.sql(statement)
        self.connection = Connection("crm", "sql", {"dsn": self.uri, "tables": tables} | fields)
        self.driver = SqlDestination({"crm": self.connection})

    def sql(self, query: str, *bindings: Any) -> list[tuple[Any, ...]]:
        """As the operator."""
        with psycopg.connect(self.uri, autocommit=True, application_name=OPERATOR) as line:
            line.execute("SET TimeZone = 'UTC'")
            cursor = line.execute(query.encode(), bindings or None)
            return cursor.fetchall() if cursor.description else []

    def open(self, table: str, picks: dict[str, Pick] | None = None, **fields: Any) -> Channel:
        webhook = sql_hook(SqlTable(table, picks), **fields)
        return self.driver.open(webhook, self.connection)

    @asynccontextmanager
    async def opened(
        self, table: str, picks: dict[str, Pick] | None = None, **fields: Any
    ) -> AsyncIterator[Channel]:
        channel = self.open(table, picks, **fields)
        yield channel
        await channel.close()

    def lines(self) -> int:
        """How many lines we have to it; one of the operator's ends a moment after it was used."""
        [(count,)] = self.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND application_name <> %s",
            OPERATOR,
        )
        return int(count)

    def waiting(self) -> int:
        """How many of our lines wait for a lock of somebody else's."""
        [(count,)] = self.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return int(count)


def message(id: str, body: bytes, **more: Any) -> TestMessage:
    made = TestMessage(body, **more)
    made.id = id
    return made
