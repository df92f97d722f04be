"""The adapters that the suite runs for: the one place in it that names any."""

import asyncio
import csv
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg

from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.egress.support import DEV, Names, at
from tests.lookups.conformance.subject import Adapter, Bench
from tests.postgres_server import shared_server
from tidings.connections.postgresql_lines import PostgresqlPool
from tidings.core.actions.action import CsvLookup, HttpLookup, SqlLookup
from tidings.core.connections.connection import Connection
from tidings.egress.address import parse_target
from tidings.egress.sender import HttpSender
from tidings.lookups.csv import CsvSource
from tidings.lookups.http import HttpSource
from tidings.lookups.sql import SqlSource

OLD_S = 1_000_000_000


class HttpBench:
    """A server on loopback, asked by a path and a query."""

    def __init__(self, receiver: HttpReceiver, sender: HttpSender) -> None:
        url = receiver.url("/v2/customers/{id}/state?id={id}&fields=all")
        where = HttpLookup(url, {"id": "event.id"})
        origin = sender.origin(parse_target(receiver.url("/"), allow_http=True), 8)
        self.source = HttpSource(where, origin, None, lambda: 0.0)
        self._names: Mapping[str, str] = {}
        self._status = 200
        receiver.answer = self._answer

    def asks(self, value: Any) -> Mapping[str, Any]:
        return {"id": value}

    def keeps(self, names: Mapping[str, str]) -> None:
        self._names = names

    def is_down(self) -> None:
        self._status = 500

    def is_slow(self) -> None:
        self._status = 0

    def is_well(self) -> None:
        self._status = 200

    def _answer(self, exchange: Exchange) -> None:
        exchange.status = self._status
        path, _, query = exchange.path.partition("?")
        before, v2, customers, key, state = path.split("/")
        assert (before, v2, customers, state) == ("", "v2", "customers", "state")
        assert query == f"id={key}&fields=all"
        name = self._names.get(unquote(key))
        if self._status == 200 and name is None:
            exchange.status = 404
        exchange.says(json.dumps({"id": unquote(key), "name": name}).encode())


class Http:
    """Look-ups by HTTP."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        sender = HttpSender(DEV, Names(at("127.0.0.1")))
        with HttpReceiver() as receiver:
            yield HttpBench(receiver, sender)
        await sender.close()


class SqlBench:
    """A table of a real server."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        connection = Connection("crm", "sql", {"dsn": uri})
        where = SqlLookup("crm", "SELECT id, name FROM customers(%(id)s)", {"id": "event.id"})
        self.source = SqlSource(where, PostgresqlPool(connection, 8, read_only=True))
        self._do(
            "CREATE TABLE customer (id text PRIMARY KEY, name text)",
            "CREATE TABLE nap (s float)",
            "INSERT INTO nap VALUES (0)",
            "CREATE FUNCTION customers(wanted text) RETURNS SETOF customer LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_sleep(s) FROM nap; "
            "RETURN QUERY SELECT * FROM customer WHERE id = wanted; END'",
        )

    def asks(self, value: Any) -> Mapping[str, Any]:
        return {"id": value}

    def keeps(self, names: Mapping[str, str]) -> None:
        with psycopg.connect(self._uri, autocommit=True) as line:
            line.execute("TRUNCATE customer")
            with line.cursor() as cursor:
                rows = [name for name in names.items() if "\0" not in name[0]]
                cursor.executemany("INSERT INTO customer VALUES (%s, %s)", rows)

    def is_down(self) -> None:
        self._do("ALTER TABLE customer RENAME TO gone", _everybody_out())

    def is_slow(self) -> None:
        self._do("UPDATE nap SET s = 30")

    def is_well(self) -> None:
        self._do("UPDATE nap SET s = 0", "ALTER TABLE IF EXISTS gone RENAME TO customer")

    def _do(self, *statements: str) -> None:
        with psycopg.connect(self._uri, autocommit=True) as line:
            for statement in statements:
                line.execute(statement.encode())


def _everybody_out() -> str:
    return (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )


class Sql:
    """Look-ups in a database."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        bench = SqlBench(shared_server().lend_database())
        yield bench
        await bench.source.close()


class CsvBench:
    """A file. It can be down only before it was first read; then an earlier state is in force."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "customers.csv"
        self.source = CsvSource(CsvLookup(str(self._path), "id", "event.id"))

    def asks(self, value: Any) -> Mapping[str, Any]:
        return {"by": value}

    def keeps(self, names: Mapping[str, str]) -> None:
        with self._path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "name"))
            writer.writerows(names.items())
        os.utime(self._path, (OLD_S, OLD_S))

    def is_down(self) -> None:
        self._path.rename(self._path.with_suffix(".away"))

    def is_slow(self) -> None:
        self._path.touch()  # somebody may be writing it

    def is_well(self) -> None:
        away = self._path.with_suffix(".away")
        if away.exists():
            away.rename(self._path)
        os.utime(self._path, (OLD_S, OLD_S))


class Csv:
    """Look-ups in a file."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        with tempfile.TemporaryDirectory() as folder:
            bench = CsvBench(Path(folder))
            yield bench
            await bench.source.close()
            await asyncio.sleep(0)


ADAPTERS: dict[str, Adapter] = {"http": Http(), "sql": Sql(), "csv": Csv()}
