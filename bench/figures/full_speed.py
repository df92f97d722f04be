"""A Kafka source at full speed, from when it is resumed: how fast, and at whose cost."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.ledger import spread
from bench.process import machine_seconds, usage_of
from bench.report import BESIDE, DISTURBED, DISTURBED_PERCENT, HELD, MISSED, Row
from bench.run import CORES
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.sources.kafka.server import KafkaServer

LOOK_SECONDS = 0.2  # a look costs milliseconds
LONGEST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class FullSpeed:
    """One run."""

    rate: float  # events a second
    service_us: float  # of CPU for an event
    broker_us: float
    others: float  # the percentage of the machine that went to others, or to its host


def measured(
    service: ServiceProcess,
    server: KafkaServer,
    source: str,
    events: int,
    done: Callable[[], bool],
) -> FullSpeed:
    """From when the source is resumed until it is `done`. RuntimeError where that takes too
    long."""
    pids = (service.pid, server.pid, os.getpid())
    before, machine = [usage_of(pid) for pid in pids], sum(machine_seconds())
    began = time.monotonic()
    with service.api(ORG) as api:
        api.send("POST", f"/v1/sources/{source}/resume", {}).must(200)
    while not done():
        if time.monotonic() - began > LONGEST_SECONDS:
            raise RuntimeError(f"not all has come within {LONGEST_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - began
    used = [
        usage_of(pid).since(usage).cpu_seconds for pid, usage in zip(pids, before, strict=True)
    ]  # of the last one with all that it has begun, and so of both others
    taken = sum(machine_seconds()) - machine - used[2]
    made = FullSpeed(
        events / seconds,
        1e6 * used[0] / events,
        1e6 * used[1] / events,
        100 * max(0.0, taken) / (seconds * CORES),
    )
    print(f"{made.rate:,.0f} events/s, {made.others:.0f} % to others", flush=True)
    return made


def rows_of(figure: str, label: str, runs: Sequence[FullSpeed], rate_min: int) -> list[Row]:
    """What the runs made, against the rate that is wanted."""
    rate, others = spread(run.rate for run in runs), spread(run.others for run in runs)
    service_us = spread(run.service_us for run in runs)
    broker_us = spread(run.broker_us for run in runs)
    verdict = HELD if rate.median >= rate_min else MISSED
    doubt = DISTURBED if others.high > DISTURBED_PERCENT else BESIDE
    return [
        Row(figure, f"{label}: events/s", rate.text(), f"≥ {rate_min:,}", verdict),
        Row(figure, f"{label}: CPU µs/event, service", service_us.text(1)),
        Row(figure, f"{label}: CPU µs/event, broker", broker_us.text(1)),
        Row(figure, "machine taken by others or its host, %", others.text(1), "", doubt),
    ]
