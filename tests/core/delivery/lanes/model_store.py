"""A store in memory that states once more what lanes ask of one."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId

PAGE = 3

PENDING, HELD, RETRYING, DELIVERED = State.PENDING, State.HELD, State.RETRYING, State.DELIVERED


@dataclass
class Row:
    """A delivery in the store."""

    job: Job
    state: State
    taken: bool = False


class Receipt(NamedTuple):
    """What a commit tells."""

    settled: list[tuple[int, int]]  # deliveries, with their attempts
    freed: list[Job]
    fresh: list[Job]
    taken: list[Job]


class Page(NamedTuple):
    """An answer to a read."""

    epoch: int
    jobs: list[Job]


@dataclass
class ModelStore:
    """What the port promises, and no more."""

    rows: dict[int, Row]
    gap: int = 0  # numbers that are left out before those of each commit: a new range begins

    @property
    def newest(self) -> int:
        """The greatest number that was given."""
        return next(reversed(self.rows), 0)

    def commit(
        self, news: list[tuple[int | None, int]], outcomes: list[tuple[int, State]], take: int
    ) -> Receipt:
        """Settle, free, append, take: in this order, as one."""
        freed = []
        settled = [(delivery, self.rows[delivery].job.attempt) for delivery, _ in outcomes]
        for delivery, state in outcomes:
            row = self.rows[delivery]
            row.state, row.taken = state, False
            if state is DELIVERED and row.job.key is not None:
                waiting = self._unfinished(row.job.key)
                if waiting and waiting[0].state is HELD:
                    waiting[0].state = PENDING
                    freed.append(waiting[0].job)
        fresh = []
        number = self.newest + self.gap
        for key, size in news:
            number += 1
            job = Job(DeliveryId(number), 1, OrgId(7), f"e{number}", 0, 1, key, False, b"x" * size)
            held = key is not None and bool(self._unfinished(key))
            self.rows[number] = Row(job, HELD if held else PENDING)
            if not held:
                fresh.append(job)
        due = [row for row in self.rows.values() if row.state is RETRYING and not row.taken]
        taken = []
        for row in due[:take]:
            row.taken = True
            row.job = replace(row.job, attempt=row.job.attempt + 1, retry=True)
            taken.append(row.job)
        return Receipt(settled, freed, fresh, taken)

    def page(self, after: int) -> list[Job]:
        """PENDING deliveries above `after`."""
        found = [row.job for n, row in self.rows.items() if n > after and row.state is PENDING]
        return found[:PAGE]

    def _unfinished(self, key: int) -> list[Row]:
        return [row for row in self.rows.values() if row.job.key == key and not row.state.final]


class InStoreOrder(RuleBasedStateMachine):
    """Answers are handled in the order in which the store gave them: one line to it."""

    with_keys = True
    overtaking: type[Receipt] | type[Page] | None = None

    def overtakers(self) -> list[Receipt | Page]:
        """Answers that may be handled before their turn."""
        kind = self.overtaking
        return (
            [] if kind is None else [answer for answer in self.answers if isinstance(answer, kind)]
        )

    @initialize(
        cap=st.integers(1, 6),
        bytes_max=st.integers(1, 40),
        behind=st.booleans(),
        gap=st.sampled_from([0, 1 << 40]),
    )
    def begin(self, cap: int, bytes_max: int, behind: bool, gap: int) -> None:
        self.store = ModelStore({}, gap)
        self.budget = WindowBudget(bytes_max)
        self.lane = Lane(cap, None, self.budget)
        if behind:
            self.lane.start_over()
        self.answers: deque[Receipt | Page] = deque()
        self.asked: int | None = None  # the epoch of the read that the store has not seen yet
        self.cursor = 0
        self.running: list[Job] = []
        self.unwritten: list[tuple[int, State]] = []
        self.starts: dict[int, list[int]] = {}
        self.last_of_key: dict[int | None, int] = {}

    @rule(
        news=st.lists(
            st.tuples(st.sampled_from([None, None, None, 1, 2]), st.integers(0, 9)), max_size=6
        ),
        take=st.booleans(),
    )
    def commit(self, news: list[tuple[int | None, int]], take: bool) -> None:
        if not self.with_keys:
            news = [(None, size) for _, size in news]
        outcomes, self.unwritten = self.unwritten, []
        wanted = min(2, self.lane.retries_wanted) if take else 0
        self.answers.append(self.store.commit(news, outcomes, wanted))

    @precondition(lambda self: self.asked is not None)
    @rule()
    def store_reads(self) -> None:
        assert self.asked is not None
        self.answers.append(Page(self.asked, self.store.page(self.cursor)))
        self.asked = None

    @precondition(lambda self: self.asked is not None)
    @rule()
    def read_fails(self) -> None:
        assert self.asked is not None
        self.lane.page_failed(self.asked)
        self.asked = None

    @precondition(lambda self: self.answers)
    @rule()
    def handle(self) -> None:
        self._handle(self.answers.popleft())

    def _handle(self, answer: Receipt | Page) -> None:
        if isinstance(answer, Page):
            self.lane.add_page(answer.epoch, answer.jobs, PAGE)
            return
        for job in answer.freed:
            self.lane.offer_freed(job)
        for job in answer.fresh:
            self.lane.offer(job)
        for job in answer.taken:
            self.lane.offer_retry(job)
        if answer.taken:  # what was taken may start before the outcomes of the same commit are told
            self.start(len(answer.taken))
        for delivery, attempt in answer.settled:
            self.lane.settled(DeliveryId(delivery), attempt)

    @precondition(lambda self: self.lane.page_wanted and self.asked is None)
    @rule()
    def ask_for_a_page(self) -> None:
        self.asked, self.cursor = self.lane.page_began(), self.lane.cursor

    @rule(count=st.integers(1, 4))
    def start(self, count: int) -> None:
        for _ in range(count):
            job = self.lane.start(0.0)
            if job is None:
                return
            row = self.store.rows[job.delivery]
            assert row.state is (RETRYING if job.retry else PENDING)
            assert row.taken is job.retry
            starts = self.starts.setdefault(job.delivery, [])
            starts.append(job.attempt)
            assert starts == list(range(1, len(starts) + 1))  # none twice, none left out
            if not job.retry:
                last = self.last_of_key.get(job.key, 0)
                assert job.delivery > last  # in id order: of its key, or of all without one
                self.last_of_key[job.key] = job.delivery
            self.running.append(job)

    @precondition(lambda self: self.running)
    @rule(
        index=st.integers(0, 10),
        state=st.sampled_from([DELIVERED, DELIVERED, RETRYING]),
        slow=st.booleans(),
    )
    def end(self, index: int, state: State, slow: bool) -> None:
        job = self.running.pop(index % len(self.running))
        self.lane.ended(job.delivery, slow=slow and state is RETRYING, delivered=state is DELIVERED)
        self.unwritten.append((job.delivery, state))

    @rule()
    def pause(self) -> None:
        if self.lane.open:
            self.lane.open = False
            self._start_over()

    @rule()
    def resume(self) -> None:
        if not self.lane.open:
            self.lane.open = True
            self._start_over()

    @rule()
    def breaker_opens(self) -> None:
        if not self.lane.dormant:
            self.lane.sleep()
            self._read_is_over()

    @rule()
    def breaker_may_probe(self) -> None:
        self.lane.wake()

    def _start_over(self) -> None:
        self.lane.start_over()
        self._read_is_over()

    def _read_is_over(self) -> None:
        if self.asked is not None:  # its answer will come, to an epoch that is over
            self.answers.append(Page(self.asked, self.store.page(self.cursor)))
            self.asked = None

    @invariant()
    def bounds_are_kept(self) -> None:
        lane = self.lane
        queued = [*lane._fresh, *lane._retries]
        assert self.budget.bytes_used == sum(len(job.body) for job in queued)
        assert lane.running == len(self.running) <= lane.cap
        assert {job.delivery for job in self.running} <= lane.unsettled_attempts.keys()
        assert len({job.delivery for job in queued}) == len(queued)

    def teardown(self) -> None:
        """With nothing in the way, everything is delivered, and nothing is left in memory."""
        if not hasattr(self, "lane"):
            return
        self.resume()
        self.breaker_may_probe()
        for _ in range(4 * len(self.store.rows) + 20):
            self.start(100)
            while self.running:
                self.end(0, DELIVERED, False)
            self.commit([], True)
            if self.asked is not None:
                self.store_reads()
            while self.answers:
                self.handle()
            if self.lane.page_wanted:
                self.ask_for_a_page()
            self.bounds_are_kept()
        assert {row.state for row in self.store.rows.values()} <= {DELIVERED}
        assert set(self.starts) == set(self.store.rows)
        lane = self.lane
        assert (lane.queued, lane.running, lane.unsettled_attempts, lane.behind) == (
            0,
            0,
            {},
            False,
        )
        assert self.budget.bytes_used == 0
