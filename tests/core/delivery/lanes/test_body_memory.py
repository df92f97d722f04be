"""What bodies take in memory: of deliveries that wait in lanes, and of attempts under way."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.delivery.lanes.jobs import end_all, job, started
from tests.depth import depth
from tidings.core.delivery.body_memory import (
    LARGE_BYTES,
    PARTS,
    BodiesUnderWay,
    BodyHold,
    BodyLines,
    BodyRefusal,
    WindowBudget,
)
from tidings.core.delivery.job import STUB_BYTES, Job
from tidings.core.delivery.lane import RETRIES_MAX, Lane
from tidings.core.delivery.turns import Trust
from tidings.core.ids import OrgId

LARGE = 2 * LARGE_BYTES
ALL = 64 * LARGE


def waiting(lane: Lane) -> list[Job]:
    """What waits in a lane."""
    return [job for queue in lane._queues for job in queue]


def page(lane: Lane, made: Job) -> None:
    lane.start_over()
    lane.add_page(lane.page_began(), [made], 1)


WAYS: dict[str, Callable[[Lane, Job], None]] = {
    "page": page,
    "freed": Lane.offer_freed,
    "retry": Lane.offer_retry,
}


@pytest.mark.parametrize("way", WAYS)
def test_however_many_lanes_have_work_their_bodies_stay_within_one_bound(way: str) -> None:
    budget = WindowBudget(ALL)
    lanes = [Lane(10, None, budget) for _ in range(2_000)]
    for lane in lanes:
        WAYS[way](lane, job(1, size=LARGE, retry=way == "retry"))
    jobs = [job for lane in lanes for job in waiting(lane)]
    assert len(jobs) == len(lanes), "each has something to start"
    assert sum(len(job.body) for job in jobs) <= ALL
    assert budget.bytes_used <= ALL + STUB_BYTES * len(lanes)
    assert {job.body_bytes for job in jobs} == {LARGE}
    for lane in lanes:
        assert len(started(lane)) == 1
        end_all(lane)
    assert budget.bytes_used == 0


def test_a_body_larger_than_the_whole_bound_waits_without_it_and_starts() -> None:
    budget = WindowBudget(LARGE)
    lane = Lane(1, None, budget)
    lane.offer_freed(job(1, size=5 * LARGE))
    [stub] = waiting(lane)
    assert stub.body == b"" and stub.unread == 5 * LARGE == lane.next_bytes
    assert started(lane) == [1] and budget.bytes_used == 0


def test_small_bodies_are_kept_whatever_large_ones_wait() -> None:
    budget = WindowBudget(LARGE)
    Lane(1, None, budget).offer_freed(job(1, size=LARGE))
    lane = Lane(1, None, budget)
    lane.offer_freed(job(2, size=STUB_BYTES))
    assert budget.spent and waiting(lane)[0].unread == 0 and lane.next_bytes == 0


OPERATIONS = ["offer", "freed", "retry", "page", "start", "start over", "end all", "forget", "back"]


@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 3), st.integers(0, 4))))
@settings(max_examples=depth(60, 600), deadline=None)
def test_the_budget_counts_what_waits_whatever_happens(
    operations: list[tuple[str, int, int]],
) -> None:
    budget = WindowBudget(3 * LARGE)
    lanes = [Lane(2, None, budget) for _ in range(4)]
    running: dict[int, list[Job]] = {n: [] for n in range(4)}
    for number, (operation, at, size) in enumerate(operations, 1):
        lane, new = lanes[at], job(number, size=size * LARGE_BYTES, retry=operation == "retry")
        if operation == "offer":
            lane.offer(new)
        elif operation == "freed":
            lane.offer_freed(new)
        elif operation == "retry" and len(lane._retries) < RETRIES_MAX:
            lane.offer_retry(new)
        elif operation == "page" and lane.page_wanted:
            lane.add_page(lane.page_began(), [new], 1)
        elif operation == "start" and (begun := lane.start(0.0)) is not None:
            running[at].append(begun)
        elif operation == "start over":
            lane.start_over(keep_retries=bool(size % 2))
        elif operation == "end all":
            end_all(lane)
            running[at].clear()
        elif operation == "forget":
            lane.forget({new.delivery for new in waiting(lane)[:1]})
        elif operation == "back" and running[at]:
            lane.put_back(running[at].pop(), wanted=True)
        jobs = [job for lane in lanes for job in waiting(lane)]
        assert budget.bytes_used == sum(job.held_bytes for job in jobs)
        assert sum(len(job.body) for job in jobs if len(job.body) > STUB_BYTES) <= budget.bytes_max
        for lane in lanes:
            assert lane._large == sum(job.body_bytes > LARGE_BYTES for job in waiting(lane))


# -- under way ----------------------------------------------------------------------------------

WELL, NEW, HANGING = Trust.WELL, Trust.NEW, Trust.HANGING


def fill(bodies: BodiesUnderWay, org: int, webhook: int, trust: Trust, size: int = LARGE) -> int:
    """Begin attempts of a webhook while they are admitted; return how many."""
    count = 0
    while bodies.refusal(OrgId(org), webhook, size, trust, is_sure=False) is None:
        bodies.take(OrgId(org), webhook, size, trust)
        count += 1
    return count


def test_the_bound_is_never_passed_however_many_webhooks_have_large_bodies() -> None:
    bodies = BodiesUnderWay(ALL)
    counts = [fill(bodies, org, 100 * org + n, NEW) for org in range(9) for n in range(50)]
    assert bodies.held == sum(counts) * LARGE <= ALL * 3 // 4
    assert max(counts) <= 64 * 3 // 8, "nobody holds more than it leaves"
    assert fill(bodies, 77, 7, WELL) >= 1, "one that is well finds room beside them"
    assert bodies.held <= ALL - ALL // PARTS
    assert bodies.refusal(OrgId(78), 8, LARGE, WELL, is_sure=True) is None


def test_those_that_are_well_leave_room_for_new_ones() -> None:
    bodies = BodiesUnderWay(ALL)
    for org in range(99):
        fill(bodies, org, org, WELL)
    assert fill(bodies, 100, 100, NEW) >= 1


@pytest.mark.parametrize("trust", Trust)
def test_a_body_larger_than_all_finds_room_beside_the_largest_of_the_other_kind(
    trust: Trust,
) -> None:
    bodies, huge = BodiesUnderWay(ALL), 3 * ALL
    other = NEW if trust is WELL else WELL
    for org in range(99):
        fill(bodies, org, org, other)
    assert bodies.refusal(OrgId(100), 100, huge, trust, is_sure=False) is None
    hold = bodies.take(OrgId(100), 100, huge, trust)
    assert bodies.held <= ALL
    before = bodies.held
    hold.resize(0)
    hold.resize(0)
    assert bodies.held == before - ALL // PARTS, "given back once"


class Process:
    """Attempts that begin by the budget and its lines, and end one after the other."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.bodies, self.lines = BodiesUnderWay(ALL), BodyLines()
        self.left: Counter[int] = Counter()  # by webhook: what waits
        self.begun: Counter[int] = Counter()
        self.webhooks: dict[int, tuple[OrgId, Trust, int]] = {}
        self.running: list[BodyHold] = []

    def add(self, org: int, trust: Trust, size: int, count: int) -> int:
        number = len(self.webhooks) + 1
        self.webhooks[number] = OrgId(org), trust, size
        self.left[number] = count
        self.lines.join(OrgId(org), number, trust)
        return number

    def judge(self, webhook: int) -> BodyRefusal | None:
        org, trust, size = self.webhooks[webhook]
        return self.bodies.refusal(org, webhook, size, trust, is_sure=False)

    def begin(self) -> None:
        for trust in (WELL, NEW):
            while (webhook := self.lines.next(trust, self.judge)) is not None:
                org, kind, size = self.webhooks[webhook]
                self.running.append(self.bodies.take(org, webhook, size, kind))
                assert self.bodies.held <= ALL - ALL // PARTS
                self.lines.began(webhook)
                self.begun[webhook] += 1
                self.left[webhook] -= 1
                if self.left[webhook]:
                    self.lines.join(org, webhook, kind)

    def end_some(self) -> None:
        self.rng.shuffle(self.running)
        for _ in range(min(len(self.running), self.rng.randrange(1, 40))):
            self.running.pop().resize(0)


