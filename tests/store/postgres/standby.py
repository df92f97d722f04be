"""A primary whose commits wait for a standby, which can be cut off and made the primary."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.postgres_server import PostgresServer
from tests.store.postgres.databases import rows
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import migrate

Answer = TypeVar("Answer")
NAME = "pair"
WITHIN_S = 120.0
IN_STEP = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
CONNECTED = "SELECT 1 FROM pg_stat_replication"
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    " AND application_name LIKE 'tidings %% writes'"
)


class ServerPair:
    """Two servers, and a store that is found on the one that takes writes."""

    def __init__(self) -> None:
        self.primary = PostgresServer()
        try:
            self._make()
        except BaseException:
            self.primary.end()
            raise

    def _make(self) -> None:
        with psycopg.connect(self.primary.database(NAME), autocommit=True) as connection:
            migrate(connection, StoreDatabase("").schema)
        self.standby = PostgresServer(self.primary)
        self.standby.set("wal_retrieve_retry_interval = '100ms'")
        self.primary.set("synchronous_standby_names = '*'")
        wait_until(lambda: self.ask(IN_STEP))
        [(self._origin,)] = self.ask_standby("SHOW primary_conninfo")
        servers = (self.primary, self.standby)
        places = [conninfo_to_dict(server.uri(NAME))["host"] for server in servers]
        self.database = StoreDatabase(
            f"postgresql://postgres:@/{NAME}?host={','.join(map(str, places))}"
            "&target_session_attrs=read-write"
        )

    def ask(self, query: str, *values: object) -> list[Any]:
        """Ask the primary."""
        with psycopg.connect(self.primary.uri(NAME), autocommit=True) as connection:
            return rows(connection, query, *values)

    def ask_standby(self, query: str, *values: object) -> list[Any]:
        """Ask the standby, also once it has become the primary."""
        with psycopg.connect(self.standby.uri(NAME), autocommit=True) as connection:
            return rows(connection, query, *values)

    def cut(self) -> None:
        """Have the standby receive nothing any more."""
        self.standby.set("primary_conninfo = ''")
        wait_until(lambda: not self.ask(CONNECTED))

    def join(self) -> None:
        """Have the standby catch up."""
        self.standby.set(f"primary_conninfo = '{self._origin.replace(chr(39), chr(39) * 2)}'")

    def fail_over(self) -> None:
        """Lose the primary, and have the standby take writes, alone."""
        self.primary.crash()
        self.standby.set("synchronous_standby_names = ''")
        self.ask_standby("SELECT pg_promote()")

    def waiting(self) -> int:
        """Wait for a commit of the store that waits for the standby; its process."""
        [(pid,)] = wait_until(lambda: self.ask(WAITING))
        return int(pid)

    def end(self) -> None:
        """Stop both."""
        self.standby.end()
        self.primary.end()


def wait_until(holds: Callable[[], Answer]) -> Answer:
    """Ask until it holds; the answer."""
    give_up = time.monotonic() + WITHIN_S
    while not (answer := holds()):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return answer
