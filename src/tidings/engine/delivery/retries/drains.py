"""Drains webhooks whose receivers are back: one delivery is tried at once, and what waits follows.

What carries it is what carries every retry: a delivery is made due in the store, and its lane
claims it, under its connections, its rates, its ramp and its order. So a stop or a crash loses
nothing: what was made due goes on, what was not waits for its time, and a drain that is asked for
again goes on from there. Of many that wait, a page is made due at a time.
"""

import asyncio

import structlog

from tidings.core.audit.audit_actions import WEBHOOK_DRAINED
from tidings.core.delivery.drain import DrainState, refuse_drain
from tidings.core.delivery.next_attempt import waits_for
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.running.service_part import ServicePart
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.lanes.drained_lanes import DrainedLanes
from tidings.engine.delivery.lanes.runners import StopSwitches
from tidings.engine.delivery.retries.manual_retries import PromisedRetries
from tidings.engine.delivery.retries.next_attempts import NextAttempts
from tidings.engine.delivery.retries.open_drains import Drain, OpenDrains
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.outage import Outage
from tidings.errors import Conflict, FieldRefusal
from tidings.store import port

PART = ServicePart("drains", "what waits for a receiver that is back waits for its retries")
COUNTED = (State.PENDING, State.HELD, State.RETRYING)  # what waits for a time of its own does not
OPEN_MAX = 1_000  # drains that go on
ORG_MAX = 100  # of one org
PAGE = 500  # retries that are made due in one transaction
LOOK_S = 0.05
RECOUNTS = 6  # of what is left, where a count may be that of a moment before
RECOUNT_MS = 100  # before the first of them; each later one waits twice as long
PROBE_S_MAX = 120.0  # for an attempt that cannot even begin

log = structlog.get_logger(__name__)


