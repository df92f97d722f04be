"""Owns the runners (lane, channel, tasks) of all webhooks.

`pump` lets a lane read, claim and start; `attempt_ended` judges an attempt and queues its
settlement; `settled`, once that is written, takes the delivery out of its lane; `changed`,
`switched`, `look_again` follow what happens outside. Attempts are made in slots (send_slots.py).
Due retries arrive with the receipt of the commit that has written their attempts down
(retry_claims.py).
"""

import asyncio
import random
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol

from tidings.core.delivery.exchange import AttemptResult, Ending, ReceiverAnswer, is_answered
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane, WindowBudget
from tidings.core.delivery.learned_rate import LearnedRate
from tidings.core.delivery.outcome import Delivered, Outcome, Retry
from tidings.core.delivery.turns import LanePace
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.replay import window
from tidings.core.webhooks.registry import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination
from tidings.engine.callables import Notify
from tidings.engine.clock import Clock
from tidings.engine.delivery import attempt_results
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.attempts import Attempts
from tidings.engine.delivery.breakers import Breakers
from tidings.engine.delivery.channels import Channels
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.judgement import AttemptJudge
from tidings.engine.delivery.guards.lane_rescue import LaneRescuer
from tidings.engine.delivery.guards.slot import Slot
from tidings.engine.delivery.guards.slot_watch import SlotWatch
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.message import HeadersOf, MessageHeaders
from tidings.engine.delivery.pages import PAGE_RETRY_S, Pages
from tidings.engine.delivery.receipt_dispatch import ReceiptDispatch
from tidings.engine.delivery.retries.manual_retries import PromisedRetries
from tidings.engine.delivery.retries.next_attempts import NextAttempts
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import QUICK_S, WebhookRunner
from tidings.engine.delivery.send_slots import SendSlots
from tidings.engine.delivery.start_pacer import StartPacer
from tidings.engine.events.commit_queue import Commits
from tidings.engine.listeners import EngineListeners
from tidings.engine.outage import Outage
from tidings.engine.shaping.shaper import Shaping
from tidings.store import port

UNWRITTEN_MAX = 1000


class WebhookEnds(Protocol):
    """Disables webhooks."""

    def disable(self, webhook: Webhook, reason: str) -> None:
        """Disable a webhook, for a reason in a sentence."""


class StopSwitches(Protocol):
    """Knows whose sending is stopped."""

    def is_stopped(self, org: OrgId) -> bool:
        """Return whether an org's is, or everybody's."""


class AttemptObserver(Protocol):
    """Counts attempts, and tells of them."""

    def observe(self, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome) -> None:
        """Hear how an attempt has ended, and what follows."""


