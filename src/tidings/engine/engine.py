"""The engine: group commit, lanes and healths as one thing that starts, works and stops."""

import asyncio
import contextlib
import random
from collections.abc import Iterable, Sequence
from typing import Protocol, assert_never

import msgspec

from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Cancelled, Delivered, Failed, Outcome, Retry
from tidings.core.delivery.receivers.health import DEFAULT_POLICY as HEALTH_POLICY
from tidings.core.delivery.receivers.health import HealthPolicy
from tidings.core.events.passage import stored_trace
from tidings.core.ids import show
from tidings.core.running.lease import OwnerLease
from tidings.core.running.service_part import ServicePart
from tidings.core.steady_clock import SteadyClock
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination
from tidings.engine.clock import Clock
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.delivery.failure_runs import FailureRuns
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors
from tidings.engine.delivery.health_tracker import BUCKET_MS, PAST_MAX, HealthTracker
from tidings.engine.delivery.health_tracker import PART as HEALTHS
from tidings.engine.delivery.lanes.runners import StopSwitches
from tidings.engine.delivery.message import HeadersOf, MessageHeaders
from tidings.engine.delivery.owed_deliveries import made_at_once
from tidings.engine.delivery.retries.open_drains import OpenDrains
from tidings.engine.delivery.settler import WebhookEnds
from tidings.engine.events.acceptor import Matcher
from tidings.engine.events.commit_queue import CommitQueue, QueuedEvent
from tidings.engine.events.committer import Committer
from tidings.engine.events.feed import Feed
from tidings.engine.events.match_tracker import MatchTracker
from tidings.engine.events.tracing import NoTracing, Tracing
from tidings.engine.families import Families
from tidings.engine.listeners import EngineListeners
from tidings.engine.metrics import EngineMetrics
from tidings.engine.running.supervisor import SupervisedTask, Supervisor, fail
from tidings.engine.shaping.shaper import Shaping
from tidings.store import port

STUCK_S = 5.0
OVERDUE_SHOWN = 3  # webhooks at most
COMMITTER = ServicePart(
    "commits of events", "nothing is accepted and no outcome is written", vital=True, work_s=15.0
)
RECOVER_WINDOW = 512


class EngineLimits(msgspec.Struct, frozen=True):
    """The engine's bounds."""

    waiting_bytes_max: int = 64 << 20  # events that wait for their commit
    waiting_s_max: float = 1.0  # and how long the oldest may
    window_bytes_max: int = 64 << 20  # deliveries in memory that wait for their attempt
    in_flight_max: int = 4000  # attempts at one time
    drain_s: float = 25.0  # how long a stop waits for attempts under way
    deliveries_max: int = port.DELIVERIES_MAX  # made in the transaction of their events
    per_event_max: int = port.PER_EVENT_MAX  # of one event
    fan_out_rows: int = port.FAN_OUT_ROWS  # of those owed, made by one later transaction
    health: HealthPolicy = HEALTH_POLICY  # when owners hear of failing webhooks


class FailureListener(Protocol):
    """Tells orgs of what has failed."""

    def ended(self, webhook: Webhook, job: Job, cause: str, why: str) -> None:
        """Hear of a delivery that has failed for good, for `why` where no message was made."""


class SettlementListener(Protocol):
    """Waits for deliveries to end."""

    def settled(self, settled: Sequence[port.Settlement]) -> None:
        """Hear of settlements that are on stable storage."""


