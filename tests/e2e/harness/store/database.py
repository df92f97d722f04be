"""Where the services of these suites keep their rows: `TIDINGS_TESTS_STORE=postgres` gives each
data directory a database of the worker's server, for as long as services are started on it.
"""

import base64
import fcntl
import functools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.chosen_store import on_postgres
from tests.postgres_server import shared_server
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import migrate

SCHEMA = "tidings"
SERVES = "tidings_serves"  # the role of the services: it reads and writes rows, and may do no more
KEPT_MAX = 12  # databases: PostgreSQL looks after each of them, again and again
_CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
_of_directory: dict[Path, str] = {}  # names of databases, the oldest first


def store_settings(data: Path) -> dict[str, str]:
    """The settings of a service with this data directory: the same database and key each time."""
    if not on_postgres():
        return {}
    key = key_file(data)
    if not key.exists():
        key.touch(0o600)
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    uri = database_of(data).uri.replace("//postgres:@", f"//{SERVES}@", 1)
    assert SERVES in uri
    return {"database": uri, "master_key_file": str(key)}


def database_of(data: Path) -> StoreDatabase:
    """The database of a data directory, made and migrated when it is first asked for."""
    if data not in _of_directory:
        _drop_oldest()
        name = f"service_{secrets.token_hex(6)}"
        with _administrator() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {_template()}".encode())
        _of_directory[data] = name
    return StoreDatabase(shared_server().uri(_of_directory[data]), SCHEMA)


def key_file(data: Path) -> Path:
    """The file of a service's master key."""
    return data.parent / f"{data.name}.master-key" if on_postgres() else data / "key"


def kept_rows(data: Path) -> Iterator[tuple[str, bytes]]:
    """All rows of the database of a data directory, by table; none where it has no database."""
    if data not in _of_directory:
        return
    with database_of(data).connect("tests") as connection:
        for (table,) in connection.execute(_TABLES, (SCHEMA,)).fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'.encode()):
                yield table, b" ".join(map(_bytes_of, row))


def _bytes_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def let_go(data: Path) -> None:
    """Take the store from an owner that was killed, as an operator could who knows that it is dead:
    no test waits for the end of its lease. Nothing where a process holds the directory."""
    if data not in _of_directory or _is_held(data):
        return
    with database_of(data).connect("tests") as connection:
        connection.execute("UPDATE owner SET holder = ''")


def _is_held(data: Path) -> bool:
    try:
        descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _drop_oldest() -> None:
    """Drop databases that nobody has open, where there are too many."""
    with _administrator() as connection:
        for data, name in list(_of_directory.items())[:-KEPT_MAX]:
            row = connection.execute(_CONNECTED, (name,)).fetchone()
            if row == (0,):
                connection.execute(f"DROP DATABASE {name}".encode())
                del _of_directory[data]


@functools.cache
def _template() -> str:
    name = "migrated"
    with psycopg.connect(shared_server().database(name), autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {SERVES}".encode())
        connection.execute(f"CREATE ROLE {SERVES} LOGIN".encode())
        migrate(connection, SCHEMA, SERVES)
    return name


def _administrator() -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(shared_server().uri("postgres"), autocommit=True)