@pytest.mark.parametrize("seed", range(depth(4, 60)))
def test_in_any_mixture_everything_begins_and_nobody_waits_for_all_others(seed: int) -> None:
    rng = random.Random(seed)
    process = Process(rng)
    for _ in range(rng.choice([50, 2_000])):
        sizes = [LARGE, LARGE, 5 * LARGE, rng.randrange(LARGE_BYTES + 1, 3 * ALL)]
        process.add(rng.randrange(3), rng.choice(list(Trust)), rng.choice(sizes), 2)
    process.begin()
    lone = process.add(50, rng.choice(list(Trust)), rng.choice([LARGE, ALL]), 3)
    rounds: Counter[int] = Counter()
    while process.running:
        process.end_some()
        process.begin()
        rounds[process.begun[lone]] += 1
        assert sum(rounds.values()) < 100_000
    assert not +process.left and not len(process.lines)
    assert process.bodies.held == 0 and not process.bodies._by_org
    assert max(rounds[n] for n in range(3)) <= 60, "an org alone has its turn beside the others'"


def test_who_comes_later_does_not_take_what_the_first_one_waits_for() -> None:
    process = Process(random.Random(1))
    small = [process.add(n, NEW, LARGE, 1) for n in range(48)]
    process.begin()
    assert sum(process.begun.values()) == len(small)
    process.lines._turn = 1  # the first of an org has its turn
    large = process.add(100, NEW, 8 * LARGE, 1)
    later = [process.add(101 + n, NEW, LARGE, 1) for n in range(20)]
    for _ in range(8):
        assert not process.begun[large] and not any(process.begun[n] for n in later)
        process.running.pop().resize(0)
        process.begin()
    assert process.begun[large] == 1


def test_of_those_that_are_not_well_hanging_ones_have_a_turn_in_four() -> None:
    process = Process(random.Random(1))
    for n in range(48):
        process.add(n, NEW, LARGE, 1)
    process.begin()
    unknown = {process.add(100 + n, NEW, LARGE, 1) for n in range(30)}
    hanging = {process.add(200 + n, HANGING, LARGE, 1) for n in range(30)}
    for _ in range(24):
        process.running.pop().resize(0)
        process.begin()
    counts: Any = [sum(process.begun[n] for n in group) for group in (unknown, hanging)]
    assert counts == [18, 6]


def test_whose_lane_waits_for_nothing_any_more_keeps_no_place() -> None:
    lines = BodyLines()
    lines.join(OrgId(1), 1, NEW)
    lines.join(OrgId(1), 1, HANGING)
    assert len(lines) == 1 and lines.next(NEW, lambda _: None) == 1
    lines.leave(1)
    lines.leave(1)
    assert lines.is_empty(NEW) and lines.next(NEW, lambda _: None) is None
