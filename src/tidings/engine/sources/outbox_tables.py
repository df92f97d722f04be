"""Which tables sources read, beside which tables webhooks and actions write to: none may be both,
unless its rows say how often their event has been through."""

from collections.abc import Iterable, Iterator

from tidings.core.actions.action import TableRowAct
from tidings.core.connections.connection import Connection, Connections
from tidings.core.connections.same_table import is_same_table
from tidings.core.connections.tables import tables_of
from tidings.core.ids import OrgId
from tidings.core.sources.source import OutboxTable, Source
from tidings.core.sources.source_types import OUTBOX
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.declared import DeclaredActions
from tidings.errors import Conflict, FieldRefusal


class OutboxTables:
    """The tables that sources read: sources tell it, and webhooks ask."""

    def __init__(
        self,
        connections: Connections,
        webhooks: Iterable[Webhook],
        actions: DeclaredActions,
    ) -> None:
        """`webhooks`: all of them, as they are when it is asked."""
        self._connections = connections
        self._webhooks = webhooks
        self._actions = actions
        self._read: dict[int, tuple[Connection, str]] = {}

    def keep(self, number: int, source: Source | None) -> None:
        """Note what a source reads now; None: it is gone."""
        self._read.pop(number, None)
        if source is not None and source.kind == OUTBOX:
            connection = self._connections.get(source.connection)
            if connection is not None:
                self._read[number] = connection, (source.outbox or OutboxTable()).table

    def is_read(self, connection: Connection, table: str, org: OrgId) -> bool:
        """Tell whether rows that are written there come back without saying so."""
        declared = tables_of(connection.fields, org).get(table)
        if declared is None or declared.passes_on:
            return False
        return any(is_same_table(connection, table, *read) for read in self._read.values())

    def refuse_written(self, source: Source) -> None:
        """Raise Conflict where a webhook or an action writes to what a source would read."""
        connection = self._connections.get(source.connection)
        if source.kind != OUTBOX or connection is None:
            return
        table = (source.outbox or OutboxTable()).table
        for name, org, written in self._written():
            declared = tables_of(name.fields, org).get(written)
            passes_on = declared is not None and declared.passes_on
            if not passes_on and is_same_table(connection, table, name, written):
                raise Conflict(
                    FieldRefusal.build(
                        "table_written",
                        "outbox.table must be one that no webhook and no action writes to; got "
                        f"{table}, whose rows would come back as events in an endless loop. Choose "
                        'another, or have the operator declare headers = "headers" for it.',
                        field="outbox",
                    )
                )

    def _written(self) -> Iterator[tuple[Connection, OrgId, str]]:
        """Yield each table that is written to, with its connection and the org that writes to
        it."""
        for webhook in self._webhooks:
            connection = self._connections.get(webhook.connection)
            if webhook.sql is not None and connection is not None:
                yield connection, webhook.org, webhook.sql.table
        org, actions = self._actions.org, self._actions.actions
        if org is None:
            return
        for act in (act for action in actions.values() for act in action.acts.values()):
            connection = (
                self._connections.get(act.connection) if isinstance(act, TableRowAct) else None
            )
            if isinstance(act, TableRowAct) and connection is not None:
                yield connection, org, act.table
