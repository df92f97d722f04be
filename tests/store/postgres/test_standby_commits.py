"""A COMMIT that waits for the standby is acknowledged by nothing else: its answer is lost, the wait
is cancelled, the primary dies. Nothing that was acknowledged is lost, nothing is accepted twice."""

import asyncio
import itertools
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from unittest.mock import patch

import pytest

from tests import forked
from tests.store.postgres.standby import WITHIN_S, ServerPair, wait_until
from tests.store.rows import event, new
from tidings.core.delivery.job import Job
from tidings.core.running.lease import LEASE_S, Lease
from tidings.store import port
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.postgres.store import PostgresStore
from tidings.store.sql.halves import passed_s

pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]
Answer = TypeVar("Answer")
MANY = 12
EVENTS = "SELECT id FROM tidings.event ORDER BY seq"


@pytest.fixture(scope="module")
def pair() -> Iterator[ServerPair]:
    made = ServerPair()
    yield made
    made.end()


@asynccontextmanager
async def opened(pair: ServerPair) -> AsyncIterator[PostgresStore]:
    leaps = itertools.count(0.0, 2 * LEASE_S).__next__
    watch = OwnerWatch(pair.database.connect, leaps)
    with patch.object(subprocess, "Popen", forked.Popen):
        store = await PostgresStore.open(pair.database, watch, Lease(passed_s), lambda: None)
    try:
        yield store
    finally:
        await store.close()


async def until_up(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again while the store is down."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                return await ask()
            except port.StoreDown:
                await asyncio.sleep(0.05)


def batch(id: str) -> port.Batch:
    return port.Batch(1, [event(id, new(1))])


@pytest.mark.parametrize("ended_by", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_what_the_standby_does_not_have_is_neither_acknowledged_nor_read(
    pair: ServerPair, ended_by: str
) -> None:
    async with opened(pair) as store:
        await store.commit(batch("before"))
        pair.cut()
        asked = asyncio.ensure_future(store.commit(batch(ended_by)))
        pid = await asyncio.to_thread(pair.waiting)
        pair.ask(f"SELECT {ended_by}({pid})")
        with pytest.raises(port.StoreDown):
            await asked

        async def page() -> Sequence[Job]:
            return await store.page(1, 0, 100)

        looked = asyncio.ensure_future(until_up(page))
        again = asyncio.ensure_future(until_up(lambda: store.commit(batch(ended_by))))
        await asyncio.to_thread(wait_until, lambda: pair.waiting() != pid)
        assert not again.done() and not looked.done(), "the look waits for the standby too"
        pair.join()
        assert list((await again).seqs) == [0], "it is known, and no other"
        assert [job.event_id for job in await looked].count(ended_by) == 1
        wait_until(lambda: (ended_by,) in pair.ask_standby(EVENTS))


async def test_a_failover_while_commits_wait_loses_nothing_and_accepts_nothing_twice(
    pair: ServerPair,
) -> None:
    """The last case: the pair is none afterwards."""
    ids = [f"e{number}" for number in range(MANY)]
    accepted: list[str] = []
    duplicates: list[str] = []

    async def accept(store: PostgresStore, id: str) -> None:
        """As a producer does that has a 503: the same event once more."""
        receipt = await until_up(lambda: store.commit(batch(id)))
        (accepted if receipt.seqs[0] else duplicates).append(id)

    async with opened(pair) as store:
        await accept(store, "first")
        pair.cut()
        asked = [asyncio.ensure_future(accept(store, id)) for id in ids]
        pid = await asyncio.to_thread(pair.waiting)
        pair.ask("SELECT pg_terminate_backend(%s)", pid)
        # It is opened anew, and waits again.
        await asyncio.to_thread(wait_until, lambda: pair.waiting() != pid)
        assert (ids[0],) in pair.ask(EVENTS) and accepted == ["first"]
        await asyncio.to_thread(pair.fail_over)
        await asyncio.gather(*asked)
        assert duplicates == [] and sorted(accepted) == sorted(["first", *ids])
        stored = [id for (id,) in pair.ask_standby(EVENTS)]
        assert [stored.count(id) for id in accepted] == [1] * len(accepted)
        page = [job.event_id for job in await store.page(1, 0, 100)]
        assert page == stored, "a delivery each"
