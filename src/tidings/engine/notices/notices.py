"""Tells orgs what Tidings has to say of itself: as events, and by e-mail.

`tell` never waits and never fails: facts go through a bounded queue and are accepted like any
event, so they are stored, matched and delivered; where the org has addresses, an e-mail is written
down first (`emails.py`). A store that takes no writes holds them up, it does not lose them. A stop
tells what was gathered; a kill may lose the deliveries that ended in the last minute, which the log
has.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.actions.act_words import action_facts
from tidings.core.actions.action import Actions
from tidings.core.delivery.job import Job
from tidings.core.delivery.receivers.health import FIRST
from tidings.core.ids import OrgId
from tidings.core.notices.facts import (
    DeliveryEnd,
    Notice,
    NoticeBatches,
    exhausted,
    is_notice,
    notice,
)
from tidings.core.notices.operational_events import (
    DISABLED,
    EXHAUSTED,
    FAILING,
    RECOVERED,
    Fact,
    disabled,
    failing,
    recovered,
)
from tidings.core.running.service_part import ServicePart
from tidings.core.shares.budget import SharedBudget
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import Notify
from tidings.engine.clock import Clock
from tidings.engine.events.intake import Draft, Intake, Overloaded
from tidings.engine.families import AwayFamilies
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.listeners import Listeners
from tidings.engine.notices.emails import Emails
from tidings.engine.running.metric_families import single_value, values_by_label
from tidings.store.port import FamilyAway, StoredHealth, StoreDown

QUEUE_MAX = 1000  # of all orgs; an org has as many as it leaves to others
AGAIN_S = 1.0

PART = ServicePart("operational events", "orgs are not told what became of their webhooks")

log = structlog.get_logger(__name__)


class Notices(Collector):
    """The queue of what is to be told, and its metrics for Prometheus."""

    def __init__(
        self,
        *,
        intake: Intake,
        clock: Clock,
        registry: Registry,
        emails: Emails,
        parked: Listeners[Webhook, int],
        actions: Callable[[OrgId], Actions] = lambda org: {},
        families: AwayFamilies | None = None,
    ) -> None:
        """Listen to how many deliveries were `parked` behind an open breaker. `actions` returns an
        org's actions, as their file has them. Orgs of `families` that are not here are told later;
        None: all are here."""
        self._intake = intake
        self._clock = clock
        self._registry = registry
        self._emails = emails
        self._actions = actions
        self._families = families
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Notice] = deque()
        self._queued = SharedBudget[OrgId](QUEUE_MAX)
        self._done: dict[str, Notify] = {}
        self._ended = NoticeBatches()
        self._telling = asyncio.Lock()  # a stop tells too
        self._wake = asyncio.Event()
        self._notified: Counter[str] = Counter()
        self._lost = 0
        parked.add(self._parked)

    # -- what is to be told -----------------------------------------------------------------------

    def tell(self, kind: str, org: OrgId, fact: Fact, done: Notify | None = None) -> None:
        """Tell an org a fact of `core.notices`; the same fact told twice is one event.

        `done` is called once it is accepted.
        """
        one = notice(kind, org, fact, self._clock.now_ms())
        if done is not None:
            self._done[one.event_id] = done
        self._add(one)

    def ended(self, webhook: Webhook, job: Job, cause: str, why: str = "") -> None:
        """Note that a delivery has failed for good, for `why` where no message could be made. Of
        operational events themselves nothing is told."""
        if not is_notice(job.body):
            now_ms = self._clock.now_ms()
            ended = DeliveryEnd(now_ms, cause, job.delivery, event_id=job.event_id, why=why)
            self._gather(webhook, ended)

    def failing(
        self, webhook: Webhook, health: StoredHealth, until_ms: int, on_notified: Notify
    ) -> None:
        """Report that a webhook has failed for a while, and will be disabled at `until_ms`."""
        since_ms = health.since_ms(self._clock.now_ms())
        percent = 0 if health.notified == FIRST else health.notified
        action = self._action(webhook, health.cause)
        fact = failing(webhook, percent, since_ms, until_ms, health.failures, health.cause, action)
        self.tell(FAILING, webhook.org, fact, on_notified)

    def recovered(self, webhook: Webhook, since_ms: int, on_notified: Notify) -> None:
        """Report that a webhook succeeds again, having failed since then."""
        fact = recovered(webhook, since_ms, self._clock.now_ms(), self._action(webhook))
        self.tell(RECOVERED, webhook.org, fact, on_notified)

    def disabled(
        self,
        webhook: Webhook,
        reason: str,
        parked: int,
        since_ms: int | None,
        on_notified: Notify,
    ) -> None:
        """Report that a webhook is disabled, having failed since then, and that so many deliveries
        were parked."""
        fact = disabled(webhook, reason, parked, since_ms, self._action(webhook))
        self.tell(DISABLED, webhook.org, fact, on_notified)
        log.warning("a webhook is disabled", webhook=webhook.id, parked=parked, reason=reason)

    def _action(self, webhook: Webhook, cause: str = "", why: str = "") -> Fact | None:
        """Build the fact of what an action does, and what keeps it from that; None for any other
        webhook."""
        if not webhook.type.acts:
            return None
        action = self._actions(webhook.org).get(webhook.name)
        return action_facts(None if action is None else action.act, cause, why)

    def _parked(self, webhook: Webhook, count: int) -> None:
        """Note how many deliveries were parked because their time ended behind an open breaker."""
        self._gather(webhook, DeliveryEnd(self._clock.now_ms(), "", parked=count))

    def _gather(self, webhook: Webhook, ended: DeliveryEnd) -> None:
        self._ended.add(webhook, ended)
        self._wake.set()

    def _add(self, one: Notice) -> None:
        if not self._queued.take(one.org):
            self._lost += 1
            self._done.pop(one.event_id, None)
            log.error("more is to be told than can be kept", kind=one.kind, org=one.org)
            return
        self._queue.append(one)
        self._wake.set()

    # -- telling ----------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Tell what was gathered and what waits, before a stop. StoreDown, Overloaded: not told."""
        self._collect(all_of_it=True)
        while self._queue:
            await self._tell_first()

    async def run(self, heart: Heart | None = None) -> None:
        """Tell until cancelled; the e-mails of it go by `Emails.run`."""
        heart = heart or unwatched_heart()
        while True:
            await heart.wait(self._wake, self._ended.wait_s(self._now_s()))
            self._wake.clear()
            self._collect()
            while self._queue:
                try:
                    await self._tell_first()
                except (StoreDown, Overloaded):
                    await heart.sleep(AGAIN_S)
                heart.beat()

    def _collect(self, *, all_of_it: bool = False) -> None:
        now_s, now_ms = self._now_s(), self._clock.now_ms()
        for batch in self._ended.due(now_s, all_of_it=all_of_it):
            action = self._action(batch.webhook, batch.cause, batch.why)
            self._add(notice(EXHAUSTED, batch.webhook.org, exhausted(batch, action), now_ms))

    async def _tell_first(self) -> None:
        async with self._telling:
            if not self._queue:
                return
            first = next((notice for notice in self._queue if self._is_here(notice.org)), None)
            if first is None:
                raise FamilyAway("all that is to be told is for orgs that are not here")
            await self._tell(first)
            self._queue.remove(first)
            self._queued.give(first.org)

    def _is_here(self, org: OrgId) -> bool:
        return self._families is None or not self._families.is_away(org)

    async def _tell(self, one: Notice) -> None:
        await self._emails.note(one)
        about = one.event["data"].get("webHookId")
        number = None if about is None else self._registry.number_of(one.org, about)
        draft = Draft(
            one.org, one.kind, one.event_id, body=one.body, event=one.event, about=number or 0
        )
        (verdict,) = await self._intake.accept([draft])
        if verdict.status == "accepted":
            self._notified[one.kind] += 1
            self._emails.confirm()
        else:
            self._emails.withdraw()
        if (done := self._done.pop(one.event_id, None)) is not None:
            done()

    def _now_s(self) -> float:
        return self._loop.time()

    # -- metrics ----------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        yield values_by_label("notices", self._notified)
        yield values_by_label("mails", self._emails.counts)
        yield single_value("notices_lost", self._lost)
