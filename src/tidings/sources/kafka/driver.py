"""The driver of sources of type `kafka`."""

from tidings.connections.kafka_login import login_of
from tidings.connections.kafka_type import EXTRA
from tidings.connections.port import comes_with
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import Source
from tidings.sources.port import Reading


class KafkaDriver:
    """Opens sources by the client library, which is imported when the first one is opened."""

    def __init__(self) -> None:
        self._met: set[tuple[int, str]] = set()  # source and topic that this process has read

    async def open(self, source: Source, connection: Connection, number: int) -> Reading:
        """Join the group and be given partitions. ConnectionDown."""
        assert source.kafka is not None  # every source of the type is read with it
        topics = source.kafka.topics
        login = login_of(connection)
        with comes_with(EXTRA):
            from tidings.sources.kafka.reading import open_reading  # noqa: PLC0415
        reading = await open_reading(
            topics=topics,
            group=source.kafka.group or f"tidings-{source.name}-{number}",
            # A topic that was made anew since is read from its begin, whatever the source says.
            new_only={
                one
                for one in topics
                if source.kafka.start_at == "latest" and (number, one) not in self._met
            },
            login=login,
            connection=connection.name,
        )
        self._met.update((number, one) for one in topics)
        return reading
