"""One run: load against a target, the wait until all has arrived, the ledger, and what it cost."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from bench.ledger import (
    Books,
    OwnBooks,
    Received,
    Sent,
    arrivals,
    delays_ms,
    merged,
    numbers,
    owed,
    percentile,
    read_received,
    read_sent,
)
from bench.load import Plan
from bench.process import Process, Usage, machine_seconds, usage_of, wait_until_quiet
from bench.store_server import ServerUse, StoreServer
from bench.target import Target

CORES = os.cpu_count() or 1
POLL_SECONDS = 0.02
SETTLE_SECONDS = 0.3
DRAIN_SECONDS = 60.0
LATE_DRAIN_SECONDS = 5.0


class Arrivals(Protocol):
    """Where deliveries arrive, and what is known there of them."""

    @property
    def poll_seconds(self) -> float:
        """How often it may be asked for its count without being slowed down by that."""

    def reset(self) -> None:
        """Forget what has arrived by now."""

    def count(self) -> int:
        """Return how many deliveries have arrived that a run waits for."""

    def received(self) -> Received:
        """Return everything that has arrived."""


class ReceiverProcess:
    """The receiver, and the line to it."""

    def __init__(self, folder: Path, module: str = "bench.receiver") -> None:
        self.folder = folder
        self.process = Process(
            [sys.executable, "-m", module], log=folder / "receiver.log", piped=True
        )
        self.port: int = self._answer()["port"]

    def _answer(self) -> dict[str, Any]:
        assert self.process.popen.stdout is not None
        line = self.process.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"the receiver ended:\n{self.process.output()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def tell(self, do: str, **values: object) -> dict[str, Any]:
        assert self.process.popen.stdin is not None
        self.process.popen.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
        self.process.popen.stdin.flush()
        return self._answer()

    def know(self, secrets: Mapping[int, str]) -> None:
        self.tell("secrets", secrets={str(hook): secret for hook, secret in secrets.items()})

    def count(self) -> int:
        count: int = self.tell("count")["count"]
        return count

    def ledger(self) -> Received:
        path = self.folder / "received.msgpack"
        self.tell("dump", path=str(path))
        return read_received(path)

    def stop(self) -> None:
        self.process.stop()


class Bench:
    """The folder and the receivers that all runs of one figure share.

    With `apart`, whatever is not a plain listening webhook has a receiver process of its own: what
    a healthy one notices of bad ones must be the service's doing, not that they share a receiver.
    """

    def __init__(
        self,
        parent: Path | None = None,
        patience_seconds: float = 0.0,
        *,
        apart: bool = False,
        receiver: str = "bench.receiver",
    ) -> None:
        self.patience_seconds = patience_seconds
        self._folder = tempfile.TemporaryDirectory(prefix="tidings-bench-", dir=parent)
        self.folder = Path(self._folder.name)
        self.receiver = ReceiverProcess(self.folder, receiver)
        self.apart = ReceiverProcess(self.folder) if apart else None

    poll_seconds = POLL_SECONDS

    def reset(self) -> None:
        """See `Arrivals`."""
        for receiver in self.receivers:
            receiver.tell("reset")

    def count(self) -> int:
        """See `Arrivals`: what is not plain and listening is not waited for."""
        return self.receiver.count()

    @property
    def receivers(self) -> list[ReceiverProcess]:
        return [self.receiver] if self.apart is None else [self.receiver, self.apart]

    def received(self) -> Received:
        """What has arrived anywhere."""
        return merged([receiver.ledger() for receiver in self.receivers])

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *error: object) -> None:
        for receiver in self.receivers:
            receiver.stop()
        self._folder.cleanup()


@dataclass(slots=True)
class Measured:
    """What one run came to. A run with faults is VOID: its numbers are not to be used."""

    target: str
    events: int
    deliveries: int
    seconds: float
    usage: Usage
    load_cpu: float
    receiver_cpu: float
    delays: list[float]
    lag_p99_ms: float
    pending: int
    duplicates: int
    verified: int
    faults: list[str] = field(default_factory=list)
    disturbed: float = 0.0  # the share of the machine that went to others, or to its host
    server: ServerUse = ServerUse()  # of the database that holds the store

    @property
    def server_cpu_us(self) -> float:
        """CPU microseconds of the database server for one event."""
        return 1e6 * self.server.cpu_seconds / max(1, self.events)

    @property
    def wal(self) -> float:
        """Bytes of the database's log for one event."""
        return self.server.wal_bytes / max(1, self.events)

    @property
    def rate(self) -> float:
        """Events a second from the first send to the last arrival, the tail included."""
        return self.events / self.seconds

    @property
    def delivery_rate(self) -> float:
        return self.deliveries / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU microseconds of the service's process tree for one event."""
        return 1e6 * self.usage.cpu_seconds / max(1, self.events)

    @property
    def cpu_us_delivery(self) -> float:
        return 1e6 * self.usage.cpu_seconds / max(1, self.deliveries)

    @property
    def written(self) -> float:
        """Bytes written to storage for one event."""
        return self.usage.written_bytes / max(1, self.events)

    def delay(self, percent: float) -> float:
        return percentile(self.delays, percent)

    def line(self) -> str:
        """The run in one line, as it is printed while the figures are made."""
        if self.faults:
            return f"{self.target:9} VOID: {'; '.join(self.faults)}"
        load, receiver = (
            1e6 * seconds / max(1, self.events) for seconds in (self.load_cpu, self.receiver_cpu)
        )
        return (
            f"{self.target:9} {self.rate:7,.0f} events/s"
            f"  p50 {self.delay(50):6.1f}  p99 {self.delay(99):6.1f} ms"
            f"  CPU µs/event {self.cpu_us:5.0f} (load {load:.0f}, receiver {receiver:.0f})"
            f"  written {self.written / 1000:.1f} kB"
            f"  ledger {self.events:,} = {self.deliveries:,} arrived + {self.pending:,} pending,"
            f" {self.duplicates} twice  others {100 * self.disturbed:.0f} %"
            f"{self._of_server()}"
        )

    def _of_server(self) -> str:
        if not self.server.wal_bytes:
            return ""
        return f"  server CPU {self.server_cpu_us:.0f} µs/event, WAL {self.wal / 1000:.1f} kB"


