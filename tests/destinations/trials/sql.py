"""A table of a real PostgreSQL as a destination on trial."""

import itertools
from typing import Any

import psycopg

from tests.destinations.trials.ledger import Arrival
from tests.postgres_server import PostgresServer
from tidings.core.webhooks.webhook_types import SQL

DDL = """
CREATE TABLE arrivals (n bigserial, id text PRIMARY KEY, customer int, number numeric(9));
CREATE TABLE state (customer int PRIMARY KEY, number int, at timestamptz, id text);
"""
CUSTOMER = {"path": "data.customerIdentifiers.customerId"}
NUMBER = {"path": "data.totalPointsIssued"}
_numbers = itertools.count()


class SqlTrial:
    """See `Destination`."""

    name = "SQL"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.uri = server.database(f"trial_{next(_numbers)}")
        with psycopg.connect(self.uri) as line:
            line.execute(DDL)

    @property
    def connections(self) -> str:
        """See `Destination`."""
        return f"""
[main]
type = "sql"
dsn = "{self.uri}"
[main.tables.arrivals]
columns = ["customer", "number"]
id = "id"
[main.tables.state]
columns = ["customer", "number", "at"]
key = ["customer"]
id = "id"
newer = "at"
"""

    @property
    def webhook(self) -> dict[str, Any]:
        """See `Destination`."""
        columns = {"customer": CUSTOMER, "number": NUMBER}
        return {
            "webHookType": SQL,
            "connection": "main",
            "sql": {"table": "arrivals", "columns": columns},
        }

    @property
    def state_webhook(self) -> dict[str, Any]:
        """The fields of one that keeps the newest of each customer."""
        at = {"path": "createdAt", "as": "timestamp"}
        columns = {"customer": CUSTOMER, "number": NUMBER, "at": at}
        return self.webhook | {"sql": {"table": "state", "columns": columns}}

    def restart(self) -> None:
        """See `Destination`."""
        with self.server.crashed():
            pass

    def arrivals(self) -> list[Arrival]:
        """In the order in which they were written."""
        return [
            (int(customer), int(number))
            for customer, number in self.rows("SELECT customer, number FROM arrivals ORDER BY n")
        ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """As the operator."""
        with psycopg.connect(self.uri) as line:
            return line.execute(query.encode()).fetchall()
