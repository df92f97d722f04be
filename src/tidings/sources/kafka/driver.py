"""The driver of sources of type `kafka`."""

from tidings.connections.kafka_login import login_of
from tidings.connections.kafka_type import EXTRA
from tidings.connections.port import comes_with
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import Source
from tidings.sources.port import OpenSource, TopicPlaceStore


class KafkaDriver:
    """Opens sources by the client library, which is imported when the first one is opened."""

    def __init__(self, places: TopicPlaceStore, installation: str) -> None:
        self._places = places
        self._installation = installation

    async def open(self, source: Source, connection: Connection, number: int) -> OpenSource:
        """Join the group and be given partitions. ConnectionDown."""
        assert source.kafka is not None  # every source of the type is read with it
        login = login_of(connection)
        with comes_with(EXTRA):
            from tidings.sources.kafka.opening import open_reading  # noqa: PLC0415
        return await open_reading(
            kafka=source.kafka,
            group=source.kafka.group or f"tidings-{source.name}-{number}",
            source=number,
            installation=self._installation,
            store=self._places,
            login=login,
            connection=connection.name,
        )