def generate(bench: Bench, target: Target, **plan: Any) -> Sent:
    """Run the load generator to its end."""
    out = bench.folder / "sent.msgpack"
    whole = Plan(
        port=target.port,
        path=target.path,
        out=str(out),
        headers=target.headers,
        **{"orgs": list(target.webhooks_of), **plan},
    )
    seconds_max = (whole.seconds or 3600.0) + 60.0
    command = [sys.executable, "-m", "bench.load", msgspec.json.encode(whole).decode()]
    subprocess.run(command, check=True, timeout=seconds_max)
    return read_sent(out)


def drain(where: Arrivals, deliveries: int, seconds: float) -> bool:
    """Wait until as many requests have arrived; whether they have."""
    deadline = time.monotonic() + seconds
    while where.count() < deliveries:
        if time.monotonic() > deadline:
            return False
        time.sleep(where.poll_seconds)
    return True


def measure(
    bench: Bench,
    target: Target,
    *,
    drain_seconds: float = DRAIN_SECONDS,
    sink: Arrivals | None = None,
    load: Callable[[], Sent] | None = None,
    server: StoreServer | None = None,
    **plan: Any,
) -> Measured:
    """One run against a target that is up, closed by its ledger.

    `sink` is where its deliveries arrive if not at the bench's receivers; `load` brings the events
    if not the generator by its plan; `server` has its store.
    """
    where = bench if sink is None else sink
    where.reset()
    bench.receiver.know(target.secrets)
    wait_until_quiet(bench.patience_seconds)
    mark, before = target.mark(), target.usage()
    server_before = ServerUse() if server is None else server.use()
    machine, all_ours, started = machine_seconds(), usage_of(os.getpid()), time.monotonic()
    sent = generate(bench, target, **plan) if load is None else load()
    expected = owed([sent], target.webhooks_of)
    await_all(where, target, expected, drain_seconds)
    time.sleep(SETTLE_SECONDS)  # the last outcomes are being written: their cost is the run's
    usage = target.usage().since(before)
    server_use = ServerUse() if server is None else server.use().since(server_before)
    busy, stolen = (now - then for now, then in zip(machine_seconds(), machine, strict=True))
    others = busy - usage_of(os.getpid()).since(all_ours).cpu_seconds
    elapsed = time.monotonic() - started
    own = settled_books(target, mark)
    # The receiver's books last: what the service has booked by now must be in them.
    measured = close(target, sent, where.received(), expected, own)
    measured.usage = usage
    measured.server = server_use
    measured.disturbed = (max(0.0, others) + stolen) / (CORES * elapsed)
    return measured


