"""A table of a real PostgreSQL, in which every message is a row."""

import array
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench.ledger import Received
from bench.product import Product
from bench.sinks.sink import monotonic_ns_of
from tests.postgres_server import PostgresServer
from tidings.core.webhooks.webhook_types import SQL

POLL_SECONDS = 0.2
DDL = """
CREATE TABLE arrivals (
    id text PRIMARY KEY, customer bigint, at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


class TableSink:
    """See `Sink`. The table knows each message once: what comes twice cannot be seen here."""

    poll_seconds = POLL_SECONDS

    def __init__(self, server: PostgresServer) -> None:
        self._uri = server.database("bench")
        with psycopg.connect(self._uri) as line:
            line.execute(DDL)

    @property
    def connections(self) -> str:
        """See `Sink`."""
        return (
            f'[main]\ntype = "sql"\ndsn = "{self._uri}"\n'
            '[main.tables.arrivals]\ncolumns = ["customer"]\nid = "id"\n'
        )

    @property
    def webhook(self) -> dict[str, Any]:
        """See `Sink`."""
        columns = {"customer": {"path": "data.customerIdentifiers.customerId"}}
        return {
            "webHookType": SQL,
            "webHookUrl": "",
            "connection": "main",
            "sql": {"table": "arrivals", "columns": columns},
        }

    def begin(self, product: Product) -> None:
        """See `Sink`: rows arrive by themselves."""

    def reset(self) -> None:
        """See `Arrivals`."""
        with psycopg.connect(self._uri) as line:
            line.execute("TRUNCATE arrivals")

    def count(self) -> int:
        """See `Arrivals`."""
        with psycopg.connect(self._uri) as line:
            [(count,)] = line.execute("SELECT count(*) FROM arrivals").fetchall()
        return int(count)

    def received(self) -> Received:
        """See `Arrivals`."""
        with psycopg.connect(self._uri) as line:
            rows = line.execute(
                "SELECT id, extract(epoch FROM at)::float8 FROM arrivals ORDER BY at"
            ).fetchall()
        times = array.array("q", (monotonic_ns_of(at) for _, at in rows))
        ids = [id.encode() for id, _ in rows]
        return Received(ids, [b"0"] * len(ids), times.tobytes(), 0, 0, 0, 0.0)


@contextlib.contextmanager
def table(folder: Path) -> Iterator[TableSink]:
    """A table of a server of its own, which lies in a folder of its own too."""
    server = PostgresServer()
    try:
        yield TableSink(server)
    finally:
        server.end()
