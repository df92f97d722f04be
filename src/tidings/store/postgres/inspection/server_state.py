"""How a server is set and how we reach it: read once, judged by `server_findings.py`."""

import time
from collections.abc import Callable
from typing import NamedTuple

import psycopg

from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import DatabaseRefused, DriverConnection, check_schema

NAME = "tidings doctor"
_SETTINGS = (
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "synchronous_standby_names",
    "default_transaction_read_only",
    "max_connections",
    "superuser_reserved_connections",
)
_EACH_SETTING = ", ".join(f"current_setting('{name}')" for name in _SETTINGS)
_READ_SETTINGS = (
    f"SELECT {_EACH_SETTING}, pg_is_in_recovery(), extract(epoch FROM clock_timestamp())::float8"
)
# Who may not see a standby of another role sees its row without what it does.
_STANDBYS = (
    "SELECT count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), count(*),"
    " count(*) FILTER (WHERE sync_state IS NULL) FROM pg_stat_replication"
)
_CONNECTIONS = (
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
    " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),"
    " (SELECT datconnlimit FROM pg_database WHERE datname = current_database())"
)
_PID = "SELECT pg_backend_pid()"
_LOOPBACK = ("127.", "::1")


class ServerState(NamedTuple):
    """The answers of a server about itself, our connection and its standbys."""

    version: int
    schema: int  # its number
    schema_refusal: str  # why this release cannot serve on it; none where it can
    synchronous_commit: str
    fsync: str
    full_page_writes: str
    synchronous_standby_names: str
    read_only: bool
    in_recovery: bool
    standbys_in_step: int
    standbys: int
    standbys_hidden: int
    connections_max: int  # that are left for roles that are not superusers
    connections: int
    clock_ahead_s: float
    pooled: bool  # by transactions
    is_local: bool
    encrypted: bool
    sslmode: str


def read_state(database: StoreDatabase, now_s: Callable[[], float] = time.time) -> ServerState:
    """Read the state of the server of a database. Raise StoreDown or StoreRefused where it lets
    nobody in, psycopg.Error where it says nothing."""
    with database.connect(NAME) as connection:
        pooled = is_pooled(connection, lambda: database.connect(NAME))
        if pooled:  # the path to the schema may be that of another connection
            return _state(connection, now_s, 0, "", pooled=True)
        try:
            schema, refusal = check_schema(connection), ""
        except DatabaseRefused as refused:
            schema, refusal = 0, str(refused)
        return _state(connection, now_s, schema, refusal, pooled=False)


def is_pooled(connection: DriverConnection, connect: Callable[[], DriverConnection]) -> bool:
    """Return whether a pooler gives a connection of the server to whoever begins a transaction: a
    second client then gets what the first one had, and the first one another."""
    first = _pid(connection)
    with connect() as other, other.transaction():
        return _pid(other) == first or _pid(connection) != first


def _pid(connection: DriverConnection) -> int:
    row = connection.execute(_PID).fetchone()
    assert row is not None
    return int(row[0])


def _state(
    connection: DriverConnection,
    now_s: Callable[[], float],
    schema: int,
    refusal: str,
    *,
    pooled: bool,
) -> ServerState:
    asked_s = now_s()
    [(*texts, in_recovery, clock_s)] = connection.execute(_READ_SETTINGS.encode()).fetchall()
    middle_s = (asked_s + now_s()) / 2
    settings = dict(zip(_SETTINGS, texts, strict=True))
    [(in_step, standbys, hidden)] = connection.execute(_STANDBYS).fetchall()
    [(connections, *limits)] = connection.execute(_CONNECTIONS).fetchall()
    free = int(settings["max_connections"]) - int(settings["superuser_reserved_connections"])
    return ServerState(
        version=connection.info.server_version,
        schema=schema,
        schema_refusal=refusal,
        synchronous_commit=settings["synchronous_commit"],
        fsync=settings["fsync"],
        full_page_writes=settings["full_page_writes"],
        synchronous_standby_names=settings["synchronous_standby_names"],
        read_only=settings["default_transaction_read_only"] == "on",
        in_recovery=bool(in_recovery),
        standbys_in_step=in_step,
        standbys=standbys,
        standbys_hidden=hidden,
        connections_max=min(free, *(limit for limit in limits if limit >= 0), free),
        connections=connections,
        clock_ahead_s=clock_s - middle_s,
        pooled=pooled,
        is_local=is_local(connection.info),
        encrypted=bool(connection.pgconn.ssl_in_use),
        sslmode=sslmode_of(connection),
    )


def is_local(info: psycopg.ConnectionInfo) -> bool:
    """Return whether nothing of a connection leaves the machine: a socket, or loopback."""
    return info.host.startswith(("/", "@")) or info.hostaddr.startswith(_LOOPBACK)


def sslmode_of(connection: DriverConnection) -> str:
    """Return the mode that a connection was made with, wherever it was set."""
    values = {option.keyword: option.val for option in connection.pgconn.info}
    return (values.get(b"sslmode") or b"prefer").decode()
