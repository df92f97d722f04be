"""What a tally adds up, to the moment: what is late, what is open, what is counted already."""

import pytest

from tidings.core.delivery.states import FINAL, UNFINISHED, State
from tidings.store.sql.events.summaries import DELIVERED
from tidings.store.sql.events.sums import Cut, Sum

SLA_S, NOW_MS = 60, 1_000_000
LIMIT_MS = NOW_MS - SLA_S * 1000  # what was accepted then is in its last moment


@pytest.mark.parametrize(
    ("low", "high", "late", "is_cut"),
    [
        (LIMIT_MS - 9, LIMIT_MS - 1, 3, False),  # all are late
        (LIMIT_MS - 1, LIMIT_MS, 0, True),  # its rows will say
        (LIMIT_MS, LIMIT_MS + 9, 0, False),  # none is
    ],
)
def test_a_slice_of_what_is_open_is_late_by_its_first_and_last_moment(
    low: int, high: int, late: int, is_cut: bool
) -> None:
    found = Sum(SLA_S, NOW_MS)
    cuts = found.add_open(7, 2, low, high, 3)
    assert found.breaches == late
    assert list(cuts) == ([Cut(2, 7, low, high + 1, counted=True)] if is_cut else [])
    assert list(Sum(SLA_S, NOW_MS).add_open(7, 2, low, high, 0)) == []


@pytest.mark.parametrize(("at_ms", "late"), [(LIMIT_MS, 0), (LIMIT_MS - 1, 1)])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("state", sorted(UNFINISHED), ids=lambda state: state.name)
def test_a_row_that_is_open_is_late_after_its_last_moment(
    state: State, at_ms: int, late: int, counted: bool
) -> None:
    found = Sum(SLA_S, NOW_MS)
    found.add_rows([(state, at_ms, None, None, 0, None, 0)], counted=counted)
    assert found.breaches == late
    assert found.counts[state] == (not counted)


@pytest.mark.parametrize("state", sorted(FINAL), ids=lambda state: state.name)
def test_a_row_that_has_ended_is_late_by_its_end_and_is_counted_once(state: State) -> None:
    done_ms = LIMIT_MS + SLA_S * 1000
    found = Sum(SLA_S, NOW_MS)
    rows = [
        (state, LIMIT_MS, done_ms, 200, 1, None, 0),
        (state, LIMIT_MS, done_ms + 1, 200, 2, "503", 1),
    ]
    found.add_rows(rows, counted=False)
    assert (found.breaches, found.counts[state], found.attempts) == (1, 2, 3)
    assert found.ms_sum == (2 * SLA_S * 1000 + 1 if state == DELIVERED else 0)
    assert found.answers == {200: 2, 503: 1}
    assert (found.arrived_again, found.failed_again) == (
        (1, 0)
        if state == DELIVERED
        else (0, 1)
        if state in (State.FAILED, State.PARKED)
        else (0, 0)
    )
    found.add_rows(rows, counted=True)
    assert (found.breaches, found.counts[state], found.attempts) == (1, 2, 3)
