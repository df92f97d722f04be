"""A chart is drawn in the page itself: every bar stands in its place and says what it is."""

import re
from collections.abc import Mapping
from datetime import UTC

from tidings.console.pages.charts import charts
from tidings.console.pages.charts.drawing import BASE, LINE_HEIGHT, TALL, draw
from tidings.core.delivery.states import State
from tidings.store import port

STEP_MS = 300_000
START_MS = 1_770_800_400_000  # 2026-02-11 09:00 UTC


def series(*steps: Mapping[State, int], attempts: int = 0) -> port.Series:
    """Some steps from nine o'clock on."""
    points = [
        port.Point(
            START_MS + at * STEP_MS,
            {int(state): count for state, count in by_state.items()},
            attempts=attempts,
        )
        for at, by_state in enumerate(steps)
    ]
    return port.Series(STEP_MS, points)


def drawn(chart: charts.Chart) -> str:
    return str(draw(chart, UTC))


def test_each_bar_says_its_time_and_its_values_on_hover() -> None:
    full = {State.DELIVERED: 1200, State.FAILED: 3}
    picture = drawn(charts.deliveries(series(full, {}, {State.DELIVERED: 1})))
    titles = re.findall(r"<g><title>([^<]*)</title>", picture)
    assert titles == [
        "11 Feb 09:00–09:05: delivered 1,200, failed 3",
        "11 Feb 09:10–09:15: delivered 1",
    ]


def test_parts_of_a_bar_stand_on_each_other_and_the_highest_reaches_no_higher_than_its_tick() -> (
    None
):
    picture = drawn(charts.deliveries(series({State.DELIVERED: 60, State.FAILED: 40})))
    parts = re.findall(
        r'<rect class="c-(\w+)" x="8%" y="([\d.]+)" width="84%" height="([\d.]+)"/>', picture
    )
    assert parts == [
        ("ok", f"{BASE - TALL * 0.6:.5g}", f"{TALL * 0.6:.5g}"),
        ("bad", f"{BASE - TALL:.5g}", f"{TALL * 0.4:.5g}"),
    ]
    assert re.findall(r'text-anchor="end">([^<]*)<', picture) == [
        "0",
        "20",
        "40",
        "60",
        "80",
        "100",
    ]


def test_lines_end_where_there_is_nothing_to_say() -> None:
    values: list[float | None] = [1.0, 2.0, None, 4.0]
    line = charts.ChartLine(name="p50", colour="accent", values=values, overall="2 ms")
    starts = [START_MS + at * STEP_MS for at in range(4)]
    chart = charts.Chart(
        id="latency",
        title="Latency",
        unit=charts.MS,
        stacked=False,
        step_ms=STEP_MS,
        starts_ms=starts,
        lines=[line],
    )
    picture = drawn(chart)
    assert picture.count('<line class="c-accent"') == 1, "from the first to the second alone"
    assert picture.count("<path ") == 3
    assert "11 Feb 09:15–09:20: p50 4 ms" in picture


def test_nothing_is_drawn_of_nothing_and_0_percent_is_something() -> None:
    assert drawn(charts.deliveries(series({}))) == ""
    tried = drawn(charts.error_rate(series({State.DELIVERED: 3}, attempts=3)))
    assert "failing 0.0 %" in tried or "failing 0 %" in tried


def test_pictures_are_hidden_from_readers_of_the_table_and_carry_no_style_of_their_own() -> None:
    picture = drawn(charts.deliveries(series({State.DELIVERED: 3})))
    assert picture.startswith('<svg class="picture" ') and 'aria-hidden="true"' in picture
    assert "style=" not in picture


def test_a_bar_leads_to_all_of_its_step_and_each_part_to_those_in_its_state() -> None:
    states = {State.DELIVERED: 3, State.PENDING: 1, State.HELD: 1, State.FAILED: 2}
    picture = drawn(charts.deliveries(series(states), "/o/7/deliveries?webhook=abc&"))
    times = "from=2026-02-11T09:00:00.000Z&amp;to=2026-02-11T09:05:00.000Z"
    begin = f"/o/7/deliveries?webhook=abc&amp;{times}"
    assert re.findall(r'<a href="([^"]*)" tabindex="-1"><rect class="([^"]*)"', picture) == [
        (begin, "hit"),
        (f"{begin}&amp;status=delivered", "c-ok"),
        (f"{begin}&amp;status=pending,held", "c-faint"),
        (f"{begin}&amp;status=failed", "c-bad"),
    ]


def test_what_a_replay_has_delivered_since_is_listed_as_what_it_was() -> None:
    chart = charts.deliveries(series({State.DELIVERED: 1}), "/deliveries?")
    replayed = port.Series(STEP_MS, [port.Point(START_MS, {port.REPLAYED: 1})])
    assert "status=failed,parked" not in drawn(chart)
    assert "status=failed,parked" in drawn(charts.deliveries(replayed, "/deliveries?"))


def test_the_table_has_the_same_links_and_none_where_there_is_nothing() -> None:
    chart = charts.deliveries(series({State.DELIVERED: 3}, {}), "/deliveries?")
    rows = str(chart.rows)
    [linked] = re.findall(r'<a href="([^"]*)">3</a>', rows)
    assert linked.endswith("&amp;status=delivered") and f'<a href="{linked}"' in drawn(chart)
    assert '<td class="n">0</td>' in rows


def test_latency_leads_to_what_was_delivered_and_nobody_is_led_where_they_may_not_look() -> None:
    point = port.Point(START_MS, {}, p50_ms=4.0, p95_ms=9.0)
    timed = port.Series(STEP_MS, [point])
    assert "status=delivered" in drawn(charts.latency(timed, "/deliveries?"))
    unlinked = charts.latency(timed)
    assert "<a " not in drawn(unlinked) and "<a " not in unlinked.rows
    assert "p50 4 ms, p95 9 ms" in drawn(unlinked)


def test_p50_and_p95_have_marks_of_their_own_form_and_labels_that_stand_apart() -> None:
    point = port.Point(START_MS, {}, p50_ms=40.0, p95_ms=41.0)
    chart = charts.latency(port.Series(STEP_MS, [point], p50_ms=40.0, p95_ms=41.0))
    picture = drawn(chart)
    forms = dict(re.findall(r'<path class="(c-\w+)" d="([^"]*)"/>', picture))
    assert set(forms) == {"c-accent", "c-warn"} and len(set(forms.values())) == 2
    labels = re.findall(r'<text class="c-\w+" x="[^"]*" y="([\d.]+)"[^>]*>(p\d+)<', picture)
    (low, first), (high, second) = labels
    assert (first, second) == ("p50", "p95") and float(low) - float(high) >= LINE_HEIGHT
    assert [(line.name, line.overall) for line in chart.lines] == [
        ("p50", "40 ms"),
        ("p95", "41 ms"),
    ]


def test_the_legend_says_what_holds_of_the_whole_time() -> None:
    some = series({State.DELIVERED: 3, State.FAILED: 1}, {State.DELIVERED: 1}, attempts=4)
    overall = {line.name: line.overall for line in charts.deliveries(some).lines}
    assert overall == {"delivered": "4", "failed": "1"}
    [failing] = charts.error_rate(some).lines
    assert failing.overall == "50 %"
    [accepted] = charts.events(port.EventSeries(STEP_MS, START_MS, [1200, 34])).lines
    assert accepted.overall == "1,234"
