"""Events are written where the application's own change is: psycopg, also awaited, and Django."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.postgres_server import PostgresServer
from tidings.core.sources.source import OutboxTable, Source, read_source
from tidings_producer import EventError, NotInTransaction, Outbox, SettingError, event
from tidings_producer.outbox import NAME, ROWS_MAX, TABLE

ROWS = "SELECT headers, body FROM tidings_outbox ORDER BY id"


@pytest.fixture
def uri(postgres: PostgresServer) -> str:
    """A database with the table, made as the library says."""
    made = postgres.lend_database()
    with psycopg.connect(made) as line:
        line.execute(TABLE.encode())
    return made


@pytest.fixture
def line(uri: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(uri) as made:
        yield made


def issued(number: int, **fields: Any) -> Any:
    return event("pointsIssued", {"number": number, "text": "100 % ü \0", **fields})


def written(uri: str) -> list[tuple[Any, Any]]:
    with psycopg.connect(uri) as line:
        rows = line.execute(ROWS).fetchall()
    return [(headers, json.loads(body)) for headers, body in rows]


def test_a_row_stands_and_falls_with_the_transaction(
    uri: str, line: "psycopg.Connection[Any]"
) -> None:
    outbox = Outbox()
    id = outbox.write(line, issued(1), {"source": "till \\ '7'"})
    assert written(uri) == []
    line.commit()
    [(headers, body)] = written(uri)
    assert headers == {"source": "till \\ '7'"}
    assert body["eventId"] == id and body["data"]["text"] == "100 % ü \0"
    outbox.write(line, issued(2))
    line.rollback()
    with line.transaction(), line.cursor() as cursor:
        outbox.write(cursor, issued(3))
    assert [body["data"]["number"] for _, body in written(uri)] == [1, 3]


def test_many_are_written_in_order_by_one_statement_for_each_thousand(
    uri: str, line: "psycopg.Connection[Any]"
) -> None:
    count = 2 * ROWS_MAX + 5
    line.execute("CREATE TABLE statement (n int)")
    line.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO statement VALUES (1); RETURN NULL; END $$;"
        "CREATE TRIGGER note AFTER INSERT ON tidings_outbox EXECUTE FUNCTION note()"
    )
    ids = Outbox().write_many(line, (issued(number) for number in range(count)))
    assert Outbox().write_many(line, []) == []
    assert line.execute("SELECT count(*) FROM statement").fetchone() == (3,)
    line.commit()
    rows = written(uri)
    assert [body["data"]["number"] for _, body in rows] == list(range(count))
    assert [body["eventId"] for _, body in rows] == ids
    assert {headers for headers, _ in rows} == {None}


def test_one_wrong_event_writes_none_and_leaves_the_transaction(
    uri: str, line: "psycopg.Connection[Any]"
) -> None:
    with pytest.raises(EventError):
        Outbox().write_many(line, [issued(1), event("a", {"b": b""})])
    for headers in ({"a": "\0"}, {"a": 5}, {"a": "\ud800"}):
        with pytest.raises(SettingError, match="headers must be texts"):
            Outbox().write(line, issued(1), headers)  # type: ignore[arg-type]
    Outbox().write(line, issued(2))
    line.commit()
    assert [body["data"]["number"] for _, body in written(uri)] == [2]


def test_a_connection_that_commits_by_itself_is_refused(uri: str) -> None:
    outbox = Outbox()
    with psycopg.connect(uri, autocommit=True) as line:
        for db in (line, line.cursor()):
            with pytest.raises(NotInTransaction, match="Begin a transaction first"):
                outbox.write(db, issued(1))
        with line.transaction():
            outbox.write(line, issued(2))
    assert [body["data"]["number"] for _, body in written(uri)] == [2]


class Pooled:
    """A connection as SQLAlchemy's pool hands it out: with an `info` of its own."""

    def __init__(self, line: "psycopg.Connection[Any]") -> None:
        self.driver_connection, self.info = line, {"pool": "its own"}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver_connection, name)


