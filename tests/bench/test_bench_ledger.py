"""The books of a run: what closes, and each way in which they do not."""

import array
import math
from collections.abc import Sequence

import pytest

from bench.ledger import (
    Books,
    OwnBooks,
    Received,
    Sent,
    arrivals,
    delays_ms,
    owed,
    percentile,
    spread,
)

A, B, C = b"a", b"b", b"c"
OPEN_SINCE_MS = 1_000_000


def sent(ids: list[bytes], statuses: Sequence[int], orgs: list[int], due: Sequence[int]) -> Sent:
    times = array.array("q", due).tobytes()
    codes = array.array("H", statuses).tobytes()
    return Sent(ids, times, times, times, codes, orgs, 0, 0, 0.0)


def received(*rows: tuple[bytes, bytes, int]) -> Received:
    times = array.array("q", [at for _, _, at in rows]).tobytes()
    return Received([row[0] for row in rows], [row[1] for row in rows], times, 0, 0, 0, 0.0)


def books(
    acknowledged: dict[int, set[bytes]] | None = None,
    arrived: dict[int, set[bytes]] | None = None,
    own: OwnBooks | None = None,
    events: set[bytes] | None = None,
    arrived_requests: int = 2,
    forged: int = 0,
    unreadable: int = 0,
) -> Books:
    """Two events at one webhook, all well, but for what is given."""
    return Books(
        acknowledged={0: {A, B}} if acknowledged is None else acknowledged,
        arrived={0: {A, B}} if arrived is None else arrived,
        own=own or OwnBooks(delivered={0: {A, B}}),
        sent=frozenset({A, B} if events is None else events),
        arrivals=arrived_requests,
        forged=forged,
        unreadable=unreadable,
    )


def test_a_run_in_which_all_arrived_closes() -> None:
    assert books().faults() == []


def test_what_is_pending_or_failed_is_not_lost() -> None:
    own = OwnBooks(delivered={0: {A}}, pending={0: {B}}, failed={0: {C}})
    closed = books({0: {A, B, C}}, {0: {A}}, own, {A, B, C}, arrived_requests=1)
    assert closed.faults() == []


def test_what_arrived_but_is_not_settled_yet_closes() -> None:
    assert books(own=OwnBooks(delivered={0: {A}}, pending={0: {B}})).faults() == []


@pytest.mark.parametrize(
    ("void", "fault"),
    [
        (books(own=OwnBooks(delivered={0: {A}})), "1 acknowledged and lost"),
        (books(arrived={0: {A}}), "1 booked as delivered that never arrived"),
        (books(arrived={0: {A, B, C}}), "1 never sent"),
        (books(arrived={0: {A, B}, 1: {A}}), "1 at the wrong webhook"),
        (books(own=OwnBooks({0: {A, B}}, {0: {A}})), "1 booked twice"),
        (books(forged=3), "3 with a wrong signature"),
        (books(unreadable=2), "2 that the receiver could not read"),
        (books({0: set()}, {}, OwnBooks()), "nothing was acknowledged"),
    ],
)
def test_a_run_is_void(void: Books, fault: str) -> None:
    assert fault in void.faults()


def test_a_duplicate_does_not_stand_in_for_a_loss() -> None:
    """Two requests for two events: only the sets show that one is missing."""
    void = books(arrived={0: {A}}, own=OwnBooks(delivered={0: {A}}), arrived_requests=2)
    assert void.duplicates() == 1
    assert void.faults() == ["1 acknowledged and lost"]


def test_an_event_without_an_answer_may_arrive() -> None:
    """It was sent, and perhaps accepted: not owed, not foreign."""
    own = OwnBooks(delivered={0: {A, B}})
    assert books(acknowledged={0: {A}}, own=own).faults() == []


def test_each_webhook_of_the_organisation_is_owed_each_acknowledged_event() -> None:
    run = sent([A, B, C], [202, 202, 503], [7, 8], [1, 2, 3])
    assert owed([run], {7: [0, 1], 8: [2]}) == {0: {A}, 1: {A}, 2: {B}}


def test_arrivals_are_sets_by_webhook() -> None:
    got = received((A, b"0", 1), (A, b"0", 2), (A, b"5", 3))
    assert arrivals(got) == {0: {A}, 5: {A}}


def test_a_delay_runs_from_the_schedule_to_the_first_arrival() -> None:
    run = sent([A, B], [202, 0], [7], [OPEN_SINCE_MS, OPEN_SINCE_MS])
    got = received((A, b"0", 3_000_000), (A, b"0", 9_000_000), (B, b"0", 5_000_000))
    assert delays_ms(run, got) == [2.0]
    assert delays_ms(run, got, {1}) == []


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([5.0], 99, 5.0),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 101)), 99.9, 100),
        (list(range(1, 101)), 100, 100),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([3.0, 1.0, 2.0], 0, 1.0),
    ],
)
def test_percentiles_are_measured_values(
    values: Sequence[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_the_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 50))


def test_a_spread_is_median_and_range_of_what_was_measured() -> None:
    found = spread([3.0, math.nan, 1.0, 2.0])
    assert (found.median, found.low, found.high, found.runs) == (2.0, 1.0, 3.0, 3)
    assert found.text(1) == "2.0 (1.0–3.0)"
    assert spread([]).text() == "-"
