"""How fast the log is read from PostgreSQL, with very many deliveries.

It is filled by COPY, and indexed and summed up as the service does it; then each filter is asked
several times. The filters are those of the embedded store's figure.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.ledger import percentile
from bench.report import HELD, MISSED, Options, Row
from bench.store_server import StoreServer
from tests.store.log_questions import DAY_MS, fates, queries
from tests.store.sqlite.log_rows import log_rows, webhook_rows
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresReader
from tidings.store.sql import halves

FIGURE = "logs"
MEDIAN_MS = 50.0
MONTH_MS = 30 * DAY_MS
WITH_A_DELIVERY = 0.95  # of the events
TIMES = 3
ONE_OF = 7  # filters, where every one would take too long
BATCH = 20_000
COLUMNS = {
    "event": "seq, org, name, id, at_ms, first_delivery, deliveries, terms",
    "delivery": "id, event, webhook, version, state, attempts, due_ms, done_ms, duration_ms,"
    " status",
}
TYPES = {
    "event": ["int8", "int8", "text", "text", "int8", "int8", "int8", "bytea"],
    "delivery": ["int8"] * 10,
}


def run(options: Options) -> list[Row]:
    """Fill a log, and ask."""
    deliveries = options.deliveries
    server = StoreServer(options.folder, options.server_settings)
    try:
        database = server.new_store()
        rows = [*_filled(database, round(deliveries / WITH_A_DELIVERY))]
        return [*rows, *_asked(database, deliveries)]
    finally:
        server.stop()


def _filled(database: StoreDatabase, events: int) -> Iterator[Row]:
    began_s = time.monotonic()
    with psycopg.connect(database.uri, options=f"-c search_path={database.schema}") as connection:
        for row in webhook_rows():
            connection.execute(
                "INSERT INTO webhook (number, id, consumer_group, org, name, created_ms)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                row,
            )
        kept: dict[str, list[tuple[Any, ...]]] = {"event": [], "delivery": []}
        for event, delivery in log_rows(events, MONTH_MS / events):
            kept["event"].append(event)
            if delivery is not None:
                # Its version stands in the middle, as the table has it.
                kept["delivery"].append((*delivery[:3], 1, *delivery[3:]))
            if len(kept["event"]) == BATCH or event[0] == events:
                for table, rows in kept.items():
                    _copy(connection, table, rows)
                    rows.clear()
    yield Row(FIGURE, f"{events:,} events filled by COPY, s", f"{time.monotonic() - began_s:.0f}")
    began_s = time.monotonic()
    with psycopg.connect(database.uri, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    yield Row(FIGURE, "vacuum and analyze, s", f"{time.monotonic() - began_s:.0f}")


def _copy(connection: "psycopg.Connection[Any]", table: str, rows: list[tuple[Any, ...]]) -> None:
    into = f"COPY {table} ({COLUMNS[table]}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(into.encode()) as copy:
        copy.set_types(TYPES[table])
        for row in rows:
            copy.write_row(row)


def _asked(database: StoreDatabase, deliveries: int) -> Iterator[Row]:
    reader = PostgresReader(
        PostgresConnection(database.connect("bench reads"), read_only=True),
        PostgresConnection(database.connect("bench searches"), synced=False),
    )
    for line in reader.connections:  # whose workers are counted by nobody
        line.driver.execute("SET max_parallel_workers_per_gather = 0")
    halves.INDEX_AT_LEAST_EVERY_S = 0.0  # nobody else is there to be yielded to
    began_s = time.monotonic()
    while reader.background():
        pass
    yield Row(FIGURE, "indexed and summed up, s", f"{time.monotonic() - began_s:.0f}")
    for what, asked, ask in (
        ("deliveries", queries(), reader.log.deliveries),
        ("events by their fate", fates(), reader.log.events),
    ):
        used_ms = partial(_cpu_ms, reader.connections)
        yield from _medians(f"{deliveries:,} deliveries, {what}", [*asked], ask, used_ms)
    reader.close()


def _cpu_ms(connections: Sequence[PostgresConnection]) -> float:
    """Milliseconds of processor time of this process and of those that serve its connections: by
    the clock, others on the machine would be measured too."""
    files = [f"/proc/{line.driver.info.backend_pid}/schedstat" for line in connections]
    servers_ns = sum(int(Path(file).read_text().split()[0]) for file in files)
    return 1000 * time.process_time() + servers_ns / 1e6


def _medians(
    what: str, asked: list[Any], ask: Callable[[Any], Any], used_ms: Callable[[], float]
) -> Iterator[Row]:
    chosen = asked[::ONE_OF]
    found = []
    for query in chosen:
        times = []
        for _ in range(TIMES):
            before_ms = used_ms()
            ask(query)
            times.append(used_ms() - before_ms)
        found.append((statistics.median(times), query))
    all_ms = [ms for ms, _ in found]
    for ms, query in sorted(found, key=lambda pair: -pair[0])[:3]:
        print(f"{ms:.1f} ms: {query}", flush=True)
    worst = max(all_ms)
    text = f"{statistics.median(all_ms):.1f}, {percentile(all_ms, 95):.1f}, {worst:.1f}"
    verdict = HELD if worst <= MEDIAN_MS else MISSED
    yield Row(
        FIGURE,
        f"{what}: {len(chosen):,} filters, medians of {TIMES}: half, 95 %, worst, CPU ms",
        text,
        f"≤ {MEDIAN_MS:.0f}",
        verdict,
    )
