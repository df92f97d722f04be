"""The store in PostgreSQL in its hostings, each place a schema of the worker's server."""

import itertools
import os
import signal
import subprocess
from pathlib import Path
from typing import cast
from unittest.mock import patch

from tests import forked
from tests.postgres_server import shared_server
from tests.store.halves_in_process import InProcess
from tests.store.postgres.databases import MIGRATED, SCHEMA, connect
from tidings.core.running.lease import LEASE_S, Lease
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresReader, PostgresWriter
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.postgres.store import PostgresStore
from tidings.store.sql.halves import passed_s

ANSWER_S = 10.0
_places: dict[Path, StoreDatabase] = {}


def database_of(place: Path) -> StoreDatabase:
    """Return the database of a place."""
    known = _places.get(place)
    if known is None:
        known = _places[place] = StoreDatabase(shared_server().lend_database(MIGRATED), SCHEMA)
    return known


class PostgresSchemas:
    """What the suite does to the schema of a store that nobody has opened."""

    def begin_range(self, place: Path, event: int, delivery: int) -> None:
        """See `Adapter`."""
        floors = {"seq_floor": event, "delivery_floor": delivery}
        with connect(database_of(place).uri) as connection:
            for key, value in floors.items():
                connection.execute("UPDATE meta SET value = %s WHERE key = %s", (value, key))


class PostgresChildren(PostgresSchemas):
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

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`."""
        assert isinstance(store, PostgresStore)
        for child in (store._writing, store._reading):
            os.kill(child.pid, signal.SIGKILL)
        await store.close(clean=False)


class PostgresHalves(PostgresSchemas):
    """How the suite reaches the halves in process."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        database = database_of(place)
        ours = OwnerWatch(database.connect, lambda: 0.0).take()
        writing = PostgresWriter(database.open_writer(ours), ours)
        log = database.open_reader(ours, ANSWER_S)
        reading = PostgresReader(log, database.open_search(ours, ANSWER_S))
        return cast(port.Store, InProcess(writing, reading))

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`."""
        await store.close(clean=False)
