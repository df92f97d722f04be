"""Destinations whose server is restarted while messages go there; and Kafka to Kafka."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures.kafka_to_kafka import kafka_to_kafka
from bench.figures.services import services
from bench.report import HELD, MISSED, Options, Row
from tests.destinations.email.mail_process import MailProcess
from tests.destinations.trials.email import EmailTrial
from tests.destinations.trials.kafka import KafkaTrial
from tests.destinations.trials.ledger import Destination, restarted_on_the_way
from tests.destinations.trials.pull import PullTrial
from tests.destinations.trials.sql import SqlTrial
from tests.e2e.harness.fixtures import NewService
from tests.forked import FRESH
from tests.postgres_server import PostgresServer
from tests.sources.kafka.server import kafka_server

THROUGH = "kafka-to-kafka"


@contextlib.contextmanager
def _kafka(folder: Path) -> Iterator[Destination]:
    (directory := folder / "kafka").mkdir()
    with kafka_server(directory) as server:
        yield KafkaTrial(server)


@contextlib.contextmanager
def _sql(folder: Path) -> Iterator[Destination]:
    server = PostgresServer()
    try:
        yield SqlTrial(server)
    finally:
        server.end()


@contextlib.contextmanager
def _email(folder: Path) -> Iterator[Destination]:
    server = MailProcess(folder).start()
    try:
        yield EmailTrial(server)
    finally:
        server.kill()


@contextlib.contextmanager
def _pull(folder: Path) -> Iterator[Destination]:
    trial = PullTrial(folder)
    try:
        yield trial
    finally:
        trial.end()


TRIALS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Destination]]] = {
    "kafka": _kafka,
    "sql": _sql,
    "email": _email,
    "pull": _pull,
}


def run(options: Options) -> list[Row]:
    os.environ[FRESH] = "1"  # services are processes of their own, begun as an operator does
    rows: list[Row] = []
    for name in options.destinations or (*TRIALS, THROUGH):
        print(f"destinations, {name}, {options.messages:,} deliveries", flush=True)
        if name == THROUGH:
            rows += kafka_to_kafka(options, services)
            continue
        with services(options) as (new, folder), TRIALS[name](folder) as destination:
            rows += _trial(new, destination, folder, options.messages)
    return rows


def _trial(new: NewService, destination: Destination, folder: Path, events: int) -> list[Row]:
    if isinstance(destination, PullTrial):
        ledger = restarted_on_the_way(new, destination, folder, events, begun=destination.begin)
    else:
        ledger = restarted_on_the_way(new, destination, folder, events)
    label = f"{destination.name}, {events:,} deliveries, its server killed once"

    def row(name: str, count: int) -> Row:
        return Row(
            "destinations", f"{label}: {name}", f"{count}", "0", HELD if not count else MISSED
        )

    return [
        row("lost", ledger.lost),
        row("first arrivals out of the order of their key", ledger.out_of_order),
        Row("destinations", f"{label}: arrived twice", f"{ledger.repeats}"),
        Row("destinations", f"{label}: deliveries/s before that", f"{ledger.rate:,.0f}"),
        Row("destinations", f"{label}: s", f"{ledger.seconds:.0f}"),
    ]
