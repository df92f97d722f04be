"""A lane by itself: what it starts, in what order, how fast, and what it holds in memory."""

import random

import pytest
from msgspec.structs import replace

from tests.core.delivery.lanes.jobs import end_all, job, lane_of, started
from tidings.core.delivery import lane as lanes
from tidings.core.delivery.body_memory import PAGE_JOBS, WindowBudget
from tidings.core.delivery.lane import PROBES_QUEUED, RETRIES_MAX, WINDOW_JOBS, Lane
from tidings.core.delivery.rate_limit import CATCH_UP_S
from tidings.core.delivery.receivers.breaker import SUCCESSES_TO_CLOSE, Pause
from tidings.core.ids import DeliveryId


def test_what_is_handed_over_starts_once_in_id_order_up_to_the_cap() -> None:
    lane = lane_of(cap=3)
    for delivery in (1, 2, 2, 4, 3, 9):  # 3 comes after 4: a repeat of what a page has shown
        lane.offer(job(delivery))
    assert started(lane) == [1, 2, 4]
    assert not lane.can_start and lane.running == 3
    end_all(lane)
    assert started(lane) == [9]


def test_an_attempt_that_has_ended_frees_its_slot_before_it_is_settled() -> None:
    lane = lane_of(cap=1)
    lane.offer(job(1))
    lane.offer(job(2))
    assert started(lane) == [1]
    lane.ended(DeliveryId(1), slow=False, delivered=True)
    assert started(lane) == [2]
    assert lane.unsettled_attempts.keys() == {1, 2}
    lane.settled(DeliveryId(1), 1)
    assert lane.unsettled_attempts.keys() == {2}


def test_the_settle_of_an_attempt_leaves_the_next_one_of_its_delivery_in_flight() -> None:
    """One commit may write the outcome of an attempt and take the next; that one has begun by the
    time the outcome is told."""
    lane = lane_of(cap=1)
    lane.offer(job(1))
    assert started(lane) == [1]
    lane.ended(DeliveryId(1), slow=False, delivered=False)
    lane.offer_retry(replace(job(1, retry=True), attempt=2))
    assert started(lane) == [1]
    lane.settled(DeliveryId(1), 1)
    assert lane.unsettled == [1]
    lane.settled(DeliveryId(1), 2)
    assert lane.unsettled == []


def test_a_closed_lane_starts_nothing_and_asks_for_nothing() -> None:
    lane = lane_of()
    lane.offer(job(1))
    lane.open = False
    lane.behind = True
    assert started(lane) == [] and not lane.page_wanted and lane.retries_wanted == 0
    lane.open = True
    assert started(lane) == [1]


def test_beyond_its_window_a_lane_is_behind_and_drops_hand_overs() -> None:
    lane = lane_of(cap=WINDOW_JOBS * 2)
    for delivery in range(1, WINDOW_JOBS + 50):
        lane.offer(job(delivery))
    assert lane.behind and lane.queued == WINDOW_JOBS and lane.cursor == WINDOW_JOBS
    assert not lane.page_wanted  # enough is queued for now
    assert started(lane) == list(range(1, WINDOW_JOBS + 1))
    assert lane.page_wanted
    epoch = lane.page_began()
    assert not lane.page_wanted
    lane.add_page(
        epoch, [job(element) for element in range(WINDOW_JOBS + 1, WINDOW_JOBS + 50)], 128
    )
    assert not lane.behind and lane.queued == 49


def test_a_lane_is_behind_until_what_was_dropped_during_the_read_is_read() -> None:
    lane = lane_of()
    lane.start_over()
    epoch = lane.page_began()
    lane.offer(job(5))
    lane.add_page(epoch, [job(1)], 10)
    assert lane.behind and lane.page_wanted
    lane.add_page(lane.page_began(), [job(5)], 10)
    assert not lane.behind and started(lane) == [1, 5]


def test_what_was_dropped_and_is_not_pending_any_more_is_not_read_for_ever() -> None:
    lane = lane_of()
    lane.start_over()
    lane.offer(job(9))  # dropped, and then cancelled
    lane.add_page(lane.page_began(), [job(1)], 10)
    assert not lane.page_wanted and started(lane) == [1]
    lane.offer(job(10))
    assert started(lane) == [10]


