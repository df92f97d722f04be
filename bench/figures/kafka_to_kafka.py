"""From a topic through a filter to another topic, on the cores that the broker has too."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ledger import spread
from bench.payload import ID_SLOT, event_bytes, uuid_source
from bench.process import machine_seconds, usage_of, wait_until_quiet
from bench.report import BESIDE, DISTURBED, DISTURBED_PERCENT, HELD, MISSED, Options, Row
from bench.run import CORES
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.store_file import ask
from tests.sources.kafka.server import KafkaServer, kafka_server
from tests.sources.kafka.subject import KafkaSubject
from tidings.core.webhooks.kinds import KAFKA

RATE_MIN = 4_000
CUSTOMERS, REFUSED = 1_000, 100  # of the customers, by the filter
FIRST = 41_200_000
EVENTS_PER_DELIVERY = 3  # of the trials: what goes at full speed is soon over
FILL_EVENTS = 10_000  # produced at one time
LOOK_SECONDS, LONGEST_SECONDS = 0.2, 300.0
FILTER = {"path": "data.customerIdentifiers.customerId", "gte": FIRST + REFUSED}
DONE = "SELECT count(*) FROM delivery WHERE state = 3"
Services = Callable[[Options], AbstractContextManager[tuple[NewService, Path]]]


@dataclass(frozen=True, slots=True)
class _Run:
    rate: float  # messages that were read, of which the filter lets nine of ten through
    service_us: float  # of CPU for each
    broker_us: float
    others: float  # the percentage of the machine that went to others, or to its host


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
                rows += _rows(f"Kafka to Kafka through a filter, ordering {ordering}", runs, events)
    return rows


def _rows(label: str, runs: list[_Run], events: int) -> list[Row]:
    rate, others = spread(one.rate for one in runs), spread(one.others for one in runs)
    verdict = HELD if rate.median >= RATE_MIN else MISSED
    doubt = DISTURBED if others.high > DISTURBED_PERCENT else BESIDE
    label = f"{label}, {events:,} events of 1 KB"
    service_us = spread(one.service_us for one in runs)
    broker_us = spread(one.broker_us for one in runs)
    return [
        Row("destinations", f"{label}: events/s", rate.text(), f"≥ {RATE_MIN:,}", verdict),
        Row("destinations", f"{label}: CPU µs/event, service", service_us.text(1)),
        Row("destinations", f"{label}: CPU µs/event, broker", broker_us.text(1)),
        Row("destinations", "machine taken by others or its host, %", others.text(1), "", doubt),
    ]


def _run(
    options: Options,
    new: NewService,
    server: KafkaServer,
    source: KafkaSubject,
    folder: Path,
    name: str,
    ordering: str,
) -> _Run:
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
    found = _measured(service, server, name, events)
    service.end()
    print(f"{found.rate:,.0f} events/s, {found.others:.0f} % to others", flush=True)
    return found


def source_events(options: Options) -> int:
    """How many messages one run reads."""
    return options.messages * EVENTS_PER_DELIVERY


def _measured(service: ServiceProcess, server: KafkaServer, name: str, events: int) -> _Run:
    """From when the source is resumed until all that passes the filter is confirmed."""
    pids = (service.pid, server.pid, os.getpid())
    before, machine = [usage_of(pid) for pid in pids], sum(machine_seconds())
    due = events - len([n for n in range(events) if n % CUSTOMERS < REFUSED])
    began = time.monotonic()
    with service.api(ORG) as api:
        api.send("POST", f"/v1/sources/{name}/resume", {}).must(200)
    while ask(service.data, DONE)[0][0] < due:
        if time.monotonic() - began > LONGEST_SECONDS:
            raise RuntimeError(f"not all has arrived within {LONGEST_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - began
    used = [usage_of(pid).since(one).cpu_seconds for pid, one in zip(pids, before, strict=True)]
    taken = sum(machine_seconds()) - machine - used[2]  # ours, with all that it has begun
    return _Run(
        events / seconds,
        1e6 * used[0] / events,
        1e6 * used[1] / events,
        100 * max(0.0, taken) / (seconds * CORES),
    )


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
