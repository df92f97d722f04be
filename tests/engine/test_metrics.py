"""The engine's metrics are what has happened, in the unit of their names."""

import asyncio
import re

from prometheus_client import CollectorRegistry, generate_latest

from tests.engine.notice_world import ORG, NoticeWorld, in_world
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import DELIVERED, Retry
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.running.first_labels import FirstLabels
from tidings.engine.events.intake import Draft
from tidings.engine.metrics import EngineMetrics

RETRY = Retry(60.0)


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
        # Each attempt, and each delivery, is in one histogram of its own kind.
        sent = metrics['tidings_send_seconds_count{outcome="delivered",type="HTTP"}']
        refused = metrics['tidings_send_seconds_count{outcome="failed",type="HTTP"}']
        assert (sent, refused) == (5, 5)
        arrived = 'attempt="first",type="HTTP"'
        assert metrics[f"tidings_delivery_seconds_count{{{arrived}}}"] == 5
        assert metrics['tidings_lane_wait_seconds_count{type="HTTP"}'] == 10
        assert metrics[f"tidings_delivery_seconds_sum{{{arrived}}}"] >= 5 * 0.01
        assert metrics["tidings_commit_seconds_count"] > 0

    in_world(scenario)


def test_names_of_metrics_are_of_base_units() -> None:
    """Prometheus: seconds and bytes, never a multiple of them."""

    async def scenario(world: NoticeWorld) -> None:
        for name in told(world):
            assert not re.search(r"_(ms|milliseconds|us|microseconds|minutes|kb|mb)(_|$|\{)", name)

    in_world(scenario)


def test_a_later_attempt_and_a_replay_say_nothing_of_the_first_wait() -> None:
    metrics = EngineMetrics()
    answer = ReceiverAnswer(200, (), b"", False, 40.0)
    for attempt, replay, outcome in (
        (1, None, RETRY),
        (2, None, DELIVERED),
        (1, None, DELIVERED),
        (1, 7, DELIVERED),
    ):
        job = Job(DeliveryId(1), 1, ORG, "e", 1000, attempt, None, False, b"", replay)
        metrics.attempted("KAFKA", job, 3000, answer, outcome)
    registry = CollectorRegistry()
    registry.register(metrics)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"tidings_{name}", {"type": "KAFKA", **labels})

    assert value("lane_wait_seconds_count") == 2
    assert value("lane_wait_seconds_sum") == 4.0
    assert value("send_seconds_count", outcome="delivered") == 3
    assert value("send_seconds_count", outcome="retrying") == 1
    assert value("delivery_seconds_sum", attempt="first") == 2.04
    assert value("delivery_seconds_count", attempt="later") == 1


def test_orgs_have_labels_until_there_are_too_many_and_lose_nothing() -> None:
    metrics = EngineMetrics(FirstLabels(most=2))
    answer = ReceiverAnswer(200, (), b"", False, 40.0)
    for number in (1, 2, 3, 1, 4):
        org = OrgId(number)
        metrics.orgs.accepted(org)
        metrics.orgs.answered(org, 0.01)
        job = Job(DeliveryId(1), 1, org, "e", 1000, 1, None, False, b"")
        metrics.attempted("HTTP", job, 3000, answer, DELIVERED)
    registry = CollectorRegistry()
    registry.register(metrics)
    for org_label, count in (("1", 2), ("2", 1), ("other", 2), ("3", None)):
        labels = {"org": org_label}
        assert registry.get_sample_value("tidings_org_events_total", labels) == count
        for name in ("accept", "delivery"):
            counted = registry.get_sample_value(f"tidings_org_{name}_seconds_count", labels)
            assert counted == count, name
        labels["outcome"] = "delivered"
        assert registry.get_sample_value("tidings_org_attempts_total", labels) == count
