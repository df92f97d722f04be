"""All that a tenant, a message and a stranger can do, at once: an ordinary org hardly sees it.

A hundred receivers that hang, a bomb in each kind of input, pipelined pages that nobody reads and
four thousand idle callers, all on the machine that also serves the ordinary org. The bombs are
thrown from a process of their own, so that what is measured is the service.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.loops.given_time import GivenTime, given_time

from ...egress import receivers
from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.until import PATIENCE_S, until

pytestmark = [pytest.mark.systems, pytest.mark.alone]

HANGING, IDLE, PIPELINED, CALLS = 100, 4_000, 100, 60
ROUNDS, ROUND_S = 60, 0.25
SLOWER_S, LATER_S, MORE_MIB = 0.25, 1.0, 240
HANG = "Receivers hang"
PROGRAM = "tests.e2e.harness.attack"


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and answer nothing."""
    while await reader.read(65536):
        pass


@pytest.fixture
def hanging() -> Iterator[receivers.Receiver]:
    """Receivers of which each takes a request and never answers it."""
    with receivers.Receiver(hang) as made:
        yield made


@dataclass
class Seen:
    """What an ordinary org saw: seconds of each call, and from each call to its delivery."""

    calls_s: list[float]
    deliveries_s: list[float]
    ready: list[dict[str, Any]]
    """What `/readyz` said, again and again."""

    def late(self) -> tuple[float, float]:
        """Return the 95th percentile of the calls and of the deliveries, in seconds."""
        return (
            statistics.quantiles(self.calls_s, n=20)[-1],
            statistics.quantiles(self.deliveries_s, n=20)[-1],
        )


def ordinary_life(api: Api, receiver: Receiver, path: str, given: GivenTime) -> Seen:
    """Accept events, ask a question now and then, and see the deliveries: all in seconds that the
    machine gave."""
    sent: dict[str, float] = {}
    calls: list[float] = []
    ready: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        began = time.monotonic()
        event_id = new_id()
        api.accept(event(event_id, api.org))
        sent[event_id] = began
        calls.append(given.since(began))
        if number % 5 == 0:
            began = time.monotonic()
            api.get("/v3/webHooks").must(200)
            calls.append(given.since(began))
            began = time.monotonic()
            ready.append(api.get("/readyz").must(200))
            calls.append(given.since(began))
        time.sleep(max(0.0, ROUND_S - (time.monotonic() - began)))
    until(lambda: receiver.known_ids(path) >= sent.keys(), "every event of the ordinary org")
    arrived = {arrival.event_id: arrival.at_s for arrival in reversed(receiver.arrivals(path))}
    deliveries = [given.between(began, arrived[event_id]) for event_id, began in sent.items()]
    return Seen(calls, deliveries, ready)


def memory_mib(service: ServiceProcess) -> float:
    """Return the memory that the service takes with all its children, in MiB: a page that they
    share is counted once, for a child begins with all pages of its parent."""
    main = psutil.Process(service.pid)
    parts = (main, *main.children(recursive=True))
    return sum(part.memory_full_info().pss for part in parts) / 2**20


def attack(service: ServiceProcess, org: int) -> "subprocess.Popen[bytes]":
    """Start the attack, and wait until all of it is under way."""
    orders = {"port": service.port, "org": org, "idle": IDLE}
    orders |= {"pipelined": PIPELINED, "calls": CALLS}
    process = subprocess.Popen(
        [sys.executable, "-m", PROGRAM, json.dumps(orders)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"under way\n"
    return process


def names_hanging_receivers(api: Api) -> bool:
    """Return whether readiness has its notice of receivers that hang."""
    return any(HANG in notice for notice in api.get("/readyz").must(200)["notices"])


def test_an_ordinary_org_hardly_sees_what_others_do(
    own_service: NewService, receiver: Receiver, hanging: receivers.Receiver
) -> None:
    service = own_service().start()
    with service.api() as platform:
        ordinary, hostile, slow = (
            platform.send("POST", "/v1/orgs", {"name": name}).must(201)["id"]
            for name in ("Ordinary", "Hostile", "Slow")
        )
    path = receiver.path()
    with service.api(ordinary) as api, given_time() as given:
        api.webhook(receiver.url(path))
        before = ordinary_life(api, receiver, path, given)
    memory_before = memory_mib(service)
    with service.api(slow) as api:
        for number in range(HANGING):
            api.webhook(hanging.url(f"/{number}"), f"hangs {number}", maxAllowedConnections=10)
        for _ in range(20):
            api.accept(event(new_id(), slow))
    until(lambda: hanging.open >= HANGING, "receivers that hang")
    with service.api(slow) as api:  # they hang once they have had no answer for a second
        until(lambda: names_hanging_receivers(api), "readiness that says so")

    attacking = attack(service, hostile)
    memory_most = 0.0
    try:
        with service.api(ordinary) as api, given_time() as given:
            during = ordinary_life(api, receiver, path, given)
            memory_most = memory_mib(service)
    finally:
        told, _ = attacking.communicate(b"end\n", timeout=PATIENCE_S)
    thrown = json.loads(told.splitlines()[-1])
    print(before.late(), during.late(), memory_before, memory_most, thrown)
    notices = [answer["notices"] for answer in during.ready]
    print(sorted({notice[:60] for found in notices for notice in found}))
    calls_s, deliveries_s = (
        after - was for was, after in zip(before.late(), during.late(), strict=True)
    )
    assert [answer["problems"] for answer in during.ready] == [[]] * len(notices)
    assert before.ready[-1]["notices"] == []
    assert len(notices) > 10 and all(any(HANG in notice for notice in found) for found in notices)
    assert thrown["faults"] == [], service.errors()
    assert calls_s <= SLOWER_S
    assert deliveries_s <= LATER_S
    assert memory_most - memory_before <= MORE_MIB


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Both ends are many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
