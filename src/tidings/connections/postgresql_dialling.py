"""What a connection of type outbox says, as what libpq is told."""

from typing import Any

from psycopg import AsyncConnection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tidings.connections.port import ConnectionDown
from tidings.core.connections import Connection

DSN, TABLES = "dsn", "tables"
PARAMETERS = (
    "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "sslmode", "sslrootcert",
    "sslcert", "sslkey", "sslpassword", "channel_binding", "target_session_attrs",
)  # fmt: skip
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
SESSION = {
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "statement_timeout": "30s",
    "client_min_messages": "error",
}


def conninfo(connection: Connection) -> str:
    """For libpq. ConnectionDown where a field is none of ours, or cannot be read; it names fields,
    and never what stands in them."""
    said = dict(connection.fields)
    said.pop(TABLES, None)
    unknown = sorted(said.keys() - {DSN, *PARAMETERS})
    wrong = unknown or [
        name
        for name, value in said.items()
        if not isinstance(value, str | int) or isinstance(value, bool)
    ]
    dsn = said.pop(DSN, "")
    if not wrong:
        try:
            return make_conninfo(
                "",
                **DEFAULTS | conninfo_to_dict(str(dsn)) | said | {"client_encoding": "utf8"},
            )
        except ProgrammingError:  # its text repeats what it could not read
            wrong = [DSN]
    raise ConnectionDown(
        f"Connection {connection.name} must have {DSN}, {TABLES} and parameters of libpq alone "
        f"({', '.join(PARAMETERS)}), each as PostgreSQL takes it; got {', '.join(wrong)}. Have the "
        "operator mend it, and start again."
    )


def refuse_table(connection: Connection, table: str) -> None:
    """ConnectionDown where the connection is for other tables."""
    tables = connection.fields.get(TABLES)
    if tables is not None and not (isinstance(tables, list) and table in tables):
        raise ConnectionDown(
            f"The table must be one that connection {connection.name} is for; got {table}. Name "
            f"another one, or have the operator add it to its {TABLES}."
        )


async def dial(connection: Connection) -> AsyncConnection[tuple[Any, ...]]:
    """Connected, each statement a transaction of its own. ConnectionDown, psycopg.Error."""
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
