"""Charts as data: what is drawn, and what the table beside each chart reads. Pure."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
from markupsafe import Markup, escape

from tidings.console.words import duration, moment, number
from tidings.core.delivery.states import State
from tidings.core.times import exact
from tidings.reads.webhooks.backlog import attempts_of
from tidings.store.port import REPLAYED, EventSeries, Series

COUNT, MS, PERCENT = "count", "ms", "percent"
_NEXT_CELL = '</td><td class="n">'

# The states of a chart of deliveries, as stacked from below, with the colour of each.
_STACK: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("delivered", "ok", (State.DELIVERED,)),
    ("pending", "faint", (State.PENDING, State.HELD)),
    ("waiting", "waiting", (State.WAITING,)),
    ("retrying", "warn", (State.RETRYING,)),
    ("failed", "bad", (State.FAILED,)),
    ("parked", "parked", (State.PARKED,)),
    ("delivered by a replay since", "accent", (REPLAYED,)),
    ("cancelled", "line", (State.CANCELLED,)),
)


@lru_cache(maxsize=512)  # the charts of a page are of the same steps
def _times(start_ms: int, step_ms: int) -> str:
    return f"from={exact(start_ms)}&to={exact(start_ms + step_ms)}"


class ChartLine(msgspec.Struct, frozen=True):
    """One line of a chart. None where there is nothing to say."""

    name: str
    colour: str  # the name of a colour token
    values: list[float | None]
    overall: str  # what it says of the whole time, under the chart
    states: str = ""  # of the deliveries behind it, as the address of their list says them


class Chart(msgspec.Struct, frozen=True):
    """One chart over time."""

    id: str
    title: str
    unit: str  # COUNT, MS or PERCENT
    stacked: bool  # bars on top of each other, else lines
    step_ms: int
    starts_ms: list[int]
    lines: list[ChartLine]
    list_path: str = ""  # of the list of what is counted, up to its times; empty: nobody may look
    states: str = ""  # of all deliveries behind a step

    def address(self, at: int, states: str) -> str:
        """Write the address of the list of what a step counts, as an attribute holds it."""
        times = _times(self.starts_ms[at], self.step_ms)
        status = f"&status={states}" if states else ""
        return str(escape(f"{self.list_path}{times}{status}"))

    @property
    def rows(self) -> Markup:
        """Its table's rows: when each step begins, and what each line says of it. Made here and not
        in a template, for an overview of a month has hundreds; numbers and times need no escape,
        and addresses have theirs."""
        lines = (
            [self._cell(line, at, value) for at, value in enumerate(line.values)]
            for line in self.lines
        )
        columns = zip(*lines, strict=True)
        return Markup(
            "\n".join(
                f'<tr><td>{moment(start)}</td><td class="n">{_NEXT_CELL.join(texts)}</td></tr>'
                for start, texts in zip(self.starts_ms, columns, strict=True)
            )
        )

    def _cell(self, line: ChartLine, at: int, value: float | None) -> str:
        text = self.value_text(value)
        if not value or not self.list_path:
            return text
        return f'<a href="{self.address(at, line.states or self.states)}">{text}</a>'

    def value_text(self, value: float | None) -> str:
        """Render a value in the unit of the chart; a dash where there is none."""
        if value is None:
            return "–"
        if self.unit == MS:
            return duration(value)
        return f"{value} %" if self.unit == PERCENT else number(value)

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to draw. A share of nothing is None; one of 0 % is
        drawn."""
        if self.unit == COUNT:
            return not any(value for line in self.lines for value in line.values)
        return all(value is None for line in self.lines for value in line.values)


def deliveries(series: Series, list_path: str = "") -> Chart:
    """Draw deliveries by state; states that none of them is in are left out."""
    lines = []
    for name, colour, states in _STACK:
        values = [
            float(sum(point.by_state.get(state, 0) for state in states)) for point in series.points
        ]
        if any(values) or name == "delivered":
            lines.append(
                ChartLine(
                    name=name,
                    colour=colour,
                    values=list(values),
                    overall=number(sum(values)),
                    states=_words(states),
                )
            )
    chart = _chart("deliveries", "Deliveries", COUNT, series, lines, stacked=True)
    return msgspec.structs.replace(chart, list_path=list_path)


def _words(states: Sequence[int]) -> str:
    """Write states as the list of deliveries is asked for them. What a replay has delivered stands
    there as what it was: failed or parked."""
    return ",".join(
        f"{State.FAILED.word},{State.PARKED.word}" if state == REPLAYED else State(state).word
        for state in states
    )


def latency(series: Series, list_path: str = "") -> Chart:
    """Draw how long deliveries took from accept to success."""
    chart = _chart(
        "latency",
        "Time from accept to delivered",
        MS,
        series,
        [
            ChartLine(
                name="p50",
                colour="accent",
                values=[point.p50_ms for point in series.points],
                overall=duration(series.p50_ms),
            ),
            ChartLine(
                name="p95",
                colour="warn",
                values=[point.p95_ms for point in series.points],
                overall=duration(series.p95_ms),
            ),
        ],
    )
    states = _words([State.DELIVERED])
    return msgspec.structs.replace(chart, list_path=list_path, states=states)


def error_rate(series: Series, dead: Sequence[Series] = (), list_path: str = "") -> Chart:
    """Draw the share of attempts that failed, in percent (reads/webhooks/attempt_totals.py).

    `dead` are the series, of the same steps, of the webhooks that are left alone.
    """
    values = [
        attempts_of([point], [series.points[at] for series in dead]).percent_failed
        for at, point in enumerate(series.points)
    ]
    dead_points = [point for dead_series in dead for point in dead_series.points]
    overall = attempts_of(series.points, dead_points).percent_failed
    shown = "–" if overall is None else f"{overall:g} %"
    lines = [ChartLine(name="failing", colour="bad", values=values, overall=shown)]
    chart = _chart("errors", "Error rate", PERCENT, series, lines)
    return msgspec.structs.replace(chart, list_path=list_path)


def events(series: EventSeries, list_path: str = "") -> Chart:
    """Draw the events that were accepted."""
    starts = [series.start_ms + at * series.step_ms for at in range(len(series.counts))]
    line = ChartLine(
        name="events",
        colour="accent",
        values=[float(count) for count in series.counts],
        overall=number(sum(series.counts)),
    )
    return Chart(
        id="events",
        title="Events in",
        unit=COUNT,
        stacked=True,
        step_ms=series.step_ms,
        starts_ms=starts,
        lines=[line],
        list_path=list_path,
    )


def total(series: Series, *states: State) -> int:
    """Count deliveries in some states, over all points; in any state where none is named."""
    wanted: Sequence[int] = states or (*State, REPLAYED)
    return sum(point.by_state.get(state, 0) for point in series.points for state in wanted)


def _chart(
    id: str, title: str, unit: str, series: Series, lines: list[ChartLine], stacked: bool = False
) -> Chart:
    starts = [point.start_ms for point in series.points]
    return Chart(
        id=id,
        title=title,
        unit=unit,
        stacked=stacked,
        step_ms=series.step_ms,
        starts_ms=starts,
        lines=lines,
    )
