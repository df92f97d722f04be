"""A PostgreSQL server of the bench for the stores of services, and what it has used.

Its processes are the bench's own (they are adopted where who started them ends), so that what it
takes of the machine is not taken for that of others.
"""

import base64
import contextlib
import ctypes
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.process import TICKS_PER_SECOND, Usage, stat_fields, tree_of, usage_of
from tests.postgres_server import PostgresServer
from tests.store.postgres.retention_figures import fill as fill_log
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresReader
from tidings.store.postgres.migration import migrate

SQLITE, POSTGRES = STORES = ("sqlite", "postgres")
_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_AS_INSTALLED = ("fsync", "max_wal_size")  # which the tests' server sets for its own ends
_WAL = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
_WRITES = (
    "SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables"
    " WHERE schemaname = %s"
)
_PROCESSES = (
    "SELECT pid, CASE backend_type WHEN 'client backend'"
    " THEN regexp_replace(application_name, '.* ', '') ELSE backend_type END FROM pg_stat_activity"
)
_SETTING = re.compile(r"[a-z_]+=[A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class ServerUse:
    """What a server has used since it was started."""

    cpu_seconds: float = 0.0
    written_bytes: int = 0
    wal_bytes: int = 0

    def since(self, before: "ServerUse") -> "ServerUse":
        """What it has used since another moment."""
        return ServerUse(
            self.cpu_seconds - before.cpu_seconds,
            self.written_bytes - before.written_bytes,
            self.wal_bytes - before.wal_bytes,
        )


class StoreServer:
    """It runs until `stop`."""

    def __init__(self, folder: Path | None, given: Sequence[str] = (), numbers: int = 0) -> None:
        """`folder`: for the key of services; `given`: settings as `full_page_writes=off`, beyond
        those that the server has by itself; `numbers`: events that each store has before."""
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._folder = folder
        self._numbers = numbers
        self._server = PostgresServer()
        self._databases = 0
        with self._administrator() as connection:
            for name in _AS_INSTALLED:
                connection.execute(f"ALTER SYSTEM RESET {name}".encode())
            for setting in given:
                if not _SETTING.fullmatch(setting):
                    raise ValueError(f"a setting must be NAME=VALUE; got {setting}")
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        with self._server.crashed():
            pass  # some are read at its start alone
        with self._administrator() as connection:
            row = connection.execute(
                "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int"
            ).fetchone()
            assert row is not None
            self._pid = int(row[0])

    def _administrator(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self._server.uri("postgres"), autocommit=True)

    def new_store(self) -> StoreDatabase:
        """Make a database with the tables of a store."""
        self._databases += 1
        found = StoreDatabase(self._server.database(f"bench_{self._databases}"))
        with psycopg.connect(found.uri, autocommit=True) as connection:
            migrate(connection, found.schema)
            if self._numbers:
                connection.execute(f"SET search_path = {found.schema}".encode())
                fill_log(connection, 1, self._numbers, bodies=False)
        if self._numbers:
            _index(found)
            with self._administrator() as connection:
                connection.execute("CHECKPOINT")
        return found

    def settings_of(self, database: StoreDatabase) -> Mapping[str, str]:
        """The settings of a service that has its store there."""
        assert self._folder is not None, "a folder for the key was given"
        key = self._folder / "master.key"
        if not key.exists():
            key.touch(0o600)
            key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        return {"TIDINGS_DATABASE": database.uri, "TIDINGS_MASTER_KEY_FILE": str(key)}

    def use(self) -> ServerUse:
        """What it has used by now."""
        with self._administrator() as connection:
            row = connection.execute(_WAL).fetchone()
        assert row is not None
        used: Usage = usage_of(self._pid)
        return ServerUse(used.cpu_seconds, used.written_bytes, int(row[0]))

    def shares(self) -> dict[str, float]:
        """CPU seconds of its processes that live, by what they are, or say that they do."""
        found: dict[str, float] = {}
        with self._administrator() as connection:
            names = dict(connection.execute(_PROCESSES).fetchall())
        for pid in tree_of(self._pid):
            with contextlib.suppress(OSError):
                ticks = sum(map(int, stat_fields(pid)[11:13]))
                found[f"{names.get(pid, 'other')}, {pid}"] = ticks / TICKS_PER_SECOND
        return found

    def stop(self) -> None:
        """End it."""
        self._server.end()


def _index(database: StoreDatabase) -> None:
    """Index and sum up what is there, as a service does behind its commits."""
    reader = PostgresReader(
        PostgresConnection(database.connect("bench reads"), read_only=True),
        PostgresConnection(database.connect("bench searches"), synced=False),
    )
    while reader.background():
        pass
    reader.close()


@contextlib.contextmanager
def store_server(
    store: str, given: Sequence[str], folder: Path, numbers: int = 0
) -> Iterator[StoreServer | None]:
    """A server for as long as the block lasts, if the service is to have its store in one."""
    if store != POSTGRES:
        yield None
        return
    server = StoreServer(folder, given, numbers)
    try:
        yield server
    finally:
        server.stop()


def row_writes(database: StoreDatabase) -> Counter[tuple[str, str]]:
    """Rows that were inserted, updated (in place or not) and deleted, by table."""
    found: Counter[tuple[str, str]] = Counter()
    with psycopg.connect(database.uri, autocommit=True) as connection:
        for name, inserted, updated, hot, deleted in connection.execute(
            _WRITES, (database.schema,)
        ):
            found[name, "inserted"] = inserted
            found[name, "updated in place"] = hot
            found[name, "updated"] = updated - hot
            found[name, "deleted"] = deleted
    return found


@contextlib.contextmanager
def reader_of(database: StoreDatabase) -> Iterator[PostgresConnection]:
    """A connection for the books, which takes the words of SQLite."""
    connection = PostgresConnection(database.connect("bench"), read_only=True)
    try:
        yield connection
    finally:
        connection.close()
