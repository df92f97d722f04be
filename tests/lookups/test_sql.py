"""Look-ups in a real database: values and rows, what may not be done, and what goes wrong."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from tests.loops.own_time import own_time
from tests.postgres_server import shared_server
from tidings.connections.port import ConnectionDown
from tidings.connections.sql_type import TYPE
from tidings.core.actions.action import ActionLookup, SqlLookup
from tidings.core.connections.connection import Connection
from tidings.core.exact_json import write_exactly
from tidings.errors import Unusable
from tidings.lookups.factory import LookupFactory
from tidings.lookups.port import LookupBackend, LookupDown, LookupRefused
from tidings.lookups.sql_statement import asked_as

BY_ID = "SELECT * FROM customer WHERE id = %(id)s"


class Crm:
    """A database with customers, and look-ups over a connection to it."""

    def __init__(self, **fields: Any) -> None:
        self.uri = shared_server().lend_database()
        self.fields = {"dsn": self.uri} | fields
        self.sources: list[LookupBackend] = []
        self._factory = self.factory(Connection("crm", "sql", self.fields))
        self.do(
            "CREATE TABLE customer (id bigint, name text, opted_out boolean)",
            "INSERT INTO customer VALUES (42, 'Asha', false), (43, NULL, true)",
        )

    @staticmethod
    def factory(*connections: Connection) -> LookupFactory:
        named = {connection.name: connection for connection in connections}
        unasked: Any = None
        return LookupFactory(unasked, unasked, named, unasked, lambda: 0.0)

    def source(self, statement: str = BY_ID, factory: LookupFactory | None = None) -> LookupBackend:
        where = SqlLookup("crm", statement, {"id": "event.id"})
        made = (factory or self._factory).source_of(ActionLookup("consent", where))
        self.sources.append(made)
        return made

    async def find(self, statement: str, deadline_s: float = 30.0, **values: Any) -> Any:
        return await self.source(statement).find(values, deadline_s)

    def do(self, *statements: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as line:
            for statement in statements:
                line.execute(statement.encode())

    def ask(self, query: str) -> Any:
        with psycopg.connect(self.uri, autocommit=True) as line:
            row = line.execute(query.encode()).fetchone()
            assert row is not None
            return row[0]

    def lines(self) -> int:
        """How many we have to it."""
        return int(
            self.ask(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'tidings'"
            )
        )

    async def close(self) -> None:
        for source in self.sources:
            await source.close()


@pytest.fixture
async def crm() -> AsyncIterator[Crm]:
    made = Crm()
    yield made
    await made.close()


async def test_the_first_row_is_an_object_by_its_columns(crm: Crm) -> None:
    assert await crm.find(BY_ID, id=42) == {"id": 42, "name": "Asha", "opted_out": False}
    assert await crm.find(BY_ID, id="43") == {"id": 43, "name": None, "opted_out": True}
    assert await crm.find(BY_ID, id=44) is None
    both = "SELECT id FROM customer WHERE id >= %(id)s ORDER BY id DESC"
    assert await crm.find(both, id=1) == {"id": 43}


TYPES = {
    "12.50::numeric": "12.50",
    "12345678901234567890.123456789::numeric": "12345678901234567890.123456789",
    "'NaN'::numeric": '"NaN"',
    "'Infinity'::float8": '"Infinity"',
    "0.1::float8": "0.1",
    "9223372036854775807::bigint": "9223372036854775807",
    "true": "true",
    "NULL::text": "null",
    "'2026-11-28'::date": '"2026-11-28"',
    "'2026-11-28 10:00:00+05:30'::timestamptz": '"2026-11-28T04:30:00+00:00"',
    "'2026-11-28 10:00:00.5'::timestamp": '"2026-11-28T10:00:00.5"',
    "'infinity'::timestamptz": '"infinity"',
    "'{\"a\": [1.10]}'::jsonb": '{"a":[1.10]}',
    "ARRAY[1, 2]": "[1,2]",
    "ROW(1, 'x')": '{"f1":1,"f2":"x"}',
    "'\\x00ff'::bytea": '"\\\\x00ff"',
    "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid": '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"',
    "'Zoë \"A\" 🎉'::text": '"Zoë \\"A\\" 🎉"',
}


@pytest.mark.parametrize(("column", "written"), TYPES.items(), ids=TYPES)
async def test_what_a_column_is_in_json(crm: Crm, column: str, written: str) -> None:
    crm.do("SET TimeZone = 'Asia/Kolkata'")
    record = await crm.find(f"SELECT {column} AS it")
    assert write_exactly(record).decode() == f'{{"it":{written}}}'


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a%' AS x, 7 % 4 AS y, '%%' AS z, id FROM customer WHERE id = %(id)s",
        "SELECT 'a%%' AS x, 7 %% 4 AS y, '%%' AS z, id FROM customer WHERE id = %(id)s ;  ",
        "WITH one AS (SELECT 'a%' AS x, 3 AS y, '%%' AS z, id FROM customer) "
        "SELECT * FROM one WHERE id = %(id)s AND id = %(id)s -- by its id",
        "VALUES ('a%', 3, '%%', %(id)s::int)",
    ],
)
async def test_a_statement_is_written_as_people_do(crm: Crm, statement: str) -> None:
    record = await crm.find(statement, id="42")
    assert list(record.values()) == ["a%", 3, "%", 42]


async def test_of_two_columns_with_one_name_the_last_counts(crm: Crm) -> None:
    assert await crm.find("SELECT 1 AS a, 2 AS a") == {"a": 2}


def test_a_value_is_a_parameter_wherever_its_name_stands() -> None:
    asked, names = asked_as("SELECT %(a)s, %(b)s, %(a)s, 100%, 5 %% 2;")
    assert names == ("a", "b") and b"SELECT $1, $2, $1, 100%, 5 % 2\n" in asked


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM customer WHERE id = %(id)s::bigint RETURNING id",
        "WITH gone AS (DELETE FROM customer WHERE id = %(id)s::bigint RETURNING id) "
        "SELECT * FROM gone",
        "SELECT id FROM customer WHERE id = %(id)s::bigint) r; DELETE FROM customer; --",
        "SELECT forget() AS id WHERE %(id)s::bigint = 42",
        "SELECT nextval('numbers') AS id WHERE %(id)s::bigint = 42",
        "SELECT id FROM customer WHERE id = %(id)s::bigint FOR UPDATE",
        "SELECT set_config('transaction_read_only', 'off', true), forget() WHERE %(id)s = '42'",
    ],
)
async def test_nothing_is_changed_by_a_look_up(crm: Crm, statement: str) -> None:
    crm.do(
        "CREATE SEQUENCE numbers",
        "CREATE FUNCTION forget() RETURNS bigint LANGUAGE sql AS "
        "'DELETE FROM customer RETURNING id'",
    )
    with pytest.raises(LookupDown) as down:
        await crm.find(statement, id=42)
    assert down.value.reason.endswith(".")
    assert crm.ask("SELECT count(*) FROM customer") == 2
    assert crm.ask("SELECT is_called FROM numbers") is False


@pytest.mark.parametrize("value", ["secret", "4 2", "42.5", "9" * 30, "42; --", "x" * 100_000])
async def test_a_value_that_the_column_cannot_be_is_refused_and_not_told(
    crm: Crm, value: str
) -> None:
    with pytest.raises(LookupRefused, match="the server refuses them") as refused:
        await crm.find(BY_ID, id=value)
    assert value not in refused.value.reason
    assert await crm.find(BY_ID, id=42) is not None, "the line goes on"


async def test_nothing_behind_a_nul_is_cut_off(crm: Crm) -> None:
    assert await crm.find("SELECT %(id)s::text AS id", id="42\0") is None


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELEC 1", "does not understand it (42601)"),
        ("SELECT * FROM nowhere WHERE id = %(id)s", "no such table (42P01)"),
        ("SELECT secret FROM customer WHERE id = %(id)s", "does not understand it (42703)"),
        ("SELECT * FROM customer WHERE name = '%(id)s'", "a value stands within quotes (08P01)"),
        ("SELECT pg_typeof(%(id)s)", "of what type a value is (42P18)"),
    ],
)
async def test_a_statement_with_a_mistake_is_told_and_waits_for_the_operator(
    crm: Crm, statement: str, words: str
) -> None:
    for _ in range(2):
        with pytest.raises(LookupDown) as down:
            await crm.find(statement, id=42)
        assert words in down.value.reason and "secret" not in down.value.reason


async def test_a_right_that_our_user_lacks_is_told(crm: Crm) -> None:
    role = f"asks_{crm.ask('SELECT current_database()')}"
    crm.do(f"CREATE ROLE {role} LOGIN")
    try:
        said = await _refused(crm, Connection("crm", "sql", {"dsn": crm.uri, "user": role}))
    finally:
        await crm.close()
        crm.do(f"DROP ROLE {role}")
    assert "our user lacks a right for it (42501). Grant it." in said


async def test_a_row_has_at_most_16_kib_and_more_does_not_come_here(crm: Crm) -> None:
    for size in (17_000, 50_000_000):
        with pytest.raises(LookupRefused, match="Select fewer columns"):
            await crm.find(f"SELECT repeat('x', {size}) AS it")
    record = await crm.find("SELECT repeat('x', 16000) AS it")
    assert len(json.dumps(record)) > 16_000


async def test_a_row_that_is_too_deep_is_refused(crm: Crm) -> None:
    deep = "repeat('[', 100) || repeat(']', 100)"
    with pytest.raises(LookupRefused, match="levels deep"):
        await crm.find(f"SELECT ({deep})::json AS it")


async def test_the_server_ends_what_nobody_waits_for(crm: Crm) -> None:
    with own_time() as took_s:
        with pytest.raises(LookupDown, match="in time"):
            await crm.find("SELECT pg_sleep(3600) AS it", 0.3)
    assert took_s() < 2
    while crm.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
        await asyncio.sleep(0.05)
    source = crm.source("SELECT current_setting('statement_timeout') AS it")
    assert await source.find({}, 4.2) == {"it": "5s"}


async def test_look_ups_over_one_connection_share_its_lines() -> None:
    crm = Crm(connections_max=2)
    slow = "SELECT pg_sleep(0.1)::text, id FROM customer WHERE id = %(id)s"
    asked = [crm.find(slow, id=42) for _ in range(8)]
    most, done = 0, asyncio.gather(*asked)
    while not done.done():
        most = max(most, await asyncio.to_thread(crm.lines))
        await asyncio.sleep(0.01)
    assert [row["id"] for row in await done] == [42] * 8 and most == 2
    await crm.close()


async def test_lines_that_the_server_has_ended_are_replaced_unseen(crm: Crm) -> None:
    for _ in range(3):
        assert await crm.find(BY_ID, id=42) is not None
        crm.do(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'tidings'"
        )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "127.0.0.1", "port": "1"}, "nobody answers"),
        ({"dbname": "nowhere"}, "no such user or database"),
        ({"user": "nobody", "password": "secret"}, "no such user or database"),
    ],
)
async def test_a_database_that_lets_nobody_in_is_told_without_its_address(
    crm: Crm, fields: dict[str, str], words: str
) -> None:
    if "host" in fields:
        with socket.socket() as mute:  # nobody listens at it
            mute.bind(("127.0.0.1", 0))
            fields = {"host": "127.0.0.1", "port": str(mute.getsockname()[1]), "dbname": "crm"}
            connection = Connection("crm", "sql", fields)
            said = await _refused(crm, connection)
    else:
        said = await _refused(crm, Connection("crm", "sql", {"dsn": crm.uri} | fields))
    assert words in said and "127.0.0.1" not in said and "secret" not in said
    assert said.startswith("The database of connection crm must let us in")


async def _refused(crm: Crm, connection: Connection) -> str:
    with pytest.raises(LookupDown) as down:
        await crm.source(factory=crm.factory(connection)).find({"id": "42"}, 5)
    return down.value.reason


async def test_a_server_that_crashes_is_found_again(crm: Crm) -> None:
    assert await crm.find(BY_ID, id=42) is not None
    with shared_server().crashed(), pytest.raises(LookupDown):
        await crm.find(BY_ID, id=42)
    assert await crm.find(BY_ID, id=42) is not None


async def test_a_table_that_changes_does_not_end_the_look_up(crm: Crm) -> None:
    assert await crm.find(BY_ID, id=42) == {"id": 42, "name": "Asha", "opted_out": False}
    crm.do("ALTER TABLE customer ADD tier text DEFAULT 'gold'")
    crm.do("ALTER TABLE customer DROP opted_out")
    assert await crm.find(BY_ID, id=42) == {"id": 42, "name": "Asha", "tier": "gold"}


async def test_a_standby_will_do_where_nothing_is_written(crm: Crm) -> None:
    name = crm.ask("SELECT current_database()")
    crm.do(
        "CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        f"ALTER DATABASE {name} SET search_path = public, pg_catalog",
    )
    tables: dict[str, object] = {"tables": {"customer": {"columns": ["name"], "key": ["name"]}}}
    await TYPE.check(Connection("crm", "sql", {"dsn": crm.uri}))
    with pytest.raises(ConnectionDown, match="it is a standby"):
        await TYPE.check(Connection("crm", "sql", {"dsn": crm.uri} | tables))


def test_a_connection_must_be_declared_and_of_type_sql() -> None:
    factory = Crm.factory(Connection("crm", "kafka", {}))
    for name, words in (("crm", "one of type kafka"), ("other", "no connection")):
        with pytest.raises(Unusable, match=f"Look-up consent: {name} .* {words}"):
            factory.source_of(ActionLookup("consent", SqlLookup(name, "SELECT 1", {})))
