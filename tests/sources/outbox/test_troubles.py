"""Why an outbox cannot be read: what must be, what came, what to do, and nothing that is secret."""

import subprocess
import sys
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.docs.outbox_page import DDL, GRANTS
from tests.postgres_server import PostgresServer
from tests.sources.conformance.readings import taken
from tests.sources.conformance.subject import Made
from tests.sources.outbox.logins import PASSWORD
from tests.sources.outbox.subject import Outbox, new_outbox
from tidings.connections.port import ConnectionDown, command_of
from tidings.core.sources.source import OutboxTable
from tidings.sources.outbox import claim
from tidings.sources.outbox.faults import _EXPLANATIONS, down


@pytest.fixture
def outbox(request: pytest.FixtureRequest) -> Outbox:
    return new_outbox(request)


async def refusal(outbox: Outbox, table: str = "", **fields: Any) -> str:
    """What is said when it is opened."""
    with pytest.raises(ConnectionDown) as down:
        await outbox.open(OutboxTable(table) if table else None, **fields)
    said = str(down.value)
    assert PASSWORD not in said
    assert "must" in said and said.endswith(".")
    where = conninfo_to_dict(outbox.uri)
    assert str(where["host"]) not in said and str(where["dbname"]) not in said
    return said


async def test_the_rights_on_the_page_are_enough(outbox: Outbox) -> None:
    outbox.sql("CREATE ROLE tidings LOGIN")
    try:
        outbox.sql(GRANTS)
        await outbox.produce(Made("a", b"1"))
        reading = await outbox.open(user="tidings")
        assert len(await taken(reading, 1)) == 1
        assert await reading.lag() == 0
        await reading.close()
    finally:
        outbox.sql("DROP OWNED BY tidings; DROP ROLE tidings")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE tidings_outbox", "there is none"),
        ("ALTER TABLE tidings_outbox DROP COLUMN taken_at", "lacks a column"),
        ("ALTER TABLE tidings_outbox DROP COLUMN headers", "lacks a column"),
        ("REVOKE ALL ON tidings_outbox FROM reader", "may not mark"),
        ("REVOKE SELECT ON tidings_outbox FROM reader", "lacks a right"),
        ("REVOKE UPDATE (taken_at) ON tidings_outbox FROM reader", "may not mark"),
    ],
)
async def test_a_table_that_is_none_or_may_not_be_used_is_told(
    outbox: Outbox, change: str, words: str
) -> None:
    outbox.sql("CREATE ROLE reader LOGIN")
    try:
        outbox.sql(GRANTS.replace("TO tidings", "TO reader"))
        outbox.sql(change)
        assert words in await refusal(outbox, user="reader")
    finally:
        outbox.sql("DROP OWNED BY reader; DROP ROLE reader")


async def test_columns_of_another_type_are_told(outbox: Outbox) -> None:
    outbox.sql("DROP TABLE tidings_outbox, tidings_outbox_reader")
    outbox.sql("DROP FUNCTION tidings_outbox_tell")
    outbox.sql(DDL.replace("bigint GENERATED ALWAYS AS IDENTITY", "uuid"))
    assert "another type" in await refusal(outbox)


async def test_a_wrong_password_is_told_without_it(
    outbox: Outbox, postgres: PostgresServer
) -> None:
    outbox.sql(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}-other'")
    try:
        postgres.admit("local all locked scram-sha-256")
        for fields in ({"password": PASSWORD}, {}):
            said = await refusal(outbox, user="locked", **fields)
            assert "connection shop" in said and "nor our password" in said
    finally:
        outbox.sql("DROP ROLE locked")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "/nonexistent"}, "nobody answers"),
        ({"dbname": "no_such_database"}, "no such user or database"),
        ({"user": "nobody_of_this_name"}, "no such user or database"),
        ({"dsn": f"host=x password {PASSWORD}"}, "must be one of PostgreSQL"),
    ],
)
async def test_a_connection_that_leads_nowhere_is_told(
    outbox: Outbox, fields: dict[str, Any], words: str
) -> None:
    assert words in await refusal(outbox, **fields)


async def test_a_table_has_one_reader_who_hands_over(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "LOCK_WAIT_S", 0.2)
    first = await outbox.open()
    assert "another one reads it" in await refusal(outbox)
    assert "another one reads it" in await refusal(outbox, "public.tidings_outbox")
    await first.close()
    monkeypatch.setattr(claim, "LOCK_WAIT_S", 20.0)
    second = await outbox.open()
    await second.close()


async def test_a_session_that_is_ended_by_the_server_is_told(outbox: Outbox) -> None:
    reading = await outbox.open()
    outbox.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'tidings-%%' AND datname = current_database()"
    )
    with pytest.raises(ConnectionDown, match="must let us in and stay there"):
        await reading.read()
    await reading.close()


async def test_without_the_library_it_says_what_brings_it(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tidings.sources.outbox.opening")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert command_of("outbox") in await refusal(outbox)


def test_a_service_without_outboxes_does_not_load_the_library() -> None:
    program = (
        "import sys, tidings.app.service; from tidings.app.drivers import source_drivers; "
        "assert 'outbox' in source_drivers(None, ''); assert 'psycopg' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize("state", _EXPLANATIONS)
def test_each_state_is_told_with_what_to_do_and_without_the_servers_words(state: str) -> None:
    got, do = _EXPLANATIONS[state]
    said = str(down("shop", "tidings_outbox", psycopg.errors.lookup(state)(f"of {PASSWORD}")))
    assert said == f"Table tidings_outbox must be an outbox that we may read and mark; {got}. {do}."


def test_an_error_that_nobody_expects_names_no_more_than_its_state() -> None:
    said = str(down("shop", "tidings_outbox", psycopg.errors.DiskFull(f"of {PASSWORD}")))
    assert PASSWORD not in said and "53100" in said
