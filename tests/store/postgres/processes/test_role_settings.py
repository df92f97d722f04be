"""What a role, a database or a URI sets for connections changes nothing of what the store keeps.

The processes of the store find the database as the service does.
"""

from collections.abc import Callable

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.store.postgres.databases import connect, migrated, rows
from tests.store.postgres.hostings import ANSWER_S
from tests.store.rows import ORG, event, new
from tidings.core.running.lease import Lease
from tidings.store import port
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import IDLE_S, OURS, StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.ownership import Ownership, OwnerWatch
from tidings.store.postgres.store import PostgresStore
from tidings.store.sql.halves import passed_s

TEXT = "é日本\ufdd0\x81 ' \\x41"
OTHERWISE = {
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "default_transaction_isolation": "serializable",
    "statement_timeout": "9s",
    "transaction_timeout": "9s",
    "idle_session_timeout": "9s",
    "idle_in_transaction_session_timeout": "9s",
}
OPENERS: dict[str, Callable[[StoreDatabase, Ownership], PostgresConnection]] = {
    "writes": lambda database, ours: database.open_writer(ours),
    "reads": lambda database, ours: database.open_reader(ours, ANSWER_S),
    "searches": lambda database, ours: database.open_search(ours, ANSWER_S),
}
OF_THE_OPENER = {
    "writes": dict.fromkeys(
        ("idle_session_timeout", "idle_in_transaction_session_timeout"), f"{IDLE_S * 1000}"
    ),
    "reads": {"statement_timeout": f"{ANSWER_S * 1000:.0f}"},
    "searches": {"statement_timeout": f"{ANSWER_S * 1000:.0f}"},
}


def test_every_setting_of_ours_is_tried() -> None:
    assert {name for name, _ in OURS} == {*OTHERWISE}


@pytest.mark.parametrize("what", OPENERS)
def test_what_a_role_is_set_to_is_not_what_our_connections_do(what: str) -> None:
    database = StoreDatabase(migrated())
    with connect(database.uri) as connection:
        [known] = rows(connection, "SELECT array_agg(name) FROM pg_settings")
        for name, value in OTHERWISE.items():
            if name in known[0]:
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                        sql.Identifier(connection.info.dbname), sql.Identifier(name), value
                    )
                )
    opened = OPENERS[what](database, Ownership(1, "tidings x"))
    have = rows(
        opened.driver, "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", [*OTHERWISE]
    )
    opened.close()
    wanted = dict(OURS) | OF_THE_OPENER[what]
    assert dict(have) == {name: wanted[name] for name in wanted if name in known[0]}


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII"])
@pytest.mark.parametrize("by", ["database", "uri"])
def test_texts_are_kept_as_utf8_whatever_the_clients_encoding_is_set_to(
    encoding: str, by: str
) -> None:
    uri = migrated()
    database = StoreDatabase(f"{uri}&client_encoding={encoding}" if by == "uri" else uri)
    with connect(uri, client_encoding="UTF8") as connection:
        if by == "database":
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE {name} SET client_encoding = {encoding}".encode())
        ours = OwnerWatch(database.connect, lambda: 0.0).take()
        half = PostgresWriter(database.open_writer(ours), ours)
        half.commit(port.Batch(1, [event(TEXT, new(1), warning=TEXT), event("b", new(1), new(2))]))
        half.connection.close()
        assert rows(connection, "SELECT id, warning FROM event ORDER BY seq LIMIT 1") == [
            (TEXT.replace("\ufdd0", "\ufdd01"),) * 2
        ]


async def test_the_stores_processes_find_the_database_by_the_environment_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it is, a file of passwords, what of TLS is asked for: libpq reads it there, and a
    process that is started gets no environment but what Python needs."""
    named = conninfo_to_dict(migrated())
    for name, variable in (("host", "PGHOST"), ("user", "PGUSER"), ("dbname", "PGDATABASE")):
        monkeypatch.setenv(variable, str(named[name]))
    database = StoreDatabase("postgresql://")
    watch = OwnerWatch(database.connect, lambda: 0.0)
    store = await PostgresStore.open(database, watch, Lease(passed_s), lambda: None)
    try:
        await store.commit(port.Batch(1, [event("a", new(1))]))
        assert await store.event(ORG, "a") is not None
    finally:
        await store.close()
