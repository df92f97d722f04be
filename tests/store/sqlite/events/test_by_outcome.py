"""Events by what became of them: one of their deliveries is at a webhook, in a state. Against plain
SQL over the same rows, both ways, however little a page may examine."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.depth import depth
from tests.store.rows import ORG, event, new, settled
from tests.store.sqlite.events.log_pages import Logs, all_pages, blocks_module_quiet, has_all
from tests.store.sqlite.log_rows import NAMES, RARE, START_MS
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber, OrgId
from tidings.store import port
from tidings.store.sql.events import by_outcome
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.log import LogRows
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.search_file import open_search

COUNT = 3_000
NUMBERS = [EventNumber(seq) for seq in range(1, COUNT)]
STEP_MS = 60_000
WEBHOOKS = list(range(1, 31))
BIG = 700  # the event that very many webhooks got: three blocks of deliveries are its own
BIG_HAS = 12_500

_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, NULL)"
_DELIVERY = "INSERT INTO delivery VALUES (?, ?, ?, 1, ?, 1, NULL, NULL, 3, 200, NULL)"
_REPLAY = "INSERT INTO delivery_replay VALUES (?, 1, ?, ?, 0, ?, NULL)"


class Place:
    """A log with fan-outs and replays between them, and its rows in plain SQL."""

    def __init__(self, path: Path) -> None:
        self.half = WritingHalf(path / FILE)
        rng = random.Random(3)
        self.delivery = 0
        with self.half.connection:
            for seq in range(1, COUNT + 1):
                self._event(rng, seq)
                if seq % 50 == 0:  # slices of a replay: events of long ago, in order
                    for of in sorted(rng.sample(range(1, seq + 1), 10)):
                        self._deliver(rng, of, rng.choice(WEBHOOKS), seq)
            for of in range(1, COUNT, 2):  # and a long one, of thousands without an event between
                for webhook in (7, 8, 9):
                    self._deliver(rng, of, webhook, COUNT)
            self._event(rng, COUNT + 1)
        self.segments = SearchSegments(open_search(":memory:"))
        self.blocks = Blocks(self.half.connection, self.segments.connection)
        self.log = LogRows(self.half.connection, self.segments, self.blocks)

    def _event(self, rng: random.Random, seq: int) -> None:
        many = BIG_HAS if seq == BIG else rng.choice([0, 1, 1, 2, 5, 12])
        name = RARE if seq % 400 == 0 else rng.choice(NAMES[:5])
        terms = (seq // 3).to_bytes(8, "big") + b"common%d_" % (seq % 2)
        org = 2 if seq % 9 == 0 else 1
        row = (seq, org, name, f"e-{seq}", START_MS + seq * STEP_MS, self.delivery + 1, many, terms)
        self.half.connection.execute(_EVENT, row)
        for at in range(many):
            webhook = rng.choice(WEBHOOKS) if many < BIG_HAS else 1000 + at
            self._deliver(rng, seq, webhook, None)

    def _deliver(self, rng: random.Random, seq: int, webhook: int, replay: int | None) -> None:
        self.delivery += 1
        odds = (70, 4, 6, 10, 6, 1)
        state = rng.choices((3, 0, 2, 4, 5, 6), odds)[0]
        run = self.half.connection.execute
        run(_DELIVERY, (self.delivery, seq, webhook, state))
        if replay is not None:
            run(_REPLAY, (self.delivery, seq, webhook, START_MS + replay * STEP_MS + 5))

    def expected(self, query: port.EventQuery) -> list[int]:
        """What a plain read gives."""
        fits: dict[int, set[int]] = {}
        for seq, webhook, state in self.half.connection.execute(
            "SELECT event, webhook, state FROM delivery"
        ):
            if webhook in query.webhooks and (not query.states or state in query.states):
                fits.setdefault(seq, set()).add(webhook)
        rows: Iterable[tuple[int, int, str, int, int, bytes]] = self.half.connection.execute(
            "SELECT seq, org, name, at_ms, deliveries, terms FROM event ORDER BY seq DESC"
        )
        return [
            seq
            for seq, org, name, at_ms, deliveries, terms in rows
            if seq in fits
            and org == query.org
            and (not query.event_names or name in query.event_names)
            and (query.from_ms is None or at_ms >= query.from_ms)
            and (query.to_ms is None or at_ms < query.to_ms)
            and (query.matched is None or query.matched is bool(deliveries))
            and has_all(terms, query.terms)
            and (not query.events or seq in query.events)
        ]


@pytest.fixture(scope="module", params=["summarised", "nothing summarised"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Before the background has worked, and after: the pages are the same."""
    one = Place(tmp_path_factory.mktemp("by_outcome"))
    if request.param == "summarised":
        while one.segments.cursor < COUNT - 100:
            one.segments.write_slice(one.half.connection, 1000)
        blocks_module_quiet(one.blocks)
    yield one
    one.half.close()


