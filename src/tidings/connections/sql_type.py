"""Connections of type `sql`: a PostgreSQL database into whose tables webhooks write, and in which
actions look records up. What speaks to PostgreSQL is imported when one is used."""

from tidings.connections.port import ConnectionType, comes_with
from tidings.connections.postgresql_fields import FIELDS
from tidings.core.connections.connection import Connection
from tidings.core.connections.fields import ConnectionField
from tidings.core.connections.tables import LINES_MAX, LINES_USUAL, TABLES, tables_faults

EXTRA = "sql"


async def _check(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.postgresql_dialling import check  # noqa: PLC0415
    await check(connection, writes=bool(connection.fields.get(TABLES)))


async def _probe(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.postgresql_dialling import probe  # noqa: PLC0415
    await probe(connection)


TYPE = ConnectionType(
    "sql",
    "A PostgreSQL database into whose tables webhooks write rows, and in which actions look up.",
    (
        *FIELDS,
        ConnectionField(
            LINES_MAX,
            "Connections to it at once, of all webhooks together, and as many of all look-ups",
            what="count",
            usual=str(LINES_USUAL),
            shown=True,
        ),
        ConnectionField(
            TABLES,
            "The tables that webhooks may write to, [each with its columns](destinations-sql.md)",
            what="tables",
            usual="none",
        ),
    ),
    check=_check,
    probe=_probe,
    extra=EXTRA,
    together=tables_faults,
)
