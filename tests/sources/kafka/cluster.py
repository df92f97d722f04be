"""Three brokers that keep every message thrice, and vote."""

from pathlib import Path

from tests.e2e.harness.service import free_port
from tests.e2e.harness.until import until
from tests.sources.kafka.server import READY_S, KafkaServer

NODES = (1, 2, 3)


class KafkaCluster(KafkaServer):
    """The first broker, with two beside it."""

    def __init__(self, directory: Path) -> None:
        voters = {node: free_port() for node in NODES}
        parts = {node: directory / f"node-{node}" for node in NODES}
        for part in parts.values():
            part.mkdir()
        first, *others = NODES
        super().__init__(parts[first], first, voters)
        self._others = [KafkaServer(parts[node], node, voters) for node in others]

    @property
    def servers(self) -> str:
        """All of them."""
        return ",".join([super().servers, *(server.servers for server in self._others)])

    def start(self) -> "KafkaCluster":
        """Start all, and wait until each answers."""
        for server in (self, *self._others):
            server.launch()
        for server in (self, *self._others):
            until(server.answers, "a broker that answers", READY_S)
        return self

    def restart(self) -> None:
        """The first is killed, and does not come again."""
        self.kill()

    def end(self) -> None:
        """All of them."""
        for server in (self, *self._others):
            server.kill()
