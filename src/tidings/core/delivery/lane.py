"""The running side of a webhook: what may start now. Pure; time is passed in.

Theory. A lane's work is the PENDING deliveries of its webhook in id order, plus due retries, plus
deliveries freed by the end of their predecessor. While it keeps up, each commit hands its new
deliveries over and the lane queues them (`offer`). Beyond its window it is *behind*: hand-overs are
dropped, and pages are read from the store in id order after `cursor`, until one comes back short
and nothing above the cursor was dropped meanwhile. The cursor is the greatest id that was ever
queued: everything PENDING at or below it is queued, in flight, or waits for its settle; so an id
at or below it that is offered again is a repeat, and one above it that was dropped will be read.
That rests on the store's promise that ids rise with commits; how far apart they are is nothing to
a lane, so a new range of them may begin at any time.

A freed delivery may have an id below the cursor, and so may one of an event with so many webhooks
that it is made after later events were accepted. While the lane is behind, a page will show one
above the cursor; if a page is being read just now, it is kept aside until that has come. Any other
is queued, or, if the window is full, the lane starts over.

A lane whose breaker is open is *dormant*: it holds no queue and asks for nothing, so it costs
neither memory nor attempts; its work stays in the store. `wake` ends that when a probe may start.
A receiver that refuses for now (429, 503, `Retry-After`) teaches the lane its rate
(learned_rate.py); one that admits nothing at all holds it for as long as it says.

The messages of some webhooks are fetched. Their lanes start no more than their readers have asked
for and not got yet (`wanted`), and claim nothing while nobody asks.

What its bodies may take in memory, while they wait and while they are sent, is decided for all
lanes together (body_memory.py): it tells how large the one is that it would start next.

Deliveries of replays come in like all others and wait in a queue of their own: like retries they
get a quarter of the starts while fresh ones wait, and all of them when none does.
"""

import random
from collections import deque

from tidings.core.delivery.body_memory import LARGE_BYTES, WindowBudget
from tidings.core.delivery.exchange import AttemptResult, Limit, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.learned_rate import LearnedRate
from tidings.core.delivery.outcome import Cancelled, Delivered, Failed, Outcome, Retry
from tidings.core.delivery.rate_limit import RateLimit
from tidings.core.delivery.receivers.breaker import SUCCESSES_TO_CLOSE, Breaker, Position
from tidings.core.ids import DeliveryId

WINDOW_JOBS = 256
RETRIES_MAX = 64
PROBES_QUEUED = 1  # due retries in memory of a lane that is only being asked whether it is back
RETRY_TURN = 4  # one start in four goes to a retry when both wait
MADE_KEPT = 0.98  # of the size of a large message, with each smaller one
LIMITED_S, LIKELY_LIMITED_S = 120.0, 5.0


