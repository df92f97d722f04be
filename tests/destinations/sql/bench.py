"""A table of a real server as the receiver: a trigger of it does as it is told."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from tests.destinations.conformance.subject import Bench, Got, Says
from tests.destinations.messages import hook
from tests.postgres_server import shared_server
from tidings.core.connections.connection import Connection, Connections
from tidings.core.picks import Pick
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import SQL
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.port import Destination
from tidings.destinations.sql.driver import SqlDestination

WHOLE = Pick(path="$")
MESSAGES = {"columns": ["body", "text"], "key": ["text"], "id": "webhook_id"}
SCHEMA = """
CREATE TABLE messages (webhook_id text NOT NULL, body json NOT NULL, text text PRIMARY KEY);
CREATE TABLE orders (words text[] NOT NULL);
INSERT INTO orders VALUES ('{TAKES}');
CREATE SEQUENCE calls;
CREATE FUNCTION obey() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  n bigint := nextval('calls');  -- which no rollback takes back
  said text := (SELECT words[least(n, array_length(words, 1))] FROM orders);
BEGIN
  IF said = 'BUSY' THEN RAISE EXCEPTION 'no room' USING ERRCODE = '53000';
  ELSIF said = 'REFUSES' THEN RAISE EXCEPTION 'not this one' USING ERRCODE = '23514';
  ELSIF said = 'NOTHING' THEN PERFORM pg_sleep(60);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER obey BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION obey();
"""


def sql_hook(sql: SqlTable, connection: str = "crm", **fields: Any) -> Webhook:
    """A webhook that leads into a table."""
    url = f"sql://{connection}/{sql.place}"
    return hook(url, kind=SQL, connection=connection, sql=sql, **fields)


class SqlBench:
    """Over a real server."""

    def __init__(self, uri: str) -> None:
        self._mute = socket.socket()  # nobody listens at it
        self._mute.bind(("127.0.0.1", 0))
        elsewhere = f"postgresql://127.0.0.1:{self._mute.getsockname()[1]}/crm"
        tables = {"messages": MESSAGES}
        connections = Connections(
            [
                Connection("crm", "sql", {"dsn": uri, "tables": tables}),
                Connection("nowhere", "sql", {"dsn": elsewhere, "tables": tables}),
            ]
        )
        self.destination: Destination = DriverDispatch(
            {SQL: SqlDestination(connections)}, connections
        )
        self._line = psycopg.connect(uri, autocommit=True)
        self._line.execute(SCHEMA)

    def webhook(self, **fields: Any) -> Webhook:
        return sql_hook(SqlTable("messages", {"body": WHOLE, "text": WHOLE}), **fields)

    def nowhere(self) -> Webhook:
        return sql_hook(SqlTable("messages", {"body": WHOLE, "text": WHOLE}), "nowhere")

    @property
    def got(self) -> list[Got]:
        rows = self._line.execute("SELECT webhook_id, body::text FROM messages").fetchall()
        sleeping = self._line.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = "
            "current_database()"
        ).fetchone()
        assert sleeping is not None
        silent = [Got({}, b"")] * sleeping[0]
        return [*silent, *(Got({"webhook-id": id}, body.encode()) for id, body in rows)]

    def says(self, *said: Says) -> None:
        self._line.execute("UPDATE orders SET words = %s", ([says.name for says in said],))
        self._line.execute("ALTER SEQUENCE calls RESTART")

    def close(self) -> None:
        self._line.close()
        self._mute.close()


class Sql:
    """The driver of SQL."""

    says = (Says.TAKES, Says.BUSY, Says.REFUSES, Says.NOTHING)
    secrets = ()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        bench = SqlBench(shared_server().lend_database())
        yield bench
        bench.close()


def columns(**paths: str) -> dict[str, Pick]:
    """Picks of paths, by column."""
    return {name: Pick(path=path) for name, path in paths.items()}


def body_of(**fields: Any) -> bytes:
    """A message."""
    return json.dumps(fields).encode()
