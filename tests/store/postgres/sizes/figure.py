"""How many bytes an event of 1 kB takes in PostgreSQL: of tables, indexes, TOAST, search and WAL.

    python -m tests.store.postgres.sizes.figure [EVENTS [WEBHOOKS…]]

Has EVENTS events (50,000) accepted and delivered at the first attempt, each to so many webhooks
(1 20), as the service's two processes write them, with the same search terms; and prints the table
that docs/postgresql.md has. A server of its own is started.
"""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import psycopg

from bench.payload import CUSTOMER_FIRST, EVENT_NAME, ID_SLOT, SIZE_DEFAULT, event_bytes
from tests.postgres_server import PostgresServer
from tests.store.postgres.databases import SCHEMA
from tests.store.rows import event, new, settled, webhook
from tidings import catalogue
from tidings.core.events.terms import Terms
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresReader, PostgresWriter
from tidings.store.postgres.migration import migrate
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.sql import halves

ORG = OrgId(2001)
COMMIT_EVENTS = 64
# How many there are is a matter of when checkpoints are, and those of a busy server are others'.
WITHOUT_FULL_PAGES = "full_page_writes = off"
CUSTOMERS = 50_000
VACUUMS = 20  # of what was written: a twentieth of a table is dead when it is cleared
# What is found by, and counted up, which is written behind the commits.
SEARCH = ("segment", "name", "block", "cell", "slice", "event_block", "event_cell", "event_slice")
_SIZES = """
SELECT c.relname = ANY (%s),
    sum(pg_relation_size(c.oid))::bigint,
    sum(pg_indexes_size(c.oid))::bigint,
    sum(coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0))::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' GROUP BY 1
"""
_BODY = "SELECT pg_total_relation_size('tidings.body')"
_WAL = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"


class StoreBytes(NamedTuple):
    """The bytes of a store, or of one event in it."""

    tables: float
    indexes: float
    toast: float  # but for that of the search
    search: float  # its tables, with their indexes and TOAST
    wal: float
    body: float  # of these, the table that goes first, with its index and TOAST

    @property
    def on_disk(self) -> float:
        """All but the WAL."""
        return self.tables + self.indexes + self.toast + self.search

    def per_event(self, before: "StoreBytes", events: int) -> "StoreBytes":
        """Share what has come since an earlier moment among so many events."""
        return StoreBytes(*((now - then) / events for now, then in zip(self, before, strict=True)))


ROWS = {
    "tables": "rows, with the body",
    "indexes": "indexes",
    "toast": "TOAST",
    "search": "what is found by: segments and summaries, with indexes and TOAST",
    "on_disk": "**on the disk**",
    "body": "of which the body, for `payloadDays`",
    "wal": "WAL, without full pages",
}
"""The rows of the documented table, by what they are of."""


def measure(uri: str, events: int, webhooks: int) -> StoreBytes:
    """Fill an empty database, and return the bytes of an event in it."""
    with _opened(StoreDatabase(uri)) as (writer, reader, connection):
        receiving = [writer.webhooks.put_webhook(_receiving(at)) for at in range(webhooks)]
        numbers = [stored.number for stored, _ in receiving]
        connection.execute("CHECKPOINT")
        before = read_bytes(connection)
        _fill(writer, reader, connection, events, numbers)
        return read_bytes(connection).per_event(before, events)


def read_bytes(connection: "psycopg.Connection[Any]") -> StoreBytes:
    """Read what a store takes now, and where the WAL is."""
    [(wal,)] = connection.execute(_WAL).fetchall()
    found = connection.execute(_SIZES, ([*SEARCH], SCHEMA)).fetchall()
    [(body,)] = connection.execute(_BODY).fetchall()
    sizes = {is_search: rest for is_search, *rest in found}
    tables, indexes, toast = sizes[False]
    return StoreBytes(
        tables=tables,
        indexes=indexes,
        toast=toast,
        search=sum(sizes[True]),
        wal=int(wal),
        body=body,
    )


