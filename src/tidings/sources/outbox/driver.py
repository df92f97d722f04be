"""The driver of outboxes. What speaks to PostgreSQL is an extra, imported when one is opened."""

from tidings.connections.port import ConnectionDown
from tidings.core.connections import Connection
from tidings.core.sources.source import OutboxTable, Source
from tidings.sources.port import Reading

EXTRA = "pip install 'tidings[outbox]'"


class OutboxDriver:
    """See `SourceDriver`."""

    async def open(self, source: Source, connection: Connection, number: int) -> Reading:
        try:
            from tidings.sources.outbox.opening import open_outbox  # noqa: PLC0415
        except ImportError:
            raise ConnectionDown(
                "The library psycopg must be there to read an outbox; it cannot be imported. Have "
                f"the operator run {EXTRA}, and start again."
            ) from None
        return await open_outbox(source.outbox or OutboxTable(), connection)