def test_a_connection_of_a_pool_is_looked_through(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as line:
        with pytest.raises(NotInTransaction):
            Outbox().write(Pooled(line), issued(1))
        with line.transaction():
            Outbox().write(Pooled(line), issued(2))
    assert [body["data"]["number"] for _, body in written(uri)] == [2]


async def test_calls_are_awaited_where_the_driver_wants_it(uri: str) -> None:
    outbox = Outbox()
    async with await psycopg.AsyncConnection.connect(uri) as line:
        await outbox.write_async(line, issued(1))
        await line.rollback()
        id = await outbox.write_async(line, issued(2), {"a": "b"})
        async with line.cursor() as cursor:
            ids = await outbox.write_many_async(cursor, [issued(3), issued(4)])
    assert [body["eventId"] for _, body in written(uri)] == [id, *ids]
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as line:
        with pytest.raises(NotInTransaction):
            await outbox.write_async(line, issued(5))


DJANGO = """
import sys
import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

there = conninfo_to_dict(sys.argv[1])
settings.configure(DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": there["dbname"], "USER": there["user"],
    "PASSWORD": there.get("password", ""), "HOST": there["host"], "PORT": there.get("port", ""),
}})
django.setup()
from django.db import connection, transaction
from tidings_producer import NotInTransaction, Outbox, event

outbox = Outbox()
with transaction.atomic():
    outbox.write(connection, event("pointsIssued", {"number": 1, "text": "100 %"}))
try:
    with transaction.atomic():
        with connection.cursor() as cursor:
            outbox.write_many(cursor, [event("pointsIssued", {"number": 2})])
        raise KeyError
except KeyError:
    pass
with transaction.atomic(), connection.cursor() as cursor:
    outbox.write(cursor, event("pointsIssued", {"number": 3}))
for db in (connection, connection.cursor()):
    try:
        outbox.write(db, event("pointsIssued", {"number": 4}))
    except NotInTransaction:
        print("refused")
"""


def test_django_writes_in_its_transactions(uri: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DJANGO, uri],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused", "refused"]
    assert [body["data"]["number"] for _, body in written(uri)] == [1, 3]


def test_a_table_is_named_as_the_source_names_it(postgres: PostgresServer) -> None:
    uri = postgres.lend_database()
    with psycopg.connect(uri) as line:
        line.execute("CREATE SCHEMA shop")
        line.execute("SET search_path TO shop")
        line.execute(TABLE.encode())
        line.execute('ALTER TABLE tidings_outbox RENAME TO "order"')
        Outbox("shop.order").write(line, issued(1))
        assert line.execute('SELECT count(*) FROM shop."order"').fetchone() == (1,)


NAMES = ["tidings_outbox", "shop.outbox", "a", "_", "a" * 63]
NO_NAMES = ["Shop", "a b", 'a"b', "a.b.c", "a;b", "a" * 64, "a\n", "ä", "1a", "a%s", "a.", ".a"]


@pytest.mark.parametrize("name", [*NAMES, *NO_NAMES])
def test_names_are_taken_that_the_source_takes(name: str) -> None:
    said = {"name": "shop", "type": "outbox", "connection": "shop", "outbox": {"table": name}}
    assert isinstance(read_source(said), Source) is (name in NAMES)
    if name in NAMES:
        Outbox(name)
    else:
        with pytest.raises(SettingError, match=r"Write shop\.outbox"):
            Outbox(name)


def test_the_table_is_the_one_that_a_source_reads_where_none_is_named() -> None:
    assert OutboxTable().table == NAME


def test_the_command_prints_what_makes_the_table() -> None:
    command = [sys.executable, "-m", "tidings_producer"]
    done = subprocess.run([*command, "outbox-table"], capture_output=True, text=True, check=True)
    assert done.stdout == TABLE
    wrong = subprocess.run([*command, "x"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "") and "usage" in wrong.stderr
