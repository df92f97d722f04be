"""Connections of type `outbox`: the database of an application that writes what is to be told into
a table. What speaks to PostgreSQL is imported when one is used."""

from tidings.connections.port import ConnectionType, comes_with
from tidings.connections.postgresql_fields import FIELDS
from tidings.core.connections.admitted import TABLES
from tidings.core.connections.connection import Connection
from tidings.core.connections.fields import ConnectionField
from tidings.core.connections.tables import LINES_MAX, LINES_USUAL

EXTRA = "outbox"


async def _check(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.postgresql_dialling import check  # noqa: PLC0415
    await check(connection)


async def _probe(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.postgresql_dialling import probe  # noqa: PLC0415
    await probe(connection)


TYPE = ConnectionType(
    "outbox",
    "The PostgreSQL database of an application with an outbox.",
    (
        *FIELDS,
        ConnectionField(
            LINES_MAX,
            "Connections to it at once, of all sources together; one org has at most half of them "
            "where several may name it. The others read in turns",
            what="count",
            usual=str(LINES_USUAL),
            shown=True,
        ),
        ConnectionField(
            TABLES,
            "The tables that sources may read; `{org}` stands for the number of the source's org",
            what="texts",
            usual="all",
            shown=True,
        ),
    ),
    check=_check,
    probe=_probe,
    extra=EXTRA,
)
