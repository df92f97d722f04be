"""The store in PostgreSQL in its hostings, each place a schema of the worker's server."""

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from unittest.mock import patch

import psycopg

from tests import forked
from tests.postgres_server import shared_server
from tests.store.conformance.commits.subjects import MachineClock
from tests.store.halves_in_process import InProcess
from tests.store.hosted_processes import HostedProcesses
from tests.store.postgres.databases import MIGRATED, SCHEMA, connect
from tidings.core.running.lease import LEASE_S, Lease
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresReader, PostgresWriter
from tidings.store.postgres.owner_connection import OwnerConnection
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.postgres.store import PostgresStore
from tidings.store.sql.halves import passed_s

ANSWER_S = 120.0
_places: dict[Path, StoreDatabase] = {}


def database_of(place: Path) -> StoreDatabase:
    """Return the database of a place."""
    known = _places.get(place)
    if known is None:
        known = _places[place] = StoreDatabase(shared_server().lend_database(MIGRATED), SCHEMA)
    return known


class PostgresSchemas:
    """What the suite does to the schema of a store that nobody has opened."""

    def raise_floors(self, place: Path, event: int, delivery: int) -> None:
        """See `Adapter`."""
        floors = {"seq_floor": event, "delivery_floor": delivery}
        with connect(database_of(place).uri) as connection:
            for key, value in floors.items():
                connection.execute("UPDATE meta SET value = %s WHERE key = %s", (value, key))


class PostgresChildren(HostedProcesses, PostgresSchemas):
    """How the suite reaches the store as it runs."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`. Who takes over waits for no lease here."""
        database = database_of(place)
        leaps = itertools.count(0.0, 2 * LEASE_S).__next__
        watch, lease = OwnerWatch(database.connect, leaps), Lease(passed_s)
        with patch.object(subprocess, "Popen", forked.Popen):
            try:
                return await PostgresStore.open(database, watch, lease, lambda: None)
            except port.StoreDown:  # one that was killed owns it: its lease is over now
                return await PostgresStore.open(database, watch, lease, lambda: None)

    async def open_beside(self, place: Path) -> port.Store:
        """See `HostedAdapter`."""
        database = database_of(place)
        watch = OwnerWatch(database.connect, lambda: 0.0)
        return await PostgresStore.open(database, watch, Lease(passed_s), lambda: None)

    async def take_over(self, place: Path, former: port.Store) -> port.Store:
        """See `HostedAdapter`."""
        return await self.open(place)


class PostgresHalves(PostgresSchemas):
    """How the suite reaches the halves in process."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        return _opened(place)

    async def open_dated(self, place: Path, clock: MachineClock) -> port.Store:
        """See `InProcessAdapter`."""
        return _opened(place, clock)

    @contextmanager
    def refusing(self, store: port.Store) -> Iterator[None]:
        """See `InProcessAdapter`. As a server does that has become a standby."""
        assert isinstance(store, InProcess)
        connection = cast(OwnerConnection, store.writing.connection).driver
        connection.execute("SET default_transaction_read_only = on")
        yield
        connection.execute("SET default_transaction_read_only = off")

    @contextmanager
    def losing_answers(self, place: Path, store: port.Store) -> Iterator[None]:
        """See `InProcessAdapter`. As a connection does that is cut behind a commit."""
        assert isinstance(store, InProcess)
        commit = OwnerConnection.commit

        def committed(connection: OwnerConnection) -> None:
            commit(connection)
            connection.close()
            raise psycopg.OperationalError("the answer is lost")

        with patch.object(OwnerConnection, "commit", committed):
            yield
        before = store.writing
        assert isinstance(before, PostgresWriter)
        again = database_of(place).open_writer(before._ours)
        store.go_on(PostgresWriter(again, before._ours, before=before))

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`."""
        await store.close(clean=False)


def _opened(place: Path, clock: MachineClock | None = None) -> port.Store:
    database = database_of(place)
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    connection = database.open_writer(ours)
    if clock is None:
        writing = PostgresWriter(connection, ours)
    else:
        writing = PostgresWriter(connection, ours, clock.wall_ms, clock.passed_s)
    log = database.open_reader(ours, ANSWER_S)
    reading = PostgresReader(log, database.open_search(ours, ANSWER_S))
    return cast(port.Store, InProcess(writing, reading))