class Engine:
    """Everything between what waits for a commit and a settled delivery, over its ports."""

    _settler: SupervisedTask | None = None
    _watch: SupervisedTask | None = None

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        commits: CommitQueue,
        healths: HealthTracker,
        destination: Destination,
        clock: Clock,
        rng: random.Random,
        shaper: Shaping,
        ends: WebhookEnds,
        stops: StopSwitches,
        families: Families,
        failures: FailureListener,
        drains: OpenDrains,
        runs: FailureRuns,
        settlements: SettlementListener,
        heard: EngineListeners,
        feed: Feed,
        metrics: EngineMetrics,
        limits: EngineLimits,
        in_flight: port.InFlight,
        lease: OwnerLease,
        supervisor: Supervisor,
        errors: UnforeseenErrors,
        headers_of: HeadersOf = MessageHeaders,
        connections: ConnectionWatch | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """`ends` disable webhooks, `stops` have the switches by org; `failures` hears of what has
        failed for good, `drains` and `runs` of each attempt, `settlements` of what is written;
        without the `lease` nothing leaves."""
        self._supervisor, self._tracing = supervisor, tracing or NoTracing()
        self.connections, self._errors = connections, errors
        self._store, self._in_flight = store, in_flight
        self._lease = lease
        self._steady = clock if isinstance(clock, SteadyClock) else None
        self._limits, self._runs = limits, runs
        self._feed, self._metrics = feed, metrics
        self._failures, self._settlements, self._drains = failures, settlements, drains
        self.commits, self.healths = commits, healths
        self.matches = MatchTracker(registry, asyncio.get_running_loop().time)
        self.dispatcher = Dispatcher(
            store=store,
            registry=registry,
            destination=destination,
            clock=clock,
            rng=rng,
            budget_bytes=limits.window_bytes_max,
            in_flight_max=limits.in_flight_max,
            healths=healths,
            shaper=shaper,
            ends=ends,
            stops=stops,
            heard=heard,
            connections=connections,
            observer=self,
            commits=commits,
            in_flight=in_flight,
            lease=lease,
            headers_of=headers_of,
            errors=errors,
        )
        self.committer = Committer(
            store=store,
            registry=registry,
            queue=commits,
            matcher=Matcher(registry, self.matches),
            listener=self,
            families=families,
            deliveries_max=limits.deliveries_max,
            per_event_max=limits.per_event_max,
            fan_out_rows=limits.fan_out_rows,
            failed=lambda error: errors.note(error, AttemptStep.HANDOVER),
        )
        heard.moved.add(self.committer.look_for_owed)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._recovered: Sequence[port.Backlog] | None = None
        self._measure(errors)

    async def start(self) -> None:
        """Recover what a former owner left, then accept and send. The registry is loaded before.

        StoreDown: nothing has begun; start again. What is recovered once is not recovered twice.
        """
        if self._recovered is None:
            self._recovered = await self._store.recover(RECOVER_WINDOW, self._in_flight.left())
        healths, backlogs = await self._store.healths(), self._recovered
        past = await self._store.past_attempts(self.healths.window_from_ms(), BUCKET_MS, PAST_MAX)
        self._in_flight.begin()
        committer = self.committer
        self._settler = self._supervisor.start(
            COMMITTER,
            lambda _: committer.run(),
            may_restart=lambda: not committer.is_busy,
            silent_s=committer.silent_s,
        )
        self._settler.ended.add_done_callback(self._settler_ended)
        self.healths.load(healths, past)
        self._watch = self._supervisor.start(HEALTHS, self.healths.run)
        self.dispatcher.recovery.follow(self.healths.failing_numbers)
        self.dispatcher.recovery.begin(backlogs)

    async def stop(self) -> bool:
        """Start nothing more, wait for attempts within the drain limit, write what is known.

        Returns whether all of it is written. If not, the next start must take what was in flight
        for possibly sent, as after a crash.
        """
        self.committer.second_look.stop()
        await self.dispatcher.stop(self._limits.drain_s)
        if self._settler is None:
            return True
        self.committer.leave_owed()
        written = True
        try:
            async with asyncio.timeout(STUCK_S):
                await self.commits.drained()
        except TimeoutError:
            written = False
        written = written and not self._settler.ended.done() and not self.commits.halted
        for part in (self._settler, self._watch):
            if part is not None:
                await part.stop()
        with contextlib.suppress(port.StoreDown, TimeoutError):
            async with asyncio.timeout(STUCK_S):
                await self.healths.close()
        return written

    def problems(self) -> list[str]:
        """List, in sentences, why the service is not ready; empty when it is. Receivers never
        count."""
        found = []
        if self._settler is None or self._settler.ended.done():
            found.append("The committer must run; it has ended. Restart the service.")
        if self.commits.halted:
            found.append(
                f"The store must take writes; it refuses: {self.commits.failure}. "
                "Free space on its disk, or look at its database."
            )
        if not self._lease.holds():
            found.append(
                "Tidings must renew its lease of the store, to be sure that it still owns it; it "
                "could not in time, and sends nothing. Look at the database and the way to it."
            )
        if (stuck_s := self.committer.stuck_s()) > STUCK_S:
            found.append(f"A commit must end within {STUCK_S:.0f} s; one takes {stuck_s:.0f} s.")
        if self.committer.fan_out_failure:
            found.append(
                "Deliveries of accepted events must be made; the store cannot make them: "
                f"{self.committer.fan_out_failure}. Report this, and restart the service."
            )
        return found

    def notices(self) -> list[str]:
        """List what is wrong with the lanes of single webhooks, and with ourselves, in
        sentences."""
        return [
            f"Webhook {webhook.id} has work and a free slot, but does not send. Report this, and "
            "restart the service."
            for webhook in self.dispatcher.overdue()[:OVERDUE_SHOWN]
        ] + [
            *(() if self.connections is None else self.connections.notices()),
            *self._errors.notices(),
            *self.committer.second_look.notices(),
            *self.dispatcher.slot_watch.notices(),
        ]

    # -- what is told -----------------------------------------------------------------------------

    def _measure(self, errors: UnforeseenErrors) -> None:
        """Have counted what is known here, whenever the metrics are read."""
        metrics = self._metrics
        metrics.counters.update(
            unforeseen_errors=lambda: errors.count,
            lost_slots=lambda: errors.lost_slots,
        )
        metrics.gauges.update(
            in_flight=lambda: self.dispatcher.attempts_running,
            queued=lambda: self.dispatcher.queued,
            owed=lambda: self.committer.owed,
            unwritten=lambda: self.commits.unwritten,
            open_breakers=lambda: self.healths.open_causes.total(),
            store_halted=lambda: self.commits.halted,
        )
        metrics.histograms["commit_seconds"] = self.committer.commits
        metrics.divided["late_attempts"] = lambda: self.dispatcher.slot_watch.late
        metrics.divided["open_breakers_by_cause"] = lambda: self.healths.open_causes
        if (connections := self.connections) is not None:
            metrics.gauges["held_connections"] = lambda: len(connections.held())
            metrics.divided["held_webhooks"] = lambda: connections.counts()

    def _settler_ended(self, settler: "asyncio.Future[None]") -> None:
        if not self.ended.done() and not settler.cancelled():
            error = settler.exception()
            if error is not None:
                fail(self.ended, error)

    @property
    def accepted(self) -> int:
        """Return how many events were accepted since the start."""
        return self._metrics.accepted

    def handover(
        self,
        receipt: port.Receipt,
        events: list[QueuedEvent],
        matched: list[Sequence[port.NewDelivery]],
    ) -> None:
        """See `CommitListener`: deliveries go to their lanes."""
        if self._steady is not None and (by_ms := self._steady.apart_ms(receipt.now_ms)):
            self._steady.follow(by_ms)  # the store's clock is the one that dates are made by
            self.dispatcher.leapt(by_ms)
        fresh = sum(1 for seq in receipt.seqs if seq)
        self._metrics.accepted += fresh
        self._metrics.duplicates += len(events) - fresh
        for event, seq in zip(events, receipt.seqs, strict=True):
            if seq:
                self._metrics.orgs.accepted(event.draft.org)
        self.dispatcher.handover.take(receipt, events, made_at_once(matched, receipt))
        if self._feed.listening:
            for event, seq, found in zip(events, receipt.seqs, matched, strict=True):
                if seq:
                    draft = event.draft
                    fact = {
                        "eventId": draft.event_id,
                        "eventName": draft.name,
                        "acceptedAt": receipt.now_ms,
                        "webhooks": len(found),
                    }
                    self._feed.tell(draft.org, "event", fact)

    def claims_left_out(self, webhooks: Iterable[int]) -> None:
        """See `CommitListener`."""
        self.dispatcher.claims_left_out(webhooks)

    def settled(self, settled: Sequence[port.Settlement], receipt: port.Receipt) -> None:
        """See `CommitListener`."""
        self.dispatcher.settler.settled(settled, receipt)
        self._settlements.settled(settled)

    def look_again(self, claimed_of: set[int]) -> None:
        """See `CommitListener`."""
        self.dispatcher.recovery.look_again(claimed_of)

    def observe(
        self, webhook: Webhook, job: Job, started_ms: int, ending: Ending, outcome: Outcome
    ) -> None:
        """See `AttemptObserver`."""
        self._metrics.attempted(webhook.kind, job, started_ms, ending, outcome)
        if job.passage is not None and (trace := stored_trace(job.passage)):
            self._tracing.end_attempt(trace, webhook, job, ending, outcome)
        if self._drains.open:
            self._drains.hear(webhook, job, ending, outcome)
        self._runs.hear(webhook, job, ending, outcome)
        if isinstance(outcome, Failed) or (isinstance(outcome, Retry) and outcome.waits_for_owner):
            cause = str(ending.status) if isinstance(ending, ReceiverAnswer) else ending.kind.value
            unmade = isinstance(ending, TransportFault) and ending.kind is FaultKind.TRANSFORM
            self._failures.ended(webhook, job, cause, ending.detail if unmade else "")
        if self._feed.listening:
            status = ending.status if isinstance(ending, ReceiverAnswer) else None
            fact = {
                "deliveryId": show("dlv", job.delivery),
                "eventId": job.event_id,
                "webHookId": webhook.id,
                "webHookName": webhook.name,
                "attempt": job.attempt,
                "state": _word(outcome),
                "status": status,
                "fault": ending.kind if isinstance(ending, TransportFault) else None,
                "durationMs": round(ending.duration_ms, 1),
                "nextAttemptInMs": None
                if not isinstance(outcome, Retry)
                else self.dispatcher.next_attempts.next_in_ms(
                    webhook.number, round(outcome.delay_s * 1000)
                ),
            }
            self._feed.tell(webhook.org, "delivery", fact)


def _word(outcome: Outcome) -> str:
    match outcome:
        case Delivered():
            return "delivered"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
        case Retry():
            return "retrying"
        case _:
            assert_never(outcome)