class Dispatcher:
    """The lanes of every webhook that this process owns."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        destination: Destination,
        clock: Clock,
        rng: random.Random,
        budget_bytes: int,
        in_flight_max: int,
        healths: HealthTracker,
        shaper: Shaping,
        ends: WebhookEnds,
        stops: StopSwitches,
        heard: EngineListeners,
        observer: AttemptObserver,
        commits: Commits,
        in_flight: port.InFlight | None = None,  # None: after a kill all may have been sent
        headers_of: HeadersOf = MessageHeaders,
        errors: UnforeseenErrors | None = None,
        connections: ConnectionWatch | None = None,  # None: what attempts say of them is taken
    ) -> None:
        """`ends` disable webhooks, `stops` have the switches by org, `observer` hears of each
        attempt. It hears itself all that parts tell each other in `heard`."""
        self._connections = connections
        self._errors = errors = errors or UnforeseenErrors()
        self._commits, self._headers_of = commits, headers_of
        self._store = store
        self._healths = healths
        self._reading = Outage("what lanes have to read")
        self._in_flight = in_flight or port.NullInFlight()
        self._registry = registry
        self._clock = clock
        self._budget = WindowBudget(budget_bytes)
        self._admission = Admission(in_flight_max, self)
        self._attempts = self._make_attempts(shaper)
        self._webhook_ends = ends
        self._stops = stops
        self._ends: dict[int, tuple[Webhook, str]] = {}  # by the delivery that disables it
        self._observer = observer
        self._runners: dict[int, WebhookRunner] = {}
        self._deleted: dict[int, WebhookRunner] = {}  # with attempts that are under way
        self._channels = Channels(destination=destination, lanes=self, errors=errors)
        self._slots = SendSlots(
            admission=self._admission,
            attempts=self._attempts,
            channels=self._channels,
            lanes=self,
            errors=errors,
        )
        self._claims = self._make_claims()
        self._rescuer = LaneRescuer(runners=self._runners, lanes=self, errors=errors)
        self.handover = self._make_handover()
        self._loop = asyncio.get_running_loop()
        self._breakers = Breakers(healths, rng, self)
        self._pages = self._make_pages()
        self.next_attempts = NextAttempts(self, healths, clock, self._admission, connections)
        self._tasks: set[asyncio.Task[None]] = set()
        self.promised_retries = PromisedRetries()
        self._judge = AttemptJudge(
            clock=clock,
            rng=rng,
            promised=self.promised_retries,
            breakers=self._breakers,
            errors=errors,
        )
        self.slot_watch = SlotWatch(
            admission=self._admission,
            lanes=self,
            slots=self._slots,
            errors=errors,
        )
        self.stopping = False
        self._hear(heard)

    def _make_attempts(self, shaper: Shaping) -> Attempts:
        return Attempts(
            shaper=shaper,
            store=self._store,
            clock=self._clock,
            in_flight=self._in_flight,
            listener=self,
            errors=self._errors,
        )

    def _make_claims(self) -> RetryClaims:
        return RetryClaims(
            store=self._store,
            clock=self._clock,
            runners=self._runners,
            lanes=self,
            commits=self._commits,
            healths=self._healths,
            budget=self._budget,
        )

    def _make_handover(self) -> ReceiptDispatch:
        return ReceiptDispatch(
            runners=self._runners,
            lanes=self,
            pacer=StartPacer(self, self._rescuer),
            healths=self._healths,
            claims=self._claims,
            rescuer=self._rescuer,
        )

    def _make_pages(self) -> Pages:
        return Pages(
            store=self._store,
            clock=self._clock,
            reading=self._reading,
            healths=self._healths,
            attempts=self._attempts,
            lanes=self,
        )

    def _hear(self, heard: EngineListeners) -> None:
        """Hear all that parts tell each other."""
        heard.changed.add(self.changed)
        heard.switched.add(self.switched)
        heard.parked.add(self.parked)
        heard.held.add(self.held)
        heard.asked.add(self.ask)
        heard.probed.add(self.probe)
        heard.due.add(self.due)

    # -- receipts ---------------------------------------------------------------------------------

    def replay_room(self, webhook: Webhook) -> int:
        """Return how many deliveries of replays its lane has room for now; live work comes
        first."""
        runner = self.runner_of(webhook.number)
        if runner is None or not runner.lane.open or runner.lane.dormant or runner.lane.behind:
            return 0
        if self._commits.halted or self._admission.permits.busy:
            return 0
        return max(0, window(webhook.connections_max) - runner.lane.replaying)

    def read_again(self, webhook: Webhook) -> None:
        """The store may hold deliveries of this webhook that no receipt has told of."""
        if (runner := self._runners.get(webhook.number)) is not None:
            runner.lane.start_over()
            self.pump(runner)

    def settled(self, settled: Sequence[port.Settlement], receipt: port.Receipt) -> None:
        """These are written: their deliveries leave their lanes, and retries have a due time."""
        runners, forget = self._runners, self._in_flight.forget
        for settlement in settled:
            try:
                delivery, attempt = settlement.delivery, settlement.attempt
                if (runner := runners.get(settlement.webhook)) is not None:
                    runner.lane.settled(delivery, attempt)
                    runner.cancelled.discard(delivery)
                    runner.doubted.discard(delivery)
                    if settlement.delay_ms is not None:
                        self._claims.note(runner, receipt.now_ms + settlement.delay_ms)
                    if self._ends and (ends := self._ends.pop(delivery, None)) is not None:
                        self._end_webhook(runner, *ends)  # disabling parks what is unfinished
                forget(delivery, attempt)
            except Exception as error:  # the others have been written too
                self._errors.note(error, AttemptStep.SETTLE)
        for webhook, due_ms in receipt.due:
            if (runner := self._runners.get(webhook)) is not None:
                try:
                    self._claims.claimed(runner, due_ms)
                except BaseException as error:
                    self._claims.lose(runner)
                    self._rescuer.note(webhook, error)
        if self._admission.crowded:
            self._slots.give()

    # -- webhooks ---------------------------------------------------------------------------------

    def _end_webhook(self, runner: WebhookRunner, webhook: Webhook, reason: str) -> None:
        """It is written that it is to be disabled: nothing starts until that is done."""
        now = self._registry.get(webhook.number)
        if now is not None and now.sends and now.url == webhook.url:
            runner.lane.open = False
            runner.lane.start_over()
        self._webhook_ends.disable(webhook, reason)

    def begin(self, backlogs: Sequence[port.Backlog]) -> None:
        """Take up what a former owner left unfinished."""
        for backlog in backlogs:
            try:
                if (runner := self.runner_of(backlog.webhook)) is None:
                    continue
                if backlog.pending:
                    runner.lane.start_over()
                if backlog.next_due_ms is not None:
                    self._claims.note(runner, backlog.next_due_ms)
                self.pump(runner)
            except BaseException as error:  # the other lanes begin
                self._rescuer.note(backlog.webhook, error)

    def look_again(self, claimed_of: set[int]) -> None:
        """A commit was refused, or its answer lost: the store may hold what no receipt has told.

        Lanes with unfinished work read it again, and retries that were claimed of these webhooks
        and did not arrive are due again. What waits here is dropped at once, and what was started
        and has not left is put back: a cancel whose answer was lost may have ended it, and its
        repeat does not name it.
        """
        doubted = set(claimed_of)
        for number, runner in self._runners.items():
            runner.doubted |= runner.lane.unsettled_attempts.keys()
            if runner.lane.queued:
                doubted.add(number)
                runner.lane.start_over(keep_retries=False)
                self.pump(runner)
        self.spawn(self._look_again(doubted))

    async def _look_again(self, claimed_of: set[int]) -> None:
        with self._reading:
            backlogs = await self._store.unfinished()
        if self._reading.lasts:
            self._loop.call_later(PAGE_RETRY_S, self.look_again, claimed_of)
            return
        self.begin(backlogs)
        for number in claimed_of:
            if (runner := self._runners.get(number)) is not None:
                self._claims.release(runner)

    def changed(self, webhook: Webhook) -> None:
        """Follow a new version of a webhook; what is under way ends as it began."""
        runner = self._runners.get(webhook.number)
        if runner is None:
            return
        was = runner.webhook
        runner.follow(webhook)
        lane = runner.lane
        if webhook.status is WebhookStatus.DELETED:
            del self._runners[webhook.number]
            self._channels.forget(webhook.number)
            self._claims.forget(webhook.number)
            lane.open = False
            lane.start_over(keep_retries=False)
            self._breakers.drop(runner)
            self._deleted[webhook.number] = runner
            self.spawn(self._close_when_quiet(runner))
            return
        if (webhook.connections_max, webhook.rate_per_s) != (was.connections_max, was.rate_per_s):
            lane.set_pace(webhook.connections_max, webhook.rate_per_s)
        self._channels.follow(runner)
        if webhook.url != was.url:
            lane.learned = LearnedRate()  # what another receiver takes is another matter
            runner.pace = LanePace()
        self._breakers.changed(runner, begins=webhook.sends and not was.sends)
        opens = runner.rest is None and self._opens(webhook)
        if opens != lane.open or webhook.sends != was.sends:
            lane.open = opens
            lane.start_over()
        if webhook.status is not was.status:
            if webhook.status is WebhookStatus.DISABLED:
                lane.start_over(keep_retries=False)  # they are parked
                runner.claims_void = runner.claiming
            elif was.status is WebhookStatus.DISABLED:
                self._claims.release(runner)
        self.pump(runner)

    def switched(self) -> None:
        """A stop switch was thrown: lanes close, and hold nothing in memory; or they open again."""
        for runner in list(self._runners.values()):
            self.open_or_close(runner)

    def held(self, connection: str) -> None:
        """A connection is held: the lanes that go over it close; or it works again."""
        watch = self._connections
        for runner in list(self._runners.values()) if watch is not None else ():
            if watch is None or watch.connection_of(runner.webhook) != connection:
                continue
            if not watch.bars(runner.webhook):
                self._channels.renew(runner)  # it may be for a connection that was not there
            self.open_or_close(runner)

    def open_or_close(self, runner: WebhookRunner) -> None:
        """See `LaneDriver`."""
        opens = runner.rest is None and self._opens(runner.webhook)
        if opens != runner.lane.open:
            runner.lane.open = opens
            runner.lane.start_over()
            self.pump(runner)

    def ask(self, number: int, wanted: int, out: int) -> None:
        """Readers of a webhook that is fetched from want so many messages now, and have so many."""
        runner = self.runner_of(number)
        if runner is not None and runner.lane.wanted is not None:
            runner.lane.wanted, runner.lane.out = wanted, out
            self.pump(runner)

    def _opens(self, webhook: Webhook) -> bool:
        if not webhook.sends or self._stops.is_stopped(webhook.org):
            return False
        return self._connections is None or not self._connections.bars(webhook)

    def runner_of(self, number: int) -> WebhookRunner | None:
        """See `LaneDriver`."""
        runner = self._runners.get(number)
        if runner is None:
            webhook = self._registry.get(number)
            if webhook is None:
                return None
            lane = Lane(webhook.connections_max, webhook.rate_per_s, self._budget)
            lane.open = self._opens(webhook)
            lane.wanted = 0 if webhook.type.fetched else None
            runner = self._runners[number] = WebhookRunner(
                webhook, lane, self._channels.open(webhook), self._headers_of
            )
            self._breakers.restore(runner)
            if self._healths.delivers(number):
                runner.pace.trusted()
        return runner

    def known(self, number: int) -> WebhookRunner | None:
        """The webhook's runner, if there is one; also of a deleted one whose attempts go on."""
        return self._runners.get(number) or self._deleted.get(number)

    # -- attempts ---------------------------------------------------------------------------------

    def all_runners(self) -> Iterable[WebhookRunner]:
        """See `LaneDriver`."""
        return (*self._runners.values(), *self._deleted.values())

    def may_claim(self) -> bool:
        """See `LaneDriver`."""
        return not (self.stopping or self._commits.halted)

    def may_send(self) -> bool:
        """See `Sending`."""
        return not (
            self.stopping or self._commits.halted or self._commits.unwritten >= UNWRITTEN_MAX
        )

    @property
    def attempts_running(self) -> int:
        """Attempts under way."""
        return self._admission.permits.used

    def pump(self, runner: WebhookRunner) -> None:
        """See `LanePump`."""
        lane = runner.lane
        if lane.page_wanted:
            self.spawn(self._pages.read(runner, lane.page_began()))
        if lane.can_start:
            self._slots.fill(runner)
        if runner.waiting_since_s is None and lane.can_start:
            runner.waiting_since_s = self._loop.time()
        if runner.next_due_ms is not None and not runner.claiming and lane.claim_wanted:
            self._claims.ask_if_due(runner)

    def may_leave(self, runner: WebhookRunner, job: Job) -> bool:
        """Return whether nothing decided after its start keeps an attempt from being made: the
        webhook was ended, paused or stopped, the delivery cancelled, maybe by a commit whose answer
        was lost, or the store refuses."""
        return (
            runner.lane.open
            and not self.stopping
            and not self._commits.halted
            and job.delivery not in runner.cancelled
            and job.delivery not in runner.doubted
        )

    def put_back(self, slot: Slot, job: Job) -> None:
        """It has not left: it is charged to nobody, and waits as before."""
        runner = slot.runner
        slot.free(self._loop.time())
        cancelled = job.delivery in runner.cancelled
        doubted = job.delivery in runner.doubted
        runner.cancelled.discard(job.delivery)
        runner.doubted.discard(job.delivery)
        runner.lane.breaker.unproven()
        ended = runner.webhook.status in (WebhookStatus.DISABLED, WebhookStatus.DELETED)
        runner.lane.put_back(job, wanted=not (cancelled or ended or doubted))
        if doubted and job.retry and not ended:
            self._claims.release(runner)  # due again, unless the store has ended it

    def unusable(
        self,
        slot: Slot,
        webhook: Webhook,
        job: Job,
        started_ms: int,
        result: AttemptResult,
        restore: Notify,
    ) -> bool:
        """An attempt has not left, for its connection could not be used: it is put back where that
        is so for everybody. Its slot is free meanwhile, and its lane starts nothing."""
        runner = slot.runner
        over = Slot(self._admission, runner)  # the attempt's own may be in use again by then

        def decided(is_held: bool) -> None:
            try:
                if is_held:
                    restore()
                    self.put_back(over, job)
                else:
                    self.attempt_ended(over, webhook, job, started_ms, result)
                self.open_or_close(runner)
            except Exception as error:  # others wait for the same
                self._errors.note(error, AttemptStep.JUDGE, webhook.kind)
                self.take_up(runner, job.delivery)

        if self._connections is None or not self._connections.suspect(webhook, decided):
            return False
        slot.free(self._loop.time())
        runner.lane.free(job.delivery)
        self.open_or_close(runner)
        return True

    def attempt_ended(
        self, slot: Slot, webhook: Webhook, job: Job, started_ms: int, result: AttemptResult | None
    ) -> None:
        """See `AttemptListener`."""
        runner = slot.runner
        lane = runner.lane
        if result is None:
            slot.free(self._loop.time())
            lane.ended(job.delivery, slow=False, delivered=False)
            lane.breaker.unproven()
            self._commits.settle(attempt_results.lost(webhook, job, started_ms))
            return
        ending = result.ending
        took_s = ending.duration_ms / 1000
        answered = ending.__class__ is ReceiverAnswer or is_answered(ending)
        slot.free(self._loop.time(), answered=answered)
        ending, outcome, disable, settlement = self._judge.judge(
            runner, webhook, job, started_ms, result
        )
        delivered = isinstance(outcome, Delivered)
        slow = isinstance(outcome, Retry) and outcome.slow
        lane.ended(job.delivery, slow=slow, delivered=delivered)
        runner.well = delivered and took_s < QUICK_S
        if disable is not None:
            self._ends[job.delivery] = webhook, disable
        self._commits.settle(settlement)
        try:
            self._observer.observe(webhook, job, ending, outcome)
        except Exception as error:
            self._errors.note(error, AttemptStep.OBSERVE, webhook.kind)

    def take_up(self, runner: WebhookRunner, delivery: DeliveryId) -> None:
        """An error of ours has left behind a delivery that was started: the store knows of it."""
        if self.stopping or delivery not in runner.lane.unsettled_attempts:
            return
        del runner.lane.unsettled_attempts[delivery]
        self.fill(runner)

    def fill(self, runner: WebhookRunner) -> None:
        """Have a lane read all that the store has for it, and claim again what did not arrive."""
        self._claims.release(runner)
        runner.lane.start_over()
        self.pump(runner)

    def due(self, webhook: int, due_ms: int) -> None:
        """A retry of a webhook is due then: somebody has asked for it."""
        if (runner := self.runner_of(webhook)) is not None:
            self._claims.note(runner, due_ms)
            self.pump(runner)

    def probe(self, webhook: int) -> None:
        """Ask a webhook's receiver at once, if its breaker is open, or the connection that it goes
        over, if that is held: somebody wants to see."""
        if (runner := self.runner_of(webhook)) is not None:
            self._breakers.ask(runner)
            if self._connections is not None:
                self._connections.hasten(runner.webhook)

    def is_under_way(self, webhook: int, delivery: DeliveryId) -> bool:
        """Return whether an attempt of a delivery is in its webhook's lane, whatever its state."""
        runner = self._runners.get(webhook)
        return runner is not None and delivery in runner.lane.under_way

    def succeeded_outside(self, webhook: int) -> None:
        """A webhook's receiver has taken a message that was no delivery."""
        if (runner := self.runner_of(webhook)) is not None:
            self._breakers.succeeded_outside(runner)
            self.pump(runner)

    def leapt(self, by_ms: int) -> None:
        """Every date is later by so much: the store has followed a leap of the clock."""
        self._judge.began_ms += by_ms
        self._claims.leapt(self._runners.values(), by_ms)
        self.promised_retries.leapt(by_ms)
        self._attempts.leapt_ms += by_ms
        for runner in self._runners.values():
            runner.lane.leapt(by_ms)
        self.spawn(self._look_again(set()))

    def parked(self, webhook: Webhook, _: int) -> None:
        """The store has ended some of a webhook's deliveries: what is in memory may be of those,
        and so may what was started and has not left."""
        if (runner := self._runners.get(webhook.number)) is not None:
            runner.doubted |= runner.lane.unsettled_attempts.keys()
            runner.lane.start_over()
            self.pump(runner)

    # -- connections ------------------------------------------------------------------------------

    async def _close_when_quiet(self, runner: WebhookRunner) -> None:
        if runner.slots:
            await asyncio.wait(list(runner.slots))
        self._deleted.pop(runner.webhook.number, None)
        await runner.channel.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `LaneDriver`."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the end, and how it goes -----------------------------------------------------------------

    async def stop(self, drain_s: float) -> None:
        """Start nothing more, wait for what is under way, call the rest possibly sent."""
        self.stopping = True
        self._claims.stop()
        runners = (*self._runners.values(), *self._deleted.values())
        slots = {slot for runner in runners for slot in runner.slots}
        if slots:
            _, late = await asyncio.wait(slots, timeout=drain_s)
            for slot in late:
                slot.cancel()
            if late:
                await asyncio.wait(late)
        await self._channels.close(self._runners.values())

    def overdue(self) -> list[Webhook]:
        """Webhooks whose lane has a free slot and work that waits too long for it all the same."""
        return self.slot_watch.overdue(self._runners.values())

    @property
    def queued(self) -> int:
        """Deliveries in memory that have not started."""
        return sum(runner.lane.queued for runner in self._runners.values())