def test_a_full_page_is_followed_by_another() -> None:
    lane = lane_of()
    lane.start_over()
    lane.add_page(lane.page_began(), [job(1), job(2)], 2)
    assert lane.behind and lane.page_wanted and lane.cursor == 2
    lane.add_page(lane.page_began(), [], 2)
    assert not lane.behind and started(lane) == [1, 2]


def test_a_failed_read_is_wanted_again() -> None:
    lane = lane_of()
    lane.start_over()
    lane.page_failed(lane.page_began())
    assert lane.page_wanted
    lane.add_page(lane.page_began(), [job(1)], 2)
    assert started(lane) == [1]


def test_a_page_does_not_bring_back_what_is_in_flight_or_was_settled_meanwhile() -> None:
    lane = lane_of()
    for delivery in (1, 2, 3):
        lane.offer(job(delivery))
    assert started(lane, 2) == [1, 2]
    lane.start_over()
    epoch = lane.page_began()
    lane.ended(DeliveryId(1), slow=False, delivered=True)
    lane.settled(DeliveryId(1), 1)
    lane.add_page(epoch, [job(1), job(2), job(3)], 10)
    assert started(lane) == [3]


def test_an_answer_to_a_read_from_before_a_pause_is_ignored() -> None:
    lane = lane_of()
    lane.start_over()
    epoch = lane.page_began()
    lane.start_over()
    lane.add_page(epoch, [job(1)], 10)
    lane.page_failed(epoch)
    assert lane.queued == 0 and lane.page_wanted


def test_a_freed_delivery_below_the_cursor_is_queued_at_once() -> None:
    lane = lane_of()
    lane.offer(job(1, key=3))
    lane.offer(job(5))
    lane.offer_freed(job(2, key=3))
    assert started(lane) == [1, 5, 2]


@pytest.mark.parametrize("page", [[1], [1, 2], [1, 3], [1, 2, 3]])
def test_a_delivery_freed_during_a_read_starts_once_whether_the_page_shows_it_or_not(
    page: list[int],
) -> None:
    lane = lane_of()
    lane.start_over()
    epoch = lane.page_began()
    lane.offer_freed(job(2, key=3))
    lane.add_page(epoch, [job(number) for number in page], 10)
    lane.offer(job(3))  # the receipt of its commit
    while lane.page_wanted:
        rest = [element for element in (1, 2, 3) if element > lane.cursor]
        lane.add_page(lane.page_began(), [job(number) for number in rest], 10)
    assert sorted(started(lane)) == [1, 2, 3]


def test_a_delivery_freed_during_a_read_that_fails_comes_with_the_next_page() -> None:
    lane = lane_of()
    lane.start_over()
    epoch = lane.page_began()
    lane.offer_freed(job(2, key=3))
    lane.page_failed(epoch)
    lane.add_page(lane.page_began(), [job(1), job(2, key=3)], 10)
    assert started(lane) == [1, 2]


def test_a_freed_delivery_that_was_started_already_does_not_start_again() -> None:
    lane = lane_of()
    lane.start_over()
    lane.add_page(lane.page_began(), [job(1), job(2, key=3)], 10)
    assert started(lane) == [1, 2]
    lane.offer_freed(job(2, key=3))
    assert started(lane) == []
    lane.start_over()
    epoch = lane.page_began()
    lane.offer_freed(job(2, key=3))
    lane.add_page(epoch, [job(3)], 10)
    assert started(lane) == [3]


def test_one_start_in_four_is_a_retry_while_both_wait() -> None:
    lane = lane_of()
    for delivery in range(100, 130):
        lane.offer(job(delivery))
    for delivery in range(1, 11):
        lane.offer_retry(job(delivery, retry=True))
    order = started(lane)
    assert [at for at, number in enumerate(order[:24], start=1) if number < 100] == [
        4,
        8,
        12,
        16,
        20,
        24,
    ]
    assert [number for number in order if number < 100] == list(range(1, 11))
    assert [number for number in order if number >= 100] == list(range(100, 130))


def test_retries_use_every_start_when_nothing_fresh_waits() -> None:
    lane = lane_of()
    for delivery in range(1, 6):
        lane.offer_retry(job(delivery, retry=True))
    assert started(lane) == [1, 2, 3, 4, 5]


def test_room_for_retries_is_bounded() -> None:
    lane = lane_of(cap=1)
    assert lane.retries_wanted == RETRIES_MAX
    for delivery in range(RETRIES_MAX + 1):
        lane.offer_retry(job(delivery, retry=True))
    assert lane.retries_wanted == 0


