"""The driver of outboxes. What speaks to PostgreSQL is an extra, imported when one is opened."""

from tidings.connections.outbox_type import EXTRA
from tidings.connections.port import comes_with
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import OutboxTable, Source
from tidings.sources.port import OpenSource, TableOwnerStore


class OutboxDriver:
    """See `SourceDriver`."""

    def __init__(self, owners: TableOwnerStore, installation: str) -> None:
        self._owners = owners
        self._installation = installation

    async def open(self, source: Source, connection: Connection, number: int) -> OpenSource:
        with comes_with(EXTRA):
            from tidings.sources.outbox.opening import open_outbox  # noqa: PLC0415
        table = source.outbox or OutboxTable()
        return await open_outbox(table, connection, number, self._owners, self._installation)
