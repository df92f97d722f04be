"""Incidents open, grow and end by the rules, whatever a review sees in whatever order."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.ids import OrgId
from tidings.core.incidents.incident import Incident, IncidentChange, IncidentKind
from tidings.core.incidents.observation import OLD_MS, Observation
from tidings.core.incidents.rules import (
    acknowledge,
    decide,
    mark_notified,
    number_after,
    unnotified_changes,
)

NOW_MS = 1_000_000_000
WELL = Observation(webhook=4, org=OrgId(7), now_ms=NOW_MS, sends=True)


def seen(**fields: object) -> Observation:
    return msgspec.structs.replace(WELL, **fields)


DEAD = seen(
    state=IncidentKind.FAILING, cause="503", since_ms=5, failures=3, run_since_ms=5, is_proven=False
)
HALF = seen(state=IncidentKind.DEGRADED, cause="500", since_ms=5, is_proven=False)


class Kept:
    """The open incidents of one webhook, reviewed over and over."""

    def __init__(self) -> None:
        self.open: dict[str, Incident] = {}
        self.number = 0

    def review(self, *observations: Observation) -> list[tuple[str, str]]:
        heard = []
        for observation in observations:
            for incident, changes in decide(self.open, observation, self.number + 1):
                self.number = max(self.number, incident.number)
                if incident.is_open:
                    self.open[incident.kind] = incident
                else:
                    del self.open[incident.kind]
                heard += [(incident.kind, change.value) for change in changes]
        return heard


def test_three_failures_in_a_row_open_an_incident_and_one_does_not() -> None:
    kept = Kept()
    assert kept.review(msgspec.structs.replace(DEAD, failures=1)) == []
    assert kept.review(DEAD, DEAD) == [("failing", "opened")]
    assert kept.open["failing"].since_ms == 5


def test_one_that_is_left_alone_is_an_incident_whatever_its_failures() -> None:
    kept = Kept()
    alone = msgspec.structs.replace(DEAD, failures=0, run_since_ms=None, is_left_alone=True)
    assert kept.review(alone) == [("failing", "opened")]


def test_a_success_ends_what_only_fails_and_a_pause_does_not() -> None:
    kept = Kept()
    kept.review(DEAD)
    paused = msgspec.structs.replace(DEAD, sends=False)
    assert kept.review(paused, seen(sends=False), DEAD) == []
    assert kept.open["failing"].number == 1
    assert kept.review(WELL) == [("failing", "ended")]
    assert kept.review(DEAD) == [("failing", "opened")]
    assert kept.open["failing"].number == 2


def test_judged_well_without_a_success_does_not_end_what_only_fails() -> None:
    """An edit closes the breaker, and the share alone says nothing of so few attempts."""
    kept = Kept()
    kept.review(DEAD)
    assert kept.review(seen(failures=3, run_since_ms=5)) == []
    assert kept.review(seen(failures=1, run_since_ms=9)) == [("failing", "ended")]


def test_degraded_stays_open_until_the_share_is_well_and_an_attempt_shows_it() -> None:
    kept = Kept()
    assert kept.review(HALF, DEAD) == [("degraded", "opened"), ("failing", "opened")]
    assert kept.review(HALF) == [("failing", "ended")]
    assert kept.review(seen(is_proven=False)) == []
    assert kept.review(WELL) == [("degraded", "ended")]


def test_it_grows_when_twice_as_many_wait_and_at_each_step_to_being_disabled() -> None:
    kept = Kept()

    def waiting(count: int, step: int = 0) -> list[tuple[str, str]]:
        return kept.review(msgspec.structs.replace(DEAD, waiting=count, step=step))

    assert waiting(60) == [("failing", "opened")]
    assert waiting(99) == []
    assert waiting(119) == []
    grew = [("failing", "grew")]
    assert waiting(120) == grew
    assert waiting(239) == []
    assert waiting(240) == grew
    assert waiting(0, step=1) == []  # the first word to its owner
    assert [waiting(0, step) for step in (50, 50, 70, 90)] == [grew, [], grew, grew]
    assert kept.open["failing"].grew == 5


def test_another_cause_is_a_change_of_the_same_incident() -> None:
    kept = Kept()
    kept.review(DEAD)
    other = msgspec.structs.replace(DEAD, cause="timeout")
    assert kept.review(other, other) == [("failing", "changed cause")]
    known = kept.open["failing"]
    assert (known.cause, known.previous_cause, known.cause_changes) == ("timeout", "503", 1)


def test_an_old_backlog_of_a_well_receiver_is_an_incident_until_it_is_younger() -> None:
    kept = Kept()
    old = seen(oldest_due_ms=NOW_MS - OLD_MS - 1, waiting=5)
    assert kept.review(seen(oldest_due_ms=NOW_MS - OLD_MS, waiting=5)) == []
    failing = msgspec.structs.replace(DEAD, oldest_due_ms=old.oldest_due_ms, waiting=5)
    assert kept.review(failing) == [("failing", "opened")]
    assert kept.review(old) == [("failing", "ended"), ("backlog", "opened")]
    assert kept.review(WELL) == []  # nobody has counted
    assert kept.review(seen(waiting=0)) == [("backlog", "ended")]


def test_what_no_reader_fetches_is_unread_and_no_backlog() -> None:
    kept = Kept()
    old_ms = NOW_MS - OLD_MS - 1
    unread = seen(
        state=IncidentKind.UNREAD,
        since_ms=old_ms,
        oldest_due_ms=old_ms,
        waiting=3,
        has_reader=False,
    )
    assert kept.review(unread) == [("unread", "opened")]
    restarted = seen(has_reader=False, oldest_due_ms=old_ms, waiting=3)
    assert kept.review(restarted, seen(has_reader=False)) == [], "a start has seen nobody fetch"
    assert kept.review(seen()) == [("unread", "ended")]
    assert kept.review(unread, seen(has_reader=False, waiting=0))[1:] == [("unread", "ended")]


def test_listeners_hear_of_each_opening_growth_and_end_once() -> None:
    kept = Kept()
    kept.review(DEAD)
    incident = kept.open["failing"]
    assert unnotified_changes(incident) == [IncidentChange.OPENED]
    told = mark_notified(incident)
    assert unnotified_changes(told) == []
    grown = msgspec.structs.replace(told, grew=1)
    assert unnotified_changes(grown) == [IncidentChange.GREW]
    other = msgspec.structs.replace(grown, cause="500", cause_changes=1)
    assert unnotified_changes(other) == [IncidentChange.GREW, IncidentChange.CHANGED_CAUSE]
    assert unnotified_changes(mark_notified(other)) == []
    ended = msgspec.structs.replace(grown, ended_ms=9)
    assert unnotified_changes(ended) == [IncidentChange.ENDED]
    assert unnotified_changes(mark_notified(ended)) == []
    assert unnotified_changes(msgspec.structs.replace(incident, ended_ms=9)) == []


def test_the_newest_acknowledgement_counts() -> None:
    incident = Incident(1, 2, OrgId(7), "failing")
    twice = acknowledge(acknowledge(incident, 5, "a", "mine"), 6, "b", "ours")
    assert (twice.acknowledged_ms, twice.acknowledged_by, twice.note) == (6, "b", "ours")


_OBSERVATIONS = st.builds(
    Observation,
    webhook=st.just(4),
    org=st.just(OrgId(7)),
    now_ms=st.integers(NOW_MS, NOW_MS + 10 * OLD_MS),
    sends=st.booleans(),
    state=st.none() | st.sampled_from([IncidentKind.FAILING, IncidentKind.DEGRADED]),
    cause=st.sampled_from(["", "503", "timeout"]),
    since_ms=st.none() | st.integers(0, NOW_MS),
    failures=st.integers(0, 5),
    run_since_ms=st.none() | st.integers(0, NOW_MS),
    is_left_alone=st.booleans(),
    is_proven=st.booleans(),
    has_reader=st.booleans(),
    step=st.sampled_from([0, 1, 50, 70, 90]),
    waiting=st.none() | st.integers(0, 1000),
    oldest_due_ms=st.none() | st.integers(0, NOW_MS),
)


@given(st.lists(_OBSERVATIONS, min_size=1, max_size=30))
def test_openings_and_ends_alternate_and_since_is_never_later_than_what_was_seen(
    observations: list[Observation],
) -> None:
    kept, last = Kept(), dict.fromkeys(IncidentKind, IncidentChange.ENDED.value)
    numbers: set[int] = set()
    for observation in observations:
        before = dict(kept.open)
        for kind, change in kept.review(observation):
            if change in (IncidentChange.OPENED, IncidentChange.ENDED):
                assert last[IncidentKind(kind)] != change
                last[IncidentKind(kind)] = IncidentChange(change)
            if change == IncidentChange.OPENED:
                assert kept.open[kind].number not in numbers
                numbers.add(kept.open[kind].number)
        for kind, incident in kept.open.items():  # may be empty: nothing has opened yet
            assert incident.since_ms <= incident.opened_ms
            assert kind not in before or incident.since_ms <= before[kind].since_ms
            if incident.kind == observation.state and observation.since_ms is not None:
                assert incident.since_ms <= observation.since_ms or not observation.sends


@given(st.lists(st.tuples(st.sampled_from([1, 2, 16_383]), st.integers(0, 3)), max_size=300))
def test_no_two_cells_give_one_number_and_those_of_a_cell_rise_at_any_clock(
    given_numbers: list[tuple[int, int]],
) -> None:
    last: dict[int, int] = {}
    known: set[int] = set()
    for cell, now_ms in given_numbers:
        number = number_after(last.get(cell, 0), now_ms, cell)
        assert number > last.get(cell, 0) and number not in known
        known.add(number)
        last[cell] = number


def test_a_later_incident_of_another_cell_has_a_greater_number() -> None:
    assert number_after(0, NOW_MS, 16_383) < number_after(0, NOW_MS + 1, 1)
    century_ms = 100 * 365 * 86_400_000
    assert number_after(0, 2 * century_ms, 16_383) < 1 << 63
