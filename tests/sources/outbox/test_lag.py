"""How many rows wait is seen while nothing is read, and is unknown behind somebody's lock."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from tests.postgres_server import PostgresServer
from tests.sources.conformance.subject import Made
from tests.sources.outbox.subject import Outbox
from tidings.core.ids import OrgId
from tidings.core.sources.source import Source
from tidings.core.sources.source_types import OUTBOX
from tidings.engine.sources import lag_watch
from tidings.engine.sources.lag_watch import LagWatch
from tidings.engine.sources.live_source import LiveSource
from tidings.store.port import StoredSource


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


async def test_rows_behind_a_lock_are_unknown_and_counted_when_it_is_gone(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag_watch, "LOOK_EVERY_S", 0.1)
    outbox = Outbox(postgres)
    source = Source("shop", OUTBOX, connection="shop")
    live = LiveSource(StoredSource(1, OrgId(1), "shop", b""), source)
    reading = await outbox.open()
    reader = asyncio.create_task(reading.read())  # waits, and holds the line now and then
    watch = LagWatch(live, reading, lambda: 1)
    try:
        await until(lambda: live.lag == 0)
        monkeypatch.setattr(lag_watch, "ANSWER_S", 0.5)
        with psycopg.connect(outbox.uri) as other:
            other.execute("LOCK TABLE tidings_outbox IN ACCESS EXCLUSIVE MODE")
            await until(lambda: live.lag is None and live.lag_is_unknown)
            other.rollback()
        await until(lambda: live.lag == 0)
        await outbox.produce(Made("a", b"1"), Made("a", b"2"))
        assert len(await reader) == 2
        await outbox.produce(*[Made("a", b"3")] * 5)
        await until(lambda: live.lag == 5)  # and nobody reads
    finally:
        reader.cancel()
        await watch.end()
        await reading.close()
    assert live.lag is None
