"""Deliveries of replays in a lane: their share of the starts, and what cancelling leaves of them.

The model of test_lane_model.py, with deliveries of replays among the others and with cancels.
"""

from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from tests.core.delivery.lanes.jobs import end_all, job, lane_of, started
from tests.core.delivery.lanes.model_store import InStoreOrder, ModelStore, Page, Receipt
from tests.depth import depth
from tidings.core.delivery import lane as lanes
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import WINDOW_JOBS, Lane
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.replay import WINDOW_MAX, window


def replay(delivery: int) -> Job:
    """A delivery that a replay has made."""
    return replace(job(delivery), replay=1)


def test_while_fresh_ones_wait_replays_get_a_quarter_of_the_starts() -> None:
    lane = lane_of(cap=8)
    for delivery in range(1, 9):
        lane.offer(replay(delivery) if delivery <= 4 else job(delivery))
    order = []
    while (one := lane.start(0.0)) is not None:
        order.append(one.replay is not None)
    assert order == [False, False, False, True, False, True, True, True]


def test_retries_and_replays_share_what_is_not_for_fresh_ones() -> None:
    lane = lane_of(cap=100)
    for delivery in range(1, 41):
        lane.offer(job(delivery) if delivery <= 20 else replay(delivery))
    for delivery in range(101, 121):
        lane.offer_retry(job(delivery, retry=True))
    first = [lane.start(0.0) for _ in range(16)]
    found = [job for job in first if job is not None]
    assert sum(1 for job in found if job.retry) == 2
    assert sum(1 for job in found if job.replay is not None) == 2


def test_replays_count_until_their_outcome_is_written() -> None:
    lane = lane_of(cap=2)
    for delivery in (1, 2, 3):
        lane.offer(replay(delivery))
    assert lane.replaying == 3
    assert started(lane) == [1, 2]
    assert lane.replaying == 3
    end_all(lane)
    assert lane.replaying == 1
    lane.start_over()
    assert lane.replaying == 0 and lane.queued == 0


def test_what_did_not_leave_takes_the_room_of_one_that_waits() -> None:
    """Else every change of a webhook would shrink the room of replays, until there is none."""
    lane = lane_of()
    lane.offer(replay(1))
    one = lane.start(0.0)
    assert one is not None
    lane.put_back(one, wanted=True)
    assert lane.replaying == 0 and lane.running == 0 and lane.unsettled == []
    lane.add_page(lane.page_began(), [replay(1)], 10)
    assert lane.replaying == 1 and started(lane) == [1]


def test_what_a_page_shows_goes_to_the_queue_that_it_belongs_to() -> None:
    lane = lane_of()
    lane.start_over()
    lane.add_page(lane.page_began(), [replay(1), job(2)], 128)
    assert lane.replaying == 1 and started(lane, 1) == [2]


def test_what_is_cancelled_does_not_start_wherever_it_waits() -> None:
    lane = lane_of(cap=1)
    for delivery in (1, 2, 3):
        lane.offer(job(delivery))
    lane.offer(replay(4))
    lane.offer_retry(job(9, retry=True))
    assert started(lane) == [1]
    lane.forget({*map(DeliveryId, (1, 2, 4, 9, 77))})
    assert lane.unsettled_attempts.keys() == {1} and lane.queued == 1
    end_all(lane)
    assert started(lane) == [3]


def test_what_is_cancelled_while_a_page_is_read_is_not_taken_from_the_page() -> None:
    lane = lane_of()
    lane.start_over()
    epoch = lane.page_began()
    lane.forget({DeliveryId(2)})
    lane.add_page(epoch, [job(1), job(2), job(3)], 128)
    assert started(lane) == [1, 3]


def test_what_is_cancelled_after_it_was_freed_during_a_read_does_not_start() -> None:
    lane = lane_of()
    lane.start_over()
    epoch = lane.page_began()
    lane.offer_freed(job(2, key=3))
    lane.forget({DeliveryId(2)})
    lane.add_page(epoch, [job(1), job(3)], 10)  # it was read before it was freed
    assert started(lane) == [1, 3]


def test_cancelling_gives_the_bytes_back_and_no_more() -> None:
    lane = lane_of(bytes_max=100)
    for delivery in range(1, 6):
        lane.offer(job(delivery, size=10))
    lane.forget({DeliveryId(1), DeliveryId(2)})
    assert lane._budget.bytes_used == 30
    lane.forget({*map(DeliveryId, (3, 4, 5))})
    assert lane._budget.bytes_used == 0


@pytest.mark.parametrize("connections", [1, 2, 10, 24, 25, 1000])
def test_replays_alone_never_keep_a_lane_from_reading_on(connections: int) -> None:
    assert 8 <= window(connections) <= WINDOW_MAX < WINDOW_JOBS // 2


class Cancelling(NamedTuple):
    """What a cancel tells."""

    freed: list[Job]
    cancelled: set[DeliveryId]


