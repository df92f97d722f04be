"""The picture of a chart, as SVG that stands in the page: no script draws it.

Across, all is in shares of the width, so that it fits a telephone and a wide screen; upwards in
pixels. Colours are the classes of `app.css`. Whoever does not see it reads the table beside it.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import NamedTuple

from markupsafe import Markup

from tidings.console.pages.charts import axes
from tidings.console.pages.charts.charts import COUNT, MS, Chart
from tidings.console.words import duration

TOP, TALL = 16, 136  # pixels above what is drawn, and of it at most
BASE = TOP + TALL
HEIGHT = BASE + 24
LINE_HEIGHT = 14
# A disc for the first line, a diamond for the second: colour is never alone.
_FORMS = ("M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", "M0-4.5 4.5 0 0 4.5-4.5 0z")
GAP = 0.16  # of a step, between two bars
_THOUSAND, _MILLION = 1000, 1_000_000


class Scale(NamedTuple):
    """The places of values and times in a picture."""

    top: float  # the highest tick
    start_ms: int
    end_ms: int

    def across(self, at_ms: float) -> str:
        """Return the place of a moment, in percent of the width."""
        return f"{100 * (at_ms - self.start_ms) / (self.end_ms - self.start_ms):.5g}%"

    def upwards(self, value: float) -> str:
        """Return the place of a value, in pixels from above."""
        return f"{BASE - TALL * value / self.top:.5g}"


class DrawnChart(NamedTuple):
    """A chart with its picture."""

    chart: Chart
    picture: Markup


def draw_all(charts: Sequence[Chart], zone: tzinfo) -> list[DrawnChart]:
    """Draw the charts of a page; the times under them are of its zone."""
    return [DrawnChart(chart, draw(chart, zone)) for chart in charts]


def draw(chart: Chart, zone: tzinfo) -> Markup:
    """Draw one chart: the axes, and above them its bars or its lines; nothing where it is
    empty."""
    if chart.empty:
        return Markup("")
    ticks = _value_ticks(chart)
    end_ms = chart.starts_ms[-1] + chart.step_ms
    scale = Scale(ticks[-1], chart.starts_ms[0], end_ms)
    parts = [*_grid(chart, ticks, scale), *_times(scale, zone)]
    parts += _bars(chart, scale, zone) if chart.stacked else _lines(chart, scale, zone)
    opened = f'<svg class="picture" width="100%" height="{HEIGHT}" aria-hidden="true">'
    return Markup(opened + "".join(parts) + "</svg>")


def _value_ticks(chart: Chart) -> list[float]:
    columns = zip(*(line.values for line in chart.lines), strict=True)
    measure = sum if chart.stacked else max
    highest = max(measure([value or 0.0 for value in column]) for column in columns)
    if chart.unit == MS:
        return axes.duration_ticks(highest)
    return axes.value_ticks(highest, whole=chart.unit == COUNT)


def _grid(chart: Chart, ticks: Sequence[float], scale: Scale) -> Iterator[str]:
    for tick in ticks:
        y = scale.upwards(tick)
        yield f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        yield f'<text x="-8" y="{y}" dy="4" text-anchor="end">{_tick_label(chart, tick)}</text>'


def _tick_label(chart: Chart, tick: float) -> str:
    if chart.unit == MS:
        return duration(tick)
    if chart.unit != COUNT:
        return f"{tick:g} %"
    for size, sign in ((_MILLION, "M"), (_THOUSAND, "k")):
        if tick >= 10 * size:
            return f"{tick / size:,.4g}{sign}"
    return f"{tick:,.0f}"


def _times(scale: Scale, zone: tzinfo) -> Iterator[str]:
    for tick in axes.time_ticks(scale.start_ms, scale.end_ms, zone):
        x = scale.across(tick.at_ms)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{BASE}" y2="{BASE + 4}"/>'
        yield f'<text x="{x}" y="{BASE + 18}" text-anchor="middle">{tick.label}</text>'


def _bars(chart: Chart, scale: Scale, zone: tzinfo) -> Iterator[str]:
    """Yield a group for each step that has anything: its parts on top of each other."""
    width = f"{100 * (1 - GAP) / len(chart.starts_ms):.5g}%"
    for at, start_ms in enumerate(chart.starts_ms):
        values = [line.values[at] or 0.0 for line in chart.lines]
        if not any(values):
            continue
        x, y = scale.across(start_ms + chart.step_ms * GAP / 2), float(BASE)
        title = _step_title(chart, at, zone)
        yield f"<g><title>{title}</title>{_linked(chart, at, '', _whole_step(chart, scale, at))}"
        for line, tall in zip(
            chart.lines, axes.stacked_heights(values, scale.top, TALL), strict=True
        ):
            if tall:
                y -= tall
                place = f'x="{x}" y="{y:.5g}" width="{width}" height="{tall:.5g}"'
                yield _linked(chart, at, line.states, f'<rect class="c-{line.colour}" {place}/>')
        yield "</g>"


def _lines(chart: Chart, scale: Scale, zone: tzinfo) -> Iterator[str]:
    """Yield the lines between neighbours that have a value, then a group for each step with its
    marks."""
    middles = [scale.across(start_ms + chart.step_ms / 2) for start_ms in chart.starts_ms]
    for line in chart.lines:
        for at, (left, right) in enumerate(zip(line.values, line.values[1:], strict=False)):
            if left is not None and right is not None:
                ends = f'x1="{middles[at]}" y1="{scale.upwards(left)}" x2="{middles[at + 1]}"'
                yield f'<line class="c-{line.colour}" {ends} y2="{scale.upwards(right)}"/>'
    for at, middle in enumerate(middles):
        marked = [(line, value) for line in chart.lines if (value := line.values[at]) is not None]
        if not marked:
            continue
        marks = [_whole_step(chart, scale, at)]
        for line, value in marked:
            y = scale.upwards(value)
            form = _FORMS[chart.lines.index(line) % len(_FORMS)]
            marks.append(
                f'<svg x="{middle}" y="{y}"><path class="c-{line.colour}" d="{form}"/></svg>'
            )
        title = _step_title(chart, at, zone)
        yield f"<g><title>{title}</title>{_linked(chart, at, '', ''.join(marks))}</g>"
    if len(chart.lines) > 1:
        yield from _labels(chart, scale, middles)


def _labels(chart: Chart, scale: Scale, middles: Sequence[str]) -> Iterator[str]:
    """Yield the name of each line beside its last mark."""
    ends = [
        (line, last, float(scale.upwards(line.values[last] or 0.0)))
        for line in chart.lines
        if (last := _last_valued(line.values)) is not None
    ]
    places = axes.label_places([y for _, _, y in ends], LINE_HEIGHT, TOP, BASE)
    for (line, last, _), y in zip(ends, places, strict=True):
        place = f'x="{middles[last]}" y="{y:.5g}" dx="7" dy="4"'
        yield f'<text class="c-{line.colour}" {place}>{line.name}</text>'


def _last_valued(values: Sequence[float | None]) -> int | None:
    return max((at for at, value in enumerate(values) if value is not None), default=None)


def _linked(chart: Chart, at: int, states: str, drawn: str) -> str:
    """Lead from what is drawn to the list behind it. The keyboard finds the same links in the
    table."""
    if not chart.list_path:
        return drawn
    return f'<a href="{chart.address(at, states or chart.states)}" tabindex="-1">{drawn}</a>'


def _whole_step(chart: Chart, scale: Scale, at: int) -> str:
    """Draw what takes the pointer over all of a step, however low its bar is."""
    x, width = scale.across(chart.starts_ms[at]), f"{100 / len(chart.starts_ms):.5g}%"
    return f'<rect class="hit" x="{x}" y="{TOP}" width="{width}" height="{TALL}"/>'


def _step_title(chart: Chart, at: int, zone: tzinfo) -> str:
    """Describe a step as it is told on hover: when, and what each line says of it."""
    texts = [
        f"{line.name} {chart.value_text(value)}"
        for line in chart.lines
        if (value := line.values[at]) is not None and (value or not chart.stacked)
    ]
    when = axes.step_label(chart.starts_ms[at], chart.step_ms, zone)
    return f"{when}: {', '.join(texts)}"
