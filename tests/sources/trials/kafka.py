"""Messages of a topic whose broker is killed and started again, and a service that fetches them."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tests.sources.trials.books import Books, accepted_count, data_of, killed_on_the_way

CUSTOMERS = 20
PARTS = 20
AHEAD = 4  # parts that are produced before what was produced before them is accepted
Message = tuple[str, Sequence[tuple[str, str]], bytes]


def message(n: int, told: Counter[int]) -> Message:
    """The next one. A third of the events have no id of their own, and so one of their place."""
    customer = n % CUSTOMERS
    told[customer] += 1
    event = {"eventName": "pointsIssued", "data": data_of(customer, told[customer])}
    if n % 3:
        event["eventId"] = new_id()
    return f"k{customer}", (), json.dumps(event).encode()


def served(
    new_service: NewService,
    subject: KafkaSubject,
    directory: Path,
    name: str = "loyalty",
    **fields: object,
) -> ServiceProcess:
    """A service with a source of the topic; its group is of the source's name."""
    connections = directory / "connections.toml"
    connections.write_text(f'[main]\ntype = "kafka"\nservers = "{subject.server.servers}"\n')
    service = new_service(connections=connections).start()
    kafka = {"topics": [subject.topic]}
    made = {"name": name, "type": "kafka", "connection": "main", "kafka": kafka}
    with service.api(ORG) as api:
        api.send("POST", "/v1/sources", made | fields).must(201)
    return service


def kafka_trial(
    new_service: NewService, server: KafkaServer, directory: Path, events: int
) -> Books:
    """Messages are still produced when the broker is killed."""
    subject = KafkaSubject(server)
    asyncio.run(subject.make_topic())
    service = served(new_service, subject, directory)
    told: Counter[int] = Counter()

    def produce() -> None:
        for part in range(PARTS):
            size = events * (part + 1) // PARTS - sum(told.values())
            before = events * (part - AHEAD) // PARTS
            while accepted_count(service) < before:
                time.sleep(0.05)
            first = sum(told.values())
            messages = [message(first + n, told) for n in range(size)]
            asyncio.run(subject.produce_all(messages))

    books = killed_on_the_way(service, server.restart, produce, lambda: told, events)
    with service.api(ORG) as api:
        assert api.get("/v1/sources/loyalty").must(200)["asideMessages"] == 0
    return books
