"""A start that is stopped at any step gives the store back: nobody waits for the end of a lease."""

import asyncio
import threading
from typing import Any

import pytest

from tests.store.postgres.databases import connect, migrated, rows
from tidings.core.running.lease import Lease
from tidings.store import port
from tidings.store.hosting.child import Child
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.ownership import Ownership, OwnerWatch
from tidings.store.postgres.store import PostgresStore
from tidings.store.sql.halves import passed_s

STEPS = ["asks", "took", "started", "opened"]


class StoppedStart:
    """A start that stands still at one of its steps."""

    def __init__(self, uri: str, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = StoreDatabase(uri)
        self._watch = OwnerWatch(self.database.connect, lambda: 0.0)
        self._step = step
        self._loop = asyncio.get_running_loop()
        self.is_there = asyncio.Event()
        self.goes_on = threading.Event()
        take, start, opened = self._watch.take, Child.start, Child.opened

        def taken() -> Ownership:
            self._stand("asks")
            ours = take()
            self._stand("took")
            return ours

        async def started(*given: Any) -> Child:
            child = await start(*given)
            await self._wait("started")
            return child

        async def all_opened(child: Child) -> None:
            await opened(child)
            await self._wait("opened")

        monkeypatch.setattr(self._watch, "take", taken)
        monkeypatch.setattr(Child, "start", started)
        monkeypatch.setattr(Child, "opened", all_opened)

    async def open(self) -> PostgresStore:
        return await PostgresStore.open(self.database, self._watch, Lease(passed_s), lambda: None)

    def _stand(self, step: str) -> None:
        if step == self._step:
            self._loop.call_soon_threadsafe(self.is_there.set)
            assert self.goes_on.wait(120)

    async def _wait(self, step: str) -> None:
        if step == self._step:
            self.is_there.set()
            await asyncio.Event().wait()


def owner(database: StoreDatabase) -> tuple[int, str]:
    """Read the epoch of the last owner, and the name of one that has not let go."""
    with connect(database.uri) as connection:
        [(epoch, holder)] = rows(connection, "SELECT epoch, holder FROM owner")
    return epoch, holder


@pytest.mark.parametrize("step", STEPS)
async def test_one_that_is_stopped_gives_the_store_back(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = StoppedStart(migrated(), step, monkeypatch)
    opening = asyncio.create_task(start.open())
    await start.is_there.wait()
    before, _ = owner(start.database)
    opening.cancel()
    start.goes_on.set()
    await asyncio.wait((opening,))
    assert opening.cancelled()
    assert owner(start.database) == (before + (step == "asks"), "")


async def test_one_that_is_refused_gives_the_store_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(child: Child) -> None:
        raise port.StoreRefused("it is a copy")

    start = StoppedStart(migrated(), "none", monkeypatch)
    monkeypatch.setattr(Child, "opened", refused)
    with pytest.raises(port.StoreRefused, match="it is a copy"):
        await start.open()
    assert owner(start.database)[1] == ""


async def test_one_that_is_tried_again_goes_on_with_what_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def is_down(child: Child) -> None:
        raise port.StoreDown("no memory")

    start = StoppedStart(migrated(), "none", monkeypatch)
    with monkeypatch.context() as down:
        down.setattr(Child, "opened", is_down)
        with pytest.raises(port.StoreDown, match="no memory"):
            await start.open()
    epoch, holder = owner(start.database)
    assert holder
    store = await start.open()
    assert owner(start.database) == (epoch, holder)
    await store.close()
