"""A reading process that is watched closely, and quickly replaced."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio

from tests import forked
from tests.store.rows import event, new
from tidings.core.ids import OrgId
from tidings.engine.heartbeats import Heartbeats
from tidings.store import port
from tidings.store.hosting import reader as reader_module
from tidings.store.sqlite.store import SqliteStore

COUNT = 40


class Watched:
    """A store whose processes are watched, a thousand times as quickly as in service."""

    def __init__(self, store: SqliteStore) -> None:
        self.store: Any = store
        self.reader = store._reading
        self.heartbeats = Heartbeats(tick_s=0.05)
        for process in store.processes():
            self.heartbeats.watch(process)
        self.heartbeats.start()
        self.told: list[str] = []
        self.heartbeats.on_look(self._note)

    def _note(self) -> None:
        self.told += [*self.heartbeats.notices(), *self.heartbeats.problems()]


@pytest_asyncio.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    part = reader_module.PART
    quick = type(part)(part.name, part.stalls, work_s=0.6)
    monkeypatch.setattr(reader_module.StoreReader, "part", quick)
    monkeypatch.setattr(reader_module, "restart_delay_s", lambda failures: 0.02)
    monkeypatch.setattr("tidings.store.hosting.child.PING_S", 0.1)
    with patch.object(subprocess, "Popen", forked.Popen):
        died: list[str] = []
        store = await SqliteStore.open(tmp_path, lambda: died.append("writer"))
        version = (await store.load()).registry_version
        for number in range(COUNT):
            row = event(f"e{number}", new(1), org=number % 3 + 1)
            await store.commit(port.Batch(version, [row]))
        made = Watched(store)
        yield made
        made.heartbeats.stop()
        await store.close()
        assert died == []


async def ask(watched: Watched, number: int) -> None:
    """A question whose answer says what it is of."""
    found = await watched.store.event(OrgId(number % 3 + 1), f"e{number}")
    assert found is not None and found.id == f"e{number}"
