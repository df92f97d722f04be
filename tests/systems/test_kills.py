"""SIGKILL under load, 20 times in a row on one data directory, with books on both sides."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ..e2e.harness.pump import Pump, all_arrive
from ..e2e.harness.receiver import Arrival, Receiver
from ..e2e.harness.service import ORG, ServiceProcess
from ..e2e.harness.store.books import lost_attempts, operational_events, sound, unsettled

pytestmark = pytest.mark.systems

ROUNDS = 20


@dataclass
class Hook:
    """One webhook and what is known of it."""

    name: str
    path: str
    id: str
    before: Counter[str] = field(default_factory=Counter)  # deliveries answered 200, by event

    def tried(self, receiver: Receiver) -> set[str]:
        """Return the events of all that has come."""
        return {arrival.event_id for arrival in receiver.arrivals(self.path)}

    def answered(self, receiver: Receiver) -> list[Arrival]:
        return [arrival for arrival in receiver.arrivals(self.path) if arrival.answer == 200]


@dataclass
class Round:
    """A line of the table."""

    number: int
    acknowledged: int
    unanswered: int
    begun: int  # attempts begun and not settled at the kill
    lost: int  # attempts that the store calls lost
    repeats: int
    ready_s: float


def table(rounds: list[Round]) -> str:
    """For people."""
    lines = ["round  acknowledged  unanswered  begun-unsettled  called-lost  repeats  ready after"]
    for element in rounds:
        lines.append(
            f"{element.number:5} {element.acknowledged:13} {element.unanswered:11} "
            f"{element.begun:16}"
            f" {element.lost:12} {element.repeats:8} {element.ready_s:10.2f} s"
        )
    total = [sum(getattr(r, name) for r in rounds) for name in ("acknowledged", "begun", "repeats")]
    lines.append(f"total: {total[0]} acknowledged, {total[1]} begun, {total[2]} repeats, 0 lost")
    return "\n".join(lines)


@pytest.mark.timeout(400)
def test_killed_twenty_times_under_load_nothing_accepted_is_lost(
    own_service: Callable[..., ServiceProcess],
    receiver: Receiver,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = own_service().start()
    hooks = []
    # Every second request fails: many retries, and no case for the breaker.
    half = {"first": [{"status": 500}, {"status": 200}] * 5_000}
    for name, plan in (("steady", {}), ("failing by half", half)):
        path = receiver.path(**plan)
        with service.api() as api:
            made: dict[str, Any] = api.webhook(
                receiver.url(path), name=name, maxAllowedConnections=16
            )
        hooks.append(Hook(name, path, made["webHookId"]))
    acknowledged: set[str] = set()
    rounds = []
    for number in range(1, ROUNDS + 1):
        pump = Pump(service.api, ORG)
        pump.wait(120 + 37 * (number % 7))
        service.kill_all()
        fresh = pump.stop()
        receiver.read_out()
        assert set(pump.refused.values()) <= {503}
        acknowledged |= fresh
        left = {h.name: unsettled(service.data, h.id) & h.tried(receiver) for h in hooks}
        known = {hook.name: lost_attempts(service.data, hook.id) for hook in hooks}
        launched = time.monotonic()
        service.start()
        ready_s = time.monotonic() - launched
        for hook in hooks:
            all_arrive(receiver, hook.path, acknowledged)
        with service.api() as api:
            counts = api.drained()
        accepted = counts["events"] - operational_events(service.data)
        assert counts["orphans"] == 0 and counts["delivered"] == 2 * accepted
        assert accepted >= len(acknowledged)
        begun = lost = repeats = 0
        for hook in hooks:
            answered = hook.answered(receiver)
            open_at_kill = left[hook.name]
            now = Counter(arrival.event_id for arrival in answered)
            again = {
                event_id: count - max(1, hook.before[event_id])
                for event_id, count in now.items()
                if count > max(1, hook.before[event_id])
            }
            called = lost_attempts(service.data, hook.id)
            fresh_lost = {key: called[key] - known[hook.name].get(key, 0) for key in called}
            # The bound: what is sent again was begun and not settled, and is told as lost.
            assert again.keys() <= open_at_kill
            assert all(count <= fresh_lost.get(event_id, 0) for event_id, count in again.items())
            messages: dict[str, str] = {}
            for arrival in answered:
                same = messages.setdefault(arrival.event_id, arrival.message)
                assert same == arrival.message
            hook.before = now
            begun += len(open_at_kill)
            lost += sum(fresh_lost.values())
            repeats += sum(again.values())
        unanswered = len(pump.unanswered)
        rounds.append(Round(number, len(fresh), unanswered, begun, lost, repeats, ready_s))
    for hook in hooks:
        arrived = {arrival.event_id for arrival in hook.answered(receiver)}
        assert not acknowledged - arrived
    assert service.stop() == 0 and sound(service.data)
    with capsys.disabled():
        print(f"\n{table(rounds)}")
