"""The embedded store in its two hostings: in process, and as it runs, in two child processes."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from tests import forked
from tests.store.in_process import WRITES
from tidings.store import port
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.hosting import embedded
from tidings.store.sqlite.hosting.client import SqliteStore
from tidings.store.sqlite.hosting.embedded import ReadingHalf, WritingHalf
from tidings.store.sqlite.hosting.process import Operation, reading_operations, writing_operations


class InProcess:
    """`port.Store` over both halves, through the very operations that the children answer."""

    def __init__(self, place: Path) -> None:
        place.mkdir(exist_ok=True)
        self.writing = WritingHalf(place / FILE)
        self.reading = ReadingHalf.in_directory(place)
        self._operations: dict[str, Operation] = {
            **writing_operations(self.writing),
            **reading_operations(self.reading),
        }
        self._closed = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function, _ = self._operations[name]

        async def answer(*arguments: Any) -> Any:
            if name == "counts":
                with patch.object(embedded, "INDEX_AT_LEAST_EVERY_S", 0.0):
                    self.reading.background()
            audit = port.take_audit() if name in WRITES else None
            if audit is None:
                return function(*arguments)
            return self.writing.record(audit, lambda: function(*arguments))

        return answer

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`."""
        if not self._closed:
            self._closed = True
            self.reading.close()
            self.writing.close(clean)


class Halves:
    """How the suite reaches the halves in process."""

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        return cast(port.Store, InProcess(place))

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`. What a process leaves behind that dies: no clean stop, no farewell."""
        await store.close(clean=False)


class Children:
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
