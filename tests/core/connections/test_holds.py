"""When a connection is held, probed, released, and who is told: by time alone."""

from itertools import pairwise

import pytest

from tidings.core.connections.holds import (
    APART_S,
    ORGS_AT_ONCE,
    ORGS_NOTIFIED_AFTER_S,
    PROBE_LEAST_S,
    PROBE_MOST_S,
    REMEMBERED_MAX,
    ConnectionHolds,
    ProbeOutcome,
)

WHY = "The database must let us in; it does not."
MAIN, OTHER = "main", "other"


def held(connection: str = MAIN, now_s: float = 0.0) -> ConnectionHolds:
    holds = ConnectionHolds()
    holds.suspect(connection, 1, now_s, 1_000)
    assert holds.take_due(now_s) == [connection]
    assert holds.probe_ended(connection, now_s, WHY) is ProbeOutcome.HELD
    return holds


def test_nothing_is_held_that_nobody_suspects() -> None:
    holds = ConnectionHolds()
    assert not holds and holds.held() == [] and holds.take_due(0.0) == []
    assert holds.wait_s(0.0) is None and not holds.bars(MAIN, 1)


def test_a_suspicion_bars_who_has_it_and_nobody_else_until_a_probe_decides() -> None:
    holds = ConnectionHolds()
    assert not holds.suspect(MAIN, 1, 0.0, 1_000)
    assert holds.bars(MAIN, 1) and not holds.bars(MAIN, 2) and not holds.bars(OTHER, 1)
    assert holds.hold_of(MAIN) is None and holds.held() == []
    holds.take_due(0.0)
    assert holds.probe_ended(MAIN, 0.1, "") is ProbeOutcome.CLEARED
    assert not holds.bars(MAIN, 1) and not holds


def test_a_probe_that_is_not_let_in_holds_all_that_go_over_the_connection() -> None:
    holds = held()
    assert holds.bars(MAIN, 1) and holds.bars(MAIN, 2) and not holds.bars(OTHER, 1)
    assert holds.suspect(MAIN, 2, 1.0, 2_000)  # known already
    [hold] = holds.held()
    assert (hold.connection, hold.reason, hold.since_ms) == (MAIN, WHY, 1_000)


def test_the_first_success_releases_it() -> None:
    holds = held()
    now_s = PROBE_LEAST_S
    assert holds.take_due(now_s) == [MAIN]
    assert holds.probe_ended(MAIN, now_s, "") is ProbeOutcome.RELEASED
    assert not holds.bars(MAIN, 1) and holds.held() == [] and holds.wait_s(now_s) is None


def test_a_held_connection_is_probed_every_5_to_30_seconds_and_never_twice_at_once() -> None:
    holds, now_s, pauses = held(), 0.0, []
    for _ in range(40):
        assert holds.take_due(now_s) == []  # not before its time
        pause_s = holds.wait_s(now_s)
        assert pause_s is not None
        pauses.append(pause_s)
        now_s += pause_s
        assert holds.take_due(now_s) == [MAIN]
        assert holds.take_due(now_s + 1e6) == []  # one is under way
        assert holds.probe_ended(MAIN, now_s, WHY) is ProbeOutcome.STILL_HELD
    assert pauses[0] == PROBE_LEAST_S and max(pauses) == PROBE_MOST_S
    assert pauses == sorted(pauses)


def test_who_has_mended_it_has_it_probed_at_once() -> None:
    holds = held()
    holds.hasten(MAIN, 2.0)
    holds.hasten(OTHER, 2.0)  # of which nothing is known
    assert holds.take_due(2.0) == [MAIN]
    holds.probe_ended(MAIN, 2.0, WHY)
    holds.hasten(MAIN, 2.1)  # again and again
    assert holds.take_due(2.1) == [] and holds.wait_s(2.1) == pytest.approx(APART_S - 0.1)


@pytest.mark.parametrize("suspicions", [1, 500])
def test_however_often_it_is_suspected_it_is_probed_once_a_second_at_most(suspicions: int) -> None:
    holds, now_s, probed = ConnectionHolds(), 0.0, []
    while now_s < 10.0:
        for webhook in range(suspicions):
            holds.suspect(MAIN, webhook, now_s, 0)
        if holds.take_due(now_s):
            probed.append(now_s)
            holds.probe_ended(MAIN, now_s, "")
        now_s += 0.05
    assert 8 <= len(probed) <= 11
    assert all(later - first >= APART_S - 1e-9 for first, later in pairwise(probed))


def test_what_is_remembered_of_probes_is_bounded() -> None:
    holds = ConnectionHolds()
    for number in range(3 * REMEMBERED_MAX):
        now_s = number * 0.01
        holds.suspect(f"c{number}", 1, now_s, 0)
        holds.take_due(now_s)
        holds.probe_ended(f"c{number}", now_s, "")
    assert len(holds._probed_s) <= REMEMBERED_MAX + APART_S / 0.01 and not holds


def test_orgs_are_told_after_a_minute_each_once_and_a_few_at_a_time() -> None:
    holds, orgs = held(), set(range(ORGS_AT_ONCE + 5))
    assert holds.orgs_to_tell(MAIN, orgs, ORGS_NOTIFIED_AFTER_S - 0.1) == []
    assert holds.orgs_to_tell(OTHER, orgs, 1e6) == []
    first = holds.orgs_to_tell(MAIN, orgs, ORGS_NOTIFIED_AFTER_S)
    then = holds.orgs_to_tell(MAIN, orgs, ORGS_NOTIFIED_AFTER_S + 5)
    assert len(first) == ORGS_AT_ONCE and sorted(first + then) == sorted(orgs)
    assert holds.orgs_to_tell(MAIN, orgs, 1e6) == []
    assert holds.orgs_to_tell(MAIN, {7_000}, 1e6) == [7_000]  # that came later


def test_of_one_that_is_only_suspected_nobody_is_told() -> None:
    holds = ConnectionHolds()
    holds.suspect(MAIN, 1, 0.0, 0)
    assert holds.orgs_to_tell(MAIN, {1, 2}, 1e6) == []
