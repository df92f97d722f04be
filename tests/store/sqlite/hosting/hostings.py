"""The embedded store in its two hostings: in process, and as it runs, in two child processes."""

import os
import signal
import subprocess
from pathlib import Path
from typing import cast
from unittest.mock import patch

from tests import forked
from tests.store.halves_in_process import InProcess
from tidings.store import port
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf
from tidings.store.sqlite.store import SqliteStore


class SqliteFiles:
    """What the suite does to the files of a store that nobody has opened."""

    def begin_range(self, place: Path, event: int, delivery: int) -> None:
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
        halves = WritingHalf(place / FILE), ReadingHalf.in_directory(place)
        return cast(port.Store, InProcess(*halves))

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`. What a process leaves behind that dies: no clean stop, no farewell."""
        await store.close(clean=False)


class Children(SqliteFiles):
    """How the suite reaches the store as it runs."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        with patch.object(subprocess, "Popen", forked.Popen):
            return await SqliteStore.open(place, lambda: None)

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`."""
        assert isinstance(store, SqliteStore)
        for child in (store._writing, store._reading):
            os.kill(child.pid, signal.SIGKILL)
        await store.close(clean=False)
