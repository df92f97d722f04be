"""The driver of webhooks that are rows of a table. What speaks to PostgreSQL is an extra, imported
when the first channel is opened."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tidings.connections.port import command_of
from tidings.connections.sql_type import EXTRA
from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import LINES_MAX, LINES_USUAL, DeclaredTable, tables_of
from tidings.core.delivery.exchange import FaultKind
from tidings.core.picks import MessageFault
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Channel, Headers, MessagePreview
from tidings.destinations.sql.rows import row_of, with_headers
from tidings.destinations.unreachable import UndialledChannel

if TYPE_CHECKING:
    from tidings.destinations.sql.channel import Shared

_ID = "webhook-id"
_SHOWN = (_ID, "tidings-test")


class SqlDestination:
    """See `Driver`."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        """`connections`: all that the operator has declared."""
        self._connections = connections
        self._lines: dict[str, Shared] = {}

    def open(self, webhook: Webhook, connection: Connection | None) -> Channel:
        if (fault := _fault(webhook, connection)) is not None:
            return UndialledChannel(webhook, fault, kind=FaultKind.POLICY)
        try:
            from tidings.connections.postgresql_lines import PostgresqlPool  # noqa: PLC0415
            from tidings.destinations.sql.channel import Shared, SqlChannel  # noqa: PLC0415
        except ImportError:
            return UndialledChannel(
                webhook,
                "The library psycopg must be there to write rows; it cannot be imported. Have the "
                f"operator run {command_of(EXTRA)}.",
                unusable=True,
            )
        assert connection is not None and webhook.sql is not None
        if (shared := self._lines.get(connection.name)) is None:
            most = connection.admits(LINES_MAX, LINES_USUAL)
            shared = Shared(PostgresqlPool(connection, most))
            self._lines[connection.name] = shared
        return SqlChannel(webhook, webhook.sql, _table(webhook, connection), shared)

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        connection = self._connections.get(webhook.connection)
        if webhook.sql is None or _fault(webhook, connection) is not None:
            return MessagePreview("INSERT", [], body)
        table = _table(webhook, connection)
        shown = [(name, value) for name, value in headers if name in _SHOWN]
        try:
            row = row_of(webhook.sql, table, dict(shown).get(_ID), body, webhook.org)
            row = with_headers(row, table, headers)
        except MessageFault:  # nothing was sent
            row = b""
        return MessagePreview("UPSERT" if table.key else "INSERT", shown, row)


def _table(webhook: Webhook, connection: Connection | None) -> DeclaredTable:
    assert webhook.sql is not None and connection is not None
    return tables_of(connection.fields, webhook.org)[webhook.sql.table]


def _fault(webhook: Webhook, connection: Connection | None) -> str | None:
    """Say why nothing can be written as the operator has declared the connection now; None where it
    can."""
    if webhook.sql is None or connection is None:
        return (
            "A webhook must say into which table its messages go; this one says none. Set "
            "webHookType to SQL with a table, or ask the operator for another default connection."
        )
    return webhook.sql.outside(connection, webhook.org)
