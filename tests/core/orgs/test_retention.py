"""Who keeps what for how long, by which clock it is dropped, and what that costs the writer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.ids import OrgId
from tidings.core.orgs.retention import (
    DAY_MS,
    ROWS_MAX,
    ROWS_MIN,
    SHARE,
    RetentionDays,
    RetentionGroup,
    RetentionPace,
    RowKind,
    before_ms,
    careful_now,
    groups,
    to_give_back,
)

NOW = 1_800_000_000_000
RETENTIONS = st.dictionaries(
    st.integers(1, 9),
    st.builds(
        RetentionDays,
        payload_days=st.sampled_from((9, 30, 60)),
        response_days=st.sampled_from((1, 7)),
        metadata_days=st.sampled_from((60, 90, 365)),
    ),
)


def days_of(found: list[RetentionGroup], kind: RowKind, org: int) -> list[int]:
    """The days of all groups of a kind that an org is in."""
    return [
        group.days for group in found if group.kind is kind and (org in group.orgs) != group.others
    ]


def test_retention_is_on_by_default_for_everybody() -> None:
    assert groups({}) == [
        RetentionGroup(RowKind.REJECTION, 7, (), True),
        RetentionGroup(RowKind.RESPONSE, 7, (), True),
        RetentionGroup(RowKind.PAYLOAD, 30, (), True),
        RetentionGroup(RowKind.METADATA, 90, (), True),
    ]


@given(retentions=RETENTIONS, org=st.integers(1, 10))
def test_each_org_is_in_one_group_of_each_kind_with_its_own_days(
    retentions: dict[OrgId, RetentionDays], org: OrgId
) -> None:
    found, own = groups(retentions), retentions.get(org, RetentionDays())
    assert days_of(found, RowKind.PAYLOAD, org) == [own.payload_days]
    assert days_of(found, RowKind.RESPONSE, org) == [own.response_days]
    assert days_of(found, RowKind.METADATA, org) == [own.metadata_days]
    assert days_of(found, RowKind.REJECTION, org) == [7]
    assert len({(group.kind, group.days) for group in found}) == len(found)


@given(retentions=RETENTIONS, org=st.integers(10, 20))
def test_an_org_on_the_defaults_changes_no_group(
    retentions: dict[OrgId, RetentionDays], org: OrgId
) -> None:
    assert groups(retentions | {org: RetentionDays()}) == groups(retentions)


def test_what_is_older_than_its_days_is_dropped() -> None:
    assert before_ms(RetentionGroup(RowKind.PAYLOAD, 30, (), True), NOW) == NOW - 30 * DAY_MS


@given(last=st.integers(1, NOW), now=st.integers(0, 2 * NOW), hours=st.floats(0, 1e5))
def test_time_to_drop_by_never_runs_ahead(last: int, now: int, hours: float) -> None:
    by = careful_now(last, now, hours * 3600)
    assert by <= now
    assert by - last <= DAY_MS * hours + 1
    if now <= last:
        assert by == now


def test_a_clock_that_jumps_a_year_ahead_costs_a_day_of_old_data_an_hour() -> None:
    jumped = NOW + 365 * DAY_MS
    assert careful_now(NOW, jumped, 600.0) == NOW + DAY_MS // 6
    assert careful_now(NOW, jumped, 0.0) == NOW
    assert careful_now(NOW, NOW + 600_000, 600.0) == NOW + 600_000
    assert careful_now(0, NOW, 0.0) == NOW


def test_after_a_standstill_of_a_month_it_has_caught_up_in_a_day_and_a_half() -> None:
    by, clock = NOW, NOW + 30 * DAY_MS
    hours = 0
    while by < clock and hours < 100:
        hours += 1
        clock += 3_600_000
        by = careful_now(by, clock, 3600.0)
    assert 30 < hours < 36


@given(took=st.lists(st.floats(0, 500), max_size=60))
def test_a_slice_stays_within_its_bounds_and_grows_by_half_at_most(took: list[float]) -> None:
    pace = RetentionPace()
    for ms in took:
        before = pace.rows
        pace.slice_took(ms)
        assert ROWS_MIN <= pace.rows <= ROWS_MAX
        assert pace.rows <= max(ROWS_MIN, before * 3 // 2)
        assert pace.wait_s >= ms / 1000 * (1 / SHARE - 1) - 1e-9


def test_a_store_may_allow_longer_slices() -> None:
    pace = RetentionPace()
    pace.allow(4_000)
    for _ in range(20):
        pace.slice_took(1.0)
    assert pace.rows == 4_000
    pace.allow(ROWS_MAX)
    pace.slice_took(1.0)
    assert pace.rows == ROWS_MAX


def test_slices_that_are_long_of_round_trips_keep_the_rows_that_a_store_asks_for() -> None:
    pace = RetentionPace()
    pace.allow(4_000, 400)
    for _ in range(20):
        pace.slice_took(13.0)  # however few
    assert pace.rows == 400


def test_slices_come_to_five_milliseconds() -> None:
    pace = RetentionPace()
    for _ in range(20):
        pace.slice_took(pace.rows * 0.05)  # 50 µs a row
    assert pace.rows == 100
    pace.slice_took(50.0)
    assert pace.rows == ROWS_MIN


@pytest.mark.parametrize("ms", [1.0, 5.0, 80.0])
def test_slices_leave_the_writer_four_fifths_of_its_time(ms: float) -> None:
    pace = RetentionPace()
    pace.slice_took(ms)
    assert ms / 1000 / (ms / 1000 + pace.wait_s) == pytest.approx(SHARE)


def test_space_is_given_back_only_where_most_of_much_is_free() -> None:
    assert not to_give_back(1_000, 1_500, 4096)  # a small file
    assert not to_give_back(40_000, 90_000, 4096)  # under half
    assert not to_give_back(45_000, 90_000, 4096)  # half
    assert to_give_back(50_000, 90_000, 4096)
