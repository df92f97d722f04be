"""The arithmetic of a chart: round ticks on both axes, and how tall what is drawn stands. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from tidings.console.words import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

VALUE_STEPS_MAX = 5
TIME_TICKS_MAX = 6  # as many as fit beside each other on a telephone
VISIBLE = 2.0  # as tall as anything is drawn that there is at all
_QUARTER_MS = 15 * MINUTE_MS  # the offset of every time zone is a multiple of it
_MINUTES = (5, 10, 15, 30, 60, 120, 180, 360, 720)
_DAYS = (1, 2, 3, 7, 14, 28)


class TimeTick(NamedTuple):
    """A moment that stands under a chart."""

    at_ms: int
    label: str


def value_ticks(highest: float, *, whole: bool = False) -> list[float]:
    """List the ticks from 0 to the first at or above the highest value, in steps of 1, 2 or 5
    times a power of ten. `whole`: of what is counted, where a half means nothing."""
    step = _round_step(highest / VALUE_STEPS_MAX, whole=whole)
    count = max(1, _ceiling(highest / step))
    return [round(step * number, 9) for number in range(count + 1)]


def duration_ticks(highest_ms: float) -> list[float]:
    """List the ticks of durations: round in the unit in which the highest of them is shown."""
    unit_ms = 1
    for larger_ms in (SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS):
        if highest_ms >= larger_ms:
            unit_ms = larger_ms
    whole = unit_ms >= MINUTE_MS  # a tenth of a minute is no round time
    return [tick * unit_ms for tick in value_ticks(highest_ms / unit_ms, whole=whole)]


def _round_step(least: float, *, whole: bool) -> float:
    """Find the smallest step of 1, 2 or 5 times a power of ten that is not below `least`."""
    if least <= 0 or (whole and least <= 1):
        return 1.0
    power = 1.0
    while power > least:
        power /= 10
    while power * 10 <= least:
        power *= 10
    return next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-12))


def _ceiling(ratio: float) -> int:
    """Round up; what is above a whole number by an error of floats alone is that number."""
    return -int(-(ratio - 1e-9) // 1)


def time_ticks(start_ms: int, end_ms: int, zone: tzinfo) -> list[TimeTick]:
    """List round moments of a time as the clocks of a zone show them: whole hours or parts of one,
    midnights of a longer time. At midnight the day is shown."""
    length_ms = end_ms - start_ms
    for minutes in _MINUTES:
        if length_ms <= minutes * MINUTE_MS * (TIME_TICKS_MAX - 1):
            return _ticks_of_day(start_ms, end_ms, minutes, zone)
    days = next((n for n in _DAYS if length_ms <= n * DAY_MS * (TIME_TICKS_MAX - 1)), 0)
    return _midnights(start_ms, end_ms, days or -(-length_ms // (DAY_MS * 5)), zone)


def _ticks_of_day(start_ms: int, end_ms: int, minutes: int, zone: tzinfo) -> list[TimeTick]:
    every_ms = 5 * MINUTE_MS if minutes * MINUTE_MS < _QUARTER_MS else _QUARTER_MS
    ticks: list[TimeTick] = []
    for at_ms in range(-(-start_ms // every_ms) * every_ms, end_ms + 1, every_ms):
        local = _local(at_ms, zone)
        if (local.hour * 60 + local.minute) % minutes == 0:
            midnight = not local.hour and not local.minute
            ticks.append(TimeTick(at_ms, day_label(local) if midnight else f"{local:%H:%M}"))
    return ticks


def _midnights(start_ms: int, end_ms: int, days: int, zone: tzinfo) -> list[TimeTick]:
    """Weeks begin on Mondays, as the first day of all was one."""
    day = _local(start_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    ticks: list[TimeTick] = []
    while (at_ms := _moment_ms(day, zone)) <= end_ms:
        if at_ms >= start_ms and (day.toordinal() - 1) % days == 0:
            ticks.append(TimeTick(at_ms, day_label(day)))
        day += timedelta(days=1)
    return ticks


def day_label(day: datetime) -> str:
    """Render a day as `11 Feb`."""
    return f"{day.day} {day:%b}"


@lru_cache(maxsize=512)  # the charts of a page are of the same steps
def step_label(start_ms: int, step_ms: int, zone: tzinfo) -> str:
    """Render a step of a chart as `11 Feb 10:05–10:10`, `11 Feb–13 Feb` where it is of days."""
    start, end = _local(start_ms, zone), _local(start_ms + step_ms, zone)
    if step_ms >= DAY_MS and not start.hour and not end.hour:
        last = end - timedelta(days=1)
        first = day_label(start)
        return first if last.date() <= start.date() else f"{first}–{day_label(last)}"
    if start.date() == end.date() or (not end.hour and not end.minute and step_ms < DAY_MS):
        return f"{day_label(start)} {start:%H:%M}–{end:%H:%M}"
    return f"{day_label(start)} {start:%H:%M}–{day_label(end)} {end:%H:%M}"


def stacked_heights(values: Sequence[float], top: float, tall: float) -> list[float]:
    """Compute how tall each part of a bar stands, where `top` is as tall as the chart: in
    proportion, but never too low to be seen; nothing is not drawn."""
    return [max(VISIBLE, tall * value / top) if value else 0.0 for value in values]


def label_places(
    places: Sequence[float], least: float, highest: float, lowest: float
) -> list[float]:
    """Move labels apart that would stand on each other: at least `least` between two, in the order
    of their places, and between `highest` and `lowest`, which lies further down."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    bound = highest
    for at in order:
        moved[at] = max(moved[at], bound)
        bound = moved[at] + least
    bound = lowest
    for at in reversed(order):
        moved[at] = min(moved[at], bound)
        bound = moved[at] - least
    return moved


def _local(at_ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)


def _moment_ms(naive: datetime, zone: tzinfo) -> int:
    return round(naive.replace(tzinfo=zone).timestamp() * 1000)