def _receiving(at: int) -> port.StoredWebhook:
    return webhook(f"receiver {at}", org=ORG)


def _fill(
    writer: PostgresWriter,
    reader: PostgresReader,
    connection: "psycopg.Connection[Any]",
    events: int,
    webhooks: list[int],
) -> None:
    """Accept, deliver and index, side by side; clear away what is dead now and then."""
    version = writer.configuration.load().registry_version
    making, random = _events(webhooks), Random(1)
    until_vacuum = step = max(COMMIT_EVENTS, events // VACUUMS)
    for first in range(0, events, COMMIT_EVENTS):
        count = min(COMMIT_EVENTS, events - first)
        receipt = writer.commit(port.Batch(version, [next(making) for _ in range(count)]))
        outcomes = [
            settled(delivery + at, webhook=number)
            for delivery in receipt.firsts
            for at, number in enumerate(webhooks)
        ]
        random.shuffle(outcomes)  # as receivers answer
        writer.commit(port.Batch(0, settled=outcomes))
        reader.background()
        until_vacuum -= count
        if until_vacuum <= 0:
            until_vacuum = step
            connection.execute("VACUUM")
    with patch.object(halves, "INDEX_AT_LEAST_EVERY_S", 0.0):
        while reader.background():
            pass
    connection.execute("VACUUM")


def _events(webhooks: list[int]) -> Iterator[port.NewEvent]:
    """Events as they are accepted: the bench's, with ids and customers of their own."""
    types, terms, random = catalogue.load(), Terms(b"k" * 16), Random(2)
    deliveries = [new(number) for number in webhooks]
    while True:
        customer = random.randrange(CUSTOMERS)
        id = str(uuid.UUID(int=random.getrandbits(128), version=4))
        body = event_bytes(ORG, SIZE_DEFAULT, customer).replace(ID_SLOT.encode(), id.encode())
        values = types.search_values(EVENT_NAME, msgspec.json.decode(body))
        assert str(CUSTOMER_FIRST + customer) in values
        values += [id[:10], id[-32:]]  # refId, apiRequestId
        kept = terms.kept(ORG, values)
        yield event(id, *deliveries, org=ORG, body=body, terms=[kept])


@contextmanager
def _opened(
    database: StoreDatabase,
) -> Iterator[tuple[PostgresWriter, PostgresReader, "psycopg.Connection[Any]"]]:
    """Migrate a database and own it; give what its two processes work with, and another line."""
    with psycopg.connect(database.uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
        ours = OwnerWatch(database.connect, lambda: 0.0).take()
        writer = PostgresWriter(database.open_writer(ours), ours)
        reader = PostgresReader(
            PostgresConnection(database.connect("sizes"), read_only=True),
            PostgresConnection(database.connect("sizes"), synced=False),
        )
        writer.recovery.recover(10)
        try:
            with patch.object(halves, "INDEX_AT_LEAST_EVERY_S", 3600.0):
                yield writer, reader, connection
        finally:
            reader.close()
            writer.close()


def main(events: str = "50000", *webhooks: str) -> None:
    """Measure each, and print the table."""
    counts = [int(count) for count in webhooks or ("1", "20")]
    server = PostgresServer()
    try:
        server.set("max_wal_size = '16GB'", "autovacuum = off", WITHOUT_FULL_PAGES)
        found = [measure(server.database(f"sizes_{count}"), int(events), count) for count in counts]
    finally:
        server.end()
    heads = ["to 1 webhook" if count == 1 else f"to {count} webhooks" for count in counts]
    print(f"| Bytes an event of 1 kB, delivered | {' | '.join(heads)} |")
    print(f"|{'---|' * (len(counts) + 1)}")
    for name, text in ROWS.items():
        print(f"| {text} | {' | '.join(f'{getattr(each, name):,.0f}' for each in found)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