def draw_query(rng: random.Random) -> port.EventQuery:
    low, high = sorted(START_MS + rng.randrange(COUNT * STEP_MS) for _ in range(2))
    rare = rng.randrange(COUNT // 3).to_bytes(8, "big")
    return port.EventQuery(
        OrgId(rng.choice([1, 1, 1, 2, 3])),
        rng.choice([(), (), (NAMES[0],), (NAMES[1], RARE), (RARE,), ("unknown",)]),
        low if rng.random() < 0.4 else None,
        high if rng.random() < 0.4 else None,
        rng.choice([(), (), (), (rare,), (b"common0_",), (b"nothing_",)]),
        rng.choice([None, None, None, True, False]),
        limit=rng.choice([7, 50, 200]),
        events=rng.choice([(), (), (), rng.sample(NUMBERS, 30)]),
        webhooks=rng.choice([WEBHOOKS, [3], [7, 20], [1005], [99], [*WEBHOOKS, 1005]]),
        states=rng.choice([(), (), (3,), (4,), (0, 1), (0, 2, 5), (6,)]),
    )


@pytest.mark.parametrize("seed", range(depth(6, 40)))
def test_any_filter_gives_what_a_plain_read_gives_in_both_directions(
    place: Place, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(by_outcome, "BLOCKS_MAX", rng.choice([1, 2, 16]))
    monkeypatch.setattr(by_outcome, "REPLAYS_MAX", rng.choice([1, 40, 8192]))
    query = draw_query(rng)
    wanted = place.expected(query)
    for forward in (False, True):
        assert all_pages(place.log, query, forward) == wanted


@pytest.mark.parametrize("forward", [False, True], ids=["older", "newer"])
def test_an_event_with_more_deliveries_than_a_page_may_examine_is_passed(
    place: Place, forward: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_outcome, "BLOCKS_MAX", 1)
    for webhook in (1000 + BIG_HAS - 1, 1000, 5000):  # its last delivery, its first, one between
        query = port.EventQuery(OrgId(1), webhooks=[webhook])
        assert all_pages(place.log, query, forward) == [BIG]


def seqs(logs: Logs, **asked: Any) -> list[str]:
    page = logs.ask["log_events"](port.EventQuery(ORG, **asked))
    return [event.id for event in page.events]


@pytest.fixture
def logs() -> Iterator[Logs]:
    """An empty store."""
    one = Logs()
    yield one
    one.half.close()


def test_the_webhook_and_the_state_are_those_of_one_delivery(logs: Logs) -> None:
    first, _ = logs.half.commit(
        port.Batch(1, [event("a", new(1), new(2)), event("b", new(2))])
    ).firsts
    logs.half.commit(port.Batch(0, settled=[settled(first)]))
    delivered, pending = int(State.DELIVERED), int(State.PENDING)
    assert seqs(logs, webhooks=[1]) == ["a"] and seqs(logs, webhooks=[2]) == ["b", "a"]
    assert seqs(logs, webhooks=[1], states=[delivered]) == ["a"]
    assert seqs(logs, webhooks=[2], states=[delivered]) == []
    assert seqs(logs, webhooks=[1, 2], states=[pending]) == ["b", "a"]
