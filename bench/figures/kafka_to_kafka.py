"""From a topic through a filter to another topic, on the cores that the broker has too."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench.figures.full_speed import FullSpeed, measured, rows_of
from bench.payload import ID_SLOT, event_bytes, uuid_source
from bench.process import wait_until_quiet
from bench.report import Options, Row
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG
from tests.e2e.harness.store.books import ask
from tests.sources.kafka.server import KafkaServer, kafka_server
from tests.sources.kafka.subject import KafkaSubject
from tidings.core.webhooks.webhook_types import KAFKA

RATE_MIN = 4_000
CUSTOMERS, REFUSED = 1_000, 100  # of the customers, by the filter
FIRST = 41_200_000
EVENTS_PER_DELIVERY = 3  # of the trials: what goes at full speed is soon over
FILL_EVENTS = 10_000  # produced at one time
FILTER = {"path": "data.customerIdentifiers.customerId", "gte": FIRST + REFUSED}
DONE = "SELECT count(*) FROM delivery WHERE state = 3"
Services = Callable[[Options], AbstractContextManager[tuple[NewService, Path]]]


def kafka_to_kafka(options: Options, services: Services) -> list[Row]:
    """Unordered, and with the order of each customer kept."""
    events = options.messages * EVENTS_PER_DELIVERY
    rows: list[Row] = []
    with services(options) as (new, folder):
        (directory := folder / "kafka").mkdir()
        with kafka_server(directory) as server:
            source = KafkaSubject(server)
            asyncio.run(_fill(source, events))
            for ordering in ("none", "key"):
                runs = [
                    _run(options, new, server, source, folder, f"{ordering}{number}", ordering)
                    for number in range(options.runs_beside)
                ]
                label = f"Kafka to Kafka through a filter, ordering {ordering}"
                label += f", {events:,} events of 1 KB"
                rows += rows_of("destinations", label, runs, RATE_MIN)
    return rows


def _run(
    options: Options,
    new: NewService,
    server: KafkaServer,
    source: KafkaSubject,
    folder: Path,
    name: str,
    ordering: str,
) -> FullSpeed:
    events = source_events(options)
    to = KafkaSubject(server)
    asyncio.run(to.make_topic())
    file = folder / "connections.toml"
    file.write_text(f'[main]\ntype = "kafka"\nservers = "{server.servers}"\n')
    service = new(connections=file).start()
    with service.api(ORG) as api:
        topics = {"topics": [source.topic]}
        made = {"name": name, "type": "kafka", "connection": "main", "kafka": topics}
        api.send("POST", "/v1/sources", made | {"paused": True}).must(201)
        place: dict[str, Any] = {
            "webHookType": KAFKA,
            "connection": "main",
            "kafka": {"topic": to.topic},
        }
        api.webhook("", maxAllowedConnections=200, ordering=ordering, filter=FILTER, **place)
    wait_until_quiet(options.patience_seconds)
    due = events - len([n for n in range(events) if n % CUSTOMERS < REFUSED])
    # Until all that passes the filter is confirmed.
    found = measured(service, server, name, events, lambda: ask(service.data, DONE)[0][0] >= due)
    service.end()
    return found


def source_events(options: Options) -> int:
    """How many messages one run reads."""
    return options.messages * EVENTS_PER_DELIVERY


async def _fill(subject: KafkaSubject, events: int) -> None:
    """A topic of events of 1 KB, spread over its partitions by their customers."""
    await subject.make_topic()
    body, new_id, slot = event_bytes(ORG), uuid_source(), ID_SLOT.encode()
    for first in range(0, events, FILL_EVENTS):
        messages = []
        for n in range(first, min(events, first + FILL_EVENTS)):
            customer = FIRST + n % CUSTOMERS
            event = body.replace(slot, new_id(), 1).replace(b"41200777", b"%d" % customer)
            messages.append((f"k{customer}", (), event))
        await subject.produce_all(messages)
