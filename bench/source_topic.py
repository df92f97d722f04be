"""Events that come from a topic: produced while its source is paused, and fetched by its resume."""

import asyncio
import time
from array import array

from bench.ledger import ACCEPTED, Sent
from bench.payload import CUSTOMER_FIRST, ID_SLOT, ORG_FIRST, event_bytes, uuid_source
from bench.product import Product
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject

SOURCE = "bench"
CUSTOMERS = 1_000
FILL_EVENTS = 10_000  # produced at one time


class SourceTopic:
    """The one source of a service."""

    def __init__(self, server: KafkaServer, product: Product) -> None:
        self._product = product
        self._subject = KafkaSubject(server)
        asyncio.run(self._subject.make_topic())
        self._ids: list[bytes] = []
        self._make_id = uuid_source()
        made = {"name": SOURCE, "type": "kafka", "connection": "main", "paused": True}
        topics = {"kafka": {"topics": [self._subject.topic]}}
        product.ask("POST", "/v1/sources", made | topics, ORG_FIRST)

    def fill(self, events: int) -> None:
        """Produce the events of the next run."""
        self._ids = [self._make_id() for _ in range(events)]
        asyncio.run(self._produce())

    def resume(self) -> Sent:
        """Let them be fetched; return them as sent and answered in that moment."""
        now = time.monotonic_ns()
        self._product.ask("POST", f"/v1/sources/{SOURCE}/resume", {}, ORG_FIRST)
        count = len(self._ids)
        at = array("q", [now] * count).tobytes()
        statuses = array("H", [ACCEPTED] * count).tobytes()
        return Sent(self._ids, at, at, at, statuses, [ORG_FIRST], 0, 0, 0.0)

    def pause(self) -> None:
        """Fetch nothing until the next run."""
        self._product.ask("POST", f"/v1/sources/{SOURCE}/pause", {}, ORG_FIRST)

    async def _produce(self) -> None:
        bodies = [event_bytes(ORG_FIRST, customer=n) for n in range(CUSTOMERS)]
        slot = ID_SLOT.encode()
        for first in range(0, len(self._ids), FILL_EVENTS):
            messages: list[tuple[str | None, tuple[()], bytes | None]] = []
            for n, id in enumerate(self._ids[first : first + FILL_EVENTS], first):
                body = bodies[n % CUSTOMERS].replace(slot, id, 1)
                messages.append((f"k{CUSTOMER_FIRST + n % CUSTOMERS}", (), body))
            await self._subject.produce_all(messages)
