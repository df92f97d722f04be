"""Tallies and series against plain counting, after everything that can happen to deliveries."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.depth import depth
from tests.depth import share as share_of
from tests.store.rows import settled
from tests.store.sqlite.log_rows import COUNTED_AS, OTHER, OWN, START_MS, fill, replay
from tidings.core.delivery.sla import late
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.orgs.retention import RowKind
from tidings.store import port
from tidings.store.port import REPLAYED, STEP_MS
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.events.summaries import class_middle, latency_class, percentile
from tidings.store.sql.events.totals import TotalRows
from tidings.store.sqlite.database import FILE, open_reader, open_writer
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.search_file import open_search

QUIET_MS = 60_000.0
# By other words than those of the summaries: an event of this webhook's was delivered by a replay
# that came after this delivery.
_AGAIN = (
    f"SELECT {COUNTED_AS}, count(*) FROM delivery_replay r JOIN delivery d ON d.id = r.delivery"
    " WHERE d.webhook = ? AND r.at_ms >= ? AND r.at_ms < ? AND EXISTS (SELECT 1 FROM delivery b"
    " WHERE b.event = d.event AND b.webhook = d.webhook AND b.id < d.id AND b.state <> 6)"
    " GROUP BY 1"
)
EVER = (0, 1 << 60)
made_in = TemporaryDirectory(prefix="tidings-log-")


def count_of(step_ms: float) -> int:
    """How many events: some blocks. A quiet one has a slot for each event."""
    return 15_000 if step_ms < QUIET_MS else 12_000


@cache
def filled(step_ms: float) -> Path:
    """A database with the log, made once and copied by each test that changes it."""
    path = Path(made_in.name) / f"{step_ms}.db"
    writer = open_writer(path)
    fill(writer, count_of(step_ms), step_ms)
    writer.close()
    return path


class Place:
    """A log with its totals; time stands where the last event came, plus a while."""

    def __init__(self, path: Path, step_ms: float, search: str | Path = ":memory:") -> None:
        self.path = path
        self.search = search
        self.now_ms = START_MS + int(count_of(step_ms) * step_ms) + 20_000
        shutil.copy(filled(step_ms), path / FILE)
        self.half = WritingHalf(path / FILE, lambda: self.now_ms)  # knows the last id
        self.open()

    def open(self) -> None:
        """As the reading half starts."""
        self.reader = open_reader(self.path / FILE)
        self.segments = SearchSegments(open_search(self.search))
        self.blocks = Blocks(self.reader, self.segments.connection)
        self.totals = TotalRows(
            self.reader, self.segments.connection, self.blocks, lambda: self.now_ms
        )

    def rows(self, query: str, *binding: Any) -> list[Any]:
        return self.half.connection.execute(query, binding).fetchall()

    def close(self) -> None:
        self.segments.close()
        self.reader.close()
        self.half.close()

    def check(self, webhook: int, from_ms: int, to_ms: int, sla_s: int | None) -> None:
        """One tally is what counting the rows gives."""
        rows = self.rows(
            f"SELECT {COUNTED_AS}, coalesce(r.at_ms, e.at_ms) AS t, d.done_ms,"
            " iif(d.attempts, ifnull(d.status, 0), NULL),"
            " d.attempts - (d.state = 2 AND d.due_ms IS NULL) FROM delivery d"
            " JOIN event e ON e.seq = d.event LEFT JOIN delivery_replay r ON r.delivery = d.id"
            " WHERE d.webhook = ? AND t >= ? AND t < ?",
            webhook,
            from_ms,
            to_ms,
        )
        by_state = Counter(state for state, *_ in rows)
        tally = self.totals.tally(webhook, from_ms, to_ms, sla_s)
        assert tally.by_state == {state: by_state[state] for state in (*State, REPLAYED)}
        assert tally.attempts == sum(tried for *_, tried in rows)
        again = Counter(dict(self.rows(_AGAIN, webhook, from_ms, to_ms)))
        assert tally.arrived_again == again[State.DELIVERED] + again[REPLAYED]
        assert tally.failed_again == again[State.FAILED] + again[State.PARKED]
        assert sum(tally.by_state.values()) == len(rows), "the sum is the total"
        assert tally.delivered == by_state[State.DELIVERED]
        assert tally.delivered_ms_sum == sum(
            done - at for state, at, done, *_ in rows if state == State.DELIVERED
        )
        breaches = late(((at, done) for _, at, done, *_ in rows), sla_s, self.now_ms)
        assert tally.sla_breaches == breaches
        answers = Counter(said for *_, said, _ in rows if said is not None)
        earlier = self.rows(
            "SELECT ifnull(a.status, 0) FROM delivery d JOIN event e ON e.seq = d.event"
            " LEFT JOIN delivery_replay r ON r.delivery = d.id JOIN attempt a ON a.delivery = d.id"
            " WHERE d.webhook = ? AND coalesce(r.at_ms, e.at_ms) BETWEEN ? AND ?"
            " AND a.number < d.attempts - (d.state = 2 AND d.due_ms IS NULL)",
            webhook,
            from_ms,
            to_ms - 1,
        )
        assert tally.answers == answers + Counter(status for (status,) in earlier)
        assert tally.behind == 0

    def check_orgs(self) -> None:
        """The series of an org is that of its webhooks together, at every level of slots."""
        for org, webhooks in ((1, OWN), (2, [OTHER]), (3, [])):
            for low, points in ((START_MS, 12), (self.now_ms - 7_200_000, 24)):
                ends = (low, self.now_ms, points)
                [together] = self.totals.series([webhooks], *ends)
                assert self.totals.org_series(OrgId(org), *ends) == together


PACES = [("storm", 0.25), ("busy", 40.0), ("quiet", QUIET_MS)]


@pytest.fixture(params=[pytest.param(ms, id=name) for name, ms in share_of(PACES, 0, 2)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Many blocks in a slot, some slots in a block, many slots in a block."""
    one = Place(tmp_path, request.param)
    yield one
    one.close()


