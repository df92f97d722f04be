"""The state of a server is read from the server itself, and a pooler of transactions is found."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.store.postgres.databases import migrated
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection.server_state import is_pooled, read_state
from tidings.store.postgres.migration import newest_schema


def altered(uri: str, **settings: str) -> StoreDatabase:
    """Set the database of a URI, for connections that are opened from now on."""
    with psycopg.connect(uri, autocommit=True) as connection:
        name = connection.info.dbname
        for setting, value in settings.items():
            connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'".encode())
    return StoreDatabase(uri)


def test_a_server_is_read_as_it_is() -> None:
    state = read_state(StoreDatabase(migrated()))
    assert state.version >= 150000 and (state.schema, state.schema_refusal) == (newest_schema(), "")
    assert (state.synchronous_commit, state.fsync) == ("on", "off")  # of the tests' server
    assert (state.standbys, state.synchronous_standby_names) == (0, "")
    assert not state.in_recovery and not state.read_only and not state.pooled
    assert state.is_local and not state.encrypted
    assert 1 <= state.connections < state.connections_max
    assert abs(state.clock_ahead_s) < 60


def test_what_is_set_for_a_database_is_what_is_read() -> None:
    database = altered(migrated(), synchronous_commit="off", default_transaction_read_only="on")
    state = read_state(database)
    assert state.synchronous_commit == "off" and state.read_only


def test_a_database_without_tables_is_said() -> None:
    state = read_state(StoreDatabase(shared_server().lend_database()))
    assert state.schema == 0 and "Run: tidings migrate" in state.schema_refusal


def test_the_limit_of_a_database_is_the_limit() -> None:
    uri = migrated()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} CONNECTION LIMIT 7".encode())
    try:
        assert read_state(StoreDatabase(uri)).connections_max == 7
    finally:
        with psycopg.connect(uri, autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1".encode())


def test_the_clock_is_compared_with_the_middle_of_the_question() -> None:
    state = read_state(StoreDatabase(migrated()), now_s=lambda: 0.0)
    assert state.clock_ahead_s > 1_000_000_000


@pytest.mark.parametrize("uri", ["postgresql://127.0.0.1:1/db", "postgresql:///db?host=/nowhere"])
def test_a_server_that_does_not_answer_is_down(uri: str) -> None:
    with pytest.raises(port.StoreDown):
        read_state(StoreDatabase(uri))


def test_parameters_that_libpq_does_not_know_are_refused_and_not_repeated() -> None:
    with pytest.raises(port.StoreRefused) as caught:
        read_state(StoreDatabase("postgresql://u:hush@127.0.0.1/db?hush=1"))
    assert "hush" not in str(caught.value) and caught.value.__suppress_context__


class PooledClient:
    """A client of a pooler that gives it a connection of the server for each transaction."""

    def __init__(self, idle: list[int]) -> None:
        self.idle, self.held = idle, list[int]()

    def __enter__(self) -> "PooledClient":
        return self

    def __exit__(self, *_: object) -> None:
        """It leaves."""

    def execute(self, statement: str) -> Any:
        assert statement == "SELECT pg_backend_pid()"
        pid = self.held[0] if self.held else self.idle[0]
        return type("Found", (), {"fetchone": lambda _: (pid,)})()

    @contextmanager
    def begun(self) -> Iterator[None]:
        self.held.append(self.idle.pop(0))
        try:
            yield
        finally:
            self.idle.append(self.held.pop())

    def transaction(self) -> AbstractContextManager[None]:
        return self.begun()


def test_a_pooler_of_transactions_is_found() -> None:
    idle = [11, 12]
    first: Any = PooledClient(idle)
    assert is_pooled(first, lambda: PooledClient(idle))  # type: ignore[arg-type,return-value]


def test_a_pooler_of_sessions_is_none() -> None:
    first: Any = PooledClient([11])
    assert not is_pooled(first, lambda: PooledClient([12]))  # type: ignore[arg-type,return-value]