class Lane:
    """The queue, the concurrency and the pace of one webhook."""

    def __init__(self, cap: int, rate: float | None, budget: WindowBudget) -> None:
        self.cap = cap
        self.limit = float(cap)  # at most `cap`; less while the receiver asks for less
        self.rate_limit = RateLimit(rate) if rate else None
        self.open = True  # whether attempts may start at all
        self.wanted: int | None = None  # by readers; None: nobody has to ask for messages
        self.out = 0  # of those that are running, readers have so many
        self.breaker = Breaker()
        self.dormant = False
        self.learned = LearnedRate()
        self.behind = False
        self.reading = False
        self.cursor = 0
        self.epoch = 0  # raised by `start_over`; an answer to an older read is ignored
        self.unsettled_attempts: dict[DeliveryId, int] = {}  # by delivery: started, not written
        self.running = 0  # slots with an attempt under way
        self.under_way: set[DeliveryId] = set()  # whose they are
        self.made_bytes = 0  # of what was lately made of a body, where that is large
        self._large = 0  # large bodies that wait
        self._budget = budget
        self._fresh: deque[Job] = deque()
        self._retries: deque[Job] = deque()
        self._replays: deque[Job] = deque()
        self._queues = (self._fresh, self._retries, self._replays)
        self._replays_out: set[DeliveryId] = set()  # of those in flight
        self._dropped_to = 0
        self._freed_apart: dict[DeliveryId, Job] = {}
        self._settled_meanwhile: set[DeliveryId] = set()
        self._turn = 0
        self._began_before: set[DeliveryId] = set()  # of those under way: the limit was halved

    def set_pace(self, cap: int, rate: float | None) -> None:
        """Follow a change of the webhook's limits."""
        self.cap, self.limit = cap, float(cap)
        if not rate:
            self.rate_limit = None
        elif self.rate_limit is None:
            self.rate_limit = RateLimit(rate)
        elif rate != self.rate_limit.rate:
            self.rate_limit = self.rate_limit.changed(rate)

    # -- work comes in ----------------------------------------------------------------------------

    def offer(self, job: Job) -> None:
        """Take a delivery of the commit that just returned."""
        if job.delivery <= self.cursor:
            return
        if self.behind or self._pending >= WINDOW_JOBS or self._budget.spent:
            self.behind = True
            self._dropped_to = max(self._dropped_to, job.delivery)
            return
        self.cursor = job.delivery
        self._queue(job)

    def leaves(self, delivery: DeliveryId) -> bool:
        """Leave a delivery of the commit that just returned to a later page, if nothing can start
        until the lane is opened, or woken for a probe, or until a probe has ended; return whether
        it is left: then no job has to be made of it, and nobody woken."""
        if not self.behind or (self.open and not self.dormant and not self.breaker.asking):
            return False
        self._dropped_to = max(self._dropped_to, delivery)
        return True

    def offer_freed(self, job: Job) -> None:
        """Take a delivery that may lie below the cursor: its predecessor of the same key has just
        become final, or it was made after later ones were accepted."""
        if job.delivery in self.unsettled_attempts:
            return  # a page has shown it already, and it was started
        if self.behind and job.delivery > self.cursor:
            self._dropped_to = max(self._dropped_to, job.delivery)
            if self.reading:
                self._freed_apart[job.delivery] = job
            return
        if job.delivery <= self.cursor and self._has(job.delivery):
            return  # a page, read after it was freed, has shown it already
        if self._pending and (self._pending >= WINDOW_JOBS or self._budget.spent):
            self.start_over()
            return
        self.cursor = max(self.cursor, job.delivery)
        self._queue(job)

    def offer_retry(self, job: Job) -> None:
        """Take a due retry that this lane has claimed."""
        self._charge(job)
        self._retries.append(job)

    def has_claimed(self, delivery: DeliveryId) -> bool:
        """Return whether a due retry of it waits here for its turn."""
        return any(job.delivery == delivery for job in self._retries)

    @property
    def unsettled(self) -> list[DeliveryId]:
        """List what was started, or claimed to be started, and has no settlement written yet."""
        return sorted(self.unsettled_attempts.keys() | {job.delivery for job in self._retries})

    @property
    def page_wanted(self) -> bool:
        """Return whether a page should be read now, after `cursor`."""
        return (
            self.behind
            and self.open
            and not self.dormant
            and not self.reading
            and self._pending < (WINDOW_JOBS // 2 if self._is_trusted else 1)
            and not (self._budget.spent and self._pending)
        )

    @property
    def page_jobs(self) -> int:
        """Return how many deliveries the next page may have: of a receiver that is only being asked
        whether it is back, as many as show that it is."""
        most = self._budget.page_jobs
        return most if self._is_trusted else min(most, SUCCESSES_TO_CLOSE)

    @property
    def _is_trusted(self) -> bool:
        return self.breaker.position is Position.CLOSED

    def page_began(self) -> int:
        """Note that a read after `cursor` was asked for; return the epoch to give back with its
        answer."""
        self.reading = True
        self._dropped_to = 0  # what was dropped before is in the page, or is not PENDING any more
        return self.epoch

    def page_failed(self, epoch: int) -> None:
        """Note that the read did not come back; it is wanted again."""
        if epoch == self.epoch:
            self.reading = False
            self._settled_meanwhile.clear()
            self._freed_apart.clear()  # they lie above the cursor: the next page shows them

    def add_page(self, epoch: int, jobs: list[Job], limit: int) -> None:
        """Take the answer to the read: up to `limit` PENDING deliveries above `cursor`, in id
        order."""
        if epoch != self.epoch:
            return
        self.reading = False
        set_apart, self._freed_apart = self._freed_apart, {}
        settled, self._settled_meanwhile = self._settled_meanwhile, set()
        for job in jobs:
            set_apart.pop(job.delivery, None)
            if job.delivery > self.cursor:
                self.cursor = job.delivery
                if job.delivery not in self.unsettled_attempts and job.delivery not in settled:
                    self._queue(job)
        for delivery, job in set_apart.items():
            if delivery <= self.cursor:
                self._queue(job)
        if len(jobs) < limit:
            self.behind = self._dropped_to > self.cursor

    def start_over(self, *, keep_retries: bool = True) -> None:
        """Forget the queue and read everything PENDING again: after a pause, or at the start.

        Retries that were claimed stay, unless the store has ended them (`keep_retries` false).
        """
        for queue in (self._fresh, self._replays) if keep_retries else self._queues:
            for job in queue:
                self._discharge(job)
            queue.clear()
        self._freed_apart.clear()
        self._settled_meanwhile.clear()
        self.epoch += 1
        self.reading = False
        self.behind = True
        self.cursor = 0

    def forget(self, deliveries: set[DeliveryId]) -> None:
        """Forget deliveries that are cancelled: none of them starts any more. What is under way
        ends as it began."""
        for queue in self._queues:
            kept = [job for job in queue if job.delivery not in deliveries]
            if len(kept) < len(queue):
                for job in queue:
                    if job.delivery in deliveries:
                        self._discharge(job)
                queue.clear()
                queue.extend(kept)
        for delivery in deliveries & self._freed_apart.keys():
            del self._freed_apart[delivery]
        if self.reading:
            self._settled_meanwhile |= deliveries

    @property
    def _pending(self) -> int:
        return len(self._fresh) + len(self._replays)

    @property
    def replaying(self) -> int:
        """Count the deliveries of replays that wait here, or whose settlement is not on stable
        storage."""
        return len(self._replays) + len(self._replays_out)

    def _has(self, delivery: DeliveryId) -> bool:
        return delivery in self.unsettled_attempts or any(
            job.delivery == delivery for queue in (self._fresh, self._replays) for job in queue
        )

    def _charge(self, job: Job) -> None:
        if self._budget.add(job) > LARGE_BYTES:
            self._large += 1

    def _discharge(self, job: Job) -> None:
        self._budget.remove(job)
        if job.body_bytes > LARGE_BYTES:
            self._large -= 1

    def _queue(self, job: Job) -> None:
        self._charge(job)
        (self._fresh if job.replay is None else self._replays).append(job)

    # -- work goes out ----------------------------------------------------------------------------

    @property
    def queued(self) -> int:
        """Count the deliveries in memory that have not started."""
        return self._pending + len(self._retries)

    def waits_since(self, accepted_ms: int) -> bool:
        """Return whether a delivery waits in memory that was accepted then, or before."""
        return any(job.accepted_ms <= accepted_ms for queue in self._queues for job in queue)

    @property
    def retries_wanted(self) -> int:
        """Return how many due retries there is room for."""
        return max(0, self._retry_room - len(self._retries))

    @property
    def claim_wanted(self) -> bool:
        """Return whether there is room for so many due retries that asking for them is worth a
        read; where the windows are full, whether none waits here: who has some asks when they have
        begun."""
        if self._budget.spent and self._retries:
            return False
        return self.retries_wanted * 2 > self._retry_room

    @property
    def _retry_room(self) -> int:
        if not self.open or self.dormant or not self.asked_for:
            return 0
        if self._is_trusted:
            return RETRIES_MAX
        # One that waits for the next probe waits a pause, and its last time may pass meanwhile.
        return 0 if self.breaker.asking else PROBES_QUEUED

    @property
    def asked_for(self) -> bool:
        """Return whether somebody wants another message, where messages are fetched."""
        return self.wanted is None or self.running - self.out < self.wanted

    @property
    def can_start(self) -> bool:
        """Return whether a slot is free and something waits for it; the pace is asked by
        `start`."""
        return bool(
            self.open
            and not self.dormant
            and (self.wanted is None or self.asked_for)
            and (self._fresh or self._retries or self._replays)
            and self.running < self.cap
            and self.running < max(1, int(self.limit))
        )

    @property
    def next_bytes(self) -> int:
        """Return the bytes that the next start will take, where they count; else 0."""
        if not (self._large or self.made_bytes):  # nearly always
            return 0
        queue = self._turn_of(self._turn + 1)
        return self.bytes_of(queue[0]) if queue else 0

    def bytes_of(self, job: Job) -> int:
        """Return the bytes that an attempt takes, where they count; else 0."""
        size = max(self.made_bytes, job.body_bytes)
        return size if size > LARGE_BYTES else 0

    def note_made(self, size: int) -> None:
        """Note that a message of so many bytes was made of a body: the next may be as large."""
        size = max(size, int(self.made_bytes * MADE_KEPT))
        self.made_bytes = size if size > LARGE_BYTES else 0

    def wait_s(self, now_s: float) -> float | None:
        """Return the seconds until time alone admits another start; None where a probe must end
        first."""
        wait = max(self.learned.wait_s(now_s), self.breaker.wait_s(now_s))
        if wait <= 0 and not self.breaker.admits(now_s):
            return None
        limit = self.rate_limit
        return max(wait, limit.wait_s(now_s)) if limit else max(0.0, wait)

    def sleep(self) -> None:
        """Stop while the breaker is open: let go of the queue; retries that were claimed stay."""
        self.start_over()
        self.dormant = True

    def wake(self) -> None:
        """Want work again: a probe may start."""
        self.dormant = False

    def ramp(self) -> None:
        """Go on after the breaker has closed: begin with one at a time; every success admits one
        more."""
        self.dormant = False
        self.limit = 1.0

    def start(self, now_s: float) -> Job | None:
        """Return the next delivery to attempt, or None when nothing may start now."""
        if not self.can_start or not self.breaker.admits(now_s):
            return None
        limit = self.rate_limit
        if (limit is not None and limit.wait_s(now_s)) or not self.learned.take(now_s):
            return None
        if limit is not None:
            limit.take(now_s)
        self._turn += 1
        job = self._turn_of(self._turn).popleft()
        self._discharge(job)
        self.running += 1
        self.under_way.add(job.delivery)
        self.unsettled_attempts[job.delivery] = job.attempt
        if job.replay is not None:
            self._replays_out.add(job.delivery)
        self.breaker.started()
        return job

    def _turn_of(self, turn: int) -> deque[Job]:
        """Choose the queue whose turn it is: retries and replays share what is not for fresh ones.
        A retry that was claimed to be a probe is the next one."""
        if self._retries and self.breaker.position is not Position.CLOSED:
            return self._retries
        if self._fresh and (turn % RETRY_TURN or not (self._retries or self._replays)):
            return self._fresh
        if self._retries and self._replays:
            return self._replays if turn // RETRY_TURN % 2 else self._retries
        return self._retries or self._replays

    def judge(
        self,
        result: AttemptResult,
        outcome: Outcome,
        now_s: float,
        started_s: float,
        rng: random.Random,
    ) -> bool:
        """Learn from what the receiver did to an attempt; whether the breaker moved.

        A refusal by a receiver that admits others is its limit, and no failure: for two minutes
        where it says so, else, since it may as well be its end, for a few seconds.
        """
        if result.limit is not None and isinstance(outcome, Retry):
            self.learned.refused(now_s, started_s, outcome.lane_pause_s)
            patience_s = LIMITED_S if result.limit is Limit.STATED else LIKELY_LIMITED_S
            if self.breaker.position is Position.CLOSED and self.learned.admitted_within(
                now_s, patience_s
            ):
                return False
        elif isinstance(result.ending, ReceiverAnswer) and _was_processed(outcome):
            self.learned.admitted(now_s, started_s)
        return self.breaker.record(now_s, started_s, isinstance(outcome, Delivered), rng)

    def ended(self, delivery: DeliveryId, *, slow: bool, delivered: bool) -> None:
        """Free the slot of an attempt that is over. It stays in flight until `settled`."""
        if delivery in self.under_way:  # as `free`, which is not called for each attempt
            self.under_way.remove(delivery)
            self.running -= 1
        before = delivery in self._began_before
        if before:
            self._began_before.remove(delivery)
        if slow:
            if not before:  # what began under the same limit halves it once
                self.limit = max(1.0, self.limit / 2)
                self._began_before = self.unsettled_attempts.keys() - {delivery}
        elif delivered and self.limit < self.cap:
            self.limit = min(float(self.cap), self.limit + 1)

    def free(self, delivery: DeliveryId) -> None:
        """Free the slot of an attempt; do nothing if it is free already."""
        if delivery in self.under_way:
            self.under_way.remove(delivery)
            self.running -= 1

    def leapt(self, by_ms: int) -> None:
        """Move the dates of accepts by so much, from now on."""
        set_apart = self._freed_apart.values()
        for job in (*self._fresh, *self._retries, *self._replays, *set_apart):
            job.accepted_ms += by_ms

    def put_back(self, job: Job, *, wanted: bool) -> None:
        """Put back what was started and has not left: its slot is free, and it is as it was before.

        Of a retry that is not `wanted` any more the store knows what becomes of it; what is PENDING
        is read again.
        """
        self.free(job.delivery)
        self.unsettled_attempts.pop(job.delivery, None)
        self._began_before.discard(job.delivery)
        self._replays_out.discard(job.delivery)
        if not job.retry:
            self.start_over()
        elif wanted:
            self._charge(job)
            self._retries.appendleft(job)

    def settled(self, delivery: DeliveryId, attempt: int) -> None:
        """Note that what came of an attempt is on stable storage; the next one may be under way
        already, for the commit that wrote it may have claimed it again."""
        if self.unsettled_attempts.get(delivery) == attempt:
            del self.unsettled_attempts[delivery]
            self._began_before.discard(delivery)
            self._replays_out.discard(delivery)
        if self.reading:
            self._settled_meanwhile.add(delivery)


def _was_processed(outcome: Outcome) -> bool:
    """Return whether the receiver has worked on it, whatever came of that."""
    match outcome:
        case Delivered():
            return True
        case Failed(exhausted=exhausted):
            return not exhausted
        case Retry(waits_for_owner=waits_for_owner):
            return waits_for_owner
        case Cancelled():
            return False
