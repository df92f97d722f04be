"""How much waits is looked at by a timer, and is not 0 where nobody can tell."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.api.control_client import Service, service
from tests.engine.sources.topic import Reader, Topic, fetched, until
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source
from tidings.engine.sources import lag_watch, sources
from tidings.engine.sources.activity import Activity, MessageActivity
from tidings.engine.sources.kept_activity import KeptActivity


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LOOK_EVERY_S", 0.02), ("SOON_S", 0.01), ("ANSWER_S", 0.05)):
        monkeypatch.setattr(lag_watch, name, seconds)


class Frozen(Topic):
    """Its reads never come back; what waits can be asked unless `silent`."""

    def __init__(self, count: int, *, silent: bool) -> None:
        super().__init__(count)
        self.silent = silent
        self.asked = self.asks = self.asks_most = 0

    async def open(self, source: Source, connection: Connection, number: int) -> Reader:
        await super().open(source, connection, number)
        return _FrozenReader(self)


class _FrozenReader(Reader):
    _topic: Frozen

    async def read(self) -> Sequence[ForeignMessage]:
        await asyncio.Event().wait()
        raise AssertionError

    async def lag(self) -> int | None:
        topic = self._topic
        topic.asked += 1
        topic.asks += 1
        topic.asks_most = max(topic.asks_most, topic.asks)
        try:
            while topic.silent:
                await asyncio.sleep(0.01)
        finally:
            topic.asks -= 1
        if topic.fault is not None:
            raise topic.fault
        return len(topic.messages)


def lags(s: Service) -> dict[tuple[str, str], float]:
    """The metric, by type and source."""
    return {
        (sample.labels["type"], sample.labels["source"]): sample.value
        for family in s.parts.sources.sources.collect()
        for sample in family.samples
        if sample.name == "tidings_source_lag"
    }


async def test_what_waits_behind_a_reading_that_is_frozen_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as s:
        topic = Frozen(3, silent=False)
        live = await fetched(s, topic)
        await until(lambda: live.lag == 3)
        assert lags(s) == {("kafka", "1/t"): 3, ("kafka", "other"): 0, ("outbox", "other"): 0}
        monkeypatch.setattr(sources, "LABELS", 0)  # it is one too many
        assert lags(s)[("kafka", "other")] == 3 and ("kafka", "1/t") not in lags(s)
        topic.append(b"{}")
        await until(lambda: live.lag == 4)
        await s.parts.sources.pumps.stop()
        assert live.lag is None and live.lag_at_ms is not None


async def test_what_nobody_can_tell_is_unknown_and_is_asked_by_one_at_a_time() -> None:
    async with service() as s:
        topic = Frozen(3, silent=False)
        live = await fetched(s, topic)
        await until(lambda: live.lag == 3)
        topic.silent = True
        await until(lambda: live.lag is None)
        assert live.lag_is_unknown
        [unknown] = [
            sample.value
            for family in s.parts.sources.sources.collect()
            for sample in family.samples
            if sample.name == "tidings_source_lag_unknown" and sample.labels["type"] == "kafka"
        ]
        assert unknown == 1 and topic.asks_most == 1
        shown = (await s.call("GET", "/v1/sources/t")).json
        assert shown["lag"] is None and shown["trouble"] is None
        topic.silent = False
        await until(lambda: live.lag == 3)
        topic.fault = ConnectionDown("The broker must answer; it does not.")
        await until(lambda: live.lag is None)
        await s.parts.sources.pumps.stop()


async def test_what_is_read_waits_no_longer() -> None:
    async with service() as s:
        topic = Topic(10)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 10 and live.lag == 0)
        await s.parts.sources.pumps.stop()


async def test_the_last_hour_outlives_a_restart_and_a_store_that_refuses_it_for_a_while() -> None:
    async with service() as s:
        topic = Topic(10)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 10)
        now_ms = s.clock.now_ms()
        live.activity.note([MessageActivity(now_ms, "p", "refused", 0)])
        kept = KeptActivity(s.store, s.parts.sources.sources)
        s.store.down = True
        await kept.save()
        assert live.activity.is_unsaved
        s.store.down = False
        await kept.save()
        assert not live.activity.is_unsaved
        before = live.activity
        live.activity = Activity()
        await s.parts.sources.sources.load()
        after = s.parts.sources.sources.of(live.org)[0].activity
        assert after.last_hour(now_ms) == before.last_hour(now_ms)
        assert after.last_ms == before.last_ms and after.count_last_hour(now_ms) == 10
        assert after.last_hour(now_ms + 3_600_000).total() == 0
        await s.parts.sources.pumps.stop()
