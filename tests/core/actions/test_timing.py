"""Quiet hours: by the clock on the wall, over midnight and over a change of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.actions.action import Quiet
from tidings.core.actions.timing import quiet_until_ms, zone_of
from tidings.core.orgs.org_rules import _NOT_ZONES

NIGHT = Quiet(21 * 60, 8 * 60)
KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")


def ms(text: str, zone: ZoneInfo) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-11-28T20:59", None),
        ("2026-11-28T21:00", "2026-11-29T08:00"),
        ("2026-11-28T23:59", "2026-11-29T08:00"),
        ("2026-11-29T00:00", "2026-11-29T08:00"),
        ("2026-11-29T07:59", "2026-11-29T08:00"),
        ("2026-11-29T08:00", None),
    ],
)
def test_a_night_is_quiet_from_its_first_minute_until_its_end(now: str, ends: str | None) -> None:
    found = quiet_until_ms(NIGHT, KOLKATA, ms(now, KOLKATA))
    assert found == (None if ends is None else ms(ends, KOLKATA))


def test_it_is_the_customers_night_and_not_the_servers() -> None:
    noon = ms("2026-11-28T16:00", ZoneInfo("UTC"))  # 21:30 in Kolkata
    assert quiet_until_ms(NIGHT, ZoneInfo("UTC"), noon) is None
    assert quiet_until_ms(NIGHT, KOLKATA, noon) == ms("2026-11-29T08:00", KOLKATA)


def test_a_part_of_a_day_can_be_quiet() -> None:
    lunch = Quiet(12 * 60, 13 * 60 + 30)
    assert quiet_until_ms(lunch, BERLIN, ms("2026-07-01T12:00", BERLIN)) == ms(
        "2026-07-01T13:30", BERLIN
    )
    assert quiet_until_ms(lunch, BERLIN, ms("2026-07-01T13:30", BERLIN)) is None


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-03-28T21:00", 10), ("2026-10-24T21:00", 12), ("2026-07-01T21:00", 11)],
)
def test_a_night_in_which_the_clock_is_changed_ends_by_the_clock(now: str, hours: int) -> None:
    since = ms(now, BERLIN)
    assert quiet_until_ms(NIGHT, BERLIN, since) == since + hours * 3_600_000


def test_an_end_that_the_clock_leaves_out_or_has_twice_is_passed_by_once() -> None:
    early = Quiet(0, 2 * 60 + 30)
    for day in ("2026-03-29", "2026-10-25"):
        now = ms(f"{day}T01:00", BERLIN)
        ends = quiet_until_ms(early, BERLIN, now)
        assert ends is not None and ends > now
        assert quiet_until_ms(early, BERLIN, ends) is None


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]),
)
def test_it_ends_within_a_day_and_is_over_then(
    at: datetime, start: int, end: int, name: str
) -> None:
    quiet, zone = Quiet(start, end), ZoneInfo(name)
    now_ms = round(at.replace(tzinfo=UTC).timestamp() * 1000)
    ends_ms = quiet_until_ms(quiet, zone, now_ms)
    if ends_ms is not None:
        assert now_ms < ends_ms <= now_ms + timedelta(hours=26) / timedelta(milliseconds=1)
        assert start == end or quiet_until_ms(quiet, zone, ends_ms) is None


@pytest.mark.parametrize(
    "name",
    ["Mars/Olympus", "", "../etc/passwd", "Europe", "x" * 65, None, 5, "a\x00b", "/etc/localtime"]
    + [*sorted(_NOT_ZONES), "right/Asia/Kolkata", "posix/Asia/Kolkata", "tzdata.zi"]
    + ["asia/kolkata", "../zoneinfo/UTC", "\ud800", ["UTC"], {"UTC": 1}],
)
def test_what_is_no_zone_is_none(name: object) -> None:
    assert zone_of(name) is None


def test_a_zone_is_found_by_its_name() -> None:
    assert zone_of("Asia/Kolkata") == KOLKATA
    assert zone_of(" Asia/Kolkata\t") == KOLKATA, "as files have it behind a comma"
