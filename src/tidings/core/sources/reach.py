"""What a source may read over its connection. Pure."""

from tidings.core.connections.admitted import strange_table, strange_topic
from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.sources.source import KAFKA, OUTBOX, OutboxTable, Source


def outside_connection(source: Source, connection: Connection, org: OrgId) -> str | None:
    """Say why the connection is not for what a source of the org reads; None: it is."""
    if source.kind == KAFKA and source.kafka is not None:
        return strange_topic(connection, source.kafka.topics, org)
    if source.kind == OUTBOX:
        return strange_table(connection, (source.outbox or OutboxTable()).table, org)
    return None