class Store(ModelStore):
    """Odd sizes without a key are of replays; a final delivery stays as it is."""

    def commit(
        self, news: list[tuple[int | None, int]], outcomes: list[tuple[int, State]], take: int
    ) -> Receipt:
        before = self.newest
        kept = [
            (outcome, state) for outcome, state in outcomes if not self.rows[outcome].state.final
        ]
        settled = [(outcome, self.rows[outcome].job.attempt) for outcome, _ in outcomes]
        receipt = super().commit(news, kept, take)
        for row in self.rows.values():
            if row.job.delivery <= before:
                continue
            if row.job.key is None and len(row.job.body) % 2:
                row.job = replace(row.job, replay=1)
        fresh = [self.rows[job.delivery].job for job in receipt.fresh]
        return receipt._replace(fresh=fresh, settled=settled)

    def cancel(self, chosen: list[int]) -> Cancelling:
        """Cancel, and free what waited."""
        cancelled: set[DeliveryId] = set()
        freed = []
        for delivery in chosen:
            row = self.rows[delivery]
            if row.state.final:
                continue
            row.state, row.taken = State.CANCELLED, False
            cancelled.add(DeliveryId(delivery))
            waiting = [] if row.job.key is None else self._unfinished(row.job.key)
            if waiting and waiting[0].state is State.HELD:
                waiting[0].state = State.PENDING
                freed.append(waiting[0].job)
        return Cancelling([job for job in freed if job.delivery not in cancelled], cancelled)


class WithReplays(InStoreOrder):
    """Everything that was not cancelled is delivered; nothing starts once its cancel is known."""

    @initialize(
        cap=st.integers(1, 6),
        bytes_max=st.integers(1, 40),
        behind=st.booleans(),
        gap=st.sampled_from([0, 1 << 40]),
    )
    def begin(self, cap: int, bytes_max: int, behind: bool, gap: int) -> None:
        super().begin(cap, bytes_max, behind, gap)
        self.store: Store = Store({}, gap)
        self.gone: set[int] = set()

    @precondition(lambda self: self.store.rows)
    @rule(chosen=st.lists(st.integers(0, 30), min_size=1, max_size=4))
    def cancel(self, chosen: list[int]) -> None:
        known = [*self.store.rows]
        ids = sorted({known[number % len(known)] for number in chosen})
        self.answers.append(self.store.cancel(ids))  # type: ignore[arg-type]

    def _handle(self, answer: Receipt | Page | Cancelling) -> None:
        if not isinstance(answer, Cancelling):
            super()._handle(answer)
            return
        for element in answer.freed:
            self.lane.offer_freed(element)
        self.lane.forget(answer.cancelled)
        self.gone |= answer.cancelled

    @rule(count=st.integers(1, 4))
    def start(self, count: int) -> None:
        for _ in range(count):
            one = self.lane.start(0.0)
            if one is None:
                return
            assert one.delivery not in self.gone
            row = self.store.rows[one.delivery]
            if row.state is not State.CANCELLED:  # known to the store alone: it ends as it began
                assert row.state is (State.RETRYING if one.retry else State.PENDING)
            starts = self.starts.setdefault(one.delivery, [])
            starts.append(one.attempt)
            assert starts == list(range(1, len(starts) + 1))
            self.running.append(one)

    @invariant()
    def bounds_are_kept(self) -> None:
        lane: Lane = self.lane
        queued = [*lane._fresh, *lane._retries, *lane._replays]
        assert self.budget.bytes_used == sum(len(job.body) for job in queued)
        assert all(job.replay is None for job in lane._fresh)
        assert lane.running == len(self.running) <= lane.cap
        assert len({job.delivery for job in queued}) == len(queued)

    def teardown(self) -> None:
        if not hasattr(self, "lane"):
            return
        self.resume()
        self.breaker_may_probe()
        for _ in range(4 * len(self.store.rows) + 20):
            self.start(100)
            while self.running:
                self.end(0, State.DELIVERED, False)
            self.commit([], True)
            if self.asked is not None:
                self.store_reads()
            while self.answers:
                self.handle()
            if self.lane.page_wanted:
                self.ask_for_a_page()
        states = {row.state for row in self.store.rows.values()}
        assert states <= {State.DELIVERED, State.CANCELLED}
        lane = self.lane
        assert (lane.queued, lane.running, lane.unsettled_attempts, lane.behind) == (
            0,
            0,
            {},
            False,
        )
        assert lane.replaying == 0 and self.budget.bytes_used == 0


def test_everything_that_was_not_cancelled_is_delivered_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "WINDOW_JOBS", 4)
    monkeypatch.setattr(lanes, "RETRIES_MAX", 3)
    run_state_machine_as_test(
        WithReplays,
        settings=settings(max_examples=depth(50, 150), stateful_step_count=40, deadline=None),
    )
