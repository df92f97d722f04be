"""All lanes of a process: commits hand work to them, attempts go out, outcomes come back.

A lane's slots run on demand: a slot is a task that makes one attempt after the other until its lane
has nothing that may start. Due retries are asked for by a timer per process, for lanes that may
send, and arrive with the receipt of the commit that wrote their attempts down.
"""

import asyncio
import heapq
import random
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tidings.core.delivery import State
from tidings.core.exchange import Answer, Ending, Fault, FaultKind
from tidings.core.job import Job
from tidings.core.lane import PAGE_JOBS, Budget, Lane
from tidings.core.outcome import Delivered, Failed, Outcome, Retry, classify
from tidings.core.registry import Registry
from tidings.core.webhook import Standing, Webhook
from tidings.egress.port import Sender, Target
from tidings.engine.clock import Clock
from tidings.engine.committer import Committer, Prepared
from tidings.engine.message import Message
from tidings.engine.post import Line, Post
from tidings.store import port

UNWRITTEN_MAX = 1000
CLIENTS_MAX = 500
PAGE_RETRY_S = 0.25
OVERDUE_S = 10.0

LOST = "lost"
LOST_DETAIL = "possibly sent (stopped before the answer came)"


class Dispatcher:
    """The lanes of every webhook that this process owns."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        sender: Sender,
        target_of: Callable[[str], Target],
        clock: Clock,
        draw: random.Random,
        budget_bytes: int,
        in_flight_max: int,
        gone: Callable[[Webhook], None],
        observe: Callable[[Webhook, Job, Ending, Outcome], None],
    ) -> None:
        self._store = store
        self._registry = registry
        self._sender = sender
        self._target_of = target_of
        self._clock = clock
        self._draw = draw
        self._budget = Budget(budget_bytes)
        self._in_flight_max = in_flight_max
        self._gone = gone
        self._observe = observe
        self._posts: dict[int, Post] = {}
        self._warm: OrderedDict[int, Post] = OrderedDict()
        self._due: list[tuple[int, int]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: dict[int, Webhook] = {}  # by the delivery that was answered 410
        self._starved: OrderedDict[int, Post] = OrderedDict()
        self.committer: Committer  # set once by whoever composes both
        self.in_flight = 0
        self.stopping = False

    # -- receipts ---------------------------------------------------------------------------------

    def handover(
        self,
        receipt: port.Receipt,
        events: list[Prepared],
        matched: list[Sequence[port.NewDelivery]],
    ) -> None:
        """Queue the deliveries of a commit that has just returned."""
        held = set(receipt.held)
        now_ms = receipt.now_ms
        woken: set[Post] = set()
        for job in receipt.freed:
            post = self._post(job.webhook)
            if post is not None:
                post.lane.offer_freed(job)
                woken.add(post)
        for event, seq, first, found in zip(
            events, receipt.seqs, receipt.firsts, matched, strict=True
        ):
            if not seq:
                continue
            draft = event.draft
            for delivery, new in enumerate(found, first):
                if not new.parked and delivery not in held:
                    post = self._posts.get(new.webhook) or self._post(new.webhook)
                    if post is not None:
                        post.lane.offer(
                            Job(
                                delivery,
                                new.webhook,
                                draft.org,
                                draft.event_id,
                                now_ms,
                                1,
                                new.key,
                                False,
                                draft.body,
                            )
                        )
                        woken.add(post)
        for job in receipt.taken:
            post = self._post(job.webhook)
            if post is not None:
                post.lane.offer_retry(job)
                woken.add(post)
        for post in woken:
            self._pump(post)

    def settled(self, settled: Sequence[port.Settled], receipt: port.Receipt) -> None:
        """Outcomes are written: their deliveries are out of flight, and retries have a due time."""
        for one in settled:
            post = self._posts.get(one.webhook)
            if post is None:
                continue
            post.lane.settled(one.delivery)
            if (gone := self._leaving.pop(one.delivery, None)) is not None:
                self._gone(gone)  # not before: disabling parks what is unfinished
            if one.delay_ms is not None:
                self._note_due(post, receipt.now_ms + one.delay_ms)
        for webhook, due_ms in receipt.due:
            post = self._posts.get(webhook)
            if post is not None:
                post.taking = False
                post.next_due_ms = None
                if due_ms is not None:
                    self._note_due(post, due_ms)
        self._resume_starved()

    # -- webhooks ---------------------------------------------------------------------------------

    def begin(self, standings: Sequence[port.Standing]) -> None:
        """Take up what a former owner left unfinished."""
        for standing in standings:
            post = self._post(standing.webhook)
            if post is None:
                continue
            if standing.pending:
                post.lane.start_over()
            if standing.next_due_ms is not None:
                self._note_due(post, standing.next_due_ms)
            self._pump(post)

    def changed(self, webhook: Webhook) -> None:
        """Follow a new version of a webhook; what is under way ends as it began."""
        post = self._posts.get(webhook.number)
        if post is None:
            return
        was = post.webhook
        post.webhook = webhook
        post.message = Message(webhook)
        lane = post.lane
        if webhook.standing is Standing.DELETED:
            del self._posts[webhook.number]
            self._warm.pop(webhook.number, None)
            lane.open = False
            lane.start_over(keep_retries=False)
            self._spawn(self._close_when_quiet(post))
            return
        if (webhook.connections_max, webhook.rate_per_s) != (was.connections_max, was.rate_per_s):
            lane.set_pace(webhook.connections_max, webhook.rate_per_s)
        if _line(webhook) != _line(was):
            old, post.line = post.line, self._open(webhook)
            if old.retire():
                self._spawn(old.outlet.close())
        if webhook.sends != was.sends:
            lane.open = webhook.sends
            lane.start_over(keep_retries=webhook.standing is not Standing.DISABLED)
            if webhook.sends and post.next_due_ms is not None:
                self._note_due(post, post.next_due_ms)
        self._pump(post)

    def _post(self, number: int) -> Post | None:
        post = self._posts.get(number)
        if post is None:
            webhook = self._registry.get(number)
            if webhook is None or webhook.kind != "HTTP":
                return None
            lane = Lane(webhook.connections_max, webhook.rate_per_s, self._budget)
            lane.open = webhook.sends
            post = self._posts[number] = Post(webhook, lane, self._open(webhook))
        return post

    def _open(self, webhook: Webhook) -> Line:
        outlet = self._sender.open(
            self._target_of(webhook.url),
            webhook.connections_max,
            keep_answers=webhook.keep_answers,
        )
        return Line(outlet)

    # -- attempts ---------------------------------------------------------------------------------

    @property
    def _may_start(self) -> bool:
        return not (
            self.stopping
            or self.committer.halted
            or self.in_flight >= self._in_flight_max
            or self.committer.unwritten >= UNWRITTEN_MAX
        )

    def _pump(self, post: Post) -> None:
        lane = post.lane
        if lane.page_wanted:
            self._spawn(self._read_page(post, lane.page_began()))
        if lane.can_start:
            if not self._may_start:
                self._starved[post.webhook.number] = post
            else:
                self._open_slots(post)
        if post.waiting_since_s is None and lane.can_start:
            post.waiting_since_s = self._loop.time()
        if post.next_due_ms is not None and not post.taking and lane.retries_wanted > 32:
            self._take_if_due(post)

    def _open_slots(self, post: Post) -> None:
        lane = post.lane
        while self._may_start and (job := lane.start(self._loop.time())) is not None:
            self.in_flight += 1
            post.waiting_since_s = None
            slot = self._loop.create_task(self._slot(post, job))
            post.slots.add(slot)
            slot.add_done_callback(post.slots.discard)
        if lane.can_start and self._may_start and post.paced is None:
            post.paced = self._loop.call_later(lane.wait_s(self._loop.time()), self._unpace, post)

    def _unpace(self, post: Post) -> None:
        post.paced = None
        self._pump(post)

    async def _slot(self, post: Post, first: Job) -> None:
        job: Job | None = first
        lane, loop = post.lane, self._loop
        self._keep_warm(post)
        while job is not None:
            webhook = post.webhook
            started_ms = self._clock.now_ms()
            headers = post.message.headers(job, started_ms // 1000)
            line = post.line
            line.active += 1
            try:
                ending = await line.outlet.send(
                    webhook.method, headers, job.body, webhook.deadline_s
                )
            except asyncio.CancelledError:
                self._ended(post, webhook, job, started_ms, None)
                raise
            finally:
                line.active -= 1
                if line.unused:
                    self._spawn(line.outlet.close())
            self._ended(post, webhook, job, started_ms, ending)
            if lane.page_wanted:
                self._pump(post)
            job = lane.start(loop.time()) if self._may_start else None
            if job is not None:
                self.in_flight += 1
                post.waiting_since_s = None
        self._pump(post)

    def _ended(
        self, post: Post, webhook: Webhook, job: Job, started_ms: int, ending: Ending | None
    ) -> None:
        self.in_flight -= 1
        now_ms = self._clock.now_ms()
        if ending is None:
            post.lane.ended(slow=False, delivered=False)
            evidence = port.Evidence(LOST, LOST_DETAIL, (), b"", False)
            self._settle(webhook, job, started_ms, State.RETRYING, 0, 0, None, evidence)
            return
        age_s = max(0, now_ms - job.accepted_ms) / 1000
        outcome = classify(ending, webhook.retry, job.attempt, age_s, now_ms / 1000, self._draw)
        status = ending.status if isinstance(ending, Answer) else None
        duration_ms = round(ending.duration_ms)
        match outcome:
            case Delivered():
                post.lane.ended(slow=False, delivered=True)
                evidence_or_none = _evidence(ending) if webhook.keep_answers else None
                self._settle(
                    webhook,
                    job,
                    started_ms,
                    State.DELIVERED,
                    duration_ms,
                    None,
                    status,
                    evidence_or_none,
                )
            case Failed():
                post.lane.ended(slow=False, delivered=False)
                self._settle(
                    webhook,
                    job,
                    started_ms,
                    State.FAILED,
                    duration_ms,
                    None,
                    status,
                    _evidence(ending),
                )
                if outcome.disable:
                    self._leaving[job.delivery] = webhook
            case Retry():
                post.lane.ended(slow=outcome.slow, delivered=False)
                stale = isinstance(ending, Fault) and ending.kind is FaultKind.STALE
                self._settle(
                    webhook,
                    job,
                    started_ms,
                    State.RETRYING,
                    duration_ms,
                    0 if stale else max(1, round(outcome.delay_s * 1000)),
                    status,
                    _evidence(ending),
                )
        self._observe(webhook, job, ending, outcome)

    def _settle(
        self,
        webhook: Webhook,
        job: Job,
        started_ms: int,
        state: State,
        duration_ms: int,
        delay_ms: int | None,
        status: int | None,
        evidence: port.Evidence | None,
    ) -> None:
        self.committer.settle(
            port.Settled(
                job.delivery,
                webhook.number,
                job.key,
                state,
                job.attempt,
                webhook.version,
                started_ms,
                duration_ms,
                status,
                delay_ms,
                evidence,
            )
        )

    def _resume_starved(self) -> None:
        while self._starved and self._may_start:
            _, post = self._starved.popitem(last=False)
            self._pump(post)

    # -- pages and retries ------------------------------------------------------------------------

    async def _read_page(self, post: Post, epoch: int) -> None:
        lane = post.lane
        try:
            jobs = await self._store.page(post.webhook.number, lane.cursor, PAGE_JOBS)
        except port.StoreDown:
            lane.page_failed(epoch)
            self._loop.call_later(PAGE_RETRY_S, self._pump, post)
            return
        lane.page_came(epoch, list(jobs), PAGE_JOBS)
        self._pump(post)

    def _note_due(self, post: Post, due_ms: int) -> None:
        if post.next_due_ms is None or due_ms < post.next_due_ms:
            post.next_due_ms = due_ms
            heapq.heappush(self._due, (due_ms, post.webhook.number))
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._due and not self.stopping:
            wait_s = max(0.001, (self._due[0][0] - self._clock.now_ms()) / 1000)
            self._alarm = self._loop.call_later(min(wait_s, 60.0), self._ring)

    def _ring(self) -> None:
        now_ms = self._clock.now_ms()
        while self._due and self._due[0][0] <= now_ms:
            _, number = heapq.heappop(self._due)
            if (post := self._posts.get(number)) is not None:
                self._take_if_due(post)
        self._set_alarm()

    def _take_if_due(self, post: Post) -> None:
        due_ms = post.next_due_ms
        if due_ms is None or post.taking or self.stopping or self.committer.halted:
            return
        room = post.lane.retries_wanted
        if room and due_ms <= self._clock.now_ms():
            post.taking = True
            self.committer.take(post.webhook.number, room)

    # -- connections ------------------------------------------------------------------------------

    def _keep_warm(self, post: Post) -> None:
        number = post.webhook.number
        if number in self._warm:
            self._warm.move_to_end(number)
            return
        self._warm[number] = post
        if len(self._warm) > CLIENTS_MAX:
            for cold in list(self._warm)[:8]:
                if not self._warm[cold].slots:
                    self._spawn(self._warm.pop(cold).line.outlet.close())
                    break

    async def _close_when_quiet(self, post: Post) -> None:
        if post.slots:
            await asyncio.wait(post.slots)
        await post.line.outlet.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the end, and how it goes -----------------------------------------------------------------

    async def stop(self, drain_s: float) -> None:
        """Start nothing more, wait for what is under way, call the rest possibly sent."""
        self.stopping = True
        if self._alarm is not None:
            self._alarm.cancel()
        slots = {slot for post in self._posts.values() for slot in post.slots}
        if slots:
            _, late = await asyncio.wait(slots, timeout=drain_s)
            for slot in late:
                slot.cancel()
            if late:
                await asyncio.wait(late)
        for post in self._posts.values():
            await post.line.outlet.close()

    def overdue(self) -> list[Webhook]:
        """Webhooks whose lane has a free slot and work that waits too long for it all the same."""
        now = self._loop.time()
        return [
            post.webhook
            for post in self._posts.values()
            if post.waiting_since_s is not None
            and post.lane.can_start
            and post.lane.bucket is None
            and now - post.waiting_since_s > OVERDUE_S
        ]

    @property
    def queued(self) -> int:
        """Deliveries in memory that have not started."""
        return sum(post.lane.queued for post in self._posts.values())


def _line(webhook: Webhook) -> tuple[str, int, bool]:
    """What an outlet is opened for."""
    return webhook.url, webhook.connections_max, webhook.keep_answers


def _evidence(ending: Ending) -> port.Evidence:
    if isinstance(ending, Answer):
        return port.Evidence(None, "", ending.headers, ending.body, ending.truncated)
    return port.Evidence(ending.kind, ending.detail, (), b"", False)
