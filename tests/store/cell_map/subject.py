"""The map in each database, as the suite works with it: opened, saved, put back, taken away."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
import psycopg

from tests.postgres_server import Kind, shared_server
from tests.store.cell_map.other_process import PATIENT_S, SCHEMA
from tests.store.postgres.databases import connect
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.cell_map.postgres_map import open_postgres_map
from tidings.store.cell_map.postgres_schema import make_postgres_map
from tidings.store.cell_map.sqlite_map import MAP_FILE, make_sqlite_map, open_sqlite_map

TABLES = (
    "cell_entry", "confirmed", "directory", "family_place", "map_meta", "map_version",
    "platform_row", "process", "range_grant",
)  # fmt: skip
EMPTY = (
    """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DROP SCHEMA IF EXISTS saved CASCADE;
"""
    + "".join(f"TRUNCATE {SCHEMA}.{table};" for table in TABLES)
    + """
INSERT INTO tidings_map.map_meta VALUES
    (1, '1.' || replace(gen_random_uuid()::text, '-', ''), 1, 0, '');
UPDATE tidings_map.map_meta SET granting = incarnation;
INSERT INTO tidings_map.map_version VALUES (1, uuid_send(gen_random_uuid()));
"""
)


def _make(uri: str) -> None:
    with connect(uri) as connection:
        make_postgres_map(connection, SCHEMA)


MAP = Kind("map", _make, EMPTY)


class MapSubject(Protocol):
    """A map that was made and is empty."""

    words: tuple[str, ...]  # by which `other_process.py` opens it

    def open_rows(self) -> MapRows:
        """Open it."""

    def ask(self, query: str) -> list[Any]:
        """Ask the database itself."""

    def save(self) -> None:
        """Make a backup."""

    def put_back(self) -> None:
        """Put the backup in its place."""

    @contextmanager
    def away(self) -> Iterator[None]:
        """It cannot be reached, and afterwards it is there again."""

    def hosted(self) -> HostedCellMap:
        """Open it as a service does."""
        return HostedCellMap(self.open_rows, PATIENT_S)


class SqliteMap(MapSubject):
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.words = ("sqlite", str(directory))
        make_sqlite_map(directory)

    def open_rows(self) -> MapRows:
        return open_sqlite_map(self.directory)

    def ask(self, query: str) -> list[Any]:
        # Of the library that has the map open: another one would end its locks.
        with closing(apsw.Connection(str(self.directory / MAP_FILE))) as connection:
            connection.set_busy_timeout(60_000)
            return connection.execute(query).fetchall()

    def save(self) -> None:
        saved = str(self.directory.with_name("saved.db"))
        with closing(apsw.Connection(str(self.directory / MAP_FILE))) as source:
            with (
                closing(apsw.Connection(saved)) as copy,
                copy.backup("main", source, "main") as run,
            ):
                run.step()

    def put_back(self) -> None:
        for path in self.directory.iterdir():
            path.unlink()
        shutil.copy(self.directory.with_name("saved.db"), self.directory / MAP_FILE)

    @contextmanager
    def away(self) -> Iterator[None]:
        hidden = self.directory.with_name("hidden")
        self.directory.rename(hidden)
        yield
        hidden.rename(self.directory)


class PostgresMap(MapSubject):
    def __init__(self) -> None:
        self.uri = shared_server().lend_database(MAP)
        self.words = ("postgres", self.uri)

    def open_rows(self) -> MapRows:
        return open_postgres_map(self.uri, SCHEMA)

    def ask(self, query: str) -> list[Any]:
        with connect(self.uri, SCHEMA) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def save(self) -> None:
        self._run("CREATE SCHEMA saved", "CREATE TABLE saved.{0} AS TABLE tidings_map.{0}")

    def put_back(self) -> None:
        self._run("SELECT 1", "TRUNCATE {0}; INSERT INTO tidings_map.{0} TABLE saved.{0}")

    def _run(self, first: str, for_each: str) -> None:
        with connect(self.uri, SCHEMA) as connection, connection.transaction():
            connection.execute(first.encode())
            for table in TABLES:
                connection.execute(for_each.format(table).encode())

    @contextmanager
    def away(self) -> Iterator[None]:
        name = psycopg.conninfo.conninfo_to_dict(self.uri)["dbname"]
        allow = f"ALTER DATABASE {name} ALLOW_CONNECTIONS"
        with connect(shared_server().uri("postgres")) as connection:
            connection.execute(f"{allow} false".encode())
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            while connection.execute(ended.encode(), (name,)).fetchone():
                pass
            yield
            connection.execute(f"{allow} true".encode())
