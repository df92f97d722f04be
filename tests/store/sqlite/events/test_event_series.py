"""Events over time, and the series of each webhook, against plain counting."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.store.sqlite.log_rows import OTHER, OWN, START_MS, fill
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store.port import REPLAYED
from tidings.store.sql.events import blocks as blocks_module
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.events.totals import TotalRows
from tidings.store.sqlite.database import FILE, open_reader, open_writer
from tidings.store.sqlite.search_file import open_search

ORG = OrgId(1)

COUNT = 15_000  # more than three full blocks of events
STEP = 60_000.0
END_MS = START_MS + int(COUNT * STEP) + 1000


class Place:
    """A log and its totals."""

    def __init__(self, path: Path) -> None:
        self.writer = open_writer(path / FILE)
        fill(self.writer, COUNT, STEP)
        self.reader = open_reader(path / FILE)
        self.segments = SearchSegments(open_search(":memory:"))
        self.blocks = Blocks(self.reader, self.segments.connection)
        self.totals = TotalRows(self.reader, self.segments.connection, self.blocks, lambda: END_MS)

    def counted(self, org: int, step_ms: int) -> Counter[int]:
        rows: list[Any] = self.writer.execute(
            "SELECT at_ms / ? * ? FROM event WHERE org = ?", (step_ms, step_ms, org)
        ).fetchall()
        return Counter(row[0] for row in rows)

    def close(self) -> None:
        for search_segments in (self.segments, self.reader, self.writer):
            search_segments.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("series"))
    yield made
    made.close()


@pytest.mark.parametrize("org", [1, 2])
@pytest.mark.parametrize("points", [1, 12, 60, 400])
def test_events_over_time_are_what_counting_gives(place: Place, org: int, points: int) -> None:
    series = place.totals.event_series(OrgId(org), START_MS, END_MS, points)
    counted = place.counted(org, series.step_ms)
    assert series.behind == 0
    assert series.start_ms <= START_MS < series.start_ms + series.step_ms
    for at, count in enumerate(series.counts):
        assert count == counted[series.start_ms + at * series.step_ms]
    assert sum(series.counts) == sum(counted.values())


def test_a_part_of_the_time_counts_only_that(place: Place) -> None:
    low, high = START_MS + 3 * 86_400_000, START_MS + 5 * 86_400_000
    series = place.totals.event_series(ORG, low, high, 48)
    counted = place.counted(1, series.step_ms)
    wanted = range(series.start_ms, high, series.step_ms)
    assert list(series.counts) == [counted[start] for start in wanted]


def test_an_org_without_events_has_none(place: Place) -> None:
    assert sum(place.totals.event_series(ORG, START_MS, END_MS, 60).counts) > 0
    assert sum(place.totals.event_series(OrgId(99), START_MS, END_MS, 60).counts) == 0


def test_what_is_dropped_is_counted_no_more(tmp_path: Path) -> None:
    own = Place(tmp_path)
    before = own.totals.event_series(ORG, START_MS, END_MS, 10)
    own.writer.execute("DELETE FROM delivery WHERE event < 8192").fetchall()
    own.writer.execute("DELETE FROM event WHERE seq < 8192").fetchall()
    after = own.totals.event_series(ORG, START_MS, END_MS, 10)
    assert sum(after.counts) == sum(own.counted(1, after.step_ms).values()) < sum(before.counts)
    own.close()


def test_it_says_how_many_are_not_counted_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "AT_ONCE", 1)
    monkeypatch.setattr("tidings.store.sql.events.totals.REFRESH_MAX", 0)
    monkeypatch.setattr("tidings.store.sql.events.totals.EVENT_ROWS_MAX", 4096)
    own = Place(tmp_path)
    series = own.totals.event_series(ORG, START_MS, END_MS, 10)
    assert series.behind == 3 * 4096 and sum(series.counts) < 4096
    own.close()


def test_each_webhooks_series_is_the_one_it_has_by_itself(place: Place) -> None:
    webhooks = [*OWN, OTHER]
    each = place.totals.series([[webhook] for webhook in webhooks], START_MS, END_MS, 24)
    assert len(each) == len(webhooks)
    for number, series in zip(webhooks, each, strict=True):
        assert [series] == place.totals.series([[number]], START_MS, END_MS, 24)
    together = place.totals.series([OWN, [OTHER]], START_MS, END_MS, 24)
    assert together == [
        *place.totals.series([OWN], START_MS, END_MS, 24),
        each[-1],
    ]
    assert place.totals.series([], START_MS, END_MS, 24) == []


LEFT = (State.PENDING, State.HELD, State.RETRYING, State.PARKED)


def test_counts_by_state_are_those_of_the_series(place: Place) -> None:
    webhooks = [*OWN, OTHER, 999]
    counts = place.totals.count_states(webhooks, START_MS, END_MS)
    each = place.totals.series([[webhook] for webhook in webhooks], START_MS, END_MS, 60)
    for found, series in zip(counts, each, strict=True):
        summed: Counter[int] = Counter()
        for point in series.points:
            summed.update(point.by_state)
        assert found == dict(summed)
    assert sum(counts[0].values()) > 0 and sum(counts[-1].values()) == 0
    left = place.totals.count_states(webhooks, START_MS, END_MS, LEFT)
    for states in (LEFT, LEFT[-1:], (State.FAILED, State.PARKED), (REPLAYED,)):
        some = place.totals.count_states(webhooks, START_MS, END_MS, states)
        assert some == [{state: found[state] for state in states} for found in counts]
    assert sum(left[0].values()) > 0 and sum(left[-1].values()) == 0


def test_the_percentiles_of_the_whole_are_those_of_one_step(place: Place) -> None:
    [many] = place.totals.series([OWN], START_MS, END_MS, 60)
    [one] = place.totals.series([OWN], 0, 1 << 42, 1)
    assert (many.p50_ms, many.p95_ms) == (one.p50_ms, one.p95_ms)
    assert many.p50_ms is not None and many.p95_ms is not None and many.p50_ms < many.p95_ms


def test_the_counters_of_events_read_no_rows_of_full_blocks(place: Place) -> None:
    place.totals.event_series(ORG, START_MS, END_MS, 60)
    asked: list[str] = []

    def trace(cursor: apsw.Cursor, statement: str, bindings: object) -> bool:
        asked.append(statement)
        return True

    place.reader.exec_trace = trace
    try:
        place.totals.event_series(ORG, START_MS, END_MS, 60)
    finally:
        place.reader.exec_trace = None
    counted = [text for text in asked if "FROM event NOT INDEXED" in text]
    assert len(counted) == 1 and not [text for text in asked if "GROUP BY org" in text]
