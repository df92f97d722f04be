"""A time as a page, an answer or a command shows it finds its event in a list that is asked so."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.cli.options.values import moment_of
from tidings.cli.output import moment as cell
from tidings.console.pages.events.log_filters import as_shown
from tidings.console.words import moment
from tidings.core.times import iso, local_iso
from tidings.errors import Invalid
from tidings.reads.filters import AUDIT, DELIVERIES, EVENTS, SERIES
from tidings.reads.questions import AHEAD_MS, read_question

NOW_MS = 1_798_761_600_000  # the first of 2027
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
         "Pacific/Kiritimati", "America/St_Johns", "Africa/Casablanca"]  # fmt: skip
FORMATS: dict[str, Callable[[int, ZoneInfo], str | None]] = {
    "hover": lambda ms, _: iso(ms),
    "script": lambda ms, zone: f"{datetime.fromtimestamp(ms / 1000, zone):%Y-%m-%d %H:%M:%S}",
    "no script": lambda ms, _: as_shown(moment(ms).partition(">")[2].partition("<")[0]),
    "message": local_iso,
    "number": lambda ms, _: str(ms),
}
BACK_MS = 1_792_893_600_000  # 2026-10-25T02:00 in Berlin for the second time


@pytest.mark.parametrize("form", FORMATS)
@given(zone=st.sampled_from(ZONES), at_ms=st.integers(1_600_000_000_000, NOW_MS - 2000))
@example(zone="Europe/Berlin", at_ms=BACK_MS - 1)
@example(zone="Europe/Berlin", at_ms=BACK_MS - 1_800_000)
@example(zone="Europe/Berlin", at_ms=BACK_MS + 1_800_000)
@example(zone="Europe/Berlin", at_ms=BACK_MS + 3_599_999)
@example(zone="America/New_York", at_ms=1_772_953_200_000 - 1)  # clocks go forward
@example(zone="Australia/Lord_Howe", at_ms=1_775_314_800_000 - 1)  # by half an hour
def test_a_shown_time_is_read_as_one_at_which_its_event_is_found(
    form: str, zone: str, at_ms: int
) -> None:
    there = ZoneInfo(zone)
    begins, ends = (str(FORMATS[form](ms, there)) for ms in (at_ms, at_ms + 1000))
    asked = read_question({"from": begins, "to": ends}, EVENTS, there, NOW_MS)
    assert asked.from_ms is not None and asked.to_ms is not None
    assert asked.from_ms <= at_ms < asked.to_ms


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("at_ms", [BACK_MS - 1_800_000, BACK_MS + 1_800_000, BACK_MS + 86_400_000])
def test_a_time_of_a_command_finds_its_event(
    zone: str, at_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        begins, ends = (str(cell(iso(ms))) for ms in (at_ms, at_ms + 1000))
        read = [moment_of("--since", begins), moment_of("--until", ends, ends=True)]
    finally:
        monkeypatch.undo()
        time.tzset()
    found = [datetime.fromisoformat(str(text)).timestamp() * 1000 for text in read]
    assert found[0] <= at_ms < found[1]


def test_a_time_of_today_is_read_without_its_date() -> None:
    now = datetime(2026, 2, 11, 23, tzinfo=UTC)
    today = now.astimezone().date()
    read = datetime.fromisoformat(str(moment_of("--since", "09:15:07", now))).astimezone()
    assert (read.date(), f"{read:%H:%M:%S}") == (today, "09:15:07")


@pytest.mark.parametrize(
    ("known", "begins", "ends"),
    [(EVENTS, "from", "to"), (DELIVERIES, "from", "to"), (SERIES, "from", "to"),
     (AUDIT, "since", "until")],
)  # fmt: skip
def test_a_range_in_which_nothing_can_lie_is_refused_by_its_own_names(
    known: tuple[object, ...], begins: str, ends: str
) -> None:
    for query, reason in (
        (
            {begins: "2026-02-11T09:00Z", ends: "2026-02-11T09:00Z"},
            f"{begins} must be before {ends}",
        ),
        ({begins: "2026-02-11T09:00Z", ends: "1"}, f"{begins} must be before {ends}"),
        ({begins: str(NOW_MS + AHEAD_MS + 1)}, f"{begins} must not lie ahead"),
    ):
        with pytest.raises(Invalid) as refused:
            read_question(query, known, UTC, NOW_MS)  # type: ignore[arg-type]
        [refusal] = refused.value.refusals
        assert (refusal.code, refusal.field) == ("bad_range", begins)
        assert refusal.message.startswith(reason), query
    for query in ({begins: str(NOW_MS + AHEAD_MS)}, {ends: str(NOW_MS * 2)}, {}):
        read_question(query, known, UTC, NOW_MS)  # type: ignore[arg-type]
