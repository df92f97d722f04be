"""The logs' statements read what their filter bounds: no table is scanned, no big one sorted."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import apsw
import pytest

from tests.store.sqlite.delivery.explained_plans import plans
from tests.store.sqlite.log_rows import OWN, START_MS, fill, replay
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port import LEFT_STATES
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.log import LogRows
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.events.totals import TotalRows
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.search_file import open_search

TERMS = ((1).to_bytes(8, "big"),)
COMMON = (b"common0_",)
TIMES = {"from_ms": START_MS, "to_ms": START_MS + 100_000_000}
DELIVERIES = {
    "all": {},
    "states": {"states": (4, 5)},
    "states with something left to do": {"states": LEFT_STATES, **TIMES},
    "names": {"event_names": ("type01",)},
    "times": TIMES,
    "term": {"terms": TERMS},
    "common term": {"terms": COMMON, "states": (4,)},
    "everything": {"states": (3,), "event_names": ("type01",), "terms": TERMS, **TIMES},
}


class Place(NamedTuple):
    """A log and its search database, each on one connection."""

    log: apsw.Connection
    search: apsw.Connection
    pages: LogRows
    totals: TotalRows


@pytest.fixture(scope="module", params=["analysed", "as it is"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """With and without the statistics of ANALYZE: the plans must not hang on them."""
    log = open_writer(tmp_path_factory.mktemp("plans") / FILE)
    fill(log, 20_000, 60_000)
    replay(log, 400)
    search = open_search(":memory:")
    segments = SearchSegments(search)
    while segments.write_slice(log):
        pass
    blocks = Blocks(log, search)
    blocks.refresh(100)
    while blocks.background():
        pass
    if request.param == "analysed":
        for connection in (log, search):
            connection.execute("ANALYZE").fetchall()
    totals = TotalRows(log, search, blocks, lambda: START_MS)
    yield Place(log, search, LogRows(log, segments, blocks), totals)
    log.close()


def frugal(statement: str, plan: str) -> None:
    """Every table is searched by its key; what is scanned or sorted is a bounded list."""
    tables = r"(d|e|r|b|c|s|delivery|event|slice|cell|block|event_block|event_cell|segment|body)"
    assert not re.search(rf"SCAN {tables}\b(?! USING .*(KEY|INDEX))", plan), (statement, plan)
    assert "AUTOMATIC" not in plan, (statement, plan)
    assert not re.search(r"INDEX delivery_(pending|due|key|trouble)", plan), (statement, plan)


@pytest.mark.parametrize("order", ["older", "newer"])
@pytest.mark.parametrize("given", DELIVERIES.values(), ids=DELIVERIES.keys())
def test_a_page_of_deliveries_reads_by_keys(
    place: Place, given: dict[str, object], order: str
) -> None:
    cursor = {"before": 15_000} if order == "older" else {"after": 100}
    query = port.DeliveryQuery(OWN, **given, **cursor)  # type: ignore[arg-type]  # from a table
    for connection in (place.log, place.search):
        for statement, plan in plans(connection, lambda: place.pages.deliveries(query)).items():
            frugal(statement, plan)
    if "terms" not in given:
        found = plans(place.search, lambda: place.pages.deliveries(query))
        [candidates] = [plan for text, plan in found.items() if "FROM block b" in text]
        assert re.search(r"SEARCH b USING INTEGER PRIMARY KEY \(rowid[>=]\?", candidates)
        assert ("USING INDEX slice_left_in_state" in candidates) == (
            given.get("states") == LEFT_STATES
        )
        assert "SEARCH c USING PRIMARY KEY (block=? AND webhook=?)" in candidates
        assert "TEMP B-TREE" not in candidates


def test_a_block_is_read_by_a_run_of_ids(place: Place) -> None:
    found = plans(
        place.log, lambda: place.pages.deliveries(port.DeliveryQuery(OWN, (4,), ("type01",)))
    )
    [plan] = [plan for text, plan in found.items() if "d.id >= :low" in text]
    assert "SEARCH d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)" in plan
    assert "TEMP B-TREE FOR ORDER" not in plan


def test_deliveries_of_a_term_are_read_by_their_ids_and_those_of_replays_by_the_event(
    place: Place,
) -> None:
    found = plans(place.log, lambda: place.pages.deliveries(port.DeliveryQuery(OWN, terms=TERMS)))
    [plan] = [plan for text, plan in found.items() if "wanted" in text]
    assert "SEARCH d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan
    assert re.search(r"SEARCH r USING (COVERING )?INDEX delivery_replay_event \(event=\?\)", plan)


@pytest.mark.parametrize(
    "given",
    [{}, {"event_names": ("type01",)}, {"matched": False}, TIMES, {"terms": TERMS}],
    ids=["all", "names", "matched nobody", "times", "term"],
)
def test_a_page_of_events_reads_by_keys(place: Place, given: dict[str, object]) -> None:
    query = port.EventQuery(1, **given)  # type: ignore[arg-type]  # from a table
    for connection in (place.log, place.search):
        for statement, plan in plans(connection, lambda: place.pages.events(query)).items():
            frugal(statement, plan)


FATES = {
    "webhook": {},
    "state": {"states": (4,)},
    "left to do": {"states": LEFT_STATES, **TIMES},
    "names": {"states": (3,), "event_names": ("type01",)},
    "matched nobody": {"matched": False},
    "term": {"states": (3,), "terms": TERMS},
    "events": {"states": (4,), "events": (5, 6, 7)},
}


# Of ids of deliveries, or of events that a replay has made deliveries of: from both of its ends.
RUN = re.compile(
    r"SEARCH (d USING INTEGER PRIMARY KEY \(rowid>\?"
    r"|r USING .*INDEX delivery_replay_event \(event>\?) AND "
)


@pytest.mark.parametrize("order", ["older", "newer"])
@pytest.mark.parametrize("given", FATES.values(), ids=FATES.keys())
def test_a_page_of_events_by_their_fate_reads_by_keys(
    place: Place, given: dict[str, object], order: str
) -> None:
    cursor = {"before": 15_000} if order == "older" else {"after": 100}
    query = port.EventQuery(1, **given, **cursor, webhooks=OWN)  # type: ignore[arg-type]
    in_order = []
    for connection in (place.log, place.search):
        for statement, plan in plans(connection, lambda: place.pages.events(query)).items():
            if "FROM segment" not in statement:  # there are few
                frugal(statement, plan)
            if "ORDER BY d.id" in statement or "ORDER BY r.event" in statement:
                in_order.append("TEMP B-TREE FOR ORDER" not in plan)
                assert RUN.search(plan), (statement, plan)
    # Events that are known, as those of a term are, are asked for one by one.
    assert set(in_order) == (set() if given.keys() & {"terms", "events"} else {True})


def test_own_deliveries_are_read_by_a_run_of_ids_and_those_of_replays_by_a_run_of_events(
    place: Place,
) -> None:
    query = port.EventQuery(OrgId(1), webhooks=OWN, states=(4,))
    found = plans(place.log, lambda: place.pages.events(query))
    [own] = [plan for text, plan in found.items() if "d.id >= :low" in text]
    assert "SEARCH d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in own
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)" in own
    [replayed] = [plan for text, plan in found.items() if "d.id = r.delivery" in text]
    assert "delivery_replay_event (event>? AND event<?)" in replayed
    assert "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)" in replayed
    ends = [plan for text, plan in found.items() if "FROM event WHERE seq" in text]
    assert len(ends) == 3  # the ends of the page, and the next block that exists
    for plan in ends:
        assert re.fullmatch(r"SEARCH event USING INTEGER PRIMARY KEY \(rowid[<>]\?\)", plan)


def test_totals_read_the_slices_of_their_webhooks_by_key(place: Place) -> None:
    ends = (START_MS + 1_234_567, START_MS + 900_000_001)
    for ask in (
        lambda: place.totals.tally(3, *ends, 30),
        lambda: place.totals.late_each([(3, 30), (4, 1)], *ends),
        lambda: place.totals.series([[3, 4]], *ends, 60),
        lambda: place.totals.org_series(OrgId(1), *ends, 60),
    ):
        found = plans(place.search, ask)
        slices = [plan for text, plan in found.items() if "CROSS JOIN slice s" in text]
        assert slices
        for plan in slices:
            assert "SEARCH s USING PRIMARY KEY (level=? AND block=? AND webhook=?" in plan
        for statement, plan in plans(place.log, ask).items():
            frugal(statement, plan)


def test_what_is_left_is_read_where_there_is_any(place: Place) -> None:
    ends = (START_MS, START_MS + 10**9)
    found = plans(place.search, lambda: place.totals.count_states([3, 4], *ends, LEFT_STATES))
    [plan] = [plan for text, plan in found.items() if "slice_left" in text]
    assert "SEARCH s USING INDEX slice_left_in_state (webhook=? AND slot>? AND slot<?)" in plan


def test_the_oldest_that_is_due_is_looked_up(place: Place) -> None:
    def ask() -> object:
        return place.totals.oldest_due([3, 4])

    [blocks] = [plan for text, plan in plans(place.search, ask).items() if "s.block" in text]
    assert "SEARCH s USING INDEX slice_left_in_state (webhook=?" in blocks
    found = plans(place.log, ask)
    [pending] = [plan for text, plan in found.items() if "delivery_pending" in text]
    assert "USING COVERING INDEX delivery_pending (<expr>=? AND webhook=?)" in pending
    [retrying] = [plan for text, plan in found.items() if "delivery_trouble" in text]
    assert "USING COVERING INDEX delivery_trouble (webhook=? AND state=?)" in retrying


def test_what_waits_by_age_is_read_where_it_is(place: Place) -> None:
    bounds = (START_MS + 50_000_000, START_MS + 20_000_000, START_MS)

    def ask() -> object:
        return place.totals.waiting_by_age(3, bounds)

    found = plans(place.search, ask)
    [slices] = [plan for text, plan in found.items() if "s.min_ms, s.max_ms" in text]
    assert "SEARCH s USING PRIMARY KEY (level=? AND block=? AND webhook=? AND slot>?" in slices
    for text, plan in plans(place.log, ask).items():
        assert not re.search(r"SCAN (d|e|r|delivery|event)\b", plan), (text, plan)
