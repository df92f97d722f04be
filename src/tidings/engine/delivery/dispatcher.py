"""Owns the lanes of all webhooks: puts their parts together, and lets lanes read, claim and start.

`pump` lets a lane do so. Runners (lane, channel, tasks) are kept in lanes/runners.py, what happens
to their webhooks is followed in lanes/changes.py, and what no receipt has told of is read again in
lanes/recovery.py. Attempts are made in slots (send_slots.py); settler.py hears how they have ended.
Due retries arrive with the receipt of the commit that has written their attempts down
(retry_claims.py).
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.replay import window
from tidings.core.running.lease import OwnerLease
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination
from tidings.engine.clock import Clock
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.attempts import Attempts
from tidings.engine.delivery.breakers import Breakers
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.judgement import AttemptJudge
from tidings.engine.delivery.guards.lane_rescue import LaneRescuer
from tidings.engine.delivery.guards.lease_watch import LeaseWatch
from tidings.engine.delivery.guards.slot_watch import SlotWatch
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.lanes.changes import LaneChanges
from tidings.engine.delivery.lanes.channels import Channels
from tidings.engine.delivery.lanes.drained_lanes import DrainedLanes
from tidings.engine.delivery.lanes.pages import Pages
from tidings.engine.delivery.lanes.recovery import LaneRecovery
from tidings.engine.delivery.lanes.runners import StopSwitches, WebhookRunners
from tidings.engine.delivery.lanes.start_pacer import StartPacer
from tidings.engine.delivery.message import HeadersOf, MessageHeaders
from tidings.engine.delivery.receipt_dispatch import ReceiptDispatch
from tidings.engine.delivery.retries.manual_retries import PromisedRetries
from tidings.engine.delivery.retries.next_attempts import NextAttempts
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import WebhookRunner
from tidings.engine.delivery.send_slots import SendSlots
from tidings.engine.delivery.settler import AttemptObserver, AttemptSettler, WebhookEnds
from tidings.engine.events.commit_queue import UNWRITTEN_BYTES_MAX, UNWRITTEN_MAX, Commits
from tidings.engine.listeners import EngineListeners
from tidings.engine.outage import Outage
from tidings.engine.shaping.shaper import Shaping
from tidings.store import port


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
        lease: OwnerLease,
        in_flight: port.InFlight | None = None,  # None: after a kill all may have been sent
        headers_of: HeadersOf = MessageHeaders,
        errors: UnforeseenErrors | None = None,
        connections: ConnectionWatch | None = None,  # None: what attempts say of them is taken
    ) -> None:
        """Disable webhooks by `ends`, report each attempt to `observer`, and listen to `heard`, by
        which the parts inform each other. `stops` holds the stop switches by org."""
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.stopping = False
        self._store, self._clock = store, clock
        self._commits, self._healths = commits, healths
        self._lease, self._lease_watch = lease, LeaseWatch(lease, self)
        self._errors = errors = errors or UnforeseenErrors()
        self._reading = Outage("what lanes have to read")
        self._budget = WindowBudget(budget_bytes)
        self._admission = Admission(in_flight_max, budget_bytes, self)
        self._channels = Channels(destination=destination, lanes=self, errors=errors)
        self._breakers = Breakers(healths, rng, self)
        self.runners = WebhookRunners(
            registry=registry,
            budget=self._budget,
            channels=self._channels,
            breakers=self._breakers,
            healths=healths,
            headers_of=headers_of,
            stops=stops,
            connections=connections,
        )
        self._claims = self._make_claims()
        self._rescuer = LaneRescuer(runners=self.runners, lanes=self, errors=errors)
        self.promised_retries = PromisedRetries()
        self._judge = AttemptJudge(
            clock=clock,
            rng=rng,
            promised=self.promised_retries,
            breakers=self._breakers,
            errors=errors,
        )
        in_flight = in_flight or port.NullInFlight()
        self.settler = self._make_settler(registry, in_flight, ends, observer, connections)
        self._attempts = self._make_attempts(shaper, in_flight)
        self._slots = self._make_slots()
        self._pages = self._make_pages()
        self.handover = self._make_handover()
        self.recovery = self._make_recovery()
        self.changes = self._make_changes(heard, connections)
        self.next_attempts = NextAttempts(
            self.runners, self, healths, clock, self._admission, connections
        )
        self.drained_lanes = DrainedLanes(
            runners=self.runners, lanes=self, breakers=self._breakers, claims=self._claims
        )
        self.slot_watch = SlotWatch(
            admission=self._admission,
            runners=self.runners,
            lanes=self,
            slots=self._slots,
            errors=errors,
        )

    # -- its parts --------------------------------------------------------------------------------

    def _make_claims(self) -> RetryClaims:
        return RetryClaims(
            store=self._store,
            clock=self._clock,
            runners=self.runners.at_work,
            lanes=self,
            commits=self._commits,
            healths=self._healths,
            budget=self._budget,
        )

    def _make_settler(
        self,
        registry: Registry,
        in_flight: port.InFlight,
        ends: WebhookEnds,
        observer: AttemptObserver,
        connections: ConnectionWatch | None,
    ) -> AttemptSettler:
        return AttemptSettler(
            runners=self.runners.at_work,
            lanes=self,
            registry=registry,
            admission=self._admission,
            judge=self._judge,
            commits=self._commits,
            lease=self._lease,
            claims=self._claims,
            rescuer=self._rescuer,
            in_flight=in_flight,
            ends=ends,
            observer=observer,
            errors=self._errors,
            connections=connections,
        )

    def _make_attempts(self, shaper: Shaping, in_flight: port.InFlight) -> Attempts:
        return Attempts(
            shaper=shaper,
            store=self._store,
            clock=self._clock,
            in_flight=in_flight,
            lease=self._lease,
            listener=self.settler,
            lanes=self,
            errors=self._errors,
        )

    def _make_slots(self) -> SendSlots:
        return SendSlots(
            admission=self._admission,
            attempts=self._attempts,
            channels=self._channels,
            lanes=self,
            errors=self._errors,
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

    def _make_handover(self) -> ReceiptDispatch:
        return ReceiptDispatch(
            runners=self.runners,
            pacer=StartPacer(self, self._rescuer),
            healths=self._healths,
            claims=self._claims,
            rescuer=self._rescuer,
        )

    def _make_recovery(self) -> LaneRecovery:
        return LaneRecovery(
            store=self._store,
            reading=self._reading,
            runners=self.runners,
            lanes=self,
            claims=self._claims,
            rescuer=self._rescuer,
        )

    def _make_changes(
        self, heard: EngineListeners, connections: ConnectionWatch | None
    ) -> LaneChanges:
        return LaneChanges(
            heard=heard,
            runners=self.runners,
            lanes=self,
            channels=self._channels,
            breakers=self._breakers,
            claims=self._claims,
            connections=connections,
        )

    # -- lanes ------------------------------------------------------------------------------------

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

    def may_send(self) -> bool:
        """See `Sending`."""
        commits = self._commits
        return not (
            self.stopping
            or commits.halted
            or commits.unwritten >= UNWRITTEN_MAX
            or commits.unwritten_bytes >= UNWRITTEN_BYTES_MAX
            or not self._lease_watch.holds()
        )

    def may_claim(self) -> bool:
        """See `LaneDriver`."""
        return not (self.stopping or self._commits.halted)

    def give_turns(self) -> None:
        """See `LaneDriver`."""
        self._slots.give()

    def open_or_close(self, runner: WebhookRunner) -> None:
        """See `LaneDriver`."""
        opens = runner.rest is None and self.runners.opens(runner.webhook)
        if opens != runner.lane.open:
            runner.lane.open = opens
            runner.lane.start_over()
            if opens and runner.release_wanted:
                self._claims.release(runner)
            self.pump(runner)

    def fill(self, runner: WebhookRunner) -> None:
        """Have a lane read all that the store has for it, and claim again what did not arrive."""
        self._claims.release(runner)
        runner.lane.start_over()
        self.pump(runner)

    def take_up(self, runner: WebhookRunner, delivery: DeliveryId) -> None:
        """Take up a delivery that was started and that an error of ours has left behind: the store
        knows of it."""
        if self.stopping or delivery not in runner.lane.unsettled_attempts:
            return
        del runner.lane.unsettled_attempts[delivery]
        self.fill(runner)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `LaneDriver`."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what others ask ------------------------------------------------------------------------

    def replay_room(self, webhook: Webhook) -> int:
        """Return how many deliveries of replays its lane has room for now; live work comes
        first."""
        runner = self.runners.runner_of(webhook.number)
        if runner is None or not runner.lane.open or runner.lane.dormant or runner.lane.behind:
            return 0
        if self._commits.halted or self._admission.permits.busy:
            return 0
        return max(0, window(webhook.connections_max) - runner.lane.replaying)

    def read_again(self, webhook: Webhook) -> None:
        """Have the store read again: it may hold deliveries of this webhook that no receipt has
        told of."""
        if (runner := self.runners.at_work.get(webhook.number)) is not None:
            runner.lane.start_over()
            self.pump(runner)

    def under_way(self, is_of: Callable[[OrgId], bool]) -> int:
        """Count what has begun for the webhooks of some orgs, and is not written yet: attempts, and
        retries that are asked for."""
        return sum(
            len({*runner.lane.unsettled_attempts} | runner.lane.under_way)
            + len(runner.slots)
            + runner.claiming
            for runner in self.runners.all()
            if is_of(runner.webhook.org)
        )

    def claims_left_out(self, webhooks: Iterable[int]) -> None:
        """Note that nothing comes of claims, since the family of the webhooks is not here."""
        for webhook in webhooks:
            if (runner := self.runners.at_work.get(webhook)) is not None:
                self._claims.leave(runner)

    def succeeded_outside(self, webhook: int) -> None:
        """Note that a webhook's receiver has taken a message that was no delivery."""
        if (runner := self.runners.runner_of(webhook)) is not None:
            self._breakers.succeeded_outside(runner)
            self.pump(runner)

    @property
    def attempts_running(self) -> int:
        """Count the attempts under way."""
        return self._admission.permits.used

    @property
    def queued(self) -> int:
        """Count the deliveries in memory that have not started."""
        return sum(runner.lane.queued for runner in self.runners.at_work.values())

    def has_waiting(self, number: int) -> bool:
        """Return whether deliveries of a webhook wait, here or for the time of their retry."""
        runner = self.runners.at_work.get(number)
        if runner is None:
            return False
        return bool(runner.lane.queued) or runner.next_due_ms is not None

    def with_backlog(self) -> list[int]:
        """List the webhooks whose lanes have something that has not started."""
        at_work = self.runners.at_work.values()
        return [
            runner.webhook.number
            for runner in at_work
            if runner.lane.queued or runner.lane.page_wanted
        ]

    def overdue(self) -> list[Webhook]:
        """List the webhooks whose lane has a free slot and work that waits too long for it all the
        same."""
        return self.slot_watch.overdue(self.runners.at_work.values())

    # -- the clock, and the end --------------------------------------------------------------------

    def leapt(self, by_ms: int) -> None:
        """Move every date by so much: the store has followed a leap of the clock."""
        self._judge.began_ms += by_ms
        self._claims.leapt(self.runners.at_work.values(), by_ms)
        self.promised_retries.leapt(by_ms)
        self._attempts.leapt_ms += by_ms
        for runner in self.runners.at_work.values():
            runner.lane.leapt(by_ms)
        self.spawn(self.recovery.read_unfinished(set()))

    async def stop(self, drain_s: float) -> None:
        """Start nothing more, wait for what is under way, call the rest possibly sent."""
        self.stopping = True
        self._claims.stop()
        runners = (*self.runners.at_work.values(), *self.runners.deleted.values())
        slots = {slot for runner in runners for slot in runner.slots}
        if slots:
            _, late = await asyncio.wait(slots, timeout=drain_s)
            for slot in late:
                slot.cancel()
            if late:
                await asyncio.wait(late)
        await self._channels.close(self.runners.at_work.values())
