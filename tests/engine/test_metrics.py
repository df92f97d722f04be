"""The engine's metrics are what has happened, in the unit of their names."""

import asyncio
import re

from prometheus_client import CollectorRegistry, generate_latest

from tests.engine.notice_world import ORG, NoticeWorld, in_world
from tidings.engine.events.intake import Draft


def told(world: NoticeWorld) -> dict[str, float]:
    """Every sample by its name and labels."""
    metrics = CollectorRegistry()
    metrics.register(world.engine._metrics)
    lines = generate_latest(metrics).decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


def draft(id: str) -> Draft:
    event = {"eventName": "groupCreated", "data": {"groupId": 1}}
    return Draft(ORG, "groupCreated", id, b'{"eventName":"groupCreated","data":{}}', event)


def test_a_duplicate_is_not_counted_as_accepted() -> None:
    async def scenario(world: NoticeWorld) -> None:
        verdicts = []
        for ids in (["a"], ["a"], ["b", "b", "a", "c"], ["c", "b"]):
            verdicts += await world.parts.events.acceptor.accept([draft(id) for id in ids])
        said = [verdict.status for verdict in verdicts]
        assert said.count("accepted") == 3 and said.count("duplicate") == 5
        metrics = told(world)
        assert metrics['tidings_events_total{verdict="accepted"}'] == 3
        assert metrics['tidings_events_total{verdict="duplicate"}'] == 5
        [(rows,)] = world.store.half.connection.execute("SELECT count(*) FROM event").fetchall()
        assert rows == 3

    in_world(scenario)


def test_attempts_are_counted_one_by_one_and_their_time_in_seconds() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("well", "groupCreated")
        await world.webhook("refuses", "groupCreated", status=400)
        for _ in range(5):
            await world.event()
        await asyncio.sleep(5)
        metrics = told(world)
        tries = world.receivers.tries
        assert metrics['tidings_attempts_total{ending="2xx"}'] == tries["/well"] == 5
        assert metrics['tidings_attempts_total{ending="4xx"}'] == tries["/refuses"] == 5
        # Each has taken 10 ms.
        assert abs(metrics["tidings_attempt_seconds_total"] - 0.01 * tries.total()) < 1e-9
        assert metrics["tidings_in_flight"] == 0

    in_world(scenario)


def test_names_of_metrics_are_of_base_units() -> None:
    """Prometheus: seconds and bytes, never a multiple of them."""

    async def scenario(world: NoticeWorld) -> None:
        for name in told(world):
            assert not re.search(r"_(ms|milliseconds|us|microseconds|minutes|kb|mb)(_|$|\{)", name)

    in_world(scenario)
