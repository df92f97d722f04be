"""Pages of the logs against plain SQL over the same rows: filters combine, and no page lies."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.depth import depth
from tests.store.rows import ORG, event, new, settled, term
from tests.store.sqlite.events.log_pages import Logs, all_pages, blocks_module_quiet, has_all
from tests.store.sqlite.log_rows import (
    NAMES,
    OTHER,
    OWN,
    RARE,
    START_MS,
    fill,
    fill_blocks,
    turn_into_replays,
)
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.events import blocks as blocks_module
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.log import LogRows
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.search_file import open_search

COUNT = 15_000  # between three and four blocks
STEP_MS = 60_000
# Scattered in a block, at both ends of another, and in the last one.
REPLAYED = [*range(4500, 5500, 9), 8192, 12_287, *range(13_000, 13_050)]


class Place:
    """A log, its search database, and the rows again in plain SQL."""

    def __init__(self, path: Path) -> None:
        self.half = WritingHalf(path / FILE)
        fill(self.half.connection, COUNT, STEP_MS)
        turn_into_replays(self.half.connection, REPLAYED)
        self.segments = SearchSegments(open_search(":memory:"))
        self.blocks = Blocks(self.half.connection, self.segments.connection)
        self.log = LogRows(self.half.connection, self.segments, self.blocks)

    def index(self, *, terms_to: int) -> None:
        """As the background does; terms are left behind on purpose."""
        while self.segments.cursor < terms_to:
            self.segments.write_slice(self.half.connection, min(4096, terms_to))
        blocks_module_quiet(self.blocks)

    def rows(self, query: str, *binding: Any) -> list[Any]:
        return self.half.connection.execute(query, binding).fetchall()


@pytest.fixture(scope="module", params=["summarised", "nothing summarised"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Before the background has worked, and after: the pages are the same."""
    one = Place(tmp_path_factory.mktemp("log"))
    if request.param == "summarised":
        one.index(terms_to=COUNT - 500)
    yield one
    one.half.close()


def expected_deliveries(place: Place, query: port.DeliveryQuery) -> list[int]:
    found = []
    for id, seq, webhook, state, name, at_ms, terms in place.rows(
        "SELECT d.id, d.event, d.webhook, d.state, e.name, coalesce(r.at_ms, e.at_ms), e.terms"
        " FROM delivery d JOIN event e ON e.seq = d.event"
        " LEFT JOIN delivery_replay r ON r.delivery = d.id ORDER BY d.id DESC"
    ):
        if (
            webhook in query.webhooks
            and (not query.states or state in query.states)
            and (not query.event_names or name in query.event_names)
            and (query.from_ms is None or at_ms >= query.from_ms)
            and (query.to_ms is None or at_ms < query.to_ms)
            and has_all(terms, query.terms)
            and (not query.events or seq in query.events)
        ):
            found.append(id)
    return found


def expected_events(place: Place, query: port.EventQuery) -> list[int]:
    return [
        seq
        for seq, org, name, at_ms, deliveries, terms in place.rows(
            "SELECT seq, org, name, at_ms, deliveries, terms FROM event ORDER BY seq DESC"
        )
        if org == query.org
        and (not query.event_names or name in query.event_names)
        and (query.from_ms is None or at_ms >= query.from_ms)
        and (query.to_ms is None or at_ms < query.to_ms)
        and (query.matched is None or query.matched is bool(deliveries))
        and has_all(terms, query.terms)
        and (not query.events or seq in query.events)
    ]


def some(rng: random.Random, values: Sequence[Any], odds: float) -> tuple[Any, ...]:
    if rng.random() < odds:
        return ()
    return tuple(rng.sample(values, rng.randrange(1, min(4, len(values)) + 1)))


def times(rng: random.Random) -> dict[str, Any]:
    span = COUNT * STEP_MS
    low, high = sorted(START_MS + rng.randrange(span) for _ in range(2))
    return {
        "from_ms": low if rng.random() < 0.4 else None,
        "to_ms": high if rng.random() < 0.4 else None,
    }