def test_while_a_probe_is_under_way_no_due_retry_is_asked_for() -> None:
    """It would wait in memory for the next pause, and its last time might pass meanwhile."""
    lane = lane_of()
    assert lane.retries_wanted == RETRIES_MAX
    lane.breaker.resume(Pause(opens=1, left_s=0.0), 5.0)
    assert lane.retries_wanted == PROBES_QUEUED and lane.claim_wanted
    lane.offer_retry(job(1, retry=True))
    assert lane.retries_wanted == 0
    assert started(lane, now_s=5.0) == [1] and lane.breaker.asking
    assert lane.retries_wanted == 0 and not lane.claim_wanted
    lane.breaker.unproven()
    assert lane.retries_wanted == PROBES_QUEUED


def test_a_lane_that_is_only_probed_reads_no_more_than_shows_that_its_receiver_is_back() -> None:
    lane = lane_of(cap=10)
    lane.start_over()
    assert lane.page_jobs == PAGE_JOBS
    lane.breaker.resume(Pause(opens=1, left_s=0.0), 5.0)
    assert lane.page_jobs == SUCCESSES_TO_CLOSE
    page = [job(1), job(2), job(3)]
    lane.add_page(lane.page_began(), page, lane.page_jobs)
    assert lane.behind and not lane.page_wanted, "enough for the probes"
    rng = random.Random(1)
    for delivery in (1, 2, 3):
        assert started(lane, now_s=5.0) == [delivery], "one at a time"
        assert lane.leaves(DeliveryId(9)), "until it has ended, nothing else starts"
        assert lane.breaker.record(5.0, 5.0, True, rng) is (delivery == 3)
        lane.ended(DeliveryId(delivery), slow=False, delivered=True)
    assert lane.page_wanted and lane.page_jobs == PAGE_JOBS
    assert not lane.leaves(DeliveryId(10)), "it is woken, and reads on"
    lane.add_page(lane.page_began(), [job(9), job(10)], PAGE_JOBS)
    assert started(lane, now_s=5.0) == [9, 10] and not lane.behind


def test_what_comes_while_a_probe_is_under_way_is_read_behind_it() -> None:
    lane = lane_of(cap=10)
    lane.start_over()
    lane.breaker.resume(Pause(opens=1, left_s=0.0), 5.0)
    epoch = lane.page_began()
    lane.add_page(epoch, [job(1)], SUCCESSES_TO_CLOSE)
    assert started(lane, now_s=5.0) == [1] and not lane.behind
    assert not lane.leaves(DeliveryId(2)), "it has kept up, and queues what comes"
    lane.offer(job(2))
    lane.start_over()
    assert lane.leaves(DeliveryId(3))
    lane.breaker.record(5.0, 5.0, True, random.Random(1))
    assert lane.page_wanted
    lane.add_page(lane.page_began(), [job(2), job(3)], SUCCESSES_TO_CLOSE)
    assert started(lane, now_s=5.0) == [2] and not lane.page_wanted


def test_a_leap_dates_everything_that_waits() -> None:
    lane = lane_of()
    waiting = [job(1), job(9, retry=True), replace(job(2), replay=1), job(7, key=3)]
    lane.offer(waiting[0])
    lane.offer_retry(waiting[1])
    lane.offer(waiting[2])
    lane.behind = True
    lane.page_began()
    lane.offer_freed(waiting[3])
    lane.leapt(5_000)
    assert [job.accepted_ms for job in waiting] == [5_000] * 4


def test_a_pause_keeps_taken_retries_and_an_end_lets_them_go() -> None:
    lane = lane_of()
    lane.offer(job(1))
    lane.offer_retry(job(2, retry=True))
    lane.start_over()
    assert lane.queued == 1 and lane._budget.bytes_used == 10
    lane.start_over(keep_retries=False)
    assert lane.queued == 0 and lane._budget.bytes_used == 0


def test_a_spent_budget_puts_every_lane_of_the_process_behind() -> None:
    budget = WindowBudget(25)
    one, other = Lane(10, None, budget), Lane(10, None, budget)
    for delivery in (1, 2, 3):
        one.offer(job(delivery))
    assert budget.spent and not one.behind
    other.offer(job(4))
    assert other.behind and other.queued == 0
    assert other.page_wanted  # an empty lane reads a page all the same: none may starve
    assert started(one) == [1, 2, 3] and budget.bytes_used == 0


