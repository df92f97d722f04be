"""Times as text: exact in the years 1 to 9999, and shown as something whatever they are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.times import BEGIN_MS, END_MS, iso, local_iso

ZONES = [UTC, *map(ZoneInfo, ("Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago"))]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(BEGIN_MS, END_MS - 1))
def test_a_time_of_nine_thousand_years_is_told_to_the_millisecond(ms: int) -> None:
    told = iso(ms)
    assert told is not None and len(told) == len("2026-02-11T09:15:00.123Z")
    assert datetime.fromisoformat(told) == EPOCH + timedelta(milliseconds=ms)


@given(st.integers(BEGIN_MS + 86_400_000, END_MS - 86_400_001), st.sampled_from(ZONES))
def test_a_time_of_a_zone_is_the_same_moment(ms: int, zone: ZoneInfo) -> None:
    told = datetime.strptime(local_iso(ms, zone), "%Y-%m-%dT%H:%M:%S.%f%z")
    assert told == EPOCH + timedelta(milliseconds=ms)


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (END_MS, "9999-12-31T23:59:59.999Z"),
        (1 << 70, "9999-12-31T23:59:59.999Z"),
        (BEGIN_MS - 1, "0001-01-01T00:00:00.000Z"),
        (-(1 << 70), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_what_no_text_can_say_is_shown_as_the_first_or_last_moment(ms: int, told: str) -> None:
    assert iso(ms) == told
    for zone in ZONES:
        assert local_iso(ms, zone)[:3] == told[:3]


def test_no_time_is_none() -> None:
    assert iso(None) is None
