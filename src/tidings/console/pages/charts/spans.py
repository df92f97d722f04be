"""The times that charts can be of, and the one that fits what there is where none was asked for."""

from collections.abc import Iterable, Sequence
from itertools import chain

from tidings.console.words import DAY_MS, HOUR_MS, MINUTE_MS
from tidings.store import port

# The spans that may be asked for, those of the original among them: their length, how many
# points, and how it is said.
SPANS = {
    "1h": (HOUR_MS, 12, "hour"),
    "6h": (6 * HOUR_MS, 36, "6 hours"),
    "24h": (DAY_MS, 24, "24 hours"),
    "3d": (3 * DAY_MS, 36, "3 days"),
    "7d": (7 * DAY_MS, 28, "7 days"),
    "15d": (15 * DAY_MS, 60, "15 days"),
    "30d": (30 * DAY_MS, 60, "30 days"),
}
SPAN = "24h"  # the longest that is chosen by itself
STEP_MS = 5 * MINUTE_MS  # the shortest step of a series
LOOKED_AT = DAY_MS // STEP_MS  # points of the time in which the first of all is looked for


def shortest(first_ms: int | None, now_ms: int) -> str:
    """Choose the shortest span that holds all since `first_ms`, so that the first hour of an org is
    no bar at the edge of an empty day; the usual one where there is nothing, or more."""
    if first_ms is None:
        return SPAN
    for name, (length_ms, _, _) in SPANS.items():
        # The start of a series is moved outwards to a whole step.
        if name == SPAN or first_ms >= (now_ms - length_ms) // STEP_MS * STEP_MS:
            return name
    return SPAN


def first_moment(series: Sequence[port.Series], events: Sequence[port.EventSeries]) -> int | None:
    """Find the start of the first step that anything fell into."""
    delivered = (
        point.start_ms
        for one_series in series
        for point in one_series.points
        if any(point.by_state.values())
    )
    return min(chain(delivered, *map(_event_moments, events)), default=None)


def _event_moments(series: port.EventSeries) -> Iterable[int]:
    return (
        series.start_ms + at * series.step_ms for at, count in enumerate(series.counts) if count
    )
