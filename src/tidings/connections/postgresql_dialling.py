"""How a PostgreSQL database is reached: what a connection says, as libpq is told it."""

from typing import Any

from psycopg import AsyncConnection, Error, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tidings.connections.port import ConnectionDown
from tidings.connections.postgresql_faults import is_full, refusal
from tidings.connections.postgresql_fields import DSN, FIELDS
from tidings.core.connections.connection import Connection

# A peer that is gone without a word is known as gone within a minute, by us and by the server: it
# holds the lock of the table for us until then.
DEFAULTS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
    "application_name": "tidings",
}
_PARAMETERS = {field.name for field in FIELDS}
SESSION = {
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "statement_timeout": "30s",
    "client_min_messages": "error",
}


def conninfo(connection: Connection) -> str:
    """Build the connection string that libpq is given. Raise ConnectionDown if it cannot read the
    dsn, of which nothing is repeated."""
    fields = {name: field for name, field in connection.fields.items() if name in _PARAMETERS}
    dsn = str(fields.pop(DSN, ""))
    try:
        return make_conninfo(
            "", **DEFAULTS | conninfo_to_dict(dsn) | fields | {"client_encoding": "utf8"}
        )
    except ProgrammingError:
        raise ConnectionDown(
            f"The {DSN} of connection {connection.name} must be one of PostgreSQL; it is not. Have "
            "the operator mend it, and start again."
        ) from None


async def dial(connection: Connection) -> AsyncConnection[tuple[Any, ...]]:
    """Open a connection on which each statement is a transaction of its own. Raise ConnectionDown
    if the dsn cannot be read, psycopg.Error if the server does not let us in."""
    line = await AsyncConnection.connect(conninfo(connection), autocommit=True)
    try:
        await line.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) "
            "AS said (name, value)",
            (list(SESSION), list(SESSION.values())),
        )
    except BaseException:
        await line.close()
        raise
    return line


async def probe(connection: Connection) -> None:
    """Check that the server lets us in, or has no room for one more. Raise ConnectionDown
    otherwise."""
    try:
        line = await dial(connection)
        await line.close()
    except Error as error:
        if not is_full(error):
            raise refusal(connection.name, error) from None


async def check(connection: Connection, *, writes: bool = True) -> None:
    """Check that the server lets us in and, with `writes`, that it is no standby. Raise
    ConnectionDown otherwise."""
    try:
        line = await dial(connection)
        try:
            row = await (await line.execute("SELECT pg_is_in_recovery()")).fetchone()
        finally:
            await line.close()
    except Error as error:
        raise refusal(connection.name, error) from None
    if writes and row == (True,):
        raise ConnectionDown(
            f"The database of connection {connection.name} must take writes; it is a standby. Name "
            "the primary, or target_session_attrs."
        )