class Drains:
    """Begins drains, carries them on and ends them."""

    def __init__(
        self,
        *,
        store: port.Store,
        audit: AuditLog,
        clock: Clock,
        registry: Registry,
        drains: OpenDrains,
        lanes: DrainedLanes,
        promised: PromisedRetries,
        next_attempts: NextAttempts,
        stops: StopSwitches,
        connections: ConnectionWatch,
    ) -> None:
        """`drains` hear of each attempt; `promised` keeps when the probe would have been made."""
        self._store = store
        self._audit = audit
        self._clock = clock
        self._registry = registry
        self._drains = drains
        self._lanes = lanes
        self._promised = promised
        self._next_attempts = next_attempts
        self._stops = stops
        self._connections = connections
        self._wake = asyncio.Event()
        self._outage = Outage("drains")

    def of(self, webhook: Webhook) -> Drain | None:
        """Return the drain of a webhook that goes on, or the last one since the start."""
        return self._drains.of(webhook.number)

    def refusal(self, webhook: Webhook) -> FieldRefusal | None:
        """Return why a webhook cannot be drained now; None: it can be."""
        hold = self._connections.of(webhook)
        refused = refuse_drain(
            webhook.status,
            kind=webhook.kind,
            fetched=webhook.type.fetched,
            calls=webhook.has_target,
            stopped=self._stops.is_stopped(webhook.org),
            held="" if hold is None else hold.why,
        )
        return None if refused is None else FieldRefusal.build(*refused)

    async def expect(self, webhook: Webhook) -> Drain:
        """Return what a drain of a webhook would begin with: what waits, and how fast it can be
        sent. Nothing is done. StoreDown."""
        now_ms = self._clock.now_ms()
        left = await self._count(webhook, now_ms)
        lane = self._lanes.potential_of(webhook.number)
        return Drain(
            webhook=webhook.number,
            org=webhook.org,
            by="",
            begun_ms=now_ms,
            total=left,
            left=left,
            lane=lane,
        )

    async def begin(self, webhook: Webhook, by: str) -> Drain:
        """Begin a drain; one that is under way goes on. Raise Conflict where it cannot be,
        StoreDown where nothing has begun."""
        if (under_way := self._drains.open.get(webhook.number)) is not None:
            return under_way
        if (refusal := self.refusal(webhook)) is not None:
            raise Conflict(refusal)
        if len(self._drains.open) >= OPEN_MAX or self._drains.used_by(webhook.org) >= ORG_MAX:
            raise Conflict(
                FieldRefusal.build(
                    "too_many_drains",
                    f"At most {ORG_MAX} webhooks of an org, and {OPEN_MAX:,} of all, are drained "
                    "at a time; so many are. Ask again when some have ended.",
                )
            )
        drain = Drain(webhook=webhook.number, org=webhook.org, by=by, begun_ms=self._clock.now_ms())
        self._drains.begin(drain)
        try:
            drain.total = drain.left = await self._count(webhook, drain.begun_ms)
            drain.lane = self._lanes.potential_of(webhook.number)
            fields = {"name": webhook.name, "queued": drain.total}
            await self._audit.append(WEBHOOK_DRAINED, webhook.org, webhook.id, fields)
            await self._ask(drain)
        except BaseException:
            self._drains.drop(drain)
            raise
        self._wake.set()
        return drain

    async def _count(self, webhook: Webhook, now_ms: int) -> int:
        [found] = await self._store.count_states([webhook.number], 0, now_ms + 1, COUNTED)
        return sum(found.get(state, 0) for state in COUNTED)

    async def _ask(self, drain: Drain) -> None:
        """Have one delivery tried: what is due anyhow where there is something, else the oldest
        retry, whose own time stays promised."""
        number, now_ms = drain.webhook, self._clock.now_ms()
        has_work = self._lanes.has_work(number, now_ms)
        woken = None if has_work else await self._store.wake_oldest(number)
        if drain.state is not DrainState.PROBING:
            return  # something was tried meanwhile
        if woken is not None:
            if self._lanes.is_closed(number):
                drain.probe = woken.delivery
            if woken.promised_ms is not None:
                self._promised.make(drain.org, woken.delivery, woken.promised_ms)
            self._lanes.note_due(number, woken.due_ms)
        elif not has_work:
            drain.woken = True
            drain.state = DrainState.DRAINING  # nothing waits
        waited = self._lanes.ask(number)
        if not drain.asked:  # asked again, there is nothing left of what the receiver wanted
            drain.asked, drain.waited = True, waited

    # -- behind -----------------------------------------------------------------------------------

    async def run(self, heart: Heart | None = None) -> None:
        """Run what is open, until cancelled."""
        heart = heart or unwatched_heart()
        while True:
            await heart.wait(self._wake, LOOK_S if self._drains.open else None)
            self._wake.clear()
            for drain in list(self._drains.open.values()):
                heart.beat()
                with self._outage:
                    await self._carry_on(drain)

    async def _carry_on(self, drain: Drain) -> None:
        webhook = self._registry.get(drain.webhook)
        if webhook is None:
            drain.left = 0
            self._end(drain, DrainState.ENDED, "The webhook was deleted.")
        elif drain.state is DrainState.REFUSED:
            if drain.waited is not None:
                self._lanes.go_on_waiting(drain.webhook, drain.waited)
            drain.left = await self._count(webhook, drain.begun_ms)
            self._end(drain, DrainState.REFUSED, "")
        elif (refusal := self.refusal(webhook)) is not None:
            await self._leave_off(drain, webhook, refusal.message)
        elif drain.state is DrainState.PROBING:
            if drain.asked and self._lanes.is_idle(drain.webhook, self._clock.now_ms()):
                await self._ask(drain)  # what the lane took for work was none: it has looked
            elif self._clock.now_ms() - drain.begun_ms > PROBE_S_MAX * 1000:
                next_attempt = self._next_attempts.of(webhook.number, DeliveryId(0), True)
                why = waits_for(next_attempt, acts=webhook.type.acts)
                await self._leave_off(drain, webhook, f"Nothing could be tried. {why}".strip())
        elif self._lanes.is_left_alone(drain.webhook):
            await self._leave_off(drain, webhook, "The receiver fails again, and is left alone.")
        elif not drain.woken:
            await self._make_due(drain)
        else:
            await self._look(drain, webhook)

    async def _make_due(self, drain: Drain) -> None:
        place = drain.place or (drain.begun_ms, 0)
        page = await self._store.wake_retries(drain.webhook, drain.begun_ms, place, PAGE)
        drain.place, drain.woken = page.place, page.place is None
        if page.count:
            self._lanes.note_due(drain.webhook, drain.begun_ms)
        self._wake.set()

    async def _look(self, drain: Drain, webhook: Webhook) -> None:
        """End it where nothing of what waited is due, or under way, any more."""
        if self._lanes.holds_older(drain.webhook, drain.begun_ms):
            drain.last = None
            return
        begun = self._lanes.begun(drain.webhook)
        if drain.last is None:
            drain.last = begun
        if not drain.last & begun:
            if 0 < drain.recount_ms - self._clock.now_ms() <= RECOUNT_MS << RECOUNTS:
                return  # a clock that was set back holds up nothing
            drain.left = await self._count(webhook, drain.begun_ms)
            if drain.left > drain.failed and drain.recounts < RECOUNTS:
                drain.recount_ms = self._clock.now_ms() + (RECOUNT_MS << drain.recounts)
                drain.recounts += 1
                return  # more than what failed again: on a busy machine the log's counts are late
            why = "" if drain.total else "Nothing was queued."
            if drain.left:
                why = "What was queued has been tried; what is left waits for its next retry."
            self._end(drain, DrainState.DONE, why)

    async def _leave_off(self, drain: Drain, webhook: Webhook, why: str) -> None:
        drain.left = await self._count(webhook, drain.begun_ms)
        self._end(drain, DrainState.ENDED, why)

    def _end(self, drain: Drain, state: DrainState, why: str) -> None:
        drain.state, drain.why = state, why
        self._drains.end(drain)
        log.info(
            "a drain has ended",
            webhook=drain.webhook,
            state=state.value,
            delivered=drain.delivered,
            failed=drain.failed,
            left=drain.left,
        )
