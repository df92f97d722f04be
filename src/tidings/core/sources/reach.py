"""What a source may read over its connection, and what only the platform lets it read. Pure."""

from tidings.core.connections.admitted import strange_table, strange_topic
from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.sources.source import OutboxTable, Source
from tidings.core.sources.source_types import KAFKA, OUTBOX
from tidings.errors import FieldRefusal


def outside_connection(source: Source, connection: Connection, org: OrgId) -> str | None:
    """Say why the connection is not for what a source of the org reads; None: it is."""
    if source.kind == KAFKA and source.kafka is not None:
        return strange_topic(connection, source.kafka.topics, org)
    if source.kind == OUTBOX:
        return strange_table(connection, (source.outbox or OutboxTable()).table, org)
    return None


def reads_elsewhere(source: Source, previous: Source) -> bool:
    """Return whether a source reads something else over its connection than it did before."""
    return (source.kafka, source.outbox) != (previous.kafka, previous.outbox)


def takes_from_others(source: Source, previous: Source | None) -> FieldRefusal | None:
    """Return the refusal of what only the platform may ask of a source, because by it a source
    could take what is another's; None where it asks nothing of the kind that it had not before."""
    group = "" if source.kafka is None else source.kafka.group
    had = previous is not None and previous.kafka is not None and previous.kafka.group == group
    if not group or had:
        return None
    return FieldRefusal.build(
        "platform_only",
        "kafka.group must be left out; got one, with which a source could take another's messages. "
        "Use the platform's own credential.",
        field="kafka.group",
    )
