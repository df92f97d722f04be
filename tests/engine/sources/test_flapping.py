"""A source that opens and then fails is a source that fails: its org is told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.control_client import service
from tests.engine.sources.topic import BODY, MAIN, Reader, Topic, fetched, until
from tests.engine.told_notices import ToldNotices
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.notices.operational_events import SOURCE_FAILING
from tidings.core.running.lease import EndlessLease
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source
from tidings.core.sources.source_types import FETCHED, OUTBOX
from tidings.engine.sources import pump
from tidings.engine.sources.lines import SourceLines
from tidings.engine.sources.pump import Pump
from tidings.reads.sources import needs_somebody


def down() -> ConnectionDown:
    return ConnectionDown("The broker must answer; it does not. Start it.")


async def fail_at_once(reader: Reader) -> Sequence[ForeignMessage]:
    raise down()


async def fail_of_ours(reader: Reader) -> Sequence[ForeignMessage]:
    raise RuntimeError("a bug of the driver")


async def fail_after_a_while(reader: Reader) -> Sequence[ForeignMessage]:
    """It looks well for a moment: nothing waits, and then the line breaks off."""
    await asyncio.sleep(0.03)
    raise down()


async def read_and_fail_to_mark(reader: Reader) -> Sequence[ForeignMessage]:
    reader._topic.fault = down()  # of `acknowledge`
    return [ForeignMessage("t/0/0", [], BODY % 0)]


WAYS = {
    "every read fails": fail_at_once,
    "every read fails by our fault": fail_of_ours,
    "it opens, waits and fails": fail_after_a_while,
    "nothing can be marked": read_and_fail_to_mark,
}


class Flapping(Topic):
    """Opens each time, and fails then, until it is mended."""

    def __init__(self, way: Callable[[Reader], Any]) -> None:
        super().__init__(1)
        self.way, self.is_mended = way, False

    async def open(self, source: Source, connection: Connection, number: int) -> Reader:
        self.fault = None
        reader = await super().open(source, connection, number)
        if not self.is_mended:
            reader.read = lambda: self.way(reader)  # type: ignore[method-assign]
        return reader


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", sorted(FETCHED))
async def test_an_org_is_told_of_a_source_that_opens_and_then_fails(
    monkeypatch: pytest.MonkeyPatch, kind: str, way: str
) -> None:
    monkeypatch.setattr(pump, "OPEN_AFTER_S", 0.01)
    monkeypatch.setattr(pump, "LOOK_S", 0.005)
    facts: list[Any] = []
    now_ms = [0]

    async def sleep(seconds: float) -> None:
        now_ms[0] += 60_000
        await asyncio.sleep(0)

    async with service() as s:
        live = await fetched(s, Topic())
        await s.parts.sources.pumps.stop()
        intake = s.parts.sources.sources.intake
        intake.clock_ms = lambda: now_ms[0]
        topic = Flapping(WAYS[way])
        connection = Connection("main", kind, {})
        live.well()
        flapping = Pump(
            live,
            topic,
            connection if kind == OUTBOX else MAIN,
            intake,
            ToldNotices(facts),
            lease=EndlessLease(),
            lines=SourceLines(connection) if kind == OUTBOX else None,
            notify_after_ms=300_000,
            sleep=sleep,
        )
        task = asyncio.ensure_future(flapping.run())
        with capture_logs():  # drawn, each would take a quarter of a second
            await until(lambda: now_ms[0] >= 900_000)
            [(told, org, fact)] = facts
            assert (told, org, fact["failingSince"]) == (SOURCE_FAILING, live.org, 0)
            await until(lambda: live.trouble and needs_somebody(live, now_ms[0]))
            topic.is_mended = True
            await until(lambda: topic.taken == 1 and not live.trouble)
        assert live.trouble_since_ms is None and len(facts) == 1
        task.cancel()


async def test_one_that_stays_open_after_a_failure_is_well_though_nothing_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its trouble is not shown for longer than it lasts, and forgotten after a while."""
    monkeypatch.setattr(pump, "OPEN_AFTER_S", 0.02)
    monkeypatch.setattr(pump, "WELL_AFTER_S", 0.2)
    monkeypatch.setattr(pump, "LOOK_S", 0.005)
    monkeypatch.setattr(pump, "AGAIN_S", 0.01)
    async with service() as s:
        topic = Flapping(fail_at_once)
        live = await fetched(s, topic)
        await until(lambda: live.trouble)
        topic.is_mended, topic.taken = True, 1  # nothing waits
        await until(lambda: not live.trouble)
        assert live.trouble_since_ms is not None
        await until(lambda: live.trouble_since_ms is None)
        assert topic.open_now == 1 and not live.trouble
        await s.parts.sources.pumps.stop()
