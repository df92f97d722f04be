"""From a real Kafka to accepted events, with everything killed on the way."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import own_service
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.e2e.test_sources import listed
from tests.sources.kafka.subject import KafkaSubject

__all__ = ["own_service"]
pytestmark = [pytest.mark.systems, pytest.mark.timeout(240)]
MESSAGES, KEYS = 5000, 20
ALL_S = 120.0


def body(n: int, ids: dict[str, int]) -> bytes:
    """An event; that of some messages has no id of its own, and so one of their place."""
    data = {"totalPointsIssued": n, "customerIdentifiers": {"customerId": n % KEYS}}
    event: dict[str, object] = {"eventName": "pointsIssued", "data": data}
    if n % 3:
        ids[id := new_id()] = n
        event["eventId"] = id
    return json.dumps(event).encode()


async def test_each_message_is_accepted_once_in_the_order_of_its_key_whatever_is_killed(
    subject: KafkaSubject, own_service: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    """The service is killed twice, and the broker is killed and started again."""
    connections = tmp_path / "connections.toml"
    connections.write_text(f'[main]\ntype = "kafka"\nservers = "{subject.server.servers}"\n')
    service = own_service(connections=connections).start()
    api = service.api(ORG)
    kafka = {"topics": [subject.topic]}
    made = {"name": "loyalty", "type": "kafka", "connection": "main", "kafka": kafka}
    api.send("POST", "/v1/sources", made).must(201)
    ids: dict[str, int] = {}
    messages = [(f"k{n % KEYS}", (), body(n, ids)) for n in range(MESSAGES)]
    third = MESSAGES // 3

    def killed() -> None:
        service.kill_all()
        service.start()
        api.close()

    await subject.produce_all(messages[:third])
    await asyncio.to_thread(until, lambda: listed(api), "the first events", ALL_S)
    await asyncio.to_thread(killed)
    producer = Thread(target=lambda: asyncio.run(subject.produce_all(messages[third : 2 * third])))
    producer.start()
    await asyncio.to_thread(subject.restart_server)
    await asyncio.to_thread(producer.join)
    await asyncio.to_thread(killed)
    await subject.produce_all(messages[2 * third :])
    await asyncio.to_thread(until, lambda: len(listed(api)) >= MESSAGES, "all", ALL_S)
    seen = listed(api)
    api.close()
    assert len(seen) == len(set(seen)) == MESSAGES
    by_key = defaultdict(list)
    for one in reversed(seen):  # which is in the order of acceptance
        if one in ids:
            by_key[ids[one] % KEYS].append(ids[one])
    assert sum(map(len, by_key.values())) == len(ids), "some were lost"
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
