"""The ticks of charts are round, few, and hold all there is."""

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.console.pages.charts import axes

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ZONES = ("UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
MORNING_MS = int(datetime(2026, 2, 11, 9, 20, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (7, [0, 2, 4, 6, 8]),
        (47, [0, 10, 20, 30, 40, 50]),
        (100, [0, 20, 40, 60, 80, 100]),
        (212, [0, 50, 100, 150, 200, 250]),
        (1_000_000, [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]),
    ],
)
def test_what_is_counted_has_whole_round_ticks(highest: float, ticks: list[float]) -> None:
    assert axes.value_ticks(highest, whole=True) == ticks


def test_what_is_measured_has_parts_of_one_too() -> None:
    assert axes.value_ticks(0.9) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]


@given(st.floats(min_value=0, max_value=1e12), st.booleans())
@example(0.3, False)
@example(5e-324, False)
def test_values_have_few_even_ticks_of_1_2_or_5_that_hold_the_highest(
    highest: float, whole: bool
) -> None:
    ticks = axes.value_ticks(highest, whole=whole)
    assert ticks[0] == 0 and ticks[-1] >= highest * (1 - 1e-6) - 1e-8
    assert 2 <= len(ticks) <= axes.VALUE_STEPS_MAX + 1
    step = ticks[1]
    if step > 1e-6:
        assert len(ticks) == 2 or ticks[-2] < highest, "none too many"
        first_digit = round(step / 10 ** math.floor(math.log10(step * 1.000001)), 6)
        assert first_digit in (1, 2, 5), step
    if whole:
        assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("highest_ms", "ticks_ms"),
    [
        (40, [0, 10, 20, 30, 40]),
        (2600, [0, 1000, 2000, 3000]),
        (150_000, [0, 60_000, 120_000, 180_000]),
        (3 * HOUR_MS, [0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]),
    ],
)
def test_durations_are_round_in_their_own_unit(highest_ms: float, ticks_ms: list[float]) -> None:
    assert axes.duration_ticks(highest_ms) == ticks_ms


@pytest.mark.parametrize(
    ("length_ms", "labels"),
    [
        (HOUR_MS, ["09:30", "09:45", "10:00", "10:15"]),
        (6 * HOUR_MS, ["10:00", "12:00", "14:00"]),
        (DAY_MS, ["12:00", "18:00", "12 Feb", "06:00"]),
        (3 * DAY_MS, ["12 Feb", "13 Feb", "14 Feb"]),
        (30 * DAY_MS, ["16 Feb", "23 Feb", "2 Mar", "9 Mar"]),
    ],
)
def test_times_are_told_at_round_moments(length_ms: int, labels: list[str]) -> None:
    ticks = axes.time_ticks(MORNING_MS, MORNING_MS + length_ms, UTC)
    assert [tick.label for tick in ticks] == labels


def test_hours_are_round_on_the_clocks_of_the_zone() -> None:
    ticks = axes.time_ticks(MORNING_MS, MORNING_MS + DAY_MS, ZoneInfo("Asia/Kolkata"))
    assert [tick.label for tick in ticks] == ["18:00", "12 Feb", "06:00", "12:00"]
    assert ticks[0].at_ms == MORNING_MS - 20 * 60_000 + 3 * HOUR_MS + 30 * 60_000


@given(
    start_ms=st.integers(0, 2_000_000_000_000),
    length_ms=st.integers(HOUR_MS // 2, 60 * DAY_MS),
    name=st.sampled_from(ZONES),
)
@example(int(datetime(2026, 3, 8, 0, tzinfo=UTC).timestamp() * 1000), DAY_MS, "America/New_York")
@example(int(datetime(2026, 11, 1, 0, tzinfo=UTC).timestamp() * 1000), DAY_MS, "America/New_York")
def test_times_have_few_ticks_in_order_within_the_time_each_round(
    start_ms: int, length_ms: int, name: str
) -> None:
    zone, end_ms = ZoneInfo(name), start_ms + length_ms
    ticks = axes.time_ticks(start_ms, end_ms, zone)
    places = [tick.at_ms for tick in ticks]
    assert 1 <= len(ticks) <= axes.TIME_TICKS_MAX + 1, "one more where a clock goes back"
    assert places == sorted(set(places))
    assert start_ms <= places[0] and places[-1] <= end_ms
    for tick in ticks:
        told = datetime.fromtimestamp(tick.at_ms / 1000, zone)
        assert told.minute % 5 == told.second == told.microsecond == 0
        midnight = not told.hour and not told.minute
        assert tick.label == (axes.day_label(told) if midnight else f"{told:%H:%M}")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_a_bar_keeps_its_proportions_and_shows_the_least_part(values: list[int]) -> None:
    top = axes.value_ticks(sum(values), whole=True)[-1]
    heights = axes.stacked_heights(values, top, 136)
    assert sum(heights) <= 136 + axes.VISIBLE * len(values)
    for value, tall in zip(values, heights, strict=True):
        assert (tall == 0) == (value == 0)
        assert tall in (0, axes.VISIBLE) or tall == pytest.approx(136 * value / top)


@pytest.mark.parametrize(
    ("start", "step_ms", "label"),
    [
        (datetime(2026, 2, 11, 10, 5), 300_000, "11 Feb 10:05–10:10"),
        (datetime(2026, 2, 11, 23), HOUR_MS, "11 Feb 23:00–00:00"),
        (datetime(2026, 2, 11, 18), 12 * HOUR_MS, "11 Feb 18:00–12 Feb 06:00"),
        (datetime(2026, 2, 11), DAY_MS, "11 Feb"),
        (datetime(2026, 2, 11), 2 * DAY_MS, "11 Feb–12 Feb"),
    ],
)
def test_a_step_says_from_when_to_when_it_is(start: datetime, step_ms: int, label: str) -> None:
    start_ms = int(start.replace(tzinfo=UTC).timestamp() * 1000)
    assert axes.step_label(start_ms, step_ms, UTC) == label


@given(st.lists(st.floats(16, 152), min_size=1, max_size=6))
@example([16.0, 16.0])
@example([152.0, 151.0, 152.0])
def test_labels_stand_apart_in_their_order_and_within_the_chart(places: list[float]) -> None:
    moved = axes.label_places(places, 14, 16, 152)
    assert all(16 <= place <= 152 for place in moved)
    lines = sorted(moved)
    assert all(low - high >= 14 - 1e-9 for high, low in zip(lines, lines[1:], strict=False)) or (
        len(places) == 1
    )
    order = sorted(range(len(places)), key=places.__getitem__)
    assert [moved[at] for at in order] == lines


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert axes.label_places([100.0, 40.0], 14, 16, 152) == [100.0, 40.0]
