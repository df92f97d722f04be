"""What sending costs an application: over HTTP with a spool and without one, and into an outbox.

The events of 1 KB go to the service of the same machine, by the library that applications import,
and every run is closed by a count in the service's own file: as many accepted as were sent. The
outbox is that of a PostgreSQL server without fsync, so that the disk's time is in neither side of
the comparison: a transaction that changes a row, with the event and without it.
"""

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bench.ledger import spread
from bench.payload import EXAMPLE, ORG_FIRST, SIZE_DEFAULT
from bench.process import wait_until_quiet
from bench.product import BOOTSTRAP, Product
from bench.report import BESIDE, VOID, Options, Row
from tests.postgres_server import PostgresServer
from tidings_producer import Outbox, Producer, event
from tidings_producer.outbox import TABLE

THREADS = 16
MANY = 100
TRANSACTIONS, TRANSACTIONS_QUICK = 2_000, 200
FLUSH_S = 120.0
CHANGE = "UPDATE customer SET changes = changes + 1 WHERE id = 1"


def run(options: Options) -> list[Row]:
    """Over HTTP, then into an outbox."""
    print(f"producer, {options.runs} runs", flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="tidings-bench-", dir=options.folder) as name:
        product = Product(Path(name), 0, [], cores=options.service_cores)
        try:
            product.add_org(ORG_FIRST)
            for spooled, threads, many in itertools.product((True, False), (1, THREADS), (1, MANY)):
                rows.append(_posted(options, product, Path(name), spooled, threads, many))
                print(f"{rows[-1].what}: {rows[-1].measured}", flush=True)
        finally:
            product.stop()
    return rows + _written(options)


def events() -> Iterator[Any]:
    """Events of 1 KB, each with an id of its own."""
    data: dict[str, Any] = {**msgspec.json.decode(msgspec.json.encode(EXAMPLE))["data"], "note": ""}
    missing = SIZE_DEFAULT - len(msgspec.json.encode(event("pointsIssued", data)))
    data["note"] = "x" * max(0, missing)
    while True:
        yield event("pointsIssued", data)


def _posted(
    options: Options, product: Product, folder: Path, spooled: bool, threads: int, many: int
) -> Row:
    who = "1 thread" if threads == 1 else f"{threads} threads"
    how = "send" if many == 1 else f"send_many of {many}"
    what = f"{'a spool' if spooled else 'no spool'}, {who}, {how}: events/s"
    rates: list[float] = []
    good = True
    for number in range(options.runs):
        spool = folder / f"spool-{threads}-{many}-{number}" if spooled else None
        with Producer(
            f"http://127.0.0.1:{product.port}",
            BOOTSTRAP["TIDINGS_BOOTSTRAP_KEY"],
            BOOTSTRAP["TIDINGS_BOOTSTRAP_SECRET"],
            org=ORG_FIRST,
            spool=spool,
        ) as producer:
            wait_until_quiet(options.patience_seconds)
            before, began = product.mark(), time.monotonic()
            sent = _sent(producer, threads, many, began + options.seconds)
            good &= producer.flush(FLUSH_S)
            rates.append(sent / (time.monotonic() - began))
            good &= product.mark() - before == sent
    return Row("producer", what, spread(rates).text(), verdict=BESIDE if good else VOID)


def _sent(producer: Producer, threads: int, many: int, until: float) -> int:
    """How many events the threads have sent when the time is over."""
    counts = [0] * threads

    def send(number: int) -> None:
        made = events()
        while time.monotonic() < until:
            counts[number] += len(producer.send_many(itertools.islice(made, many)))

    running = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts)


def _written(options: Options) -> list[Row]:
    server = PostgresServer()
    try:
        return _transactions(options, server.database("shop"))
    finally:
        server.end()


def _transactions(options: Options, uri: str) -> list[Row]:
    count = TRANSACTIONS_QUICK if options.quick else TRANSACTIONS
    outbox, made = Outbox(), events()
    costs: dict[str, list[float]] = {}
    with psycopg.connect(uri) as line:
        line.execute(TABLE.encode())
        line.execute("CREATE TABLE customer (id int PRIMARY KEY, changes int)")
        line.execute("INSERT INTO customer VALUES (1, 0)")
        line.commit()
        kinds: dict[str, Callable[[], object]] = {
            "a change alone": lambda: None,
            "a change and an event": lambda: outbox.write(line, next(made)),
            f"a change and {MANY} events": lambda: outbox.write_many(
                line, itertools.islice(made, MANY)
            ),
        }
        for run, (name, tell) in itertools.product(range(options.runs + 1), kinds.items()):
            times = count if "events" not in name else count // 10
            began = time.perf_counter()
            for _ in range(times):
                line.execute(CHANGE)
                tell()
                line.commit()
            cost = 1e6 * (time.perf_counter() - began) / times
            costs.setdefault(name, []).extend([cost] if run else [])  # the first one warms up
    return [
        Row("producer", f"transaction, {name}: µs", spread(cost).text())
        for name, cost in costs.items()
    ]