def test_each_slow_answer_halves_the_limit_and_each_success_adds_one() -> None:
    lane = lane_of(cap=16)
    limits = []
    for delivery in range(1, 30):
        lane.offer(job(delivery))
        assert lane.start(0.0)
        lane.ended(DeliveryId(delivery), slow=delivery <= 6, delivered=delivery > 6)
        lane.settled(DeliveryId(delivery), 1)
        limits.append(lane.limit)
    assert limits[:6] == [8, 4, 2, 1, 1, 1]
    assert limits[6:] == [min(16, 2 + more) for more in range(23)]


def test_slow_answers_halve_the_limit_once_while_others_that_began_with_them_run() -> None:
    lane = lane_of(cap=16)
    for delivery in range(1, 40):
        lane.offer(job(delivery))
    assert len(started(lane)) == 16
    for delivery in range(1, 17):
        lane.ended(DeliveryId(delivery), slow=True, delivered=False)
        assert lane.limit == 8.0
    assert len(started(lane)) == 8
    lane.ended(DeliveryId(17), slow=True, delivered=False)
    assert lane.limit == 4.0


def test_quick_answers_to_later_attempts_do_not_have_earlier_ones_halve_the_limit_again() -> None:
    lane = lane_of(cap=4)
    for delivery in range(1, 40):
        lane.offer(job(delivery))
    assert started(lane) == [1, 2, 3, 4]
    for delivery in (1, 2):
        lane.ended(DeliveryId(delivery), slow=True, delivered=False)
    assert lane.limit == 2.0 and started(lane) == []
    lane.ended(DeliveryId(3), slow=False, delivered=False)
    for delivery in (5, 6, 7):
        assert started(lane, 1) == [delivery]
        lane.ended(DeliveryId(delivery), slow=False, delivered=True)
    limit = lane.limit
    lane.ended(DeliveryId(4), slow=True, delivered=False)
    assert lane.limit == limit == 4.0


def test_a_failure_that_is_not_slow_leaves_the_limit() -> None:
    lane = lane_of(cap=8)
    lane.limit = 4
    lane.offer(job(1))
    lane.start(0.0)
    lane.ended(DeliveryId(1), slow=False, delivered=False)
    assert lane.limit == 4


def test_the_limit_bounds_what_runs_and_one_always_may() -> None:
    lane = lane_of(cap=8)
    for delivery in range(1, 10):
        lane.offer(job(delivery))
    lane.limit = 2.5
    assert len(started(lane)) == 2
    end_all(lane)
    lane.limit = 1.0
    assert len(started(lane)) == 1


def test_a_changed_cap_is_followed_and_forgets_the_slowness() -> None:
    lane = lane_of(cap=8)
    lane.limit = 1.0
    lane.set_pace(4, 2.0)
    assert (lane.cap, lane.limit) == (4, 4.0)
    assert lane.rate_limit is not None and lane.rate_limit.rate == 2.0
    lane.set_pace(4, None)
    assert lane.rate_limit is None and lane.wait_s(0.0) == 0.0


def test_the_pace_holds_starts_back_and_says_for_how_long() -> None:
    lane = lane_of(rate=2.0)
    for delivery in range(1, 10):
        lane.offer(job(delivery))
    assert started(lane, now_s=100.0) == [1]
    assert lane.can_start and lane.wait_s(100.0) == pytest.approx(0.5, abs=CATCH_UP_S)
    assert started(lane, now_s=100.5) == [2]
    assert started(lane, now_s=102.5) == [3]  # nothing is made up for


def test_a_changed_pace_knows_what_was_started_before() -> None:
    lane = lane_of(rate=2.0)
    for delivery in range(1, 10):
        lane.offer(job(delivery))
    assert started(lane, now_s=100.0) == [1]
    lane.set_pace(100, 1.0)
    assert started(lane, now_s=100.9) == [] and started(lane, now_s=101.0) == [2]


def test_the_bounds_are_those_that_the_store_is_recovered_with() -> None:
    assert PAGE_JOBS <= lanes.WINDOW_JOBS


def test_a_page_has_as_many_as_all_windows_together_have_room_for() -> None:
    budget = WindowBudget(1_000_000)
    assert budget.page_jobs == 1_000_000 // 65_536
    for n in range(10):
        budget.add(job(n, size=50_000))
    assert 5 <= budget.page_jobs <= 10
    budget.add(job(11, size=500_000))
    assert budget.spent and budget.page_jobs == 2, "and no lane waits for the others"
