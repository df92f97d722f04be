"""The embedded store in its two hostings: in process, and as it runs, in two child processes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import apsw

from tests import forked
from tests.store.conformance.commits.subjects import MachineClock
from tests.store.halves_in_process import InProcess
from tests.store.hosted_processes import HostedProcesses
from tidings.store import port
from tidings.store.sqlite import database
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf
from tidings.store.sqlite.store import SqliteStore


class SqliteFiles:
    """What the suite does to the files of a store that nobody has opened."""

    def raise_floors(self, place: Path, event: int, delivery: int) -> None:
        """See `Adapter`."""
        connection = open_writer(place / FILE)
        floors = {"seq_floor": event, "delivery_floor": delivery}
        for key, value in floors.items():
            connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
        connection.close()


class Halves(SqliteFiles):
    """How the suite reaches the halves in process."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        place.mkdir(exist_ok=True)
        return cast(port.Store, InProcess(_writer(place), ReadingHalf.in_directory(place)))

    async def open_dated(self, place: Path, clock: MachineClock) -> port.Store:
        """See `InProcessAdapter`."""
        halves = _writer(place, clock), ReadingHalf.in_directory(place)
        return cast(port.Store, InProcess(*halves, clock))

    @contextmanager
    def refusing(self, store: port.Store) -> Iterator[None]:
        """See `InProcessAdapter`. As a file system does that was mounted read-only."""
        assert isinstance(store, InProcess)
        connection = cast(SqliteConnection, store.writing.connection)
        connection.pragma("query_only", 1)
        yield
        connection.pragma("query_only", 0)

    @contextmanager
    def losing_answers(self, place: Path, store: port.Store) -> Iterator[None]:
        """See `InProcessAdapter`. As a process does that is killed behind a commit: only the next
        owner goes on."""
        assert isinstance(store, InProcess)
        commit, leave = SqliteConnection.commit, SqliteConnection.__exit__

        def committed(connection: SqliteConnection) -> None:
            commit(connection)
            raise apsw.IOError("the answer is lost")

        def left(connection: SqliteConnection, *how: Any) -> bool | None:
            done = leave(connection, *how)
            if how[0] is None and connection.get_autocommit():
                raise apsw.IOError("the answer is lost")
            return done

        with (
            patch.object(SqliteConnection, "commit", committed),
            patch.object(SqliteConnection, "__exit__", left),
        ):
            yield
        store.writing.connection.close()
        store.go_on(_writer(place, store.clock))

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`. What a process leaves behind that dies: no clean stop, no farewell."""
        await store.close(clean=False)


class Children(HostedProcesses, SqliteFiles):
    """How the suite reaches the store as it runs."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        with patch.object(subprocess, "Popen", forked.Popen):
            return await SqliteStore.open(place, lambda: None)

    async def open_beside(self, place: Path) -> port.Store:
        """See `HostedAdapter`."""
        with patch.object(database, "OWNER_WAIT_S", 0.05):
            return await self.open(place)

    async def take_over(self, place: Path, former: port.Store) -> port.Store:
        """See `HostedAdapter`. A directory is its owner's while one of the processes lives."""
        await self.crash(former)
        return await self.open(place)


def _writer(place: Path, clock: MachineClock | None = None) -> WritingHalf:
    if clock is None:
        return WritingHalf(place / FILE)
    return WritingHalf(place / FILE, clock.wall_ms, passed_s=clock.passed_s)
