"""Matches are known in bounds, and nothing is quiet for longer than this process has watched."""

import time

from tests.engine.events.webhooks import hook
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.events.match_tracker import SPARE, MatchTracker
from tidings.store.port import NewDelivery


def delivery(number: int) -> NewDelivery:
    return NewDelivery(number, 1, None)


def test_quiet_is_counted_from_the_last_match_and_at_the_earliest_from_the_start() -> None:
    now = [1_000.0]
    tracker = MatchTracker(Registry(), lambda: now[0])
    now[0] += 60
    assert tracker.quiet_s(1) == 60
    tracker.matched([delivery(1)])
    now[0] += 5
    assert (tracker.quiet_s(1), tracker.quiet_s(2)) == (5, 65)


def test_misses_end_with_a_match_and_with_a_new_version() -> None:
    tracker = MatchTracker(Registry(), lambda: 0.0)
    old = hook(1)
    for _ in range(3):
        tracker.missed(old)
    assert tracker.misses(old) == 3
    assert tracker.misses(hook(2)) == 0
    tracker.matched([delivery(1)])
    assert tracker.misses(old) == 0


def test_deleted_webhooks_are_forgotten_beyond_a_bound() -> None:
    registry = Registry()
    registry.put(hook(1))
    tracker = MatchTracker(registry, lambda: 0.0)
    tracker.missed(hook(1))
    for number in range(2, 3 * SPARE):
        tracker.missed(hook(number))
        assert len(tracker._misses) <= SPARE + 2
    for number in range(2, 3 * SPARE):
        tracker.matched([delivery(number)])
        assert len(tracker._matched_s) <= SPARE + 2
    assert tracker.misses(hook(1)) == 1


def test_a_match_costs_less_than_two_microseconds_of_processor() -> None:
    tracker = MatchTracker(Registry(), time.monotonic)
    deliveries = [delivery(number) for number in range(3)]
    best = min(_cost(tracker, deliveries) for _ in range(10))
    assert best < 2e-6, best


def _cost(tracker: MatchTracker, deliveries: list[NewDelivery]) -> float:
    began_s = time.process_time()
    for _ in range(10_000):
        tracker.matched(deliveries)
    return (time.process_time() - began_s) / 10_000
