"""SIGKILL of the writing process in the middle of commits loses nothing acknowledged."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import apsw

from tests.store.rows import event, new, settled
from tidings.store import port
from tidings.store.hosting.child import Child
from tidings.store.hosting.reader import StoreReader
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.store import SqliteStore, command

ROUNDS = 20
COMMITS = 60
# Its methods are made of the port as the module is loaded; of the name, mypy knows only the port.
store_over: Callable[[DirectoryLock, Child, StoreReader], SqliteStore] = SqliteStore


async def _never(died: Callable[[], None]) -> Child:
    raise AssertionError("nothing is read")


async def kill_in_the_middle(place: Path, round_: int, rng: random.Random) -> list[str]:
    """Commit in one breath, kill after some answers; the ids that were acknowledged."""
    died = asyncio.Event()
    lock = DirectoryLock(place)
    child = await Child.start("write", command("write", place), died.set, [lock.descriptor])
    await child.opened()
    store = store_over(lock, child, StoreReader(_never))
    version = (await store.load()).registry_version
    ids = [f"r{round_}-{i}" for i in range(COMMITS)]
    asked = [
        store.commit(port.Batch(version, [event(id, new(1), new(2, 7))], [settled(round_ * 2 + 1)]))
        for id in ids
    ]
    answered = 0
    for commit in asyncio.as_completed(asked[: rng.randrange(1, COMMITS)]):
        await commit
        answered += 1
    os.kill(child.pid, signal.SIGKILL)
    receipts = await asyncio.gather(*asked, return_exceptions=True)
    await died.wait()
    await store.close(clean=False)
    assert all(isinstance(receipt, port.Receipt | port.StoreDown) for receipt in receipts)
    acknowledged = [
        id for id, receipt in zip(ids, receipts, strict=True) if isinstance(receipt, port.Receipt)
    ]
    assert len(acknowledged) >= answered
    return acknowledged


async def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(20)
    acknowledged: set[str] = set()
    for round_ in range(ROUNDS):
        acknowledged |= set(await kill_in_the_middle(tmp_path, round_, rng))
        found = apsw.Connection(str(tmp_path / FILE))
        assert found.pragma("integrity_check") == "ok"
        stored = {id for (id,) in found.execute("SELECT id FROM event")}
        assert acknowledged <= stored
        [(events, bodies)] = found.execute(
            "SELECT (SELECT count(*) FROM event_id), (SELECT count(*) FROM body)"
        )
        [(deliveries,)] = found.execute("SELECT count(*) FROM delivery")
        assert (events, bodies, deliveries) == (len(stored), len(stored), 2 * len(stored))
        found.close()
    assert len(acknowledged) > ROUNDS
