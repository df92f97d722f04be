"""The end of a client of Kafka: all its connections are closed, whatever one of them raises."""

from aiokafka.client import AIOKafkaClient

from tidings.connections.kafka_client import disconnect
from tidings.destinations.kafka.cluster import ProducerCluster


class _EndedLine:
    """A connection whose transport the other side has closed."""

    def __init__(self, closes: Exception | None) -> None:
        self.closes = closes
        self.closed = 0

    def close(self, *_: object, **__: object) -> None:
        self.closed += 1
        if self.closes is not None:
            raise self.closes


async def test_all_connections_of_a_client_are_closed_though_one_raises() -> None:
    client = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
    lines = [_EndedLine(RuntimeError("the handler is closed")), _EndedLine(None), _EndedLine(None)]
    client._conns = dict(enumerate(lines))
    await disconnect(client)
    assert all(line.closed for line in lines)


async def test_so_are_those_of_a_producer() -> None:
    cluster = ProducerCluster({"bootstrap_servers": "127.0.0.1:1"}, "queue")
    lines = {
        node: _EndedLine(RuntimeError("the handler is closed") if node < 2 else None)
        for node in range(4)
    }
    cluster._lines.update(lines)
    cluster.drop(0)
    await cluster.close()
    assert all(line.closed for line in lines.values())