def test_a_tally_is_what_counting_gives_for_any_time_and_any_service_level(place: Place) -> None:
    rng = random.Random(3)
    span = place.now_ms - START_MS
    for webhook in (1, 20, 21, 99):
        place.check(webhook, *EVER, 30)
        place.check(webhook, *EVER, None)
        for _ in range(12):
            low, high = sorted(START_MS + rng.randrange(span) for _ in range(2))
            place.check(webhook, low, high, rng.choice([None, 0, 1, 5, 30, 3600, 86_400]))
    at = START_MS + span // 2
    place.check(1, at, at, 1)
    place.check(1, at, at + 1, 1)


def test_late_ones_of_many_webhooks_are_what_each_tally_says(place: Place) -> None:
    """Each by its own service level, in one reading, at any ends."""
    rng = random.Random(11)
    span = place.now_ms - START_MS
    wishes = [(webhook, rng.choice([1, 5, 30, 3600, 86_400])) for webhook in (*OWN, 21, 99)]
    ends = [sorted(START_MS + rng.randrange(span) for _ in range(2)) for _ in range(8)]
    seen = 0
    for low, high in [EVER, (START_MS + span // 2, START_MS + span // 2), *ends]:
        told = place.totals.late_each(wishes, low, high)
        tallies = [place.totals.tally(webhook, low, high, sla_s) for webhook, sla_s in wishes]
        assert list(told) == [tally.sla_breaches for tally in tallies]
        seen += sum(told)
    assert seen
    assert list(place.totals.late_each([], *EVER)) == []


def replay_some(place: Place, rng: random.Random, missed: Sequence[int]) -> None:
    """A replay's deliveries of what has not arrived; some of them arrive at once, some after they
    have failed, and some do not."""

    def of(delivery: int) -> int:
        [(webhook,)] = place.rows("SELECT webhook FROM delivery WHERE id = ?", delivery)
        return int(webhook)

    [(newest,)] = place.rows("SELECT max(id) FROM delivery")
    made = range(newest + 1, newest + 1 + len(missed))
    for new, old in zip(made, missed, strict=True):
        place.rows(
            "INSERT INTO delivery (id, event, webhook, version, state, attempts)"
            f" SELECT {new}, event, webhook, 1, 0, 0 FROM delivery WHERE id = ?",
            old,
        )
        place.rows(
            "INSERT INTO delivery_replay SELECT id, 1, event, webhook, 0, ?, NULL"
            f" FROM delivery WHERE id = {new}",
            place.now_ms,
        )
    ends = rng.choices([State.DELIVERED, State.DELIVERED, State.FAILED], k=len(made))
    first = [settled(new, end, webhook=of(new)) for new, end in zip(made, ends, strict=True)]
    place.half.commit(port.Batch(0, settled=first))
    again = [new for new, end in zip(made, ends, strict=True) if end is State.FAILED and new % 2]
    for new in again:
        place.rows("UPDATE delivery SET state = 2, due_ms = 1, done_ms = NULL WHERE id = ?", new)
    later = [settled(new, webhook=of(new), attempt=2) for new in again]
    place.half.commit(port.Batch(0, settled=later))


def test_a_tally_follows_every_move_of_old_deliveries(place: Place) -> None:
    """Settles, retiring, expiry, a try that was asked for, a cancel, a taking, and retention."""
    rng = random.Random(5)
    half = place.half

    def ids(state: State, count: int) -> list[DeliveryId]:
        found = [
            row[0]
            for row in place.rows(
                "SELECT id FROM delivery WHERE state = ? ORDER BY webhook, id", state
            )
        ]
        return rng.sample(found, min(count, len(found)))

    def of(delivery: int) -> int:
        [(webhook,)] = place.rows("SELECT webhook FROM delivery WHERE id = ?", delivery)
        return int(webhook)

    def settle() -> None:
        half.commit(
            port.Batch(
                0,
                settled=[
                    settled(
                        delivery_id,
                        rng.choice([State.DELIVERED, State.FAILED]),
                        webhook=of(delivery_id),
                    )
                    for delivery_id in ids(State.PENDING, 3) + ids(State.RETRYING, 20)
                ],
            )
        )

    def ask() -> None:
        for state in State:
            if not state.final or state is State.DELIVERED:
                continue
            for delivery_id in ids(state, 3):
                place.rows(
                    "DELETE FROM body WHERE seq = (SELECT event FROM delivery WHERE id = ?)",
                    delivery_id,
                )
                assert half.manual_retries.retry_now(delivery_id).outcome == "no_payload"
                place.half.connection.execute(
                    "INSERT OR IGNORE INTO body SELECT event, x'7b7d' FROM delivery WHERE id = ?",
                    (delivery_id,),
                ).fetchall()
                assert half.manual_retries.retry_now(delivery_id).outcome == "due"

    def cancel() -> None:
        slice = port.CancelSlice(ids(State.RETRYING, 5), "me")
        half.commit(port.Batch(0, cancels=[slice]))

    def take() -> None:
        unfinished = ids(State.RETRYING, 5) + ids(State.PENDING, 5)
        assert unfinished
        half.commit(port.Batch(0, cancels=[port.CancelSlice(unfinished, "me", delivered=True)]))

    moves: list[Callable[[], object]] = [
        settle,
        lambda: replay_some(place, rng, ids(State.PARKED, 8) + ids(State.FAILED, 8)),
        ask,
        lambda: half.recovery.retire(4, State.PARKED, 5),
        lambda: half.recovery.retire(5, State.CANCELLED, 500),
        lambda: half.health.park_expired(1, place.now_ms, 10),
        cancel,
        lambda: place.rows("DELETE FROM delivery WHERE id BETWEEN 5000 AND 5100"),
        lambda: place.rows("DELETE FROM delivery WHERE id < 4500"),
    ]
    place.check(1, *EVER, 30)
    place.check_orgs()
    for action in [*moves[:7], *rng.choices(moves[:7], k=depth(1, 7)), *moves, take]:
        action()
        place.now_ms += 1_000
        for webhook in (1, 4, 5, 21):
            place.check(webhook, *EVER, 30)
        place.check(2, START_MS + 777, place.now_ms - 7_777, 1)
        place.check_orgs()
    assert place.totals.tally(-1, *EVER).by_state[REPLAYED] > 8


def test_the_summaries_outlive_their_owner_and_what_changed_meanwhile_is_seen(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path, 40.0, tmp_path / "search.db")
    place.check(1, *EVER, 30)
    made = dict(place.blocks._made)
    place.segments.close()
    place.reader.close()
    [(one,)] = place.rows("SELECT id FROM delivery WHERE webhook = 1 AND state = 2 LIMIT 1")
    place.half.commit(port.Batch(0, settled=[settled(one)]))
    place.open()
    place.blocks.look()
    changed = {one >> 12, place.blocks.last}
    assert set(place.blocks.unsure()) == changed, "only what has changed is made anew"
    assert place.blocks._made == made
    place.check(1, *EVER, 30)
    place.close()


class Ticking:
    """A clock that goes on by a second whenever somebody looks at it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


def test_while_commits_never_pause_the_last_block_costs_a_share_of_the_time(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path, 40.0)
    clock = Ticking()
    place.blocks = Blocks(place.reader, place.segments.connection, clock, spare=9.0)
    place.totals = TotalRows(
        place.reader, place.segments.connection, place.blocks, lambda: place.now_ms
    )
    place.check(1, *EVER, 30)
    [(one,)] = place.rows(
        "SELECT id FROM delivery WHERE webhook = 1 AND state = 2 AND id >> 12 = ? LIMIT 1",
        place.blocks.last,
    )
    before = place.totals.tally(1, *EVER).by_state
    place.half.commit(port.Batch(0, settled=[settled(one)]))
    assert place.totals.tally(1, *EVER).by_state == before, "spared"
    clock.now_s += 9
    place.check(1, *EVER, 30)
    assert place.totals.tally(1, *EVER).by_state != before
    place.close()


def test_a_tally_says_how_much_it_has_not_counted_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, 40.0)
    monkeypatch.setattr(place.blocks, "refresh", lambda _: place.blocks.look())
    tally = place.totals.tally(1, *EVER)
    assert tally.behind == 3 * 4096 and sum(tally.by_state.values()) == 0
    place.close()


@pytest.mark.parametrize("points", [1, 12, 60, 400, 10_000])
def test_a_series_has_equal_steps_and_its_sum_is_the_tally(place: Place, points: int) -> None:
    low, high = START_MS + 12_345, place.now_ms
    [series] = place.totals.series([OWN], low, high, points)
    assert series.step_ms % STEP_MS == 0 and 1 <= len(series.points) <= 402
    starts = [point.start_ms for point in series.points]
    assert starts == list(
        range(starts[0], starts[0] + len(starts) * series.step_ms, series.step_ms)
    )
    assert starts[0] <= low < starts[0] + series.step_ms
    assert starts[-1] < high <= starts[-1] + series.step_ms
    for point in series.points[:: max(1, len(series.points) // 5)]:
        rows = place.rows(
            "SELECT d.state, count(*), sum(d.done_ms - e.at_ms), sum(d.attempts) FROM delivery d"
            " JOIN event e ON e.seq = d.event WHERE e.at_ms >= ? AND e.at_ms < ?"
            " AND d.webhook <= 20 GROUP BY d.state",
            point.start_ms,
            point.start_ms + series.step_ms,
        )
        counted = {state: count for state, count, *_ in rows}
        assert point.by_state == {state: counted.get(state, 0) for state in (*State, REPLAYED)}
        assert point.delivered_ms_sum == sum(took for state, _, took, _ in rows if state == 3)
        assert point.attempts == sum(tried for *_, tried in rows)


def test_the_percentiles_of_a_series_are_near_the_exact_ones(place: Place) -> None:
    [series] = place.totals.series([OWN], *(START_MS, place.now_ms), 1)
    took = sorted(
        row[0]
        for row in place.rows(
            "SELECT d.done_ms - e.at_ms FROM delivery d JOIN event e ON e.seq = d.event"
            " WHERE d.state = 3 AND d.webhook <= 20 AND e.at_ms >= ? AND e.at_ms < ?",
            series.points[0].start_ms,
            series.points[0].start_ms + series.step_ms,
        )
    )
    point = series.points[0]
    for share, told in ((0.5, point.p50_ms), (0.95, point.p95_ms)):
        exact = took[int(share * (len(took) - 1))]
        assert told is not None and abs(told - exact) <= 0.125 * exact + 1


@given(st.integers(0, 1 << 40))
def test_a_class_holds_its_latency_within_an_eighth(ms: int) -> None:
    assert abs(class_middle(latency_class(ms)) - ms) <= ms / 8
    assert latency_class(ms) <= latency_class(ms + 1)


def test_a_percentile_of_nothing_is_nothing() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 1, 5: 99}, 0.5) == 5.0 and percentile({3: 1, 5: 99}, 0.01) == 3.0


def test_totals_are_those_of_the_rows_when_retention_has_dropped_whole_blocks(
    place: Place,
) -> None:
    """By the retention itself, replays among what it drops: a third, and nearly all of it."""
    replay(place.half.connection, 6000)
    place.rows("UPDATE delivery_replay SET at_ms = at_ms - delivery % 50000")
    place.now_ms += 900_000_000
    place.check(1, *EVER, 30)
    place.check_orgs()
    [(then,)] = place.rows("SELECT max(at_ms) FROM delivery_replay")
    for webhook in OWN[:3]:  # an end that cuts what the replay has made
        place.check(webhook, then - 3_000, place.now_ms, 5)
        place.check(webhook, START_MS, then - 2_000, 5)
    span, rows_before = place.rows("SELECT max(at_ms) FROM event")[0][0] - START_MS, 0
    for share in (0.3, 0.31, 0.6, 0.95):
        before_ms = START_MS + int(span * share)
        first, more = True, True
        while more:
            wish = port.DropSlice(
                RowKind.METADATA, 90, before_ms, (), True, 1000, first, place.now_ms
            )
            more, first = place.half.retention.drop(wish).more, False
        [(left, replayed)] = place.rows(
            "SELECT count(*), (SELECT count(*) FROM delivery_replay) FROM delivery"
        )
        assert 0 < left and (replayed or share > 0.5)
        assert left != rows_before or share == 0.31  # a slice of nothing changes nothing
        rows_before = left
        rng = random.Random(share)
        for webhook in (*OWN[:4], OTHER):
            place.check(webhook, *EVER, 30)
            low, high = sorted(START_MS + rng.randrange(span) for _ in range(2))
            place.check(webhook, low, high, rng.choice([None, 0, 5, 3600]))
        place.check_orgs()
        wishes = [(webhook, 30) for webhook in (*OWN, OTHER)]
        tallies = [place.totals.tally(webhook, *EVER, sla_s) for webhook, sla_s in wishes]
        assert list(place.totals.late_each(wishes, *EVER)) == [
            tally.sla_breaches for tally in tallies
        ]
        ends = (START_MS, place.now_ms + 86_400_000)
        counts = place.totals.count_states([wishe for wishe, _ in wishes], *ends)
        for told, tally in zip(counts, tallies, strict=True):
            assert {state: told[state] for state in tally.by_state} == tally.by_state


def test_the_newest_block_goes_from_the_totals_where_an_older_delivery_is_kept_back(
    tmp_path: Path,
) -> None:
    """Retention drops every block whole but the first, where a retry holds its event."""
    place = Place(tmp_path, 40.0)
    place.rows(
        "UPDATE delivery SET state = iif(id = 10, 2, 3), attempts = 1, status = 200,"
        " due_ms = iif(id = 10, 1 << 50, NULL), done_ms = iif(id = 10, NULL, 1 << 41)"
    )
    place.check(1, *EVER, 30)
    assert place.blocks.last >= 2 and sum(place.totals.tally(-1, *EVER).by_state.values()) > 9_000
    first = more = True
    while more:
        now_ms = place.now_ms
        wish = port.DropSlice(RowKind.METADATA, 90, now_ms, (), True, 100_000, first, now_ms)
        more, first = place.half.retention.drop(wish).more, False
    assert place.rows("SELECT id FROM delivery") == [(10,)]
    [(kept,)] = place.rows("SELECT webhook FROM delivery")
    for webhook in (*OWN, OTHER):
        place.check(webhook, *EVER, 30)
        assert sum(place.totals.tally(webhook, *EVER).by_state.values()) == (webhook == kept)
    place.check_orgs()
    place.close()
