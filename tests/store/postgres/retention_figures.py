"""What retention of a day costs in PostgreSQL, by the clock.

    python -m tests.store.postgres.retention_figures [DAYS [EVENTS_A_DAY [walk]]]

Fills a log of DAYS days (10) with EVENTS_A_DAY events (111,111) of 1 KB with one delivery each, and
drops the bodies of one day and all of another, in slices as the service does. `walk`: one event
after the other, as the embedded store does. A server of its own is started, with `fsync` on.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres_server import PostgresServer
from tests.store.postgres.databases import SCHEMA
from tests.store.rows import webhook
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import DAY_MS, RowKind
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.migration import DriverConnection, migrate
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.sql.queries import id_hash

START_MS = 1_800_000_000_000
BODY_BYTES = 1000
FILL_BODIES = (
    "INSERT INTO body (seq, bytes)"
    " SELECT n, convert_to(repeat(md5(n::text), %(bytes)s / 32), 'UTF8')"
    " FROM generate_series(1, %(count)s) AS n"
)
FILLS = (
    "INSERT INTO event (seq, org, name, id, at_ms, first_delivery, deliveries, terms)"
    " SELECT n, 1, 'pointsIssued', 'e' || n, %(start)s + n * %(step)s, n, 1, sha256('t')"
    " FROM generate_series(1, %(count)s) AS n",
    FILL_BODIES,
    "INSERT INTO delivery (id, event, webhook, version, state, attempts, done_ms, duration_ms,"
    " status) SELECT n, n, 1, 1, 3, 1, %(start)s, 12, 200 FROM generate_series(1, %(count)s) AS n",
    "UPDATE meta SET value = %(count)s WHERE key IN ('seq_floor', 'delivery_floor')",
)
LOG = ("event", "event_id", "body", "delivery")


def fill(connection: DriverConnection, days: int, events: int, *, bodies: bool = True) -> None:
    """Write a log of delivered events, and have the server put it on its disk."""
    count = days * events
    given = {
        "start": START_MS, "step": DAY_MS // events, "count": count, "bytes": BODY_BYTES,
    }  # fmt: skip
    for statement in FILLS:
        if bodies or statement is not FILL_BODIES:
            connection.execute(statement.encode(), given)
    with connection.cursor() as cursor, cursor.copy("COPY event_id FROM STDIN") as copy:
        for first in range(1, count + 1, 1000):
            numbers = range(first, min(first + 1000, count + 1))
            rows = sorted((id_hash(OrgId(1), f"e{number}").hex(), number) for number in numbers)
            copy.write("".join(f"\\\\x{key}\t{number}\t\\\\x00\n" for key, number in rows))
    connection.execute("VACUUM (FREEZE, ANALYZE)")
    connection.execute("CHECKPOINT")


@contextmanager
def taken(connection: DriverConnection, what: str, events: int) -> Iterator[list[float]]:
    """Tell how long a part took by the clock, and how much of the server's log it wrote. Times of
    slices are added to what is yielded."""
    [(place,)] = connection.execute("SELECT pg_current_wal_lsn()").fetchall()
    slices: list[float] = []
    began, cpu = time.perf_counter(), _cpu_s(connection)
    yield slices
    took, cpu = time.perf_counter() - began, _cpu_s(connection) - cpu
    wal = b"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)"
    [(size,)] = connection.execute(wal, (place,)).fetchall()
    told = f"{what}: {took:.2f} s, {cpu:.2f} s of CPU, {size / events:.0f} B of WAL an event"
    if slices:
        longest = sorted(slices)
        told += f"; {len(slices)} slices, {longest[-1] * 1e3:.1f} ms the longest"
        told += f", {longest[len(longest) // 2] * 1e3:.1f} ms in the middle"
    print(told, flush=True)


def _cpu_s(connection: DriverConnection) -> float:
    """The CPU time of the server's connections, and of this process."""
    used = time.process_time()
    for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity WHERE usename IS NOT NULL"):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def drop(half: PostgresWriter, kind: RowKind, before_ms: int, slices: list[float]) -> int:
    """A pass of one kind, in slices of the greatest length, without the rests between them."""
    rows, more, first = 0, True, True
    rows_max = half.retention.retention_state().slice_rows
    while more:
        wanted = port.DropSlice(
            kind, 30, before_ms, (), True, rows_max=rows_max, first=first, now_ms=before_ms
        )
        dropped = half.retention.drop(wanted)
        rows += dropped.rows
        first, more = False, dropped.more
        slices.append(dropped.took_us / 1e6)
    return rows


def main(for_days: str = "10", a_day: str = "111111", how: str = "runs") -> None:
    """Fill, drop, and tell."""
    days, events = int(for_days), int(a_day)
    server = PostgresServer()
    try:
        database = StoreDatabase(server.database("figures"))
        with psycopg.connect(
            database.uri, autocommit=True, options=f"-c search_path={SCHEMA}"
        ) as connection:
            for setting in ("fsync = on", "autovacuum = off", "max_wal_size = '8GB'"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
            migrate(connection, SCHEMA)
            if how == "walk":
                connection.execute("DROP INDEX event_id_seq")
            with taken(connection, f"filled with {days * events:,} events", days * events):
                fill(connection, days, events)
            ours = OwnerWatch(database.connect, time.monotonic).take()
            half = PostgresWriter(database.open_writer(ours), ours)
            half.webhooks.put_webhook(webhook("one"))
            day = START_MS + DAY_MS
            with taken(connection, "bodies of a day", events) as slices:
                drop(half, RowKind.PAYLOAD, day, slices)
            with taken(connection, "the rest of that day", events) as slices:
                drop(half, RowKind.METADATA, day, slices)
            connection.execute("CHECKPOINT")
            with taken(connection, "all of the next day", events) as slices:
                drop(half, RowKind.METADATA, day + DAY_MS, slices)
            for table in LOG:
                with taken(connection, f"VACUUM {table}", 2 * events):
                    connection.execute(f"VACUUM {table}".encode())
            half.close()
    finally:
        server.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
