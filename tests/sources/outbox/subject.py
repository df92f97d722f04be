"""An outbox in a database of its own."""

import json
from typing import Any

import psycopg

from tests.docs.outbox_page import DDL
from tests.postgres_server import PostgresServer
from tests.sources.conformance.subject import Made
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import OutboxTable, Source
from tidings.core.sources.source_types import OUTBOX
from tidings.core.sources.table_owner import TableOwner
from tidings.sources.outbox.driver import OutboxDriver
from tidings.sources.port import OpenSource

INSERT = "INSERT INTO tidings_outbox (headers, body) VALUES (%s, %s)"


class MemoryOwners:
    """`TableOwnerStore` of one installation."""

    def __init__(self) -> None:
        self.kept: dict[int, TableOwner] = {}

    async def table_owner(self, source: int) -> TableOwner | None:
        return self.kept.get(source)

    async def put_table_owner(self, owner: TableOwner) -> None:
        self.kept[owner.source] = owner

    async def drop_table_owner(self, source: int) -> None:
        self.kept.pop(source, None)


class Outbox:
    """See `Subject`."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.uri = server.lend_database()
        self.sql(DDL)
        self.owners = MemoryOwners()
        self.installation = "1f" * 8

    def sql(self, query: str, *bindings: object) -> None:
        """As the application, in a transaction of its own."""
        with psycopg.connect(self.uri) as line:
            line.execute(query.encode(), bindings or None)

    async def produce(self, *messages: Made) -> None:
        rows = [(json.dumps(dict(message.headers)), message.body.decode()) for message in messages]
        with psycopg.connect(self.uri) as line, line.cursor() as cursor:
            cursor.executemany(INSERT, rows)

    async def open(self, outbox: OutboxTable | None = None, **fields: Any) -> OpenSource:
        source = Source(name="shop", kind=OUTBOX, connection="shop", outbox=outbox)
        connection = Connection("shop", OUTBOX, {"dsn": self.uri} | fields)
        return await OutboxDriver(self.owners, self.installation).open(source, connection, 1)

    def stop_server(self) -> None:
        self._server.crash()

    def start_server(self) -> None:
        self._server.start_again()


def new_outbox(request: Any) -> Outbox:
    """For one test."""
    return Outbox(request.getfixturevalue("postgres"))
