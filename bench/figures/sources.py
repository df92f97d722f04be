"""Sources while the service and what they come from are killed; and how fast Kafka is fetched.

The trials are those of the tests (`tests/sources/trials/`), with more events.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.figures.full_speed import measured, rows_of
from bench.figures.services import services
from bench.payload import ID_SLOT, event_bytes, uuid_source
from bench.process import wait_until_quiet
from bench.report import (
    HELD,
    MISSED,
    Options,
    Row,
)
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.forked import FRESH
from tests.postgres_server import PostgresServer
from tests.sources.kafka.server import KafkaServer, kafka_server
from tests.sources.kafka.subject import KafkaSubject
from tests.sources.trials.books import Books, accepted_count
from tests.sources.trials.inbound import inbound_trial
from tests.sources.trials.kafka import kafka_trial, served
from tests.sources.trials.outbox import outbox_trial

RATE_MIN = 10_000
RATE_EVENTS_PER_TRIAL_EVENT = 2  # what is fetched at full speed is soon over
CUSTOMERS = 200  # of the inbound webhook: each has one request on its way at a time
KEYS = 60
FILL_EVENTS = 10_000  # produced at one time


def run(options: Options) -> list[Row]:
    os.environ[FRESH] = "1"  # services are processes of their own, begun as an operator does
    trials: dict[str, Callable[[Options], list[Row]]] = {
        "kafka": _kafka,
        "outbox": _outbox,
        "webhook": _webhook,
        "rate": _rate,
    }
    rows: list[Row] = []
    for name in options.sources or tuple(trials):
        print(f"sources, {name}, {options.events:,} events", flush=True)
        rows += trials[name](options)
    return rows


@contextlib.contextmanager
def _broker(folder: Path) -> Iterator[KafkaServer]:
    directory = folder / "kafka"
    directory.mkdir()
    with kafka_server(directory) as server:
        yield server


def _kafka(options: Options) -> list[Row]:
    with services(options) as (new, folder), _broker(folder) as server:
        return _rows("Kafka", "broker", kafka_trial(new, server, folder, options.events))


def _outbox(options: Options) -> list[Row]:
    with services(options) as (new, folder):
        postgres = PostgresServer()
        try:
            return _rows(
                "outbox", "PostgreSQL", outbox_trial(new, postgres, folder, options.events)
            )
        finally:
            postgres.end()


def _webhook(options: Options) -> list[Row]:
    with services(options) as (new, _):
        books = inbound_trial(new, options.events, CUSTOMERS)
        return _rows("inbound webhook", "sending Tidings", books)


def _rows(what: str, restarted: str, books: Books) -> list[Row]:
    label = f"{what}, service killed twice, {restarted} once, {books.events:,} events"

    def row(name: str, count: int) -> Row:
        return Row("sources", f"{label}: {name}", f"{count}", "0", HELD if not count else MISSED)

    return [
        row("lost", books.lost),
        row("accepted twice", books.twice),
        row("out of the order of their key", books.out_of_order),
        row("accepted, and never told of", books.unasked),
        Row("sources", f"{label}: s", f"{books.seconds:.0f}"),
    ]


def _rate(options: Options) -> list[Row]:
    """Kafka into the embedded store, without a webhook, on the cores that the broker has too."""
    events = options.events * RATE_EVENTS_PER_TRIAL_EVENT
    with services(options) as (new, folder), _broker(folder) as server:
        subject = KafkaSubject(server)
        asyncio.run(_fill(subject, events))
        runs = []
        for number in range(options.runs_beside):
            name = f"loyalty-{number}"
            service = served(new, subject, folder, name, paused=True)
            wait_until_quiet(options.patience_seconds)
            runs.append(measured(service, server, name, events, partial(_has_all, service, events)))
            service.end()
    label = f"Kafka into the store, no webhook, {events:,} events of 1 KB"
    return rows_of("sources", label, runs, RATE_MIN)


def _has_all(service: ServiceProcess, events: int) -> bool:
    return accepted_count(service) >= events


async def _fill(subject: KafkaSubject, events: int) -> None:
    """A topic of events of 1 KB, spread over its partitions by their keys."""
    await subject.make_topic()
    body, new_id, slot = event_bytes(ORG), uuid_source(), ID_SLOT.encode()
    for first in range(0, events, FILL_EVENTS):
        keys = (f"k{n % KEYS}" for n in range(first, min(events, first + FILL_EVENTS)))
        await subject.produce_all([(key, (), body.replace(slot, new_id(), 1)) for key in keys])