def terms_of(rng: random.Random) -> tuple[bytes, ...]:
    rare = rng.randrange(COUNT // 3).to_bytes(8, "big")
    return rng.choice([(), (), (), (rare,), (b"common0_",), (b"common1_", rare), (b"nothing_",)])


@pytest.mark.parametrize("seed", range(depth(8, 40)))
def test_any_filter_gives_what_a_plain_read_gives_in_both_directions(
    place: Place, seed: int
) -> None:
    rng = random.Random(seed)
    webhooks = rng.choice([OWN, OWN, [3], [17, 20], [OTHER], [99]])
    query = port.DeliveryQuery(
        webhooks,
        some(rng, [int(state) for state in State], 0.5),
        some(rng, [*NAMES, RARE, "unknown"], 0.5),
        terms=terms_of(rng),
        limit=rng.choice([7, 50, 200]),
        events=some(rng, range(1, COUNT), 0.8),
        **times(rng),
    )
    wanted = expected_deliveries(place, query)
    for forward in (False, True):
        assert all_pages(place.log, query, forward) == wanted


@pytest.mark.parametrize("seed", range(depth(6, 25)))
def test_any_filter_of_events_gives_what_a_plain_read_gives(place: Place, seed: int) -> None:
    rng = random.Random(seed)
    query = port.EventQuery(
        OrgId(rng.choice([1, 1, 2, 3])),
        some(rng, [*NAMES, RARE, "unknown"], 0.5),
        terms=terms_of(rng),
        matched=rng.choice([None, None, True, False]),
        limit=rng.choice([7, 50, 200]),
        events=some(rng, range(1, COUNT), 0.8),
        **times(rng),
    )
    wanted = expected_events(place, query)
    for forward in (False, True):
        assert all_pages(place.log, query, forward) == wanted


def listed(log: LogRows, webhooks: list[int], *states: int) -> list[tuple[int, int]]:
    """The ids and states of all pages, newest first."""
    rows: list[tuple[int, int]] = []
    query = port.DeliveryQuery(webhooks, states, limit=200)
    while True:
        page = log.deliveries(query)
        rows += [(delivery.id, int(delivery.state)) for delivery in page.deliveries]
        if page.older is None:
            return rows
        query = replace(query, before=page.older)


@pytest.mark.parametrize("seed", range(depth(2, 40)))
def test_a_filter_by_states_finds_what_the_whole_log_holds_of_them(seed: int) -> None:
    """Where all of a block's deliveries are of few states, and a replay has delivered some or all
    of what failed or was parked: with nothing summarised, and with everything."""
    rng = random.Random(seed)
    half = WritingHalf(":memory:")
    try:
        fill_blocks(half.connection, rng)
        blocks = Blocks(
            half.connection, (segments := SearchSegments(open_search(":memory:"))).connection
        )
        log = LogRows(half.connection, segments, blocks)
        wanted: list[tuple[State, ...]] = [(state,) for state in State]
        wanted += [tuple(rng.sample(list(State), number)) for number in (2, 3, 4)]
        for made in (False, True):
            if made:
                blocks_module_quiet(blocks)
            for webhooks in (OWN, [rng.choice(OWN)]):
                whole = listed(log, webhooks)
                for states in wanted:
                    by_hand = [row for row in whole if row[1] in states]
                    assert listed(log, webhooks, *states) == by_hand, (made, states)
    finally:
        half.close()


def test_a_page_shows_the_row_as_it_is_and_where_both_neighbours_begin(place: Place) -> None:
    page = place.log.deliveries(port.DeliveryQuery(OWN, (int(State.FAILED),), limit=5))
    ids = [delivery.id for delivery in page.deliveries]
    assert (page.older, page.newer) == (ids[-1], ids[0])
    first = page.deliveries[0]
    assert (
        first
        == place.log.deliveries(port.DeliveryQuery(OWN, limit=1, before=first.id + 1)).deliveries[0]
    )
    again = place.log.deliveries(port.DeliveryQuery(OWN, (int(State.FAILED),), after=ids[-1]))
    assert [delivery.id for delivery in again.deliveries] == ids[:-1]
    assert again.older == ids[-2]


def test_no_webhook_owns_nothing(place: Place) -> None:
    assert place.log.deliveries(port.DeliveryQuery([])) == port.DeliveryPage([])


@pytest.fixture
def logs() -> Iterator[Logs]:
    """An empty store."""
    one = Logs()
    yield one
    one.half.close()


def test_what_was_written_a_moment_ago_is_on_the_page(logs: Logs) -> None:
    receipt = logs.half.commit(
        port.Batch(1, [event("a", new(1), terms=[term("x")]), event("b", new(1), new(2))])
    )
    assert logs.states(State.PENDING) == [2, 1]
    logs.half.commit(port.Batch(0, settled=[settled(receipt.firsts[0])]))
    assert logs.states(State.PENDING) == [2] and logs.states(State.DELIVERED) == [1]
    found = logs.ask["log_deliveries"](port.DeliveryQuery([1], terms=[term("x")]))
    assert [delivery.id for delivery in found.deliveries] == [1]
    events = logs.ask["log_events"](port.EventQuery(ORG, terms=[term("x")])).events
    assert [event.id for event in events] == ["a"] and events[0].body is None


def test_refused_events_are_paged_both_ways_and_can_be_dropped(logs: Logs) -> None:
    refused = [
        port.NewRejection(OrgId(org), "x", f"e-{n}", "bad", "It must be.", "data.n", b"{")
        for n in range(5)
        for org in (1, 2)
    ]
    logs.half.commit(port.Batch(0, rejections=refused))
    page = logs.ask["log_rejections"](1, None, None, 2)
    assert [rejection.event_id for rejection in page.rejections] == ["e-4", "e-3"]
    older = logs.ask["log_rejections"](1, page.older, None, 10)
    assert [rejection.event_id for rejection in older.rejections] == ["e-2", "e-1", "e-0"]
    assert older.older is None
    newer = logs.ask["log_rejections"](1, None, older.newer, 10)
    assert [rejection.event_id for rejection in newer.rejections] == ["e-4", "e-3"]
    none = logs.ask["log_rejections"](1, None, page.newer, 10)
    assert none.rejections == [] and none.newer == page.newer
    back = logs.ask["log_rejections"](1, none.older, None, 10)
    assert [rejection.event_id for rejection in back.rejections] == [
        f"e-{n}" for n in (4, 3, 2, 1, 0)
    ]
    below = logs.ask["log_rejections"](1, older.rejections[-1].id, None, 10)
    assert below.rejections == []
    up = logs.ask["log_rejections"](1, None, below.newer, 10)
    assert [rejection.event_id for rejection in up.rejections] == [
        f"e-{n}" for n in (4, 3, 2, 1, 0)
    ]
    one = page.rejections[0]
    assert logs.ask["rejection"](1, one.id) == one and logs.ask["rejection"](2, one.id) is None
    logs.ask["drop_rejection"](2, one.id)
    assert logs.ask["rejection"](1, one.id) == one
    logs.ask["drop_rejection"](1, one.id)
    assert logs.ask["rejection"](1, one.id) is None


def test_the_modules_blocks_agree_on_their_size() -> None:
    assert blocks_module.BLOCK == 4096 == 1 << blocks_module.BITS
