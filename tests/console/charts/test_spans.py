"""Where no span is asked for, charts are of the shortest that holds what there is."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.api.log_client import accept, settle
from tests.console.webhook_client import pages, text
from tidings.console.pages.charts import spans
from tidings.store import port

HOUR_MS = 3_600_000
NOW_MS = 1_770_800_400_000  # on a whole hour


@pytest.mark.parametrize(
    ("hours", "span"), [(0, "1h"), (1, "1h"), (1.1, "6h"), (6, "6h"), (6.1, "24h"), (24, "24h")]
)
def test_the_shortest_span_that_reaches_back_to_the_first_is_chosen(
    hours: float, span: str
) -> None:
    assert spans.shortest(NOW_MS - int(hours * HOUR_MS), NOW_MS) == span


def test_where_there_is_nothing_the_usual_span_says_so() -> None:
    assert spans.shortest(None, NOW_MS) == spans.SPAN


@given(age_ms=st.integers(0, 24 * HOUR_MS), now_ms=st.integers(NOW_MS, NOW_MS + HOUR_MS))
@example(age_ms=HOUR_MS, now_ms=NOW_MS + 1)
def test_the_span_holds_the_first_and_no_shorter_one_does(age_ms: int, now_ms: int) -> None:
    first_ms = now_ms - age_ms
    step_start_ms = first_ms // spans.STEP_MS * spans.STEP_MS
    chosen = spans.shortest(step_start_ms, now_ms)
    lengths = {name: length_ms for name, (length_ms, _, _) in spans.SPANS.items()}
    assert lengths[chosen] >= age_ms - spans.STEP_MS
    shorter = [length_ms for length_ms in lengths.values() if length_ms < lengths[chosen]]
    assert all(
        length_ms < age_ms + spans.STEP_MS for length_ms in shorter
    )  # may be empty: the hour


def test_the_first_of_all_is_looked_for_in_deliveries_and_events() -> None:
    delivered = port.Series(5, [port.Point(0, {}), port.Point(5, {1: 0}), port.Point(10, {1: 2})])
    accepted = port.EventSeries(5, 0, [0, 3, 0])
    assert spans.first_moment([delivered], []) == 10
    assert spans.first_moment([delivered], [accepted]) == 5
    assert spans.first_moment([], [port.EventSeries(5, 0, [0])]) is None


async def test_a_first_hour_is_no_bar_at_the_edge_of_an_empty_day() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, number = await p.webhook()
        (delivery,) = await accept(p.s, "00000000-0000-4000-8000-000000000001", [number], org=7)
        await settle(p.s, delivery, number)
        paths = ("/console/o/7", f"/console/o/7/webhooks/{webhook}")
        for later_ms, span in ((60_000, "1h"), (2 * HOUR_MS, "6h"), (8 * HOUR_MS, "24h")):
            p.s.clock.ms += later_ms
            for path in paths:
                page = text(await browser.get(path))
                [shown] = re.findall(r'\?span=(\w+)" aria-current', page)
                assert shown == span, path
                assert 'class="picture"' in page, "it holds the first"
                [asked] = re.findall(
                    r'\?span=(\w+)" aria-current', text(await browser.get(path + "?span=24h"))
                )
                assert asked == "24h", "who asks for a span gets it"