def await_all(
    where: Arrivals, target: Target, expected: Mapping[int, set[bytes]], seconds: float
) -> None:
    """Until all has arrived that is owed to who listens, or time is up."""
    listening = {hook: expected[hook] for hook in target.listening & expected.keys()}
    drained = drain(where, sum(map(len, listening.values())), seconds)
    arrived = arrivals(where.received())
    if drained and any(ids - arrived.get(hook, set()) for hook, ids in listening.items()):
        time.sleep(LATE_DRAIN_SECONDS)  # duplicates made the count full too early


def settled_books(target: Target, mark: int) -> OwnBooks:
    """The service's books once nothing is pending that could be settled, or as they are."""
    deadline = time.monotonic() + LATE_DRAIN_SECONDS
    while True:
        books = target.books(mark)
        if not any(books.pending.get(hook) for hook in target.listening):
            return books
        if time.monotonic() > deadline:
            return books
        time.sleep(0.2)


def close(
    target: Target,
    sent: Sent,
    received: Received,
    expected: dict[int, set[bytes]],
    own: OwnBooks,
) -> Measured:
    """Close the ledger of a run and compute what follows from it."""
    arrived = arrivals(received)
    acknowledged = sent.acknowledged()
    books = Books(
        acknowledged=expected,
        arrived=arrived,
        own=own,
        sent=frozenset(sent.ids),
        arrivals=len(received.ids),
        forged=received.forged,
        unreadable=received.unreadable,
    )
    first = min(numbers(sent.sent), default=0)
    last = max(numbers(received.times), default=0)
    return Measured(
        target=target.name,
        events=len(acknowledged),
        deliveries=sum(len(ids) for ids in arrived.values()),
        seconds=max(last - first, 1) / 1e9,
        usage=Usage(),
        load_cpu=sent.cpu_seconds,
        receiver_cpu=received.cpu_seconds,
        delays=delays_ms(sent, received, target.listening),
        lag_p99_ms=percentile(send_lags_ms(sent), 99),
        pending=sum(map(len, own.pending.values())),
        duplicates=books.duplicates(),
        verified=received.verified,
        faults=books.faults() + generator_faults(sent),
    )


def send_lags_ms(sent: Sent) -> list[float]:
    """How much later than due each event was written to its connection."""
    return [(at - due) / 1e6 for at, due in zip(numbers(sent.sent), numbers(sent.due), strict=True)]


def generator_faults(sent: Sent) -> list[str]:
    faults = []
    if sent.unsent:
        faults.append(f"{sent.unsent} due events were never sent")
    if sent.errors:
        faults.append(f"the service closed {sent.errors} connections of the generator")
    refused = sum(status not in (0, 202) for status in numbers(sent.statuses, "H"))
    if refused:
        faults.append(f"{refused} events were not answered 202")
    return faults
